"""Does what stands beside a record agree with the bytes that are sealed?

Subject, number, kind and moment are columns of their own, for reading; only the bytes are in the tree. They
say it too: whoever owns the table can neither move a record to another subject nor number it anew unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

# kind -> subjects that it can have, from a field of the bytes
_SUBJECTS: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "decision": lambda body: _named("invoice:", _document(body)),
    "api_call": lambda body: _named("run:", body.get("run_id")),
    "seal": lambda body: "log",
    "key": lambda body: "log",
    "restore": lambda body: "log",
}
_SUBJECTS_OF_STEPS = ("run opened", "load accepted")
# fields that only one kind has
_TELLING = (
    ("evidence_sha256", "rule", "decision"),
    ("principal", "answer_id", "human"),
    ("method", "url", "api_call"),
    ("previous_size", "seal_no", "seal"),
    ("alert", "detail", "alert"),
)


class ContentCheck:
    """Compares columns with bytes.

    A ledger that had records before they carried their moment gave all of those the moment of that upgrade,
    which is also that of the very first record: there, an earlier moment in the bytes is right.
    """

    def __init__(self) -> None:
        self._first: datetime | None = None
        self._moment: datetime | None = None
        self._text = ""

    def wrong(self, subject: str, n: int, kind: str, recorded_at: datetime, body: bytes) -> str | None:
        """Return what does not agree, or None."""
        try:
            said = orjson.loads(body)
        except ValueError:
            return "its bytes are no JSON"
        if type(said) is not dict:
            return "its bytes are no record"
        if recorded_at != self._moment:
            self._note(recorded_at)
        moment = said.get("recorded_at") or said.get("at")
        if moment is not None and moment != self._text and not self._of_before(recorded_at, moment):
            return f"its bytes say {moment}, beside them stands {self._text}"
        if "_record" in said:
            own = [kind, subject, str(n)]
            return None if said["_record"] == own else f"its bytes call it {said['_record']}, its row {own}"
        # a record from before each said of itself what it is: what its fields tell
        expected = self._subject(kind, said)
        if expected is not None and expected != subject:
            return f"its bytes are about {expected}, beside them stands {subject}"
        for one, other, only in _TELLING:
            if kind != only and one in said and other in said:
                return f"its bytes are those of a {only} record, beside them stands {kind}"
        return None

    def _note(self, recorded_at: datetime) -> None:
        self._moment = recorded_at
        if self._first is None:
            self._first = recorded_at
        utc = recorded_at.astimezone(UTC).replace(tzinfo=None)
        self._text = utc.isoformat(timespec="microseconds") + "Z"

    def _of_before(self, recorded_at: datetime, moment: object) -> bool:
        return recorded_at == self._first and isinstance(moment, str) and moment < self._text

    @staticmethod
    def _subject(kind: str, said: dict[str, Any]) -> str | None:
        rule = _SUBJECTS.get(kind)
        if rule is not None:
            return rule(said)
        if kind == "path" and said.get("step") in _SUBJECTS_OF_STEPS:
            return _named("run:", said.get("run_id"))
        if kind == "effect" and said.get("effect") == "sent":
            return _named("outbox:", said.get("idempotency_key"))
        if kind == "policy":
            return _named("policy:", said.get("policy_id"))
        return None


def _document(body: dict[str, Any]) -> object:
    """Return the hash of the document that a decision is about, in either form of these records."""
    document = body.get("document")
    return document.get("sha256") if isinstance(document, dict) else body.get("invoice_sha256")


def _named(prefix: str, value: object) -> str | None:
    return f"{prefix}{value}" if isinstance(value, str) else None
