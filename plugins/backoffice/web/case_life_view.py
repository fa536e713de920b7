"""The life of a case as a person reads it: who has it, and in one list what was done, said and attached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backoffice.domain.wording import role
from backoffice.settings import sql
from backoffice.web.auth import Person
from backoffice.web.case_life import list_colleagues, list_persons, read_life
from backoffice.web.database import Connection, fetch_all
from backoffice.web.guard import MOST_FILE_BYTES

PRIORITY_WORDS = {1: "urgent", 2: "high", 3: "normal", 4: "low"}
_TYPE_WORDS = {
    "application/pdf": "PDF",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/tiff": "TIFF",
    "text/plain": "text",
    "text/html": "HTML",
    "application/xml": "XML",
    "application/zip": "ZIP",
}
_ALIVE = ("open", "claimed", "waiting", "half_decided", "escalated")


def view_life(connection: Connection, person: Person, case_id: int) -> dict[str, Any]:
    """Return what the case page shows of a case's life, and to whom it may be handed or a question put.

    :raises Problem: 404, there is no such case, or not for this person.
    """
    life = read_life(connection, person, case_id)
    alive = life["status"] in _ALIVE
    files = {row["act_id"]: row for row in life["attachments"]}
    entries = [_entry_of_act(act, files) for act in life["acts"]] + [_entry_of_step(s) for s in life["steps"]]
    return {
        "life": {
            **life,
            "alive": alive,
            "priority_word": PRIORITY_WORDS[life["priority"]],
            "entries": sorted(entries, key=lambda entry: entry["at"]),
        },
        "colleagues": list_colleagues(connection, person, case_id) if alive else [],
        "everybody": list_persons(connection, person) if alive else [],
        "file_rule": _file_rule(connection),
    }


def _file_rule(connection: Connection) -> str:
    """Say which files are taken: PDF, PNG or text, at most 5 MiB."""
    rule = fetch_all(connection, sql("review/read_file_rules"), {})[0]
    *first, last = [_TYPE_WORDS.get(one.strip(), one.strip()) for one in rule["types"]]
    most = min(rule["most_bytes"], MOST_FILE_BYTES)
    size = f"{most / 1024**2:.4g} MiB" if most >= 1024**2 else f"{most / 1024:.4g} KiB"
    return f"{', '.join(first)} or {last}, at most {size}" if first else f"{last}, at most {size}"


def _entry_of_act(act: Mapping[str, Any], files: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    sentences = {
        "claim": "took the case",
        "release": "gave the case back"
        if act["to_person"] == act["person"]
        else f"took the case from {act['to_person']}",
        "reassign": f"handed the case to {act['to_person']}",
        "ask": _asked(act),
        "inform": "answered",
        "comment": "commented",
        "attach": "attached a file",
        "take_out": "took entries out of the batch",
    }
    return {
        "at": act["acted_at"],
        "who": act["person"],
        "what": sentences[act["act"]],
        "said": None if act["act"] == "attach" else act["words"],
        "file": files.get(act["act_id"]),
    }


def _asked(act: Mapping[str, Any]) -> str:
    if (act["round"] or 0) > 2:
        return f"wanted to ask for the {_nth(act['round'])} time; it went to the next role instead"
    whom = "the supplier" if act["whom"] == "supplier" else act["to_person"]
    return f"asked {whom}"


def _nth(number: int) -> str:
    return {3: "third", 4: "fourth", 5: "fifth"}.get(number, f"{number}th")


def _entry_of_step(step: Mapping[str, Any]) -> dict[str, Any]:
    told = role(step["role"]) if step["role"] else ""
    sentences = {
        "claim_expired": f"{step['person']} left the case alone for too long; it is back in the queue",
        "wait_ended": "no answer came for too long; the clock runs again",
        "reminded": f"reminded: {told}",
        "escalated": f"told {told}",
        "prioritised": f"made it {PRIORITY_WORDS.get(step['priority'] or 3)}",
    }
    return {
        "at": step["taken_at"],
        "who": "Housekeeping:",
        "what": sentences[step["step"]],
        "said": None,
        "file": None,
    }
