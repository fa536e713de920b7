"""What signed records say of the rows that the ledger's tables list, and the line between both.

A pack lists what the tables said when it was made. Where a record says the same, the value stands under
``signed``; where no record says anything of it, under ``listed_not_signed``. Whoever makes a pack and whoever
checks one draws this line by the same function, so that nothing can stand on the wrong side of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from backoffice.domain.evidence.contents import Record

Row = Mapping[str, Any]
Said = Iterator[tuple[str, object, Record]]

# by what a row is known; it stands on both sides
KEYS = {
    "answers": ("answer",),
    "acts": ("at", "person_id"),
    "cases": ("case",),
    "entries": ("business_key",),
    "lines": ("line",),
    "orders": ("order", "version"),
    "payments": ("payment",),
    "receipts": ("receipt",),
    "runs": ("run",),
    "suppliers": ("supplier_id", "version"),
}
# parts of which every row is on record, and what it is called when it is not
ON_RECORD = {"entries": "entry", "payments": "payment", "answers": "answer", "acts": "act"}
_MADE_BY = {"entries": "effect", "payments": "effect", "answers": "human", "acts": "policy"}
_ACTS = {"propose": "proposed", "approve": "approved", "refuse": "refused", "withdraw": "withdrawn"}
_LINE = ("account", "debit", "credit", "currency", "purpose")


@dataclass
class Divided:
    """A listing in two, and what of it records contradict.

    :param wrong: The record, and in which words it says something else.
    :param unknown: Rows that have to be on record and are not, in words.
    """

    signed: dict[str, Any] = field(default_factory=dict)
    unsigned: dict[str, Any] = field(default_factory=dict)
    wrong: list[tuple[int, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def joined(signed: Mapping[str, Any], unsigned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the listing that was divided into these."""
    whole = dict(unsigned)
    for part, said in signed.items():
        other = unsigned.get(part)
        if isinstance(said, Mapping):
            whole[part] = {**(other or {}), **said}
        else:
            rest = list(other or [{}] * len(said))
            if len(rest) != len(said):
                raise ValueError(f"{part} has not the same rows on both sides")
            whole[part] = [{**a, **b} for a, b in zip(rest, said)]  # noqa: B905 - runs on Python 3.9
    return whole


class Witness:
    """The records of one item, as far as they say something of rows.

    :param subjects: What the item is about.
    :param records: All its records, those of runs and policies too.
    """

    def __init__(self, subjects: Iterable[str], records: Iterable[Record]) -> None:
        self.subjects = tuple(subjects)
        self.all = sorted((one for one in records if one.body is not None), key=lambda one: one.no)
        self.own = [one for one in self.all if one.subject in self.subjects]
        self.purged = {one.kind for one in records if one.body is None and one.subject in self.subjects}
        self.decisions = [one for one in self.own if one.kind == "decision"]
        self.entries = {
            str(one.said.get("business_key")): one
            for one in self.own
            if one.said.get("effect") == "journal entry"
        }
        self.answers = {
            str(one.said["answer_id"]): one
            for one in self.own
            if one.kind == "human" and "answer_id" in one.said
        }
        self.payments = [
            one for one in self.own if str(one.said.get("effect", "")).startswith("payment proposed")
        ]

    def divide(self, listing: Mapping[str, Any]) -> Divided:
        """Draw the line through a listing."""
        found = Divided()
        for part, content in listing.items():
            sayer = getattr(self, f"_of_{part}", None)
            if isinstance(content, Mapping) and sayer is not None:
                found.signed[part], found.unsigned[part] = self._row(part, content, sayer, found)
            elif isinstance(content, Sequence) and sayer is not None:
                rows = [self._row(part, row, sayer, found) for row in content]
                found.signed[part], found.unsigned[part] = [row[0] for row in rows], [row[1] for row in rows]
            else:
                found.unsigned[part] = content
        return found

    def lines(self, key: str) -> list[dict[str, Any]] | None:
        """Return the lines of an entry, of a reversal those of the other one exchanged; None: not known."""
        record = self.entries.get(key)
        if record is None:
            return None
        if record.said.get("lines"):
            return [{name: line.get(name) for name in _LINE} for line in record.said["lines"]]
        before = self.lines(key[len("reversal/") :]) if key.startswith("reversal/") else None
        return None if before is None else [_exchanged(line) for line in before]

    def supplier(self) -> tuple[str, Record] | None:
        """Return the supplier that the newest decision rests on."""
        for record in reversed(self.decisions):
            parts = str(record.said.get("facts") or "").split("|")
            state = (record.said.get("inputs") or {}).get("match_state")
            if len(parts) > 2 and parts[2] == state and parts[1]:
                return parts[1], record
        return None

    def gross(self) -> tuple[str, str, Record] | None:
        """Return the amount that the newest decision looked at, without its sign."""
        for record in reversed(self.decisions):
            looked_at = (record.said.get("inputs") or {}).get("gross_amount")
            if isinstance(looked_at, Mapping):
                return str(looked_at.get("amount")), str(looked_at.get("currency")), record
        return None

    # -- one row --

    def _row(self, part: str, row: Row, sayer: Any, found: Divided) -> tuple[dict[str, Any], dict[str, Any]]:
        signed: dict[str, Any] = {}
        known = False
        for name, value, record in sayer(row):
            known = True
            if name not in row:
                continue
            if row[name] == value:
                signed[name] = value
            else:
                what = f"{name} is {_short(value)}, the ledger lists {_short(row[name])}"
                found.wrong.append((record.no, f"{what} of {_called(part, row)}"))
        if not known and part in ON_RECORD and _MADE_BY[part] not in self.purged:
            found.unknown.append(f"{ON_RECORD[part]} {_called(part, row)} is listed and not on record")
        keys = KEYS.get(part, ())
        return signed, {name: value for name, value in row.items() if name not in signed or name in keys}

    def _of_document(self, row: Row) -> Said:
        for record in self.own:
            kind, _, digest = record.subject.partition(":")
            if kind in ("invoice", "document"):
                yield "content_sha256", digest, record
                break
        described = [one for one in self.decisions if isinstance(one.said.get("document"), Mapping)]
        if described:
            document, record = described[-1].said["document"], described[-1]
            for name, field_ in (
                ("original_sha256", "original_sha256"),
                ("source", "source"),
                ("received_at", "received_at"),
                ("load", "load_id"),
            ):
                if document.get(field_) is not None:
                    yield name, document[field_], record
            yield from self._run_of(str(document.get("load_id")))
        supplier, gross = self.supplier(), self.gross()
        if supplier is not None:
            yield "supplier_id", *supplier
        if gross is not None:
            amount, currency, record = gross
            yield "currency", currency, record
            negative = str(row.get("gross") or "").startswith("-")
            if not negative or not _same_size(row.get("gross"), amount):  # the record has no sign
                yield "gross", amount, record

    def _run_of(self, load: str) -> Said:
        for record in self.all:
            if record.said.get("load_id") == load and record.said.get("run_id"):
                yield "run", record.said["run_id"], record
                return

    def _of_entries(self, row: Row) -> Said:
        key = str(row.get("business_key"))
        record = self.entries.get(key)
        if record is None:
            return
        for name in ("business_key", "event", "posting_date"):
            yield name, record.said.get(name), record
        yield "subject", record.subject, record
        if key.startswith("reversal/"):
            yield "reverses", key[len("reversal/") :], record
        lines = self.lines(key)
        if lines is not None:
            yield "lines", lines, record

    def _of_payments(self, row: Row) -> Said:
        if self.payments:
            last = max(self.payments, key=lambda one: one.n)
            for name in ("amount", "currency", "pay_on"):
                yield name, last.said.get(name), last
            yield "decision", last.said.get("decision_id"), last

    def _of_answers(self, row: Row) -> Said:
        answer = str(row.get("answer"))
        record = self.answers.get(answer)
        if record is None:
            return
        yield "answer", answer, record
        for name in ("person_id", "action", "reason_code", "final"):
            yield name, record.said.get(name), record
        yield "case", f"case:{record.said.get('case_id')}", record
        yield "answered_at", record.said.get("at"), record
        for booked in self.own:
            told = booked.said if booked.said.get("step") == "answer booked" else {}
            # the table says in a sentence that it was stale
            if told.get("answer_id") == answer and told.get("result") != "stale":
                yield "result", told.get("result"), booked

    def _of_cases(self, row: Row) -> Said:
        for record in self.own:
            case = f"case:{record.said.get('case_id')}"
            if record.said.get("step") == "case opened" and case == row.get("case"):
                yield "case", case, record
                yield "role", record.said.get("role"), record
                yield "opened_at", record.said.get("at"), record

    def _of_acts(self, row: Row) -> Said:
        for record in self.own:
            said = record.said
            acted = (said.get("acted_at"), said.get("person_id"))
            if None not in acted and acted == (row.get("at"), row.get("person_id")):
                yield "at", acted[0], record
                yield "person_id", acted[1], record
                if row.get("act") in _ACTS:
                    yield "act", {step: act for act, step in _ACTS.items()}.get(str(said.get("step"))), record

    def _of_orders(self, row: Row) -> Said:
        """A decision names the versions of order lines that it rests on by their hashes, not all."""
        digest = row.get("content_sha256")
        for record in reversed(self.decisions):
            if digest and f",{digest}," in f"{record.said.get('facts') or ''},":
                yield "content_sha256", digest, record
                return

    def _of_receipts(self, row: Row) -> Said:
        for record in self.own:
            if record.subject == f"receipt:{row.get('receipt')}":
                yield "receipt", row["receipt"], record
                return

    def _of_runs(self, row: Row) -> Said:
        for record in self.all:
            if record.subject == f"run:{row.get('run')}" and record.said.get("step") == "run opened":
                yield "run", record.said.get("run_id"), record
                yield "process", record.said.get("process"), record
                yield "package_version", record.said.get("package_version"), record
                yield "started_at", record.said.get("at"), record
                return


def _exchanged(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **line,
        "debit": line.get("credit"),
        "credit": line.get("debit"),
        "purpose": f"reversal: {line.get('purpose')}",
    }


def _same_size(one: object, other: object) -> bool:
    try:
        return abs(Decimal(str(one))) == abs(Decimal(str(other)))
    except InvalidOperation:
        return False


def _called(part: str, row: Row) -> str:
    keys = [str(row.get(name)) for name in KEYS.get(part, ())]
    return " ".join(keys) if keys else f"the {part}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 160 else f"{text[:160]}..."
