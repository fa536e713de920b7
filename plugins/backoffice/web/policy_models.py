"""What the REST API takes and gives of policies. Amounts are text with a decimal point, moments are UTC."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from backoffice.web.models import Reason

Act = Literal["approve", "refuse", "withdraw"]


def _storable(text: str) -> str:
    """Refuse what neither the audit log nor the database can hold."""
    if "\x00" in text:
        raise ValueError("contains a character that cannot be stored")
    return text


Words = Annotated[Reason, AfterValidator(_storable)]
Sha256 = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{64}$")]


class CheckRequest(BaseModel):
    """A text that may become the next version of a policy."""

    model_config = ConfigDict(extra="forbid")

    content: Annotated[str, StringConstraints(min_length=1), AfterValidator(_storable)] = Field(
        description="The whole text, as it is to be kept"
    )
    effective_from: date | None = Field(
        default=None, description="Business day from which it decides; null is the first day possible"
    )


class ProposalRequest(CheckRequest):
    """A text to become the next version of a policy."""

    reason: Words


class ApprovalRequest(BaseModel):
    """The second person's signature under a text and its impact."""

    model_config = ConfigDict(extra="forbid")

    reason: Words
    impact_sha256: Sha256 = Field(description="The impact_sha256 of the proposal as you saw it")


class EndRequest(BaseModel):
    """Why a proposal is refused or withdrawn."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


class VersionSummary(BaseModel):
    """One version of a policy."""

    version: int
    state: str = Field(
        description="approved (its day is to come), active, superseded or ended (its last day has passed)"
    )
    sha256: str
    machine_limit: Decimal
    currency: str
    effective_from: date | None = Field(description="Null: from its approval on")
    effective_to: date | None = Field(
        description="Last day on which it decides; null: until the next version"
    )
    approved_at: datetime
    approved_by: str
    by_owner: bool = Field(description="Entered by the database's owner, not by two people")
    proposal_id: int | None


class VersionDetail(VersionSummary):
    """A version with its text."""

    policy_id: str
    process: str
    content: str


class ProposalSummary(BaseModel):
    """A proposed change of a policy."""

    proposal_id: int
    policy_id: str
    version: int
    state: str = Field(description="proposed, approved, refused or withdrawn")
    sha256: str
    machine_limit: Decimal
    currency: str
    effective_from: date
    decisions: int = Field(description="Recorded decisions that were looked at")
    changed: int = Field(description="How many of them come out otherwise")
    impact_sha256: str
    proposed_by: str
    proposed_at: datetime


class PolicySummary(BaseModel):
    """A policy with its versions, the latest approved first."""

    policy_id: str
    process: str
    active_version: int | None
    may_propose: bool = Field(description="You have authority as its owner, up to some machine limit")
    versions: list[VersionSummary]


class PolicyList(BaseModel):
    """Every policy that you may see, and the changes that were proposed."""

    policies: list[PolicySummary]
    proposals: list[ProposalSummary]


class Move(BaseModel):
    """Decisions that go from one outcome to another."""

    model_config = ConfigDict(populate_by_name=True)

    from_outcome: str = Field(alias="from")
    to: str
    count: int
    amount: Decimal
    currency: str | None


class ChangedDecision(BaseModel):
    """One decision that comes out otherwise."""

    model_config = ConfigDict(populate_by_name=True)

    decision_id: int
    invoice: str | None
    supplier: str | None
    amount: Decimal | None
    currency: str | None
    from_outcome: str = Field(alias="from")
    from_rule: str
    to: str
    to_rule: str


class Fault(BaseModel):
    """Why the text could not use what was recorded."""

    fault: str
    count: int


class Impact(BaseModel):
    """What the recorded decisions would become under the proposed text."""

    at_most: int
    decisions: int
    first_at: datetime | None
    last_at: datetime | None
    tried: int | None = Field(
        default=None, description="How many of them could be decided again; null in old proposals"
    )
    changed: int
    moves: list[Move]
    unusable: list[Fault]
    other_form: list[Fault] = Field(
        default=[],
        description="Not decided again: recorded in an earlier form, or with an input that the text lacks",
    )
    listed: list[ChangedDecision] = Field(description="The first 500 of those that change, the latest first")


class CheckedText(BaseModel):
    """What a text would be as a proposal. Nothing is stored."""

    policy_id: str
    process: str
    version: int
    sha256: str
    machine_limit: Decimal
    currency: str
    effective_from: date
    replaces_version: int
    difference: list[str] = Field(description="Lines against the text it replaces, as diff -u prints them")
    impact: Impact


class OfferedAct(BaseModel):
    """One thing that can be done with a proposal, and whether you may do it."""

    act: Act
    allowed: bool
    why_not: str | None


class ActTaken(BaseModel):
    """What a person did with a proposal."""

    act: str
    person: str
    reason: str
    acted_at: datetime


class ProposalDetail(ProposalSummary):
    """All that the second person needs to sign, or not."""

    process: str
    content: str
    replaces_version: int
    difference: list[str] = Field(description="Lines against the text it replaces, as diff -u prints them")
    impact: Impact
    offered: list[OfferedAct]
    acts: list[ActTaken]


class ProposalTold(BaseModel):
    """What became of a proposal."""

    proposal_id: int
    policy_id: str
    version: int
    sha256: str
    state: str = Field(description="proposed, approved, active, refused or withdrawn")
    effective_from: date
    impact_sha256: str
    next: str = Field(description="What happens now, in a sentence")
