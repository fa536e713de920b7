"""A page of cases as a person reads it: in words, with what may be answered from the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from backoffice.domain.wording import age, day, number, plain
from backoffice.web.cases import BATCH

_TITLES = {"QUARANTINE": "Document quarantined", "BATCH": "Batch to be signed for"}
_WAITING = ("open", "half_decided")
_PRIORITIES = {1: "urgent", 2: "high"}


def view(
    cases: Sequence[Mapping[str, Any]], titles: Mapping[str, str], now: datetime
) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of the list, and every action that one of them offers with its reason codes.

    :param titles: Title by hold code.
    """
    offered: dict[str, dict[str, Any]] = {}
    for case in cases:
        for action in _answerable(case):
            name = action["action"]
            label = action.get("label") or plain(name)
            known = offered.setdefault(name, {"action": name, "label": label, "codes": []})
            codes = action.get("reason_codes") or []
            known["codes"] += [code for code in codes if code not in known["codes"]]
    return {"cases": [_line(case, titles, now) for case in cases], "offered": list(offered.values())}


def title_of(code: str, titles: Mapping[str, str]) -> str:
    """Return what a code is called."""
    return titles.get(code) or _TITLES.get(code) or plain(code.lower())


def _line(case: Mapping[str, Any], titles: Mapping[str, str], now: datetime) -> dict[str, Any]:
    due = case["inbox_due"]
    return {
        **case,
        "name": f"{plain(case['document_kind'] or 'document')} {case['document_number']}"
        if case["document_number"]
        else case["title"],
        "age": age(case["opened_at"], now),
        "late": due is not None and due.date() < now.date() and case["state"] in _WAITING,
        "discount": _discount(case, now),
        "reasons": [{"code": code, "title": title_of(code, titles)} for code in case["codes"]],
        "urgency": _PRIORITIES.get(case["priority"]),
        "offers": [action["action"] for action in _answerable(case)],
    }


def _discount(case: Mapping[str, Any], now: datetime) -> str | None:
    """Return what can still be had by paying early, in words."""
    until, percent = case["discount_date"], case["discount_percent"]
    if until is None or until < now.date() or case["state"] not in _WAITING:
        return None
    return (
        f"{number(percent)} % until {day(until)}" if percent is not None else f"discount until {day(until)}"
    )


def _answerable(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    # a batch is signed for where its totals stand
    open_here = case["state"] in _WAITING and case["subject_kind"] != BATCH
    return list(case["actions"] or []) if open_here else []
