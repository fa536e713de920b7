"""Possible causes of a hold in words, each with the evidence that the ledger found for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backoffice.domain.wording import amount, moment, number, plain
from backoffice.web import words

_TITLES: Mapping[str, str] = {
    "unit_factor": "Other unit",
    "older_order_price": "Price of an older order version",
    "other_currency": "Other currency",
    "receipt_elsewhere": "Received on another line",
    "charge_in_price": "A charge stands in the price",
    "swapped_values": "Quantity and price exchanged",
    "receipt_cancelled": "Receipt taken back",
    "partial_delivery": "Part of the delivery is still to come",
    "not_received": "Nothing was received yet",
    "tax_in_net": "Tax stands in the net amount",
    "dearer_price": "Only the price differs",
    "repeated_document": "The same invoice again",
    "over_billed": "More billed than ordered",
    "over_delivery": "More delivered than ordered",
    "order_closed": "The order is closed",
    "order_not_approved": "The order is not approved",
    "other_order": "Another order line fits",
    "other_supplier": "Billed by somebody else",
    "wrong_line_amount": "The line amount is wrong",
    "wrong_total": "One printed total is wrong",
    "wrong_tax": "The tax amount is wrong",
    "other_tax_rate": "Computed at another tax rate",
    "credited_before": "Credited before",
    "credit_too_large": "More credited than billed",
    "never_billed": "Never billed",
}
_SENTENCES: Mapping[str, str] = {
    "unit_factor/quantity": "{billed} {billed_uom} billed is {compared} {compared_uom} {compared_with} {direction} {factor}: the quantity is in another unit.",
    "unit_factor/same": "Read in {compared_uom}, the billed {billed} is exactly what was {compared_with}: the unit {billed_uom} is only named otherwise.",
    "unit_factor/price": "The billed price {billed} per {billed_per} is the order price {compared} per {compared_per} {direction} {factor}.",
    "older_order_price": "{billed} {currency} was the price in version {old_version} of the order line; since version {new_version} it is {new_price} {currency}.",
    "other_currency/same": "The amounts fit the order exactly; only the currency differs: {invoice_currency} billed, {order_currency} ordered.",
    "other_currency": "{billed} {invoice_currency} for {reference_amount} {order_currency} ordered is a rate of {rate}, on {lines} line(s). Compare it with the rate of the day.",
    "receipt_elsewhere": "Receipt {receipt} booked {quantity} {uom} of the same item on order {other_order} line {other_line}; {free} of it are billed by nobody. {missing} {uom} are missing here.",
    "charge_in_price": "The line is {difference} {currency} too much: exactly the {where} {reference}.",
    "swapped_values": "Quantity {quantity} is the order price, and price {price} is the quantity {compared_with}: they were exchanged.",
    "receipt_cancelled": "{quantity} {uom} were taken back by {receipt}; {missing} {uom} are missing.",
    "partial_delivery": "{received} of {ordered} {uom} ordered were received and {billed_before} billed before; {billed} billed now needs {missing} {uom} more. {outstanding} {uom} are still to come.",
    "not_received": "Nothing of the {ordered} {uom} ordered was received; {billed} {uom} are billed.",
    "tax_in_net": "The net amount {net_amount} is {reference_amount} {currency} at the order price with {rate} % tax on it.",
    "dearer_price": "The quantity needs no other explanation; the price {billed} is {percent} % above the {order_price} {currency} ordered: {difference} {currency} in all.",
    "dearer_price/before": "The price {billed} is {percent} % above the {order_price} {currency} ordered, and was billed and accepted on {earlier_invoice} of {earlier_date}.",
    "repeated_document": "{other_number} of {other_date} over {other_gross} {currency} is {other_state}; received {other_received_at}.",
    "over_billed": "{billed_before} {uom} billed before and {billed} now are {excess} {uom} more than the {ordered} ordered; {received} were received.",
    "over_delivery": "{received} {uom} were received for {ordered} ordered; the {billed} {uom} billed came, {excess} {uom} of it beyond the order.",
    "order_closed": "Order {order} line {order_line} is closed: {received} of {ordered} {uom} received, {billed_before} billed.",
    "order_not_approved": "Version {version} of order {order} line {order_line} is not approved: {received} of {ordered} {uom} received, {billed_before} billed.",
    "other_order": "Order {order} line {order_line} of the same supplier ({description}) has the same price, {price} {currency}; {quantity} {uom} billed, {ordered} ordered.",
    "other_supplier": "{invoice_supplier} bills order {order}, which was placed with {order_supplier}; {relation}.",
    "wrong_line_amount": "Quantity times price is {expected}, the line says {net_amount} {currency}: off by {off}.",
    "wrong_line_amount/order": "Quantity times price is {expected}, as ordered; the line says {net_amount} {currency}: off by {off}.",
    "wrong_total": "The {field} says {printed}; the other amounts give {expected} {currency}: off by {off}.",
    "wrong_tax": "Tax category {category}: {rate} % of {taxable} is {expected}; the invoice says {tax} {currency}.",
    "other_tax_rate": "Tax category {category}: {tax} {currency} is {other_rate} % of {taxable}, not {rate} %.",
    "credited_before": "{credited_before} {uom} of the {billed} billed were credited before; {credited} more is too much.",
    "credit_too_large": "{credited} {uom} credited, {billed} billed.",
    "never_billed": "Nothing was billed on the order line of which {credited} {uom} are credited.",
}
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
        title=_TITLES.get(name, plain(name)),
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
    return _SENTENCES.get(variant) or "; ".join(f"{plain(key)}: {{{key}}}" for key in sorted(facts))


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
