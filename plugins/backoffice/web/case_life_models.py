"""What the REST API takes and gives about the life of a case: claims, questions, comments, files."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00]*$")
]
PersonId = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00\s]{1,200}$")]
Whom = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, pattern=r"^(requester|buyer|receiver|supplier|person:[^\x00\s]{1,200})$"
    ),
]
Status = Literal[
    "open", "claimed", "waiting", "half_decided", "escalated", "decided", "settled", "superseded"
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReleaseRequest(_Request):
    """Give a case back; who takes it from another says why."""

    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=r"^[^\x00]*$")
    ] = ""


class ReassignRequest(_Request):
    """Hand a case to another person."""

    to_person: PersonId = Field(description="Id of the person who has it from now on")
    reason: Words


class QuestionRequest(_Request):
    """Ask for information."""

    whom: Whom = Field(description="requester, buyer, receiver, supplier, or a colleague as person:<id>")
    question: Words


class InformationRequest(_Request):
    """Give the information that was asked for."""

    information: Words


class CommentRequest(_Request):
    """Say something about a case."""

    comment: Words


class ActTaken(BaseModel):
    """Where the case stands after an act."""

    case_id: int
    status: Status
    act_id: int | None = Field(description="Null when there was nothing to do")
    claimed_by: str | None
    claimed_by_name: str | None
    due_at: datetime | None
    waiting_since: datetime | None
    escalated_role: str | None


class CaseAct(BaseModel):
    """Something that a person did with a case."""

    act_id: int
    act: Literal["claim", "release", "reassign", "ask", "inform", "comment", "attach", "take_out"]
    person: str
    words: str
    to_person: str | None
    whom: str | None
    round: int | None
    answers: int | None
    acted_at: datetime


class Attachment(BaseModel):
    """A file that a person put to a case."""

    act_id: int
    filename: str
    media_type: str = Field(description="By its bytes")
    bytes: int
    sha256: str
    href: str


class CaseStep(BaseModel):
    """Something that was done with a case by itself."""

    step: Literal["claim_expired", "wait_ended", "reminded", "escalated", "prioritised"]
    person: str | None
    role: str | None
    priority: int | None
    taken_at: datetime


class CaseLife(BaseModel):
    """What became of a case since it was opened, but for the answers."""

    case_id: int
    status: Status
    claimed_by: str | None
    claimed_by_name: str | None
    claimed_at: datetime | None
    priority: int = Field(description="1 urgent, 2 high, 3 normal, 4 low")
    priority_reason: str | None
    due_at: datetime | None
    waiting_since: datetime | None
    waits_for: str | None
    escalated_role: str | None
    acts: list[CaseAct]
    steps: list[CaseStep]
    attachments: list[Attachment]


class Question(BaseModel):
    """A question to you that waits for its answer."""

    case_id: int
    act_id: int
    title: str
    asked_by: str
    question: str
    asked_at: datetime


class QuestionList(BaseModel):
    """Questions to you, the oldest first."""

    questions: list[Question]
