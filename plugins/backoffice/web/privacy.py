"""Personal data, retention and legal holds: what the REST API takes and gives, and how it asks the ledger."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backoffice.settings import sql
from backoffice.web.acts import act
from backoffice.web.auth import Person
from backoffice.web.database import Connection, LedgerPool, fetch_all, fetch_one
from backoffice.web.models import Reason
from backoffice.web.problems import Problem

MOST_LISTED = 200
Act = Literal["erase_person", "lift_hold", "purge_records"]
Basis = Literal["no_longer_needed", "consent_withdrawn", "objection", "unlawful", "legal_obligation"]
ScopeKind = Literal["everything", "class", "subject", "entity", "person"]
RequestState = Literal["open", "carried_out", "declined"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00]{1,300}$")]
Words = Annotated[Reason, StringConstraints(pattern=r"^[^\x00]*$")]


class HoldRequest(BaseModel):
    """A legal hold to be placed."""

    model_config = ConfigDict(extra="forbid")

    scope_kind: ScopeKind
    scope: Name | None = Field(None, description="What is held; nothing for everything")
    reason: Words


class HoldPlaced(BaseModel):
    """The hold that stands now."""

    hold_id: int


class Hold(BaseModel):
    """A legal hold."""

    hold_id: int
    scope_kind: ScopeKind
    scope: str | None
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_at: datetime | None
    lifted_by_request: int | None


class HoldList(BaseModel):
    """Legal holds, the latest first."""

    holds: list[Hold]


class PrivacyRequest(BaseModel):
    """An act that needs a second person."""

    model_config = ConfigDict(extra="forbid")

    act: Act
    person_id: Name | None = Field(None, description="erase_person: whom")
    basis: Basis | None = Field(None, description="erase_person: the ground, GDPR art. 17 (1)")
    hold_id: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(None, description="lift_hold: which")
    record_class: Name | None = Field(None, description="purge_records: which class")
    before: date | None = Field(None, description="purge_records: records from before this day")
    reason: Words


class RequestTaken(BaseModel):
    """The request that waits now."""

    request_id: int
    state: RequestState


class PrivacyAnswer(BaseModel):
    """The second person's answer."""

    model_config = ConfigDict(extra="forbid")

    answer: Literal["approve", "decline"]
    reason: Words


class PrivacyAnswerTaken(RequestTaken):
    """What was done."""

    result: dict[str, Any] | None = Field(description="What was erased or purged; null when declined")


class RequestMade(RequestTaken):
    """One request and what became of it."""

    act: Act
    person_id: str | None
    basis: Basis | None
    hold_id: int | None
    record_class: str | None
    before: date | None
    reason: str
    requested_by: str
    requested_at: datetime
    answered_by: str | None
    answer_reason: str | None
    answered_at: datetime | None
    result: dict[str, Any] | None


class RequestList(BaseModel):
    """Requests, the latest first."""

    requests: list[RequestMade]


class RetentionClass(BaseModel):
    """How long records of one class are kept."""

    record_class: str
    years: int | None = Field(description="Null: as long as the log")
    counted_from: Literal["record", "fiscal_year"]
    basis: str


class RetentionList(BaseModel):
    """Every class of records."""

    classes: list[RetentionClass]


def list_requests(connection: Connection, person: Person, state: str | None) -> list[dict[str, Any]]:
    """Return the latest requests.

    :raises Problem: 403, not a data protection officer.
    """
    require_officer(connection, person)
    return fetch_all(connection, sql("privacy/list_requests"), {"state": state, "most": MOST_LISTED})


def list_holds(connection: Connection, person: Person, *, lifted: bool) -> list[dict[str, Any]]:
    """Return the holds in force, or with ``lifted`` all.

    :raises Problem: 403, not a data protection officer.
    """
    require_officer(connection, person)
    return fetch_all(connection, sql("privacy/list_holds"), {"lifted": lifted, "most": MOST_LISTED})


def list_retention(connection: Connection, person: Person) -> list[dict[str, Any]]:
    """Return how long what is kept.

    :raises Problem: 403, not a data protection officer.
    """
    require_officer(connection, person)
    return fetch_all(connection, sql("privacy/list_retention"), {})


def require_officer(connection: Connection, person: Person) -> None:
    """Let in a data protection officer.

    :raises Problem: 403, the person is none.
    """
    row = fetch_one(connection, sql("privacy/may_read"), {"person_id": person.person_id})
    if row is None or not row["may"]:
        raise Problem(403, "This is for the role 'data_protection_officer', which you do not have.")


def place_hold(ledger: LedgerPool, person: Person, given: HoldRequest, key: str) -> dict[str, Any]:
    """Place a legal hold, which stands at once.

    :raises Problem: What the ledger refuses.
    """
    return act(ledger, person, sql("privacy/place_hold"), **given.model_dump(), idempotency_key=key)


def request_act(ledger: LedgerPool, person: Person, given: PrivacyRequest, key: str) -> dict[str, Any]:
    """Ask for an act as the first of two persons.

    :raises Problem: What the ledger refuses.
    """
    values = given.model_dump()
    return act(ledger, person, sql("privacy/request_act"), **values, idempotency_key=key, patient=True)


def answer_request(
    ledger: LedgerPool, person: Person, request_id: int, given: PrivacyAnswer, key: str
) -> dict[str, Any]:
    """Approve a request, which carries it out, or decline it.

    :raises Problem: What the ledger refuses.
    """
    return act(
        ledger,
        person,
        sql("privacy/answer_request"),
        **given.model_dump(),
        request_id=request_id,
        idempotency_key=key,
        patient=True,
    )
