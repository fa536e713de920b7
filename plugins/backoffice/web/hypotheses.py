"""Possible causes of a hold in words, each with the evidence that the ledger found for it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from backoffice.domain.wording import (
    amount,
    moment,
    number,
    plain,
    price,
    quantity,
    unit,
    unit_with_code,
)
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
_PRICES = {"price", "order_price", "old_price", "new_price"}
# A fact of these hypotheses is a price or an amount, elsewhere it is a quantity.
_BILLED: Mapping[str, Callable[[object], str]] = {
    "older_order_price": price,
    "dearer_price": price,
    "unit_factor/price": price,
    "other_currency": amount,
}
_UNITS = {"uom", "billed_uom", "compared_uom"}
_MOMENTS = {"other_received_at", "received_at", "known_at", "changed_at", "old_at"}
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
    "total",
    "buyer",
}
_DIRECTIONS = {"times": "times", "divided": "divided by", "same": "as"}
_COVERS = {
    "enough": " What was received would cover both.",
    "not enough": " What was received does not cover both.",
}


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
    :param total: Whether the amount is the agreed one although quantity and price differ: ``same``,
        ``multiple`` or ``other``; None where that was not asked.
    :param other_case: The case of the document that this one repeats.
    """

    hypothesis: str
    title: str
    line: str | None
    sentence: str
    score: str
    fits: str
    evidence: Sequence[Evidence]
    total: str | None = None
    other_case: int | None = None


def view_hypotheses(told: Sequence[Mapping[str, Any]]) -> list[HypothesisView]:
    """Put the hypotheses of a hand-over into words; one without evidence is not shown."""
    return [_view(one) for one in told if one.get("evidence")]


def _view(one: Mapping[str, Any]) -> HypothesisView:
    name = str(one.get("hypothesis", ""))
    facts = {str(key): value for key, value in (one.get("facts") or {}).items()}
    score = str(one.get("score", ""))
    variant = _variant(name, facts)
    # one of a later version is shown by its facts
    title, template = _texts().get(variant) or (
        plain(name),
        "; ".join(f"{plain(key)}: {{{key}}}" for key in sorted(facts)),
    )
    return HypothesisView(
        hypothesis=name,
        title=title,
        line=str(one["line_id"]) if one.get("line_id") else None,
        sentence=words.sentence(template, _values(name, variant, facts)),
        score=score,
        fits="fits exactly" if score == "1" else "likely" if score >= "0.9" else "possible",
        evidence=[_evidence(item) for item in one["evidence"]],
        total=facts.get("total"),
        other_case=int(facts["other_case"]) if facts.get("other_case") else None,
    )


# Which fact chooses the words of a hypothesis that can be told in several ways.
_VARIANTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "unit_factor": lambda facts: (
        "/same"
        if facts.get("direction") == "same"
        else f"/{facts.get('of')}{'/same' if facts.get('total') == 'same' else ''}"
    ),
    "swapped_values": lambda facts: "/same" if facts.get("total") == "same" else "",
    "older_order_price": lambda facts: (
        "/undated"
        if not facts.get("changed_at")
        else "/after"
        if facts.get("after_invoice") == "true"
        else ""
    ),
    "charge_in_price": lambda facts: "/free" if facts.get("billed_there") else "",
    "other_currency": lambda facts: "/same" if facts.get("same_amount") == "true" else "",
    "dearer_price": lambda facts: "/before" if facts.get("earlier_invoice") else "",
    "wrong_line_amount": lambda facts: "/order" if facts.get("agrees_with_order") == "true" else "",
}


def _variant(name: str, facts: Mapping[str, Any]) -> str:
    ending = _VARIANTS.get(name)
    return name + (ending(facts) if ending else "")


def _values(name: str, variant: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """Write each fact as what it is, and what only the sentence says."""
    written = {key: _written(key, facts[key]) for key in facts}
    for key in ("billed", "compared"):
        write = _BILLED.get(variant) or _BILLED.get(name)
        if key in facts and write is not None:
            written[key] = write(facts[key])
    if variant == "unit_factor/same":
        written.update({key: unit_with_code(facts[key]) for key in _UNITS & facts.keys()})
    if name == "older_order_price":
        written.setdefault("buyer", "not named")
    if name == "repeated_document":
        same = facts.get("same_date") == "true"
        written["same_day"] = (
            "Both bear the same date." if same else f"This one is dated {facts.get('date', 'otherwise')}."
        )
        written["covers"] = _COVERS.get(str(facts.get("covers")), " ")
    return written


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
    if name in _PRICES:
        return price(value)
    if name in _UNITS:
        return unit(value)
    if name in _MOMENTS:
        return moment(value)
    return str(value) if name in _AS_RECORDED else number(value)


def _evidence(item: Mapping[str, Any]) -> Evidence:
    return Evidence(
        what=plain(item.get("what") or "record"),
        reference=str(item.get("reference") or ""),
        value=_value(item),
        at=moment(item.get("at"), ""),
        state=str(item.get("state") or ""),
    )


def _value(item: Mapping[str, Any]) -> str:
    """Write what a record says: an amount, a quantity, a price, or a quantity at a price."""
    currency = item.get("currency")
    if item.get("amount") is not None:
        return amount(item["amount"], currency)
    told = [quantity(item["quantity"], item.get("uom"))] if item.get("quantity") is not None else []
    if item.get("price") is not None:
        told.append(price(item["price"], currency, item.get("per")))
    return " at ".join(told) or str(item.get("value") or "")
