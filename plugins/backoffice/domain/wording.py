"""How amounts, prices, quantities, days, moments and codes are written for people, everywhere the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

UNKNOWN = "not known"
_ROLES = {
    "ap_clerk": "Accounts payable",
    "ap_manager": "Accounts payable manager",
    "auditor": "Auditor",
    "buyer": "Buyer",
    "receiver": "Goods receipt",
    "compliance_officer": "Compliance officer",
    "data_protection_officer": "Data protection officer",
}

# UN/ECE recommendations 20 and 21, and what source systems write. A unit that is not here stays as it is.
_UNITS = {
    **dict.fromkeys(("EA", "C62", "H87", "PCE", "PCS", "ST"), "pcs"),
    **dict.fromkeys(("KGM", "KG"), "kg"),
    **dict.fromkeys(("GRM", "G"), "g"),
    **dict.fromkeys(("TNE", "T"), "t"),
    **dict.fromkeys(("LTR", "L"), "l"),
    **dict.fromkeys(("MTR", "M"), "m"),
    **dict.fromkeys(("HUR", "HR"), "hours"),
    **dict.fromkeys(("BX", "XBX", "CT", "XCT"), "boxes"),
    **dict.fromkeys(("PK", "XPK", "PA", "XPA"), "packs"),
    **dict.fromkeys(("PF", "XPF", "PX", "XPX"), "pallets"),
    "MTK": "m²",
    "MTQ": "m³",
    "MMT": "mm",
    "CMT": "cm",
    "KMT": "km",
    "DAY": "days",
    "MON": "months",
    "MIN": "minutes",
    "DZN": "dozen",
    "CEN": "hundred",
    "MIL": "thousand",
    "PR": "pairs",
    "SET": "sets",
    "KWH": "kWh",
    "E48": "service units",
    "LS": "lump sum",
}
_ONE = {
    "boxes": "box",
    **{f"{one}s": one for one in ("pc", "hour", "pack", "pallet", "day", "month", "minute", "pair", "set")},
}
_STEPS = {
    "received": "Received",
    "checked": "Checked by machine",
    "matched": "Compared by machine",
    "decided": "Judged by machine, by the policy",
    "booked": "Booked by machine",
}
_RESULTS = {
    "held": "Something does not fit: held.",
    "matched": "Everything fits.",
    "waiting_receipt": "Waits for the receipt.",
    "waiting_source": "Waits for a source that did not deliver.",
    "rejected": "Rejected.",
    "accepted": "Accepted.",
    "quarantined": "Refused: put aside, nothing is booked.",
    "booked with a payment block": "Booked, with a payment block.",
    "parked: nothing is booked": "Parked: nothing is booked.",
}
_OUTCOMES = {"review": "A person has to look", "approve": "Approved", "wait": "Wait", "hold": "Held"}
_PLACES_OF_PRICE = 6


def plain(code: object) -> str:
    """Return a code as words: ``price_agreed`` is Price agreed."""
    text = str(code).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def role(code: str) -> str:
    """Return what people call a role."""
    return _ROLES.get(code, plain(code))


def unit(code: object) -> str:
    """Return what people call a unit: ``EA`` is pcs; a code nobody knows stays as it is."""
    return _UNITS.get(str(code).upper(), str(code)) if code else ""


def unit_with_code(code: object) -> str:
    """Return a unit with its code behind it, for where the codes themselves differ: pcs (EA)."""
    named = unit(code)
    return named if named == code else f"{named} ({code})"


def step(code: str) -> str:
    """Return what was done in a step of the night: ``matched`` is Compared by machine."""
    return _STEPS.get(code, plain(code))


def result_of_step(step_code: str, result: str) -> str:
    """Return what a step came to, in words: ``review, rule held`` is A person has to look (rule: held)."""
    if step_code == "received" and result.startswith("from "):
        return f"From {source(result.removeprefix('from '))}."
    if step_code == "decided":
        outcome, _, rule = result.partition(", rule ")
        told = _OUTCOMES.get(outcome, plain(outcome))
        return f"{told} (rule of the policy: {plain(rule).lower()})." if rule else f"{told}."
    return _RESULTS.get(result, result)


def source(name: object) -> str:
    """Return the name of a source as words: ``erp_orders`` is erp orders."""
    return str(name).replace("_", " ")


def read_decimal(value: object) -> Decimal | None:
    """Return a finite number, or None when the value is missing or is no number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        parsed = Decimal(str(value))
    except InvalidOperation:
        return None
    return parsed if parsed.is_finite() else None


def number(value: object, unknown: str = UNKNOWN) -> str:
    """Return a quantity without idle zeros: 90.0000 is 90; text that is no number is left alone."""
    if value is None or value == "":
        return unknown
    parsed = read_decimal(value)
    if parsed is None:
        return str(value)
    text = f"{parsed:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(value: object, uom: object = None, unknown: str = UNKNOWN) -> str:
    """Return a quantity with its unit: 90.0000 of EA is 90 pcs."""
    text = number(value, unknown)
    named = unit(uom)
    if text == "1":
        named = _ONE.get(named, named)
    return f"{text} {named}" if named and text != unknown else text


def price(value: object, currency: str | None = None, per: object = None, unknown: str = UNKNOWN) -> str:
    """Return a price, rounded to six decimals where more were sent; ``per`` is the quantity it is for."""
    parsed = read_decimal(value)
    if parsed is None:
        return amount(value, currency, unknown)
    base = read_decimal(per)
    return amount(round(parsed, _PLACES_OF_PRICE), currency) + (
        "" if base in (None, 1) else f" per {number(base)}"
    )


def amount(value: object, currency: str | None = None, unknown: str = UNKNOWN) -> str:
    """Return an amount with at least two decimals, none of its own lost: 1234.5 EUR is 1,234.50 EUR."""
    if value is None or value == "":
        return unknown
    parsed = read_decimal(value)
    if parsed is None:
        return str(value)
    exponent = parsed.normalize().as_tuple().exponent
    places = max(2, -exponent if isinstance(exponent, int) else 2)
    return f"{parsed:,.{places}f}" + (f" {currency}" if currency else "")


def day(value: object, unknown: str = UNKNOWN) -> str:
    """Return a date as 2026-11-22; a moment gives its UTC date."""
    if value is None or value == "":
        return unknown
    if isinstance(value, datetime):
        return value.astimezone(UTC).date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def moment(value: object, unknown: str = UNKNOWN) -> str:
    """Return a moment as 2026-11-22 03:10 UTC; text that is no ISO 8601 moment is left alone."""
    if value is None or value == "":
        return unknown
    if isinstance(value, str):
        if len(value) == len("2026-11-22"):
            return value
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    if not isinstance(value, datetime):
        return str(value)
    if value.tzinfo is None:
        return value.strftime("%Y-%m-%d %H:%M")
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def age(opened_at: datetime, now: datetime) -> str:
    """Return how long ago something was, in the largest whole unit: 3 days, 5 hours, 12 minutes."""
    seconds = max((now - opened_at).total_seconds(), 0)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "just now"
