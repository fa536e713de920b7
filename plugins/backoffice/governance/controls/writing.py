"""The results of controls as text, as plain data and as a page; the catalogue as a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from backoffice import __version__, settings
from backoffice.domain.period import Period
from backoffice.governance.controls.catalogue import Control
from backoffice.governance.controls.examine import NOT_PERFORMED, UNEXPECTED, Finding, Result, Share

SHOWN = 20  # findings per control in the text; the data has all
_OWN_MEANINGS = {
    NOT_PERFORMED: "The test could not be performed; what it would have found is unknown.",
    UNEXPECTED: "The test found something that the catalogue does not describe.",
}


def money(amount: Decimal, currency: str | None) -> str:
    """Return an amount with its currency, at least two decimals, none lost."""
    exact = (
        amount.quantize(Decimal("0.01")) if amount == amount.quantize(Decimal("0.01")) else amount.normalize()
    )
    return f"{exact:f} {currency}" if currency else f"{exact:f}"


def meaning(control: Control, finding: Finding) -> str:
    """Return what a finding means, in a sentence."""
    described = control.exceptions | control.notices | _OWN_MEANINGS
    return described[finding.check]


def _share(share: Share) -> str:
    said = f"{share.items:,} {share.unit}"
    if share.amount is not None:
        said += f", {money(share.amount, share.currency)}"
    return said if share.tested == share.items else f"{said} (tested {share.tested:,})"


def _finding(finding: Finding) -> str:
    parts = [finding.ref, finding.what]
    if finding.amount is not None:
        parts.append(money(finding.amount, finding.currency))
    if finding.who:
        parts.append(f"by {finding.who}")
    if finding.at is not None:
        parts.append(f"{finding.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    return " | ".join(parts)


def as_text(period: Period, results: Sequence[Result]) -> Iterator[str]:
    """Yield the lines that are printed."""
    yield f"Controls of {period.name}: {period}"
    width = max(len(result.control.id) for result in results)
    for result in results:
        yield ""
        control, outcome = result.control, result.outcome if result.good else result.outcome.upper()
        yield f"{control.id:<{width}}  {outcome}  {control.name} ({control.kind})"
        yield f"  population   {'; '.join(map(_share, result.population)) or 'none'}"
        yield f"  tested       {result.tested:,} of {result.items:,}"
        for title, findings in (("exceptions", result.exceptions), ("notices", result.notices)):
            if findings or title == "exceptions":
                yield f"  {title:<11}  {len(findings):,}"
            for finding in findings[:SHOWN]:
                yield f"    {finding.check}: {_finding(finding)}"
            if len(findings) > SHOWN:
                yield f"    and {len(findings) - SHOWN:,} more: --json lists all"
    bad = [result.control.id for result in results if not result.good]
    yield ""
    yield f"{len(results)} controls, {len(bad)} with exceptions" + (f": {', '.join(bad)}" if bad else "")


def as_data(period: Period, results: Sequence[Result], at: datetime) -> dict[str, Any]:
    """Return plain data: texts, whole numbers and lists; amounts are texts."""
    return {
        "period": {
            "name": period.name,
            "first_day": period.first_day.isoformat(),
            "last_day": period.last_day.isoformat(),
        },
        "examined_at": _moment(at),
        "package_version": __version__,
        "good": all(result.good for result in results),
        "controls": [_result_data(result) for result in results],
    }


def _result_data(result: Result) -> dict[str, Any]:
    control = result.control
    return {
        "id": control.id,
        "name": control.name,
        "kind": control.kind,
        "owner": control.owner,
        "outcome": result.outcome,
        "population": [
            {
                "unit": share.unit,
                "items": share.items,
                "tested": share.tested,
                "amount": None if share.amount is None else money(share.amount, None),
                "currency": share.currency,
            }
            for share in result.population
        ],
        "items": result.items,
        "tested": result.tested,
        "exceptions": [_finding_data(control, finding) for finding in result.exceptions],
        "notices": [_finding_data(control, finding) for finding in result.notices],
        "seconds": f"{result.seconds:.3f}",
    }


def _finding_data(control: Control, finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "meaning": meaning(control, finding),
        "ref": finding.ref,
        "what": finding.what,
        "who": finding.who,
        "at": None if finding.at is None else _moment(finding.at),
        "amount": None if finding.amount is None else money(finding.amount, None),
        "currency": finding.currency,
    }


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def as_page(period: Period, results: Sequence[Result], at: datetime) -> str:
    """Return a page that needs nothing else, to read and to file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(settings.include_dir() / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    return pages.get_template("controls.html").render(
        period=period,
        results=results,
        at=_moment(at),
        version=__version__,
        share=_share,
        finding=_finding,
        meaning=meaning,
    )


def as_document(controls: Sequence[Control]) -> str:
    """Return the catalogue as the Markdown page of the documentation."""
    lines = [
        "# Controls",
        "",
        "<!-- Written by `backoffice controls --catalogue`; change include/controls and write it anew. -->",
        "",
        "What each control says, on what it is tested and what counts as an exception. "
        "`backoffice controls --period P`",
        "tests all of them over every item of a period; "
        "[how an auditor uses it](../explanation/controls.md).",
        "",
        "| control | says | kind | owner |",
        "|---|---|---|---|",
        *(f"| [{one.id}](#{one.id}) | {one.name} | {one.kind} | {one.owner} |" for one in controls),
        "",
    ]
    for control in controls:
        lines += _section(control)
    return "\n".join(lines)


def _section(control: Control) -> list[str]:
    lines = [
        f"## {control.id}",
        "",
        f"**{control.name}.** {control.assertion}",
        "",
        "| | |",
        "|---|---|",
        f"| risk | {control.risk} |",
        f"| kind, frequency | {control.kind}; {control.frequency} |",
        f"| owner | {control.owner} |",
        f"| population | {control.population} |",
        f"| dated by | {control.dated_by} |",
        f"| test | {control.test} `{control.sql_file}` |",
        f"| evidence | {'; '.join(control.evidence)} |",
        "",
        "| exception | means |",
        "|---|---|",
        *(f"| `{check}` | {sentence} |" for check, sentence in control.exceptions.items()),
        "",
    ]
    if control.notices:
        lines += [
            "| notice | means |",
            "|---|---|",
            *(f"| `{check}` | {sentence} |" for check, sentence in control.notices.items()),
            "",
        ]
    return lines
