"""A case in a few lines, as the dialog of the inbox shows it before it is answered.

What disagrees, the likeliest cause, what would be booked, and the reason and the words that fit: proposed,
shown, and recorded only when a person confirms them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from backoffice.domain.wording import amount, plain
from backoffice.settings import include_dir, sql
from backoffice.web import cases
from backoffice.web.auth import Person
from backoffice.web.case_middle import entry_in_doubt, no_accept
from backoffice.web.case_view import HoldView, view_hold
from backoffice.web.database import Connection, fetch_all
from backoffice.web.hypotheses import HypothesisView, view_hypotheses

_MOST_LINES = 6  # of an entry that is told in one line


def read_briefs(
    connection: Connection, person: Person, listed: Sequence[Mapping[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Return each of these cases in short, with what this person may not answer and why.

    :param listed: Lines of the list that can be answered from it.
    """
    case_ids = [case["case_id"] for case in listed]
    if not case_ids:
        return {}
    sentences = {
        row["code"]: row["sentence"] for row in fetch_all(connection, sql("review/list_sentences"), {})
    }
    told = fetch_all(connection, sql("review/list_briefs"), {"case_ids": case_ids})
    offering: dict[str, list[int]] = {}
    for row in told:
        for one in row["actions"] or []:
            offering.setdefault(one["action"], []).append(row["case_id"])
    refused = {
        action: cases.why_not_decide(connection, person, offering[action], action) for action in offering
    }
    return {row["case_id"]: _brief(row, sentences, refused) for row in told}


def _brief(
    row: Mapping[str, Any], sentences: Mapping[str, str], refused: Mapping[str, Mapping[int, str]]
) -> dict[str, Any]:
    holds = row["holds"] or []
    views = [view_hold(one, sentences, row["document"] or {}) for one in holds]
    hold = views[0] if views else None
    entries = row["entries"] or {}
    causes = view_hypotheses([row["hypothesis"]] if row["hypothesis"] else [])
    cause = causes[0] if causes else None
    said = _said(cause, hold, row["finding"])
    return {
        "cause": f"{cause.title}: {cause.sentence}" if cause else None,
        "happened": None if cause else said,
        "difference": hold.comparison.difference if hold and hold.comparison else None,
        "code": hold.code if hold else "",
        "words": said.strip(),
        "actions": [
            {
                "action": one["action"],
                "label": one.get("label") or plain(one["action"]),
                "codes": one.get("reason_codes") or [],
                "fits": fitting_reason(cause, hold, one),
                "booked": _booked(one, entries),
                "why_not": refused[one["action"]].get(row["case_id"]),
            }
            for one in row["actions"] or []
        ],
        "not_accepted": no_accept(views, row["actions"] or []),
        "in_doubt": entry_in_doubt([row["hypothesis"]] if row["hypothesis"] else [], entries),
    }


def _said(cause: HypothesisView | None, hold: HoldView | None, finding: str | None) -> str:
    if cause is not None:
        return cause.sentence
    if hold is not None:
        return hold.sentence
    return f"{finding}." if finding else ""


def fitting_reason(
    cause: HypothesisView | None, hold: HoldView | None, action: Mapping[str, Any]
) -> str | None:
    """Return the reason code that goes with the likeliest cause, else with the first hold, else None."""
    offered = action.get("reason_codes") or []
    names = [cause.hypothesis if cause else None, hold.code if hold else None]
    fitting = (code for name in names for code in _fitting().get((name, action["action"]), ()))
    return next((code for code in fitting if code in offered), None)


@cache
def _fitting() -> Mapping[tuple[str | None, str], Sequence[str]]:
    """Return reason codes by cause and action, read once per process."""
    found: dict[tuple[str | None, str], list[str]] = {}
    path = include_dir() / "reference" / "fitting_reasons.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["cause"], row["action"]), []).append(row["reason_code"])
    return found


def _booked(action: Mapping[str, Any], entries: Mapping[str, Any]) -> str:
    """Say in one line what an action books, or what else it does and what stays booked."""
    own = entries.get(action["action"]) or []
    note = next((entry["note"] for entry in own if entry.get("note")), None)
    if note:
        return f"Nothing can be booked now: {note}"
    told = _told(own)
    if told:
        return f"Books: {told}."
    effect = str(action.get("effect") or "")
    standing = _told(entries.get("standing") or []) if action["action"] == "accept" else ""
    return f"{effect} Stays booked: {standing}." if standing else effect


def _told(entries: Sequence[Mapping[str, Any]]) -> str:
    lines = [line for entry in entries for line in entry.get("lines") or []]
    sides = [_side("debit", lines), _side("credit", lines)]
    return "; ".join(side for side in sides if side)


def _side(side: str, lines: Sequence[Mapping[str, Any]]) -> str:
    told = [f"{line['name']} {amount(line[side], line['currency'])}" for line in lines if Decimal(line[side])]
    more = f" and {len(told) - _MOST_LINES} more" if len(told) > _MOST_LINES else ""
    return f"{side} {', '.join(told[:_MOST_LINES])}{more}" if told else ""
