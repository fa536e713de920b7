"""One answer to several cases: each is decided for itself; what may not be decided is left out and named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from backoffice.settings import sql
from backoffice.web import answers, cases
from backoffice.web.auth import Person
from backoffice.web.database import Connection, LedgerPool, fetch_all
from backoffice.web.models import Action, AnswerRequest, Code, Reason
from backoffice.web.problems import Problem

MOST_CASES = 100
_BATCH = "A batch is signed for on its own page, where its totals stand."


class ChosenCase(BaseModel):
    """A case as the person saw it."""

    model_config = ConfigDict(extra="forbid")

    case_id: int = Field(ge=1, le=2**63 - 1)
    evidence_hash: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] = Field(
        description="The evidence_hash of the case as you saw it"
    )


class BulkQuestion(BaseModel):
    """What a person would answer to several cases."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    cases: list[ChosenCase] = Field(min_length=1, max_length=MOST_CASES)

    @field_validator("cases")
    @classmethod
    def _each_once(cls, chosen: list[ChosenCase]) -> list[ChosenCase]:
        if len({one.case_id for one in chosen}) != len(chosen):
            raise ValueError("a case is named twice")
        return chosen


class BulkAnswer(BulkQuestion):
    """A person's answer to several cases."""

    reason_code: Code
    reason: Reason

    @field_validator("reason")
    @classmethod
    def _storable(cls, reason: str) -> str:
        if "\x00" in reason:
            raise ValueError("the reason contains a character that cannot be stored")
        return reason


class LeftOut(BaseModel):
    """A case that is not decided, and why not."""

    case_id: int
    title: str = Field(description="Empty for a case that you may not see")
    why_not: str


class BulkChecked(BaseModel):
    """Which of the cases would be decided, and which are left out."""

    ready: list[int]
    left_out: list[LeftOut]


class CaseTaken(BaseModel):
    """A case that was decided."""

    case_id: int
    answer_id: int
    state: str
    final: bool = Field(description="False while a second person has to agree")


class BulkTaken(BaseModel):
    """What became of each case."""

    taken: list[CaseTaken]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class _Looked:
    titles: Mapping[int, str]
    why_not: Mapping[int, str]


def check(ledger: LedgerPool, person: Person, asked: BulkQuestion) -> dict[str, Any]:
    """Return which of these cases this person may decide so now, and why not the others. Writes nothing."""
    with ledger.reading() as connection:
        looked = _look(connection, person, asked)
    chosen = [one.case_id for one in asked.cases]
    return {
        "ready": [case_id for case_id in chosen if case_id not in looked.why_not],
        "left_out": _left_out(looked, ((one, looked.why_not.get(one)) for one in chosen)),
    }


def decide(ledger: LedgerPool, person: Person, given: BulkAnswer, key: str) -> dict[str, Any]:
    """Record the same answer to each case that this person may decide; name the others.

    Each case is an act of its own, checked by the ledger on the facts that the person saw. Sent again with
    the same key, what was recorded is recorded once. Should the ledger stop answering midway, what was taken
    stays taken, and the same request again does the rest.
    """
    # not asked of the first look what the ledger itself says below: a repeat must find its own answers
    taken, refused = [], []
    with ledger.reading() as connection:
        batches = {
            row["case_id"] for row in _chosen(connection, person, given) if row["subject_kind"] == cases.BATCH
        }
    for one in given.cases:
        if one.case_id in batches:
            refused.append((one.case_id, _BATCH))
            continue
        answer = AnswerRequest(
            action=given.action,
            reason_code=given.reason_code,
            reason=given.reason,
            evidence_hash=one.evidence_hash,
        )
        try:
            taken.append(answers.decide(ledger, person, one.case_id, answer, f"{key}:{one.case_id}"))
        except Problem as problem:
            refused.append((one.case_id, problem.detail))
    with ledger.reading() as connection:
        looked = _look(connection, person, given)
    return {"taken": taken, "left_out": _left_out(looked, refused)}


def _look(connection: Connection, person: Person, asked: BulkQuestion) -> _Looked:
    chosen = {one.case_id: one.evidence_hash.lower() for one in asked.cases}
    rows = _chosen(connection, person, asked)
    why_not = {one: f"There is no case {one} that you may see." for one in chosen}
    for row in rows:
        del why_not[row["case_id"]]
        if row["evidence_hash"] != chosen[row["case_id"]]:
            why_not[row["case_id"]] = "The facts changed since they were shown; look at it again."
        elif row["subject_kind"] == cases.BATCH:
            why_not[row["case_id"]] = _BATCH
    may_see = [row["case_id"] for row in rows]
    # what stands in the person's way is said first: no other look at the facts mends it
    why_not.update(cases.why_not_decide(connection, person, may_see, asked.action))
    return _Looked({row["case_id"]: row["title"] for row in rows}, why_not)


def _chosen(connection: Connection, person: Person, asked: BulkQuestion) -> list[dict[str, Any]]:
    return fetch_all(
        connection,
        sql("review/list_chosen_cases"),
        {"case_ids": [one.case_id for one in asked.cases], "person_id": person.person_id},
    )


def _left_out(looked: _Looked, told: Iterable[tuple[int, str | None]]) -> list[dict[str, Any]]:
    return [
        {"case_id": case_id, "title": looked.titles.get(case_id, ""), "why_not": why_not}
        for case_id, why_not in told
        if why_not is not None
    ]
