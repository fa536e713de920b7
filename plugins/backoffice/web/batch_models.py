"""What the REST API takes and gives about a batch that waits for its signature."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backoffice.web.case_life_models import ActTaken, Words

EntryNo = Annotated[int, Field(ge=1, le=2**31 - 1)]


class BatchTotal(BaseModel):
    """A control total of what is signed for."""

    currency: str
    items: int
    amount: Decimal = Field(description="Of all entries without sign: a credit note takes nothing off")


class BatchEntry(BaseModel):
    """One entry of a batch as it was put before a person."""

    item_no: int
    name: str = Field(description="Number of the document")
    kind: str | None
    supplier: str | None
    invoice_date: date | None
    due_date: date | None
    amount: Decimal
    currency: str
    evidence_hash: str = Field(description="Of the facts that it rested on")
    state: str = Field(description="asked, taken_out, signed, refused or overtaken")
    changed: str | None = Field(description="What is with it now, if that is another thing than was shown")
    taken_out_by: str | None
    taken_out_because: str | None
    own_case: int | None = Field(description="Its own case, once it was taken out or refused")


class BatchEntries(BaseModel):
    """A page of the entries of a batch, and the control totals of all that is signed for."""

    batch_id: str
    evidence_hash: str = Field(description="Of what is signed for; it changes when an entry is taken out")
    items: int
    taken_out: int
    totals: list[BatchTotal]
    entries: list[BatchEntry]
    next: str | None = Field(description="Address of the next page; null on the last one")


class TakeOutRequest(BaseModel):
    """Take entries out of a batch."""

    model_config = ConfigDict(extra="forbid")

    items: list[EntryNo] = Field(min_length=1, max_length=1000, description="item_no of each")
    reason: Words
    evidence_hash: Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{64}$")] = Field(
        description="The evidence_hash of the batch as you saw it"
    )


class TakenOut(ActTaken):
    """Where the batch stands after entries were taken out: look at the totals before you sign."""

    evidence_hash: str
    items: int
    taken_out: int
    totals: list[BatchTotal]
