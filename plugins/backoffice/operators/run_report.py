"""The report of a run as a page: the same one in Airflow's UI and in the file beside the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backoffice.domain import wording
from backoffice.settings import include_dir

_CHART_WIDTH = 1000
MISSING = "\N{EN DASH}"
_TEMPLATE = "run_report.html"

# outcome of an invoice -> what people call it; also the order in the chart
_OUTCOMES = {"approve": "Approved by the machine", "wait": "Waiting", "review": "For review"}
_EFFECTS = {"B": "blocks posting", "P": "blocks payment", "W": "warning"}
_STATES = {
    "missing": "nothing arrived",
    "reading": "reading was not finished",
    "read": "not checked",
    "gated": "checked, not accepted",
    "refused": "refused",
}
_SOUND_STATES = ("accepted",)


@dataclass(frozen=True)
class Bar:
    """One bar of a chart: what it stands for and where it lies, in parts of 1000."""

    label: str
    value: str
    start: int
    width: int
    kind: str


@dataclass(frozen=True)
class SourceLine:
    """What one source delivered, and whether received = accepted + quarantined + already known."""

    source: str
    dataset: str
    state: str
    state_in_words: str
    sound: bool
    profile: str | None
    parser: str | None
    as_of: str | None
    counts: Mapping[str, Any]
    amounts: Mapping[str, Decimal | None]
    unknown: int
    ties: bool


def report_environment() -> Environment:
    """Return the Jinja environment of ``include/templates``: autoescaped, strict about names."""
    environment = Environment(
        loader=FileSystemLoader(include_dir() / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(REPORT_FILTERS)
    return environment


def render_run_report(report: Mapping[str, Any]) -> str:
    """Return the report as one self-contained HTML file: it loads nothing and works offline.

    :param report: The run's report as written to ``ops.run_report``; amounts are text.
    """
    environment = report_environment()
    css = (include_dir() / "templates" / "report.css").read_text(encoding="utf-8")
    return environment.get_template(_TEMPLATE).render(css=css, **report_view(report))


def report_view(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template of the report needs, charts already laid out. Books and decides nothing.

    A part that the run did not report is empty, and the page says that it is missing: nothing is made up.
    """
    report = _forgiving(report)
    sources = [_source_line(line) for line in report.get("sources") or []]
    checks = list(report.get("checks") or [])
    invoices = report["invoices"] or _Reported()
    holds = sorted(
        report.get("holds") or [], key=lambda hold: (-_number(hold.get("count")), hold.get("code", ""))
    )
    return {
        "run": report["run"] or _Reported(),
        "sources": sources,
        "source_trouble": [line for line in sources if not line.sound],
        "missing_datasets": sorted(set(report["stale"] or []) - {line.dataset for line in sources}),
        "invoices": invoices,
        "outcome_bars": _stacked((_OUTCOMES[name], invoices.get(name), name) for name in _OUTCOMES),
        "lines": report["lines"] or _Reported(),
        "holds": [{**hold, "effect_in_words": _EFFECTS.get(hold.get("effect", ""), "")} for hold in holds],
        "hold_bars": _ranked(
            (hold.get("title") or hold.get("code"), hold.get("count"), hold.get("effect")) for hold in holds
        ),
        "bookings": report["bookings"] or _Reported(),
        "left_undone": report.get("left_undone") or [],
        "payments": report["payments"] or _Reported(),
        "cases": report["cases"] or _Reported(),
        "quarantine": report.get("quarantine") or [],
        "quarantine_open": report.get("quarantine_open") or [],
        "money_at_stake": report.get("money_at_stake") or [],
        "oversight": report["oversight"] or _Reported(),
        "policy": report["policy"] or _Reported(),
        "audit": report["audit"] or _Reported(),
        "draft_policies": list(report["draft_policies"] or ()),
        "checks": checks,
        "failed_checks": [check for check in checks if not check.get("ok")],
        "untied": [line for line in sources if not line.ties],
    }


class _Reported(dict[str, Any]):
    """A part of a report in which what was not reported reads as nothing instead of failing the page."""

    def __missing__(self, name: str) -> str:
        return ""


def _forgiving(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _Reported({str(name): _forgiving(item) for name, item in value.items()})
    if isinstance(value, list):
        return [_forgiving(item) for item in value]
    return value


def _source_line(line: Mapping[str, Any]) -> SourceLine:
    names = ("received", "accepted", "quarantined", "known")
    counts = {name: line.get(name) for name in names}
    amounts = {name: wording.read_decimal(line.get(f"{name}_amount")) for name in names}
    state = str(line.get("state") or "missing")
    return SourceLine(
        source=str(line.get("source", "")),
        dataset=str(line.get("dataset", "")),
        state=state,
        state_in_words=_STATES.get(state, state),
        sound=state in _SOUND_STATES,
        profile=line.get("profile"),
        parser=line.get("parser"),
        as_of=line.get("as_of"),
        counts=counts,
        amounts=amounts,
        unknown=int(_number(line.get("unknown"))),
        ties=state not in _SOUND_STATES or (_ties(counts.values()) and _ties(amounts.values())),
    )


def _ties(values: Iterable[Any]) -> bool:
    """Tell whether the first of four values is the sum of the others; four that are missing tie."""
    whole, *parts = values
    if whole is None:
        return all(part is None for part in parts)
    return all(part is not None for part in parts) and Decimal(whole) == sum(Decimal(part) for part in parts)


def _stacked(items: Iterable[tuple[str, Any, str]]) -> Sequence[Bar]:
    """Lay bars end to end over the whole width; rounding never loses or adds a part."""
    known = [(label, _number(value), kind) for label, value, kind in items]
    total = sum((value for _, value, _ in known), Decimal(0))
    bars, before = [], Decimal(0)
    for label, value, kind in known:
        if total > 0 and value > 0:
            start = int(before / total * _CHART_WIDTH)
            end = int((before + value) / total * _CHART_WIDTH)
            bars.append(Bar(label, count(value), start, max(end - start, 1), kind))
        before += value
    return bars


def _ranked(items: Iterable[tuple[Any, Any, Any]]) -> Sequence[Bar]:
    """Lay bars one under the other, the largest over the whole width."""
    known = [(str(label), _number(value), str(kind)) for label, value, kind in items]
    largest = max((value for _, value, _ in known), default=Decimal(0))
    if largest <= 0:
        return []
    return [
        Bar(label, count(value), 0, max(int(value / largest * _CHART_WIDTH), 4), kind)
        for label, value, kind in known
        if value > 0
    ]


def money(value: object, currency: str | None = None) -> str:
    """Return an amount with two decimals or more; a missing one is a dash, never zero."""
    return wording.amount(value, currency, MISSING)


def count(value: object) -> str:
    """Return a number of things; a missing one is a dash."""
    return wording.number(value, MISSING)


def share(value: object) -> str:
    """Return a share (0.934) as a percentage with one decimal (93.4 %)."""
    amount = wording.read_decimal(value)
    return MISSING if amount is None else f"{amount * 100:.1f} %"


def when(value: object) -> str:
    """Return a moment; a missing one is a dash."""
    return wording.moment(value, MISSING)


def _number(value: object) -> Decimal:
    return wording.read_decimal(value) or Decimal(0)


REPORT_FILTERS = {
    "money": money,
    "count": count,
    "share": share,
    "when": when,
    "role": wording.role,
    "words": wording.plain,
}
