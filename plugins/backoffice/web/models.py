"""What the REST API takes and gives. Amounts are text with a decimal point, moments are UTC."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Action = Literal["accept", "reject", "ask_again", "read_again", "discard"]
StateFilter = Literal[
    "open",
    "unclaimed",
    "claimed",
    "waiting",
    "escalated",
    "half_decided",
    "decided",
    "settled",
    "superseded",
    "all",
]


class CaseSummary(BaseModel):
    """One line of the inbox."""

    case_id: int
    process: str
    subject_kind: str
    subject_key: str
    title: str
    entity: str
    role: str
    candidate: str | None = Field(description="Person named in the document, asked first")
    supplier: str | None
    codes: list[str]
    amount: Decimal | None = Field(description="Gross amount of the subject; null is not known")
    currency: str | None
    due_date: date | None
    discount_date: date | None = Field(description="Last day of a discount for paying early")
    discount_percent: Decimal | None
    state: str
    opened_at: datetime
    synthetic: bool = Field(description="Of the sandbox company, not of a real one")


class ListedCase(CaseSummary):
    """One line of the inbox, with what it takes to answer from there."""

    evidence_hash: str = Field(description="Of the facts as they are now; send it back with an answer")
    status: str = Field(description="As state; an open case may also be claimed, waiting or escalated")
    priority: int = Field(description="1 urgent to 4 low")
    due_at: datetime | None = Field(description="When the case itself is due, where that is set")
    claimer: str | None = Field(description="Who has claimed it")


class CaseList(BaseModel):
    """One page of the inbox."""

    cases: list[ListedCase]
    next: str | None = Field(description="Address of the next page; null on the last one")


class CaseCounts(BaseModel):
    """How many cases wait, of those that you may see."""

    waiting: int
    mine: int = Field(
        description="You are named in them, have claimed them or have their role, or who you stand in for"
    )
    roles: dict[str, int]
    processes: dict[str, int]


class Hold(BaseModel):
    """One thing that stands in the way, in words."""

    code: str
    title: str
    effect: str
    sentence: str
    line: str | None


class EntryLine(BaseModel):
    """One side of an entry."""

    account: str
    name: str
    debit: Decimal
    credit: Decimal
    currency: str
    purpose: str


class ProposedEntry(BaseModel):
    """A journal entry that an answer would book."""

    event: str
    note: str | None = None
    lines: list[EntryLine]


class EvidenceOfHypothesis(BaseModel):
    """One record of the ledger that speaks for a hypothesis."""

    what: str
    reference: str
    value: str
    at: str
    state: str


class Hypothesis(BaseModel):
    """A possible cause of what disagrees."""

    hypothesis: str
    title: str
    line: str | None
    sentence: str
    score: Decimal = Field(description="1 fits exactly")
    evidence: list[EvidenceOfHypothesis]


class ChangedFact(BaseModel):
    """A fact that changed."""

    code: str
    line: str | None
    fact: str
    before: str
    now: str


class OfferedAction(BaseModel):
    """One thing that can be done with the case, and whether you may do it."""

    action: str
    label: str
    effect: str = Field(description="What is booked or sent when this is decided")
    needs_second_person: bool
    persons_needed: int = Field(description="How many different people have to agree on the same facts")
    persons_given: int = Field(description="How many of them have")
    of_persons: list[str] | None = Field(description="Only these; null for whoever has the authority")
    with_roles: list[str] = Field(description="Roles that must be among those who agree")
    veto_roles: list[str] = Field(description="Roles that end it alone by rejecting")
    on_behalf_of: str | None = Field(description="For whom you would answer, if not for yourself")
    reason_codes: list[str]
    allowed: bool
    why_not: str | None
    entries: list[ProposedEntry] = Field(description="The journal entries that the answer would book")


class AnswerGiven(BaseModel):
    """One answer that a person gave before."""

    answer_id: int
    person: str
    on_behalf_of: str | None = Field(description="For whom the person stood in")
    persons_needed: int | None
    action: str
    reason_code: str
    reason: str
    final: bool = Field(description="False while other people have to agree")
    answered_at: datetime
    booked_at: datetime | None
    booking_result: str | None


class CaseDocument(BaseModel):
    """An original document of the case."""

    document_id: int
    filename: str
    media_type: str
    bytes: int
    sha256: str
    href: str


class CaseDetail(CaseSummary):
    """Everything a person needs to decide."""

    evidence_hash: str = Field(description="Of the facts shown here; send it back with the answer")
    dag_id: str | None
    airflow_run_id: str | None
    closed_at: datetime | None
    holds: list[Hold]
    hypotheses: list[Hypothesis] = Field(description="The best first; none without evidence")
    changed: list[ChangedFact] = Field(description="Since the case was opened")
    changed_just_now: list[ChangedFact] | None = Field(
        description="Since the hand-over was written: answers are refused until the next run"
    )
    actions: list[OfferedAction]
    answers: list[AnswerGiven]
    documents: list[CaseDocument]
    handover: dict[str, Any]
    checkpoint: str | None = Field(description="Of the audit log now: its size and half of its root")


Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9_]{1,64}$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]
IdempotencyKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{8,200}$")]


class AnswerRequest(BaseModel):
    """A person's answer to a case."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    reason_code: Code
    reason: Reason
    evidence_hash: Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{64}$")] = Field(
        description="The evidence_hash of the case as you saw it"
    )

    @field_validator("reason")
    @classmethod
    def _storable(cls, reason: str) -> str:
        if "\x00" in reason:
            raise ValueError("the reason contains a character that cannot be stored")
        return reason


class AnswerTaken(BaseModel):
    """What became of the answer."""

    answer_id: int
    case_id: int
    state: str
    final: bool
    person: str
    on_behalf_of: str | None = Field(description="For whom you stood in")
    persons_needed: int | None
    persons_given: int
    next: str = Field(description="What happens now, in a sentence")


class RunSummary(BaseModel):
    """One run of a process."""

    run_id: int
    process: str
    dag_id: str
    airflow_run_id: str
    business_date: date
    dry_run: bool
    synthetic: bool = Field(description="Read the sandbox company, not a real one")
    started_at: datetime
    reported_at: datetime | None
    open_cases: int


class RunList(BaseModel):
    """One page of runs, the latest first."""

    runs: list[RunSummary]
    next: str | None


class ErrorOfField(BaseModel):
    """What is wrong with one field; an empty name is the request as a whole."""

    field: str
    message: str


class FindingOfText(BaseModel):
    """One thing that is wrong with the text of a policy, as ``backoffice policy check`` says it."""

    file: str
    kind: str
    problem: str
    remedy: str = Field(description="What to do")
    rule: str = Field(description="Which rule, or another place such as default or example 3")
    cell: str = Field(description="The input whose cell it is, or the key")
    value: str = Field(description="What stands there")
    line: int = Field(description="Line of the text, counted from 1; 0 when it has none")


class ProblemBody(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ErrorOfField] = []
    findings: list[FindingOfText] = []
