"""Perform recorded machine decisions again and compare the bytes.

For each decision: the policy's text by the hash that its record names, the hash computed again; the inputs
from the record; decided again; the record's body made again and compared byte by byte with what stands in the
log. Only reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import psycopg
from psycopg.rows import dict_row

from backoffice import settings
from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.decision_record import (
    FORM,
    Difference,
    LedgerFacts,
    contradictions,
    differences,
    holds_covered,
    performed_again,
)
from backoffice.domain.decision_table import Money, Policy, examine_policy
from backoffice.domain.merkle import leaf_hash
from backoffice.governance.references import Reference

Connection = psycopg.Connection[tuple[Any, ...]]

_BATCH = 1_000


class Verdict(Enum):
    """What came of performing one decision again."""

    SAME = "same bytes"
    DIFFERENT = "different"
    NOT_PERFORMED = "not performed"
    PURGED = "purged"


@dataclass(frozen=True)
class Replayed:
    """One decision, performed again.

    :param differences: Where the record is not what it has to be.
    :param remarks: What a reader should know and is no difference.
    """

    decision_id: int
    subject: str
    title: str
    outcome: str
    rule: str
    policy: str
    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Nothing is wrong: the same bytes, or lawfully purged and nothing else known against it."""
        return self.verdict in (Verdict.SAME, Verdict.PURGED) and not self.differences


@dataclass
class Replay:
    """Performs decisions again on one connection; policies are read and proven once each.

    :param connection: As any role that may read the ledger, seeing one state of it.
    """

    connection: Connection
    _policies: dict[tuple[str, int, str], Policy | str] = field(default_factory=dict)
    _refused: dict[tuple[str, int, str], str] = field(default_factory=dict)
    _erased: set[int] = field(default_factory=set)

    def of_reference(self, reference: Reference) -> Iterator[Replayed]:
        """Perform every machine decision behind an invoice, entry, payment or case."""
        return self.of_decisions(reference.decision_ids)

    def of_run(self, run_id: int) -> Iterator[Replayed]:
        """Perform every machine decision of a run."""
        rows = self.connection.execute(settings.sql("governance/list_run_decisions"), {"run_id": run_id})
        return self.of_decisions([row[0] for row in rows])

    def of_decisions(self, decision_ids: Sequence[int]) -> Iterator[Replayed]:
        """Perform these decisions; those of people among them are left out."""
        for start in range(0, len(decision_ids), _BATCH):
            some = list(decision_ids[start : start + _BATCH])
            rows = self._rows("governance/list_decisions", {"decisions": some})
            rows = [row for row in rows if row["maker"] == "machine"]
            records = self._records(rows)
            missing = [one["record_id"] for one in records.values() if one["body"] is None]
            if missing:
                erased = self._rows("governance/find_erasures", {"records": missing})
                self._erased = {one["record_id"] for one in erased}
            for row in rows:
                yield self._perform(row, records.get(row["decision_id"]))

    def of_policy(self, policy_id: str, version: int) -> list[Difference]:
        """Prove a policy version again, examples included, and compare it with what the log says of it.

        :return: What is wrong; nothing when the text is the one that was entered and can be proven again.
        """
        values = {"policy_id": policy_id, "version": version}
        [row] = self._rows("governance/read_policy_text", values)
        policy = self.policy(policy_id, version, row["sha256"])
        if isinstance(policy, str):
            return [Difference("content", row["sha256"], policy)]
        refused = self._refused.get((policy_id, version, row["sha256"]))
        if refused is not None:
            return [Difference("content", row["sha256"], f"this package refuses the text: {refused}")]
        entered = Money(row["machine_limit"], row["currency"])
        said = [Difference("machine_limit", str(entered), str(policy.machine_limit))]
        found = said if entered != policy.machine_limit else []
        records = [_parsed(one["body"]) for one in self._rows("governance/list_policy_records", values)]
        told = [one for one in records if isinstance(one, dict) and one.get("version") == str(version)]
        if not told:
            found.append(Difference("", "(no record)", "a record of the change"))
        named = {one.get("sha256") for one in told} - {policy.sha256, None}
        return found + [Difference("sha256", one, policy.sha256) for one in sorted(map(str, named))]

    def policy(self, policy_id: str, version: int, sha256: str) -> Policy | str:
        """Return a policy version as the ledger holds it, proven again, or what is wrong with it.

        :param sha256: The hash that the record names.
        """
        key = (policy_id, version, sha256)
        if key not in self._policies:
            self._policies[key] = self._read_policy(*key)
        return self._policies[key]

    def _read_policy(self, policy_id: str, version: int, sha256: str) -> Policy | str:
        values = {"policy_id": policy_id, "version": version}
        rows = self._rows("governance/read_policy_text", values)
        if not rows:
            return f"the ledger has no version {version} of policy {policy_id}"
        text = rows[0]["content"]
        digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
        if digest != sha256:
            return (
                f"the text of policy {policy_id} version {version} in the ledger has the hash {digest}, "
                f"the record names {sha256}: the text was changed"
            )
        examination = examine_policy(text, f"policy {policy_id} version {version}")
        found = "; ".join(map(str, examination.findings))
        if examination.policy is None:
            return f"this package cannot use the text any more: {found}"
        if found:  # a proof that became stricter takes nothing away from what was decided before it
            self._refused[policy_id, version, sha256] = found
        return examination.policy

    def _perform(self, row: dict[str, Any], record: dict[str, Any] | None) -> Replayed:
        def result(
            verdict: Verdict, found: Sequence[Difference] = (), remarks: Sequence[str] = ()
        ) -> Replayed:
            return Replayed(
                row["decision_id"], row["subject"], _title(row), row["outcome"], row["rule"],
                f"{row['policy_id']}@{row['policy_version']}", verdict, tuple(found), tuple(remarks),
            )  # fmt: skip

        if record is None:
            return result(Verdict.NOT_PERFORMED, [Difference("", "(no record)", "a record of the decision")])
        if record["body"] is None and record["record_id"] in self._erased:
            return result(Verdict.PURGED, (), ["the record was purged; its place and hash are kept"])
        if record["body"] is None:
            gone = Difference("", "(the body is gone and no erasure accounts for it)", "the record's body")
            return result(Verdict.DIFFERENT, [gone])
        body = bytes(record["body"])
        found = _leaf(record, body)
        recorded = record["parsed"]
        if not isinstance(recorded, dict) or recorded.get("form") != FORM:
            form = recorded.get("form", "1") if isinstance(recorded, dict) else "unreadable"
            why = f"form {form} of the record does not hold what it takes to decide again"
            return result(Verdict.NOT_PERFORMED, found, [why])
        policy = self.policy(row["policy_id"], row["policy_version"], str(recorded.get("policy_sha256")))
        if isinstance(policy, str):
            found.append(Difference("policy_sha256", recorded.get("policy_sha256"), policy))
            return result(Verdict.NOT_PERFORMED, found)
        found += _compare(policy, recorded, record, row)
        verdict = Verdict.DIFFERENT if found else Verdict.SAME
        remarks = _remarks(recorded, row)
        refused = self._refused.get((row["policy_id"], row["policy_version"], policy.sha256))
        if refused is not None:
            remarks = [*remarks, f"this package would refuse the policy's text now: {refused}"]
        return result(verdict, found, remarks)

    def _records(self, rows: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """Return the record of each decision: by the id that it names, else by its turn on its subject."""
        subject_of = {str(row["decision_id"]): row["subject"] for row in rows}
        waiting: dict[str, list[dict[str, Any]]] = {}
        found: dict[int, dict[str, Any]] = {}
        values = {"subjects": list(set(subject_of.values()))}
        for record in self._rows("governance/list_decision_records", values):
            record["parsed"] = parsed = _parsed(record["body"])
            named = parsed.get("decision_id") if isinstance(parsed, dict) else None
            if (
                isinstance(named, str)
                and subject_of.get(named) == record["subject"]
                and int(named) not in found
            ):
                found[int(named)] = record
            else:
                waiting.setdefault(record["subject"], []).append(record)
        for row in rows:
            left = waiting.get(row["subject"])
            if row["decision_id"] not in found and left:
                found[row["decision_id"]] = left.pop(0)
        return found

    def _rows(self, statement: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(settings.sql(statement), values)
            return cursor.fetchall()


def _title(row: dict[str, Any]) -> str:
    number = row["invoice_number"]
    return f"{row['supplier']}/{number}" if number else f"{row['subject'][:24]}..."


def _parsed(body: bytes | None) -> object:
    try:
        return json.loads(bytes(body)) if body is not None else None
    except ValueError:
        return None


def _leaf(record: dict[str, Any], body: bytes) -> list[Difference]:
    leaf = leaf_hash(body)
    if leaf == bytes(record["leaf"]):
        return []
    return [Difference("", f"leaf {bytes(record['leaf']).hex()}", f"{leaf.hex()} (of the body)")]


def _compare(
    policy: Policy, recorded: dict[str, Any], record: dict[str, Any], row: dict[str, Any]
) -> list[Difference]:
    """Return every difference between the stored body and the one that is made again."""
    facts = LedgerFacts(
        place=("decision", record["subject"], str(record["n"])),
        decision_id=row["decision_id"],
        decided_at=row["decided_at"],
        evidence_sha256=row["evidence_sha256"],
        package_version=row["package_version"],
        run_id=row["run_id"],
        # the document in the ledger; once it is gone, what the decision was about
        invoice_sha256=row["content_sha256"] or row["subject_key"],
        document=row["document"],
        inputs=row["inputs"],
    )
    try:
        now = performed_again(policy, recorded, facts)
    except ValueError as error:
        return [Difference("inputs", recorded.get("inputs"), str(error))]
    found = list(differences(recorded, now))
    if not found and canonical_bytes(now) != bytes(record["body"]):
        found.append(Difference("", "the same values", "in other bytes: not the canonical form"))
    for name in ("outcome", "rule", "policy_sha256"):
        if recorded.get(name) != row[name]:
            found.append(Difference(name, recorded.get(name), f"{row[name]} (in ledger.decision)"))
    return found + list(contradictions(recorded))


def _remarks(recorded: dict[str, Any], row: dict[str, Any]) -> list[str]:
    remarks = []
    covered, holds = holds_covered(recorded)
    if covered < holds:
        remarks.append(
            f"{holds - covered} of {holds} holds name no limit; what they measured is not compared"
        )
    if row["document"] is None:
        remarks.append("the document is no longer in the ledger; the record's own words on it were taken")
    return remarks
