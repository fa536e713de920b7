"""What the REST API takes and gives about the audit log itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
KeyLine = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=400, pattern=r"^[!-*,-~]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$"
    ),
]
Digest = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{64}$")]


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason

    @field_validator("reason")
    @classmethod
    def _storable(cls, reason: str) -> str:
        if "\x00" in reason:
            raise ValueError("the reason contains a character that cannot be stored")
        return reason


class RestoreRequest(_Act):
    """A restore gave up the end of the log."""

    checkpoint: Note = Field(description="The signed checkpoint that was given up, as it was laid down")


class LostKeyRequest(_Act):
    """The signing key is lost."""

    key: KeyLine = Field(description="Public line of the new key, as the sealer prints it")


class ConfirmationRequest(_Act):
    """A second log keeper agrees."""

    digest: Digest = Field(description="The digest of the proposal as you saw it")


class LogProposal(BaseModel):
    """What one log keeper proposed about the log itself, and what became of it."""

    proposal_id: int
    act: Literal["restore", "lost_key"]
    abandoned: str | None = Field(description="Checkpoint that is given up: size and half of its root")
    continued: str | None = Field(description="Checkpoint on which the log goes on")
    key: str | None = Field(description="Public line of the new key")
    reason: str
    proposed_by: str
    proposed_at: datetime
    digest: str = Field(description="Of all that is proposed; send it back with the confirmation")
    confirmed_by: str | None
    confirmed_at: datetime | None
    confirmed_reason: str | None
    hindrance: str | None = Field(description="Why it cannot be confirmed any more; null while it can")


class LogProposalList(BaseModel):
    """Proposals about the log, the latest first."""

    proposals: list[LogProposal]


class LogActTaken(BaseModel):
    """What became of the act."""

    proposal: LogProposal
    next: str = Field(description="What happens now, in a sentence")
