"""How the pages and the API say things: amounts, days, roles, and the sentence of a hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

UNKNOWN = "not known"

_ROLES = {
    "ap_clerk": "Accounts payable",
    "ap_manager": "Accounts payable manager",
    "buyer": "Buyer",
    "receiver": "Goods receipt",
    "compliance_officer": "Compliance officer",
}
EFFECTS = {
    "B": ("Blocks posting", "Parked: nothing is booked until this is settled."),
    "P": ("Blocks payment", "Booked, with a payment block until this is settled."),
    "W": ("Warning", "For information; it blocks nothing."),
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def _decimal(value: object) -> Decimal | None:
    try:
        parsed = Decimal(str(value))
    except InvalidOperation:
        return None
    return parsed if parsed.is_finite() else None


def number(value: object) -> str:
    """Return a quantity or percentage without idle zeros: 90.0000 is 90, 2.5000 is 2.5; other text is left
    alone.
    """
    if value is None or value == "":
        return UNKNOWN
    parsed = _decimal(value)
    if parsed is None:
        return str(value)
    text = f"{parsed:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value: object, currency: str | None = None) -> str:
    """Return an amount with at least two decimals and its currency: 1,234.50 EUR."""
    if value is None or value == "":
        return UNKNOWN
    parsed = _decimal(value)
    if parsed is None:
        return str(value)
    exponent = parsed.normalize().as_tuple().exponent
    places = max(2, -exponent if isinstance(exponent, int) else 2)
    return f"{parsed:,.{places}f}" + (f" {currency}" if currency else "")


def day(value: object) -> str:
    """Return a date as 2026-11-22; a moment keeps its UTC date."""
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, datetime):
        return value.astimezone(UTC).date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def moment(value: object) -> str:
    """Return a moment as 2026-11-22 03:10 UTC; text is read as ISO 8601 where it is that."""
    if value is None or value == "":
        return UNKNOWN
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
    """Return how long ago something was opened, in the largest whole unit: 3 days, 5 hours, 12 minutes."""
    seconds = max((now - opened_at).total_seconds(), 0)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "just now"


def role(code: str) -> str:
    """Return what people call a role."""
    return _ROLES.get(code, plain(code))


def plain(code: object) -> str:
    """Return a code as words: ``price_agreed`` is Price agreed."""
    text = str(code).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def sentence(template: str, values: Mapping[str, object]) -> str:
    """Fill the ``{names}`` of a hold's sentence; a value nobody recorded is said to be not known.

    Names only: no attribute, index or format is looked up, whatever the template or the values contain.
    """
    return _PLACEHOLDER.sub(lambda found: _as_text(values.get(found.group(1))), template)


def _as_text(value: object) -> str:
    return (
        number(value) if isinstance(value, Decimal | int) else str(UNKNOWN if value in (None, "") else value)
    )
