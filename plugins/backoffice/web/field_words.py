"""What is wrong with a field, as a person reads it there: one place for every form and every request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Of a field that was left empty: what to do there.
_MISSING = {
    "reason": "Say why.",
    "role": "Choose a role.",
    "person_id": "Choose a person.",
    "substitute_id": "Choose who stands in.",
    "to_person": "Choose a person.",
    "name": "Give it a name.",
    "action": "Choose what should be done.",
    "reason_code": "Choose a reason.",
    "duty": "Choose a part in the document.",
    "system": "Name the system.",
    "user_id": "Name the user id there.",
    "amount_limit": "Say up to which amount.",
    "amount_above": "Say from which total on.",
    "currency": "Choose a currency.",
    "persons": "Say how many people.",
    "excluded": "Say whether it keeps from deciding.",
    "to_day": "Choose the last day.",
    "question": "Ask in words.",
    "information": "Say it in words.",
    "comment": "Say it in words.",
    "whom": "Choose whom to ask.",
    "items": "Choose at least one entry.",
    "cases": "Choose at least one case.",
}
_PATTERNS = {
    "currency": "Three capital letters are needed, such as EUR.",
    "evidence_hash": "This is not the evidence_hash of a case as it is shown.",
    "shown_sha256": "This is not the shown_sha256 of a change as it is shown.",
    "whom": "Ask the requester, the buyer, the receiver, the supplier, or a colleague as person:<id>.",
}
_NUMBER = "A number is needed, with a point before the decimals and no currency."
_EXACT = {
    "date_from_datetime_parsing": "A day is needed, such as 2026-11-30.",
    "date_parsing": "A day is needed, such as 2026-11-30.",
    "date_type": "A day is needed, such as 2026-11-30.",
    "bool_parsing": "Yes or no is needed.",
    "bool_type": "Yes or no is needed.",
    "extra_forbidden": "There is no such field here.",
    "string_type": "Text is needed.",
    "list_type": "A list is needed.",
}


def told(item: Mapping[str, Any]) -> str:
    """Return in a sentence what is wrong, from one error of pydantic.

    What is known here is said in our words; a check of our own keeps its sentence.
    """
    kind, field = str(item["type"]), str(item["loc"][-1]) if item["loc"] else ""
    if kind in ("missing", "none_required"):
        return missing(field)
    if kind == "value_error":
        return _sentence(str(item["msg"]).removeprefix("Value error, "))
    limits = item.get("ctx") or {}
    if kind in ("string_too_short", "too_short"):
        least = int(limits.get("min_length") or 1)
        return missing(field) if least <= 1 else f"{missing(field)[:-1]}, in at least {least} letters."
    if kind in ("string_too_long", "too_long"):
        return f"This is too long; at most {limits.get('max_length')} fit."
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(field) or (
            "This cannot be entered here." if item.get("input") else missing(field)
        )
    if kind == "literal_error":
        return f"Choose one of {str(limits.get('expected')).replace(chr(39), '').replace(' or ', ', ')}."
    return _EXACT.get(kind) or _of_number(kind, limits) or _sentence(str(item["msg"]))


def missing(field: str) -> str:
    """Return what to do in a field that was left empty."""
    return _MISSING.get(field, "This is needed.")


def _of_number(kind: str, limits: Mapping[str, Any]) -> str | None:
    if kind in ("greater_than_equal", "greater_than"):
        least = limits.get("ge", limits.get("gt"))
        return (
            f"This is too small; {least} is the least."
            if kind == "greater_than_equal"
            else f"More than {least} is needed."
        )
    if kind in ("less_than_equal", "less_than"):
        return f"This is too large; {limits.get('le', limits.get('lt'))} is the most."
    return _NUMBER if kind.startswith(("decimal", "int", "float", "finite")) else None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")
