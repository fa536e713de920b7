"""Measuring how single persons decide: off unless two data protection officers switched it on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backoffice.settings import sql
from backoffice.web.acts import act
from backoffice.web.auth import Person
from backoffice.web.authority_models import Words
from backoffice.web.database import Connection, LedgerPool, fetch_all, fetch_one

MOST_LISTED = 200
MEASURED = (
    "how long each person takes for a case, and which share of the cases they accept",
    "everybody who answers cases",
)
MeasureAnswer = Literal["approve", "decline", "end"]
MeasureState = Literal["asked", "in_force", "declined", "ended", "expired"]
_NOT_AN_OFFICER = "This is for the role 'data_protection_officer', which you do not have"
_ANSWERS: tuple[MeasureAnswer, ...] = ("approve", "decline", "end")


class MeasureRequest(BaseModel):
    """Measuring of single persons, to be switched on."""

    model_config = ConfigDict(extra="forbid")

    until: date = Field(description="The last day: today or later, at most a year ahead")
    reason: Words


class MeasureAnswerRequest(BaseModel):
    """What a data protection officer says to a request."""

    model_config = ConfigDict(extra="forbid")

    answer: MeasureAnswer
    reason: Words


class MeasureTold(BaseModel):
    """What became of a request."""

    measure_id: int
    state: MeasureState
    next: str = Field(description="What happens now, in a sentence")


class OfferedAnswer(BaseModel):
    """What you may say to a request, or why not."""

    answer: MeasureAnswer
    allowed: bool
    why_not: str | None


class Measure(BaseModel):
    """A request and what became of it."""

    measure_id: int
    state: MeasureState
    until: date
    reason: str
    requested_by: str
    requested_at: datetime
    answered_by: str | None
    answer_reason: str | None
    answered_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    ended_at: datetime | None
    offered: list[OfferedAnswer]


class MeasureList(BaseModel):
    """Whether single persons are measured, and what was asked about it."""

    measured_until: date | None = Field(description="The last day; null: single persons are not measured")
    what: str
    whom: str
    may_act: bool = Field(description="You are a data protection officer")
    measures: list[Measure] = Field(
        description="The latest first; who is no data protection officer sees those in force"
    )


def read_measures(connection: Connection, person: Person) -> dict[str, Any]:
    """Return whether single persons are measured, of what and until when: for everybody whom it concerns."""
    officer = fetch_one(connection, sql("privacy/may_read"), {"person_id": person.person_id})
    may_act = bool(officer and officer["may"])
    asked = {"person_id": person.person_id, "most": MOST_LISTED}
    rows = fetch_all(connection, sql("oversight/list_measures"), asked)
    return {
        "measured_until": max((row["until"] for row in rows if row["state"] == "in_force"), default=None),
        "what": MEASURED[0],
        "whom": MEASURED[1],
        "may_act": may_act,
        "measures": [{**row, "offered": _offered(row["why_not"], may_act=may_act)} for row in rows],
    }


def _offered(why_not: Mapping[str, str | None], *, may_act: bool) -> list[dict[str, Any]]:
    offered = []
    for answer in _ANSWERS:
        refusal = why_not[answer] if may_act else _NOT_AN_OFFICER
        told = refusal and f"{refusal[0].upper()}{refusal[1:]}."
        offered.append({"answer": answer, "allowed": refusal is None, "why_not": told})
    return offered


def ask(ledger: LedgerPool, person: Person, given: MeasureRequest, key: str) -> dict[str, Any]:
    """Ask as the first of two data protection officers; nothing is measured yet.

    :raises Problem: What the ledger refuses.
    """
    told = act(ledger, person, sql("oversight/ask_measure"), **given.model_dump(), idempotency_key=key)
    return {**told, "next": _what_happens_next(told["state"])}


def answer(
    ledger: LedgerPool, person: Person, measure_id: int, given: MeasureAnswerRequest, key: str
) -> dict[str, Any]:
    """Approve as the second, decline, or end what is in force.

    :raises Problem: What the ledger refuses.
    """
    values = {**given.model_dump(), "measure_id": measure_id, "idempotency_key": key}
    told = act(ledger, person, sql("oversight/answer_measure"), **values)
    return {**told, "next": _what_happens_next(told["state"])}


def _what_happens_next(state: MeasureState) -> str:
    return {
        "asked": "Nobody is measured yet; another data protection officer has to approve it.",
        "in_force": "From now on single persons are measured until that day. One officer alone can end it.",
        "declined": "Nothing changes.",
        "ended": "Single persons are not measured any more.",
        "expired": "Its last day has passed; nothing changes.",
    }[state]
