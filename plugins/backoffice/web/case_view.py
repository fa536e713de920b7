"""A hold as a person reads it: a sentence, and the values that disagree side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from backoffice.domain.wording import (
    age,
    amount,
    day,
    number,
    plain,
    price,
    quantity,
    read_decimal,
    source,
    unit,
    unit_with_code,
)
from backoffice.web import words

# How the recorded facts are called, and how they are written. Facts that are not here are shown as recorded.
_FACT_NAMES = {
    "billed_after": "Billed in all",
    "order_uom": "Unit of the order",
    "price_base_quantity": "Price is per",
    "reference_amount": "At the order price",
    "limit_pct": "Limit in percent",
    "limit_abs": "Limit",
    "po_number": "Order",
    "po_line": "Order line",
    "line_id": "Invoice line",
    "unknown_receipts": "Receipts of unknown value",
    "other_number": "The other invoice",
    "other_date": "The other invoice is dated",
    "other_gross": "The other invoice is over",
    "invoice_uom": "Unit on the invoice",
    "credited_after": "Credited in all",
    "billed": "Billed before",
    "expected": "Quantity times price",
    "other_sha256": "Fingerprint of the other original (SHA-256)",
    "rules": "Totals that do not tie (EN 16931, BR-CO-10 to 16)",
}
_MONEY = {
    "net_amount",
    "reference_amount",
    "expected",
    "taxable",
    "tax",
    "limit_abs",
    "credited_value",
    "billed_value",
}
_PRICES = {"order_price", "unit_price"}
_UNITS = {"order_uom", "invoice_uom"}
_QUANTITIES = {
    "billed_after",
    "ordered",
    "received",
    "quantity",
    "price_base_quantity",
    "credited_after",
    "billed",
    "limit_pct",
    "rate",
}
_IN_ORDER_UNITS = {"billed_after", "ordered", "received"}


class _Sides(NamedTuple):
    """Which two recorded facts a code compares, and what to call them."""

    left: str
    left_fact: str
    right: str
    right_fact: str


# Of what a limit in percent is a share, the first that was recorded.
_BASES = ("reference_amount", "received", "ordered", "expected")
_NOTHING = "Nothing"
# What the rules of EN 16931 about totals ask.
_TOTAL_RULES = {
    "BR-CO-10": "sum of the lines",
    "BR-CO-13": "net total",
    "BR-CO-14": "tax total",
    "BR-CO-15": "gross total",
    "BR-CO-16": "amount due",
}
# A code that is not here shows all its facts in a list instead.
_COMPARED: Mapping[str, _Sides] = {
    "QTY_ORD": _Sides("Billed in all", "billed_after", "Ordered", "ordered"),
    "QTY_REC": _Sides("Billed in all", "billed_after", "Received", "received"),
    "AMT_REC": _Sides("Billed in all", "billed_after", "Value received", "received"),
    "NO_RECEIPT": _Sides("Billed in all", "billed_after", "Received", "received"),
    "PRICE": _Sides(
        "Billed for the line", "net_amount", "Same quantity at the order price", "reference_amount"
    ),
    "SUPPLIER_MISMATCH": _Sides(
        "Supplier on the invoice", "invoice_supplier", "Supplier of the order", "order_supplier"
    ),
    "CURRENCY_DIFF": _Sides(
        "Currency of the invoice", "invoice_currency", "Currency of the order", "order_currency"
    ),
    "LINE_ARITH": _Sides("Net amount on the line", "net_amount", "Quantity times price", "expected"),
    "UOM_UNMAPPED": _Sides("Unit on the invoice", "invoice_uom", "Unit of the order", "order_uom"),
    "CREDIT_EXCESS": _Sides("Credited in all", "credited_after", "Billed before", "billed"),
}
_DUPLICATES = ("DUP_EXACT", "DUP_LIKELY")
# Which record the right-hand value is from, where it is not the order.
_RIGHT_IS_FROM = {
    "QTY_REC": "receipts",
    "AMT_REC": "receipts",
    "NO_RECEIPT": "receipts",
    "DUP_EXACT": "other",
    "DUP_LIKELY": "other",
    "LINE_ARITH": "invoice",
    "CREDIT_EXCESS": "order",
}


@dataclass(frozen=True)
class Comparison:
    """Two values that should agree, how far they are apart and how far they may be."""

    left: str
    left_value: str
    right: str
    right_value: str
    difference: str | None
    limit: str | None
    limit_rule: str | None = None
    left_from: str | None = None
    right_from: str | None = None


@dataclass(frozen=True)
class ChangeView:
    """A fact that changed since the case was opened, or since the page was written."""

    code: str
    line: str | None
    fact: str
    before: str
    now: str


@dataclass(frozen=True)
class HoldView:
    """One hold in words."""

    code: str
    title: str
    effect: str
    effect_title: str
    effect_meaning: str
    line: str | None
    sentence: str
    comparison: Comparison | None
    facts: Sequence[tuple[str, str]]


def view_changes(changes: Sequence[Mapping[str, Any]]) -> list[ChangeView]:
    """Put what changed into words: the value before and the value now."""
    return [
        ChangeView(
            code=str(change.get("code", "")),
            line=str(change["line"]) if change.get("line") else None,
            fact=_FACT_NAMES.get(str(change.get("fact")), plain(change["fact"]))
            if change.get("fact")
            else "Hold",
            before=number(change.get("before")),
            now=number(change.get("now")),
        )
        for change in changes
    ]


def view_origin(origin: Mapping[str, Any] | None, now: datetime) -> str | None:
    """Say from which source, document and line a value is, and how old it is."""
    if not origin:
        return None
    line = f", line {origin['line']}" if origin.get("line") else ""
    version = f", version {origin['version']}" if origin.get("version") else ""
    named = f"{origin.get('document')}{line}{version}"
    return f"{named}; source: {source(origin.get('source'))}{_since(origin.get('at'), now)}"


def _since(at: Any, now: datetime) -> str:
    """Say of when a value is: of an order when it was so at the source, else when it arrived."""
    try:
        since = datetime.fromisoformat(str(at))
    except ValueError:
        return ""
    ago = age(since, now)
    return f", of {day(since)}, {ago if ago == 'just now' else f'{ago} ago'}"


def view_hold(
    hold: Mapping[str, Any],
    sentences: Mapping[str, str],
    document: Mapping[str, Any],
    sources: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> HoldView:
    """Put one hold of a hand-over into words.

    :param hold: The hold as recorded: code, effect, measured value, limit, facts.
    :param sentences: Template of the sentence by hold code.
    :param document: The hand-over's document: number, date, gross amount and currency.
    :param sources: Where the values are from, by position of the line; the empty one is the document.
    :param now: To say how old they are.
    """
    code = str(hold.get("code", ""))
    facts = {str(name): value for name, value in (hold.get("facts") or {}).items() if value not in (None, "")}
    currency = facts.get("currency") or document.get("currency")
    written = {name: _written(code, name, value) for name, value in facts.items()}
    measured = _with_unit(hold.get("measured"), hold.get("unit"), facts, currency)
    limit, rule = _limit(hold, facts, currency)
    effect = str(hold.get("effect", ""))
    effect_title, meaning = words.EFFECTS.get(effect, ("Held", "Held until this is settled."))
    bare_limit = _with_unit(hold.get("limit"), hold.get("unit"), facts, currency)
    allowed = f"{limit}: {rule}" if rule else limit and limit[:1].lower() + limit[1:]
    said = {"measured": measured, "limit": bare_limit, "allowed": allowed}
    if "order_price" in facts:
        said["order_price_per"] = price(facts["order_price"], None, facts.get("price_base_quantity"))
    filled = words.sentence(sentences.get(code, ""), {**written, **said})
    line = hold.get("line_id") or hold.get("position")
    return HoldView(
        code=code,
        title=str(hold.get("title") or plain(code)),
        effect=effect,
        effect_title=effect_title,
        effect_meaning=meaning,
        line=str(line) if line else None,
        sentence=filled or str(hold.get("title") or code),
        comparison=_with_origins(
            code,
            _compare_documents(facts, document)
            if code in _DUPLICATES
            else _compare(code, facts, measured, (limit, rule), currency),
            (sources or {}).get(str(hold.get("position") or "")),
            now,
        ),
        facts=[(_FACT_NAMES.get(name, plain(name)), text) for name, text in sorted(written.items())],
    )


def _with_origins(
    code: str, comparison: Comparison | None, sources: Mapping[str, Any] | None, now: datetime | None
) -> Comparison | None:
    if comparison is None or not sources or now is None:
        return comparison
    return replace(
        comparison,
        left_from=view_origin(sources.get("invoice"), now),
        right_from=view_origin(sources.get(_RIGHT_IS_FROM.get(code, "order")), now),
    )


def _written(code: str, name: str, value: object) -> str:
    """Return a fact as it is written; what is not known to be a value, as an order number, stays as it is."""
    if name in _MONEY or (code == "AMT_REC" and name in _IN_ORDER_UNITS):
        return amount(value)
    if name in _PRICES:
        return price(value)
    if name in _UNITS:
        return unit_with_code(value) if code == "UOM_UNMAPPED" else unit(value)
    if name == "rules":
        return ", ".join(_TOTAL_RULES.get(rule, rule) for rule in str(value).split(", "))
    if name == "other_gross":
        gross, _, currency = str(value).partition(" ")
        return amount(gross, currency)
    return number(value) if name in _QUANTITIES else str(value)


def _with_unit(value: object, measure: object, facts: Mapping[str, Any], currency: str | None) -> str | None:
    if value in (None, ""):
        return None
    if measure == "currency":
        return amount(value, currency)
    return quantity(value, facts.get("order_uom") if measure == "order unit" else measure)


def _limit(
    hold: Mapping[str, Any], facts: Mapping[str, Any], currency: str | None
) -> tuple[str | None, str | None]:
    """Return what is allowed here, and by which rule; of a percentage and an amount the stricter counts."""
    absolute = _with_unit(hold.get("limit"), hold.get("unit"), facts, currency)
    percent = facts.get("limit_pct")
    if percent in (None, "", "0"):
        none_at_all = absolute is not None and not read_decimal(hold.get("limit"))
        return (_NOTHING if none_at_all else absolute), None
    rule = f"at most {number(percent)} %" + (f", and never more than {absolute}" if absolute else "")
    here = _with_unit(_stricter(hold, facts), hold.get("unit"), facts, currency)
    return (here, rule) if here else (rule, None)


def _stricter(hold: Mapping[str, Any], facts: Mapping[str, Any]) -> Decimal | None:
    """Return what the limit comes to here: the percentage of what was agreed, or the amount if less."""
    base = read_decimal(next((facts[name] for name in _BASES if name in facts), None))
    percent = read_decimal(facts.get("limit_pct"))
    if base is None or percent is None:
        return None
    share = round(base * percent / 100, 2)
    absolute = read_decimal(hold.get("limit"))
    return share if absolute is None else min(share, absolute)


def _compare(
    code: str,
    facts: Mapping[str, Any],
    measured: str | None,
    limit: tuple[str | None, str | None],
    currency: str | None,
) -> Comparison | None:
    sides = _COMPARED.get(code)
    if sides is None or sides.left_fact not in facts or sides.right_fact not in facts:
        return None
    left = _side(code, sides.left_fact, facts, currency)
    right = _side(code, sides.right_fact, facts, currency)
    return Comparison(sides.left, left, sides.right, right, measured, *limit)


def _side(code: str, name: str, facts: Mapping[str, Any], currency: str | None) -> str:
    text = _written(code, name, facts[name])
    if name in _MONEY or code == "AMT_REC":
        return f"{text} {currency}" if currency else text
    return quantity(facts[name], facts.get("order_uom")) if name in _IN_ORDER_UNITS else text


def _compare_documents(facts: Mapping[str, Any], document: Mapping[str, Any]) -> Comparison | None:
    """Lay this document beside the one it resembles."""
    if "other_number" not in facts:
        return None
    gross = amount(document.get("gross"), document.get("currency"))
    this = f"{document.get('number')} of {document.get('date')}, {gross}"
    other_gross = _written("", "other_gross", facts.get("other_gross", ""))
    other = f"{facts['other_number']} of {facts.get('other_date')}, {other_gross}"
    return Comparison("This document", this, "The other one", other, None, None)
