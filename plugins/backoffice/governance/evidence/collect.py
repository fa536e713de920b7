"""What belongs into a pack: the records of a thing and of what it rests on, and what the tables say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.rows import dict_row

from backoffice import settings
from backoffice.governance.evidence.log import Connection, Log, LogRecord
from backoffice.governance.evidence.rules import Rules
from backoffice.governance.references import Reference

_LISTED = (
    "lines",
    "orders",
    "receipts",
    "suppliers",
    "entries",
    "payments",
    "cases",
    "answers",
    "acts",
    "runs",
)
_ENDINGS = {"application/xml": "xml", "text/xml": "xml", "application/pdf": "pdf"}


@dataclass(frozen=True)
class Collected:
    """One thing of a pack, as it was read from the ledger."""

    ref: str
    subjects: tuple[str, ...]
    records: tuple[int, ...]
    listing: Mapping[str, Any]


@dataclass
class Collector:
    """Reads one thing after the other; what several of them rest on is read and kept once.

    :param connection: As auditor, read-only and repeatable read.
    """

    connection: Connection
    log: Log
    records: dict[int, LogRecord] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rules = Rules(self.connection)

    def collect(self, reference: Reference, ref: str | None = None) -> Collected:
        """Read what belongs to one reference.

        :param ref: What it is called in the pack; default a name that stands in its records.
        """
        listed = self._listed(reference)
        subjects = self._subjects(reference)
        own = self._keep(self.log.records(subjects), whole=True)
        originals = self._originals(reference)
        decisions = [one for one in own if one.kind == "decision" and one.body is not None]
        policies = {f"policy:{one.said['policy_id']}" for one in decisions if one.said.get("policy_id")}
        basis = self._keep(self.log.records(policies - set(subjects)), whole=True)
        basis += self._keep(self._runs(own, listed, originals))
        basis += self._keep(self.log.records([], [one.erasure for one in own if one.erasure is not None]))
        self._texts(reference, decisions, own, listed)
        listed["called"] = f"{reference.exact}: {reference.title}"
        return Collected(
            ref or _signed_name(reference, listed),
            tuple(sorted({one.subject for one in own})),
            tuple(one.record_id for one in [*own, *basis]),
            listed,
        )

    def keep_subjects(self, subjects: Iterable[str]) -> list[LogRecord]:
        """Read and keep every record of these subjects."""
        return self._keep(self.log.records(subjects), whole=True)

    # -- records --

    def _keep(self, records: Sequence[LogRecord], whole: bool = False) -> list[LogRecord]:
        for one in records:
            self.records[one.record_id] = one
            if whole:
                self.whole.add(one.subject)
        return list(records)

    @staticmethod
    def _subjects(reference: Reference) -> list[str]:
        """Return its subjects, and those under which the same document stood in quarantine."""
        subjects = list(reference.subjects)
        for subject in reference.subjects:
            kind, _, digest = subject.partition(":")
            if kind == "invoice":
                subjects.append(f"document:{digest}")
            if kind in ("invoice", "document"):
                subjects.append(f"outbox:ask-again/{digest}")
        return subjects

    def _runs(
        self, own: Sequence[LogRecord], listed: Mapping[str, Any], originals: Sequence[str]
    ) -> list[LogRecord]:
        """Return what the log says of the runs behind it, where that names nobody else."""
        document = listed.get("document") or {}
        runs = {str(one.said["run_id"]) for one in own if one.said.get("run_id")}
        loads = set()
        for one in own:
            loads |= {
                str(source["load_id"]) for source in one.said.get("sources") or () if source.get("load_id")
            }
        if document.get("load"):
            loads.add(document["load"])
        suppliers = {None, "", document.get("supplier_id")}
        found = self.log.run_records(sorted(runs), sorted(loads), originals)
        return [one for one in found if _parameters(one).get("supplier") in suppliers]

    # -- files --

    def _originals(self, reference: Reference) -> list[str]:
        values = {"invoices": list(reference.invoice_ids), "cases": list(reference.case_ids)}
        found = []
        for sha256, media_type, content in self.connection.execute(
            settings.sql("evidence/list_originals"), values
        ):
            ending = _ENDINGS.get(str(media_type).partition(";")[0].strip(), "bin")
            self.files[f"documents/{sha256}.{ending}"] = bytes(content)
            found.append(sha256)
        return found

    def _texts(
        self,
        reference: Reference,
        decisions: Sequence[LogRecord],
        own: Sequence[LogRecord],
        listed: Mapping[str, Any],
    ) -> None:
        hashes = {str(one.said.get("policy_sha256")) for one in decisions}
        if reference.policy is not None:
            version = str(reference.policy[1])
            hashes |= {str(one.said.get("sha256")) for one in own if one.said.get("version") == version}
            before = {
                str(one.said.get("replaces_version")) for one in own if one.said.get("version") == version
            }
            hashes |= {str(one.said.get("sha256")) for one in own if one.said.get("version") in before}
        rows = self.connection.execute(
            settings.sql("evidence/list_policy_texts"), {"hashes": sorted(hashes)}
        ).fetchall()
        for policy, version, content in rows:
            self.files[f"policies/{policy}-{version}.yaml"] = content.encode("utf-8")
        suppliers = [str(row["supplier_id"]) for row in listed["suppliers"]]
        orders = [str(row["order"]).split("/")[1] for row in listed["orders"]]
        for one in decisions:
            self._rule_files(one.said, suppliers, orders)

    def _rule_files(self, said: Mapping[str, Any], suppliers: Sequence[str], orders: Sequence[str]) -> None:
        texts, tolerances, at = said.get("texts_sha256"), said.get("tolerances_sha256"), str(said.get("at"))
        if texts and f"rules/texts-{texts[:16]}.txt" not in self.files:
            content = self._rules.texts(texts, at)
            if content is not None:
                self.files[f"rules/texts-{texts[:16]}.txt"] = content
        if tolerances and f"rules/tolerances-{tolerances[:16]}.txt" not in self.files:
            name = str(said.get("tolerance_set"))
            content = self._rules.tolerances(tolerances, at, name, suppliers, orders)
            if content is not None:
                self.files[f"rules/tolerances-{tolerances[:16]}.txt"] = content

    # -- what the tables say --

    def _listed(self, reference: Reference) -> dict[str, Any]:
        policy, version = reference.policy or (None, None)
        values = {
            "invoices": list(reference.invoice_ids),
            "entries": list(reference.entry_ids),
            "payments": list(reference.payment_ids),
            "cases": list(reference.case_ids),
            "decisions": list(reference.decision_ids),
            "policy": policy,
            "version": version,
        }
        listed: dict[str, Any] = {name: [] for name in _LISTED}
        persons, accounts = {}, {}
        for part, said in self.connection.execute(settings.sql("evidence/list_basis"), values):
            if part == "document":
                listed["document"] = said
            elif part == "persons":
                persons[said["person_id"]] = said["name"]
            elif part == "accounts":
                accounts[said["account"]] = said["name"]
            else:
                listed[part].append(said)
        listed["persons"], listed["accounts"] = persons, accounts
        listed["authority"] = self._authority(listed)
        return listed

    def _authority(self, listed: Mapping[str, Any]) -> list[dict[str, Any]]:
        acted = [(one["person_id"], one["answered_at"]) for one in listed["answers"]]
        acted += [(one["person_id"], one["at"]) for one in listed["acts"]]
        if not acted:
            return []
        values = {"persons": [one for one, _ in acted], "moments": [at for _, at in acted]}
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(settings.statement("evidence/list_actors_authority"), values)
            return cursor.fetchall()


def _signed_name(reference: Reference, listed: Mapping[str, Any]) -> str:
    """Return the name that stands in records too: an invoice's hash, an entry's business key. No record holds
    the number of a payment proposal.
    """
    if reference.kind == "invoice":
        return reference.subjects[0]
    if reference.kind == "entry":
        return str(next(one["business_key"] for one in listed["entries"] if one["entry"] == reference.exact))
    return reference.exact


def _parameters(record: LogRecord) -> Mapping[str, Any]:
    """Return with what a run was started; nothing for other records."""
    try:
        given = json.loads(record.said.get("parameters") or "{}")
    except ValueError:
        return {"supplier": "not readable"}
    return given if isinstance(given, dict) else {}
