"""What a person means by the name of an invoice, entry, payment, case or policy change.

Looks in every way that a name can be read and never guesses: a name that means several things is refused with
the exact names of all of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from backoffice import settings

Connection = psycopg.Connection[tuple[Any, ...]]

FORMS = (
    "an invoice: its number, SUPPLIER/NUMBER, invoice:ID, or the SHA-256 of its content or original",
    "a journal entry: entry:ID or its business key",
    "a payment proposal: payment:ID",
    "a case: case:ID",
    "a policy change: policy:ID@VERSION",
)

_ASKED = (
    *("invoice_id", "entry_id", "payment_id", "case_id"),
    *("policy_id", "policy_version", "sha256", "name", "number_key"),
)
_BY_ID = re.compile(r"(invoice|entry|payment|case):([0-9]{1,18})")
_BY_SHA256 = re.compile(r"(?:(?:invoice|document):)?([0-9a-fA-F]{64})")
_POLICY = re.compile(r"policy:([A-Za-z0-9_]+)(?:@([0-9]{1,9}))?")
_DIGITS = re.compile(r"[0-9]{1,18}")


class ReferenceProblem(ValueError):
    """A name that cannot be used; the message says what it was taken for."""


class UnknownReferenceError(ReferenceProblem):
    """Nothing in the ledger has this name; the message lists the forms that are possible."""

    def __init__(self, ref: str, forms: Sequence[str] = FORMS) -> None:
        super().__init__("\n  ".join([f"nothing in the ledger is called {ref!r}. Possible are", *forms]))
        self.ref = ref


class AmbiguousReferenceError(ReferenceProblem):
    """Several things have this name; the message lists each with its exact name."""

    def __init__(self, ref: str, meanings: Sequence[Meaning]) -> None:
        listed = [f"{one.exact:<24} {one.title}" for one in meanings]
        super().__init__("\n  ".join([f"{ref!r} can mean {len(meanings)} things; name one of", *listed]))
        self.ref = ref
        self.meanings = tuple(meanings)


@dataclass(frozen=True)
class Meaning:
    """One thing that a name can mean. ``id`` of a policy change is its version, ``name`` the policy's id."""

    kind: str
    id: int
    name: str | None
    exact: str
    title: str


@dataclass(frozen=True)
class Reference:
    """What was meant, and all that belongs to it in the ledger and in the audit log.

    ``decision_ids`` are those up to the one that the thing rests on, machine's and people's; ``subjects`` are
    subjects of audit records.
    """

    kind: str
    id: int
    exact: str
    title: str
    policy: tuple[str, int] | None = None
    invoice_ids: tuple[int, ...] = ()
    entry_ids: tuple[int, ...] = ()
    decision_ids: tuple[int, ...] = ()
    payment_ids: tuple[int, ...] = ()
    case_ids: tuple[int, ...] = ()
    subjects: tuple[str, ...] = ()

    @property
    def must_be_decided(self) -> bool:
        """Tell whether a machine decision has to stand behind it: something was booked, proposed for payment
        or asked of people about an invoice. A receipt and a document in quarantine have none.
        """
        return bool(self.invoice_ids and (self.entry_ids or self.payment_ids or self.case_ids))


def resolve(connection: Connection, ref: str) -> Reference:
    """Return what ``ref`` means and what belongs to it.

    :param connection: As any role that may read the ledger.
    :raises UnknownReferenceError: Nothing is called so.
    :raises AmbiguousReferenceError: More than one thing is called so.
    """
    meanings = find_meanings(connection, ref)
    if not meanings:
        raise UnknownReferenceError(ref)
    if len(meanings) > 1:
        raise AmbiguousReferenceError(ref, meanings)
    return _gather(connection, meanings[0])


def find_meanings(connection: Connection, ref: str) -> tuple[Meaning, ...]:
    """Return everything that ``ref`` can mean; spelled exactly wins over the same but for spelling."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(settings.sql("governance/find_references"), _readings(ref.strip()))
        rows = cursor.fetchall()
    found: dict[str, Meaning] = {}
    for row in rows:
        if row["rank"] == rows[0]["rank"]:
            found[row["exact"]] = Meaning(row["kind"], row["id"], row["name"], row["exact"], row["title"])
    return tuple(found.values())


def resolve_run(connection: Connection, ref: str) -> int:
    """Return the run with this number, or with this run id in Airflow.

    :raises UnknownReferenceError: There is none.
    :raises AmbiguousReferenceError: Runs of several Dags are called so.
    """
    if not _can_be_asked(ref):
        raise UnknownReferenceError(ref, ("a run: its number, or its run id in Airflow",))
    values = {"run_id": int(ref) if _DIGITS.fullmatch(ref) else None, "name": ref}
    rows = connection.execute(settings.sql("governance/find_run"), values).fetchall()
    if not rows:
        raise UnknownReferenceError(ref, ("a run: its number, or its run id in Airflow",))
    if len(rows) > 1:
        raise AmbiguousReferenceError(
            ref, [Meaning("run", one, None, str(one), title) for one, title in rows]
        )
    return int(rows[0][0])


def _readings(ref: str) -> dict[str, object]:
    """Return the values that the ledger is asked for: every way in which the name can be read."""
    values: dict[str, object] = dict.fromkeys(_ASKED)
    if not _can_be_asked(ref):
        return values
    if match := _BY_ID.fullmatch(ref):
        values[f"{match[1]}_id"] = int(match[2])
    elif match := _POLICY.fullmatch(ref):
        values["policy_id"], values["policy_version"] = match[1], int(match[2]) if match[2] else None
    elif match := _BY_SHA256.fullmatch(ref):
        values["sha256"] = bytes.fromhex(match[1])
    elif ref:
        values["name"] = ref
        # as purchasing.invoice.number_key is made
        values["number_key"] = re.sub(r"[\W_]", "", ref.upper()).lstrip("0") or None
        values["invoice_id"] = int(ref) if _DIGITS.fullmatch(ref) else None
    return values


def _can_be_asked(text: str) -> bool:
    """Return whether the database can hold such a text: no NUL, nothing that is no UTF-8."""
    try:
        return b"\x00" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False


def _gather(connection: Connection, meaning: Meaning) -> Reference:
    if meaning.kind == "policy":
        policy = str(meaning.name)
        subjects = (f"policy:{policy}",)
        return Reference(
            "policy", meaning.id, meaning.exact, meaning.title, (policy, meaning.id), subjects=subjects
        )
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(settings.sql("governance/gather_reference"), {"kind": meaning.kind, "id": meaning.id})
        row = cursor.fetchone() or {}
    parts = {name: tuple(values) for name, values in row.items()}
    return Reference(meaning.kind, meaning.id, meaning.exact, meaning.title, **parts)
