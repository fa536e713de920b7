"""Possible causes of a hold in words, each with the evidence that the ledger found for it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from backoffice.domain.wording import amount, moment, number, plain
from backoffice.settings import include_dir
from backoffice.web import words

_MONEY = {
    "net_amount",
    "reference_amount",
    "difference",
    "other_gross",
    "expected",
    "off",
    "printed",
    "taxable",
    "tax",
}
_MOMENTS = {"other_received_at", "received_at", "accepted_at"}
_AS_RECORDED = {
    "number",
    "other_number",
    "order",
    "order_line",
    "other_order",
    "other_line",
    "named_order",
    "named_line",
    "reference",
    "receipt",
    "reverses",
    "version",
    "old_version",
    "new_version",
    "category",
    "earlier_invoice",
}
_DIRECTIONS = {"times": "times", "divided": "divided by", "same": "as"}


@dataclass(frozen=True)
class Evidence:
    """One record of the ledger that speaks for a hypothesis."""

    what: str
    reference: str
    value: str
    at: str
    state: str


@dataclass(frozen=True)
class HypothesisView:
    """A possible cause.

    :param score: 1 fits exactly; the best comes first.
    """

    hypothesis: str
    title: str
    line: str | None
    sentence: str
    score: str
    fits: str
    evidence: Sequence[Evidence]


def view_hypotheses(told: Sequence[Mapping[str, Any]]) -> list[HypothesisView]:
    """Put the hypotheses of a hand-over into words; one without evidence is not shown."""
    return [_view(one) for one in told if one.get("evidence")]


def _view(one: Mapping[str, Any]) -> HypothesisView:
    name = str(one.get("hypothesis", ""))
    facts = {str(key): value for key, value in (one.get("facts") or {}).items()}
    score = str(one.get("score", ""))
    return HypothesisView(
        hypothesis=name,
        title=_title(name),
        line=str(one["line_id"]) if one.get("line_id") else None,
        sentence=words.sentence(_template(name, facts), {key: _written(key, facts[key]) for key in facts}),
        score=score,
        fits="fits exactly" if score == "1" else "likely" if score >= "0.9" else "possible",
        evidence=[_evidence(item) for item in one["evidence"]],
    )


def _template(name: str, facts: Mapping[str, Any]) -> str:
    variant = name
    if name == "unit_factor":
        variant = f"unit_factor/{'same' if facts.get('direction') == 'same' else facts.get('of')}"
    elif name == "other_currency" and facts.get("same_amount") == "true":
        variant = "other_currency/same"
    elif name == "dearer_price" and facts.get("earlier_invoice"):
        variant = "dearer_price/before"
    elif name == "wrong_line_amount" and facts.get("agrees_with_order") == "true":
        variant = "wrong_line_amount/order"
    # one of a later version is shown by its facts
    said = _texts().get(variant) or ("", "; ".join(f"{plain(key)}: {{{key}}}" for key in sorted(facts)))
    return said[1]


def _title(name: str) -> str:
    return next(
        (title for variant, (title, _) in _texts().items() if variant.partition("/")[0] == name), plain(name)
    )


@cache
def _texts() -> Mapping[str, tuple[str, str]]:
    """Return title and sentence by variant, read once per process."""
    path = include_dir() / "reference" / "hypotheses.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["variant"]: (row["title"], row["sentence"]) for row in csv.DictReader(file)}


def _written(name: str, value: Any) -> str:
    if name == "direction":
        return _DIRECTIONS.get(str(value), str(value))
    if name in _MONEY:
        return amount(value)
    if name in _MOMENTS:
        return moment(value)
    return str(value) if name in _AS_RECORDED else number(value)


def _evidence(item: Mapping[str, Any]) -> Evidence:
    return Evidence(
        what=plain(item.get("what") or "record"),
        reference=str(item.get("reference") or ""),
        value=str(item.get("value") or ""),
        at=moment(item.get("at"), ""),
        state=str(item.get("state") or ""),
    )
