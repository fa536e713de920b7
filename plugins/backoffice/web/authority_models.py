"""What the API of authority takes and gives: rows of each kind, changes, and who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backoffice.web.models import Action, Reason

Kind = Literal[
    "person", "identity", "authority", "quorum_rule", "duty_rule", "absence", "substitute", "batch_rule"
]
Act = Literal["add", "change", "remove"]
Answer = Literal["approve", "refuse", "withdraw"]
State = Literal["proposed", "approved", "refused", "withdrawn"]
Duty = Literal["creator", "requester", "buyer", "receiver", "keyer", "supplier_changer", "trigger", "decider"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f]{1,200}$")]
Id = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\s]{1,100}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Money = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)]
Percent = Annotated[Decimal, Field(ge=0, max_digits=9, decimal_places=4)]
Words = Annotated[Reason, StringConstraints(pattern=r"^[^\x00]*$")]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PersonRow(_Row):
    """A person."""

    person_id: Id
    name: Name | None = None
    email: Name | None = None
    active: bool = True


class IdentityRow(_Row):
    """A log-in, or a user id of a source system, of a person."""

    system: Id = "airflow"
    user_id: Name
    person_id: Id | None = None


class AuthorityRow(_Row):
    """What one person may decide."""

    person_id: Id
    role: Id
    process: Id = "*"
    entity: Id = "*"
    cost_centre: Id = "*"
    code: Id = "*"
    effective_from: date | None = Field(None, description="Default: today")
    effective_to: date | None = None
    amount_limit: Money | None = None
    currency: Currency | None = None
    variance_limit: Money | None = Field(None, description="Most that may be above order or receipt")
    variance_pct: Percent | None = Field(None, description="The same as a share of order or receipt")


class QuorumRow(_Row):
    """How many people an action needs."""

    name: Name
    role: Id = "*"
    process: Id = "*"
    entity: Id = "*"
    code: Id = "*"
    action: Action = "accept"
    amount_from: Money | None = None
    currency: Currency | None = None
    persons: Annotated[int, Field(ge=1, le=20)] | None = None
    of_persons: Annotated[list[Id], Field(max_length=100)] | None = None
    with_roles: Annotated[list[Id], Field(max_length=20)] = []
    veto_roles: Annotated[list[Id], Field(max_length=20)] = []


class DutyRow(_Row):
    """Whether a part in the document keeps somebody from deciding about it."""

    duty: Duty
    code: Id = "*"
    excluded: bool | None = None
    unknown_is_anyone: bool = False


class AbsenceRow(_Row):
    """Days on which a person is away."""

    person_id: Id
    from_day: date | None = Field(None, description="Default: today")
    to_day: date | None = None


class SubstituteRow(_Row):
    """Who stands in for a person."""

    person_id: Id
    substitute_id: Id
    role: Id = "*"
    process: Id = "*"
    entity: Id = "*"
    from_day: date | None = Field(None, description="Default: today")
    to_day: date | None = None
    when_absent: bool = Field(True, description="Only while the person is away; else always")
    amount_limit: Money | None = None
    currency: Currency | None = None


class BatchRow(_Row):
    """From which total on the entries of one run need a signature."""

    item_kind: Literal["posting"] = "posting"
    process: Id = "*"
    entity: Id = "*"
    amount_above: Money | None = None
    currency: Currency | None = None
    role: Id | None = Field(None, description="Who signs")


ROWS: Mapping[str, type[_Row]] = {
    "person": PersonRow,
    "identity": IdentityRow,
    "authority": AuthorityRow,
    "quorum_rule": QuorumRow,
    "duty_rule": DutyRow,
    "absence": AbsenceRow,
    "substitute": SubstituteRow,
    "batch_rule": BatchRow,
}
# what has to stand in a row that is added or changed, besides its key
NEEDED: Mapping[str, tuple[str, ...]] = {
    "person": ("name",),
    "identity": ("person_id",),
    "authority": ("amount_limit", "currency"),
    "quorum_rule": ("persons",),
    "duty_rule": ("excluded",),
    "absence": ("to_day",),
    "substitute": ("to_day",),
    "batch_rule": ("amount_above", "currency", "role"),
}


class ChangeRequest(BaseModel):
    """A change to be proposed: the row as it shall be, or its key where it shall go."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    act: Act
    row: dict[str, Any] = Field(description="Columns by name; which, says the kind")
    reason: Words


class ChangeAnswer(BaseModel):
    """Why a change is refused or withdrawn."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


class ChangeApproval(ChangeAnswer):
    """The second person's signature."""

    shown_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="shown_sha256 of the change as you saw it"
    )


class ChangeTold(BaseModel):
    """What became of a change."""

    change_id: int
    state: State
    alone: bool = Field(description="Made at once: the own absence or substitute")
    shown_sha256: str
    next: str = Field(description="What happens now, in a sentence")


class OfferedAct(BaseModel):
    """What you may do with a change, or why not."""

    act: Answer
    allowed: bool
    why_not: str | None


class FieldChange(BaseModel):
    """One column, before and after."""

    field: str
    before: Any
    after: Any


class Change(BaseModel):
    """A change and who could do what before and after it."""

    change_id: int
    kind: Kind
    act: Act
    of_person: str | None
    of_name: str | None
    fields: list[FieldChange]
    impact: dict[str, Any]
    shown_sha256: str
    alone: bool
    state: State
    reason: str
    proposed_by: str
    proposed_at: datetime
    answer_reason: str | None
    answered_by: str | None
    answered_at: datetime | None
    offered: list[OfferedAct]


class ChangeList(BaseModel):
    """Changes, those that wait first."""

    changes: list[Change]


class AuthorityMatrix(BaseModel):
    """Who may do what. Who is neither administrator nor auditor sees themselves."""

    administers: bool
    people: list[dict[str, Any]]
    authority: list[dict[str, Any]]
    substitutes: list[dict[str, Any]]
    quorum_rules: list[dict[str, Any]]
    duty_rules: list[dict[str, Any]]
    batch_rules: list[dict[str, Any]]
