"""How amounts, quantities, days and moments are written for people, everywhere the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

UNKNOWN = "not known"
_ROLES = {
    "ap_clerk": "Accounts payable clerk",
    "ap_manager": "Accounts payable manager",
    "auditor": "Auditor",
    "buyer": "Buyer",
    "receiver": "Goods receiver",
    "compliance_officer": "Compliance officer",
    "data_protection_officer": "Data protection officer",
}


def plain(code: object) -> str:
    """Return a code as words: ``price_agreed`` is Price agreed."""
    text = str(code).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def role(code: str) -> str:
    """Return what people call a role."""
    return _ROLES.get(code, plain(code))


def action(code: str) -> str:
    """Return what people call an action on a case."""
    return "Ask the supplier again" if code == "ask_again" else plain(code)


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
