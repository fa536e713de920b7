"""The audit log as a ledger database holds it, for a verification."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import psycopg

from backoffice import settings
from backoffice.domain.audit.findings import Findings
from backoffice.domain.audit.log import KeyRow, LaidDown, Progress, Row, Seal
from backoffice.domain.audit.progress import root_with
from backoffice.domain.audit.walk import BLOCK
from backoffice.hooks.audit_facts import FactsBeside

Connection = psycopg.Connection[tuple[Any, ...]]

LONGEST_WAIT = 15 * 60.0  # seconds for which a record may wait for its checkpoint
_FETCH = 5_000


class LedgerAuditLog:
    """Reads the log through a connection that sees one state of the database and changes nothing.

    Rows come by server-side cursors: memory does not grow with the log.

    :param connection: As auditor or application, read-only and repeatable read.
    :param longest_wait: Seconds for which a record may wait for its checkpoint.
    """

    def __init__(self, connection: Connection, longest_wait: float = LONGEST_WAIT) -> None:
        self.connection, self.longest_wait = connection, longest_wait
        connection.execute("SET LOCAL timezone = 'UTC'")
        connection.execute("SET LOCAL jit = off")
        # sorts and joins over the whole log
        connection.execute("SET LOCAL work_mem = '128MB'")
        self._facts_beside: FactsBeside | None = None

    def rows(self, first: int) -> Iterator[Row]:
        """Yield the sealed records from a place on, by place.

        From the first on, the ledger compares them with its tables meanwhile.
        """
        if first == 0:
            self._facts_beside = FactsBeside(self.connection)
        # the order of the index, record by record: anything else would sort the whole log
        for setting in ("enable_hashjoin", "enable_mergejoin", "enable_sort"):
            self.connection.execute(f"SET LOCAL {setting} = off")
        yield from self._stream("rows", settings.sql("governance/read_sealed_records"), first)
        for setting in ("enable_hashjoin", "enable_mergejoin", "enable_sort"):
            self.connection.execute(f"SET LOCAL {setting} = on")

    def waiting(self) -> Iterator[Row]:
        """Yield the records without a checkpoint."""
        return self._stream("waiting", settings.sql("governance/read_waiting_records"))

    def seals(self, after: int) -> Generator[Seal, None, None]:
        """Yield the checkpoints that cover more than ``after`` records, by number."""
        with closing(self._stream("seals", settings.sql("governance/read_seals"), after)) as rows:
            yield from map(_seal, rows)

    def seal_of_size(self, size: int) -> Seal | None:
        """Return the checkpoint that covers so many records."""
        row = self.connection.execute(settings.sql("governance/read_seal_of_size"), (size,)).fetchone()
        return _seal(row) if row else None

    def blocks(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Yield number and root of each kept block from a number on."""
        return self._stream("blocks", settings.sql("governance/read_blocks"), first)

    def purged(self, first: int) -> Iterator[tuple[int, int]]:
        """Yield each place, from one on, that lost its bytes to a purge, with the record that says so."""
        return self._stream("purged", settings.sql("governance/read_purged"), first)

    def sealing_keys(self) -> list[KeyRow]:
        """Return every key, in the order of introduction."""
        rows = self.connection.execute(settings.sql("governance/read_sealing_keys")).fetchall()
        return [KeyRow(*row) for row in rows]

    def introductions(self) -> list[tuple[int, bytes]]:
        """Return place and bytes of each sealed record that introduces a key, by place."""
        rows = self.connection.execute(settings.sql("governance/read_introductions")).fetchall()
        return [(place, bytes(body)) for place, body in rows]

    def root_with(self, size: int, place: int, leaf: bytes) -> bytes | None:
        """Return the root over ``size`` records with this hash at a place; None where the tree has gaps."""
        whole, first = size // BLOCK, place // BLOCK * BLOCK
        blocks = self.connection.execute(settings.sql("governance/read_blocks"), (0,)).fetchall()[:whole]
        return root_with(
            size, place, leaf, [bytes(root) for _, root in blocks],
            self._leaves(first, min(size, first + BLOCK)), self._leaves(whole * BLOCK, size),
        )  # fmt: skip

    def laid_down(self) -> list[LaidDown]:
        """Return where the ledger says its checkpoints lie outside."""
        rows = self.connection.execute(settings.sql("governance/read_laid_down")).fetchall()
        return [LaidDown(no, anchor, receipt, size, bytes(root)) for no, anchor, receipt, size, root in rows]

    def last_record(self) -> int:
        """Return the highest record id."""
        row = self.connection.execute("SELECT coalesce(max(record_id), 0) FROM audit.record").fetchone()
        return int(row[0]) if row else 0

    def examine(self, findings: Findings, since: Progress | None) -> None:
        """Places, counters, facts, waiting: each a statement of its own, and one that fails is a finding."""
        after = self._record_at(since.size - 1) if since else 0
        self._try(findings, "index", self._places, after)
        self._try(findings, "counter", self._counters, after)
        if since is None:
            self._try(findings, "completeness", self._facts, after)
        else:
            findings.leave_out("completeness", "only a full verification compares the log with the tables")
        self._try(findings, "fresh", self._waiting, after)

    # -- the checks --

    def _places(self, findings: Findings, after: int) -> None:
        rows = self.connection.execute(settings.sql("governance/find_misplaced_records"), {"after": after})
        for record_id, subject, n, places, waits in rows:
            what = (
                "it has no place in the tree and does not wait for one"
                if places + waits == 0
                else f"it has {places} places in the tree and waits {waits} times"
            )
            findings.add("index", what, record_id=record_id, subject=subject, n=n)

    def _counters(self, findings: Findings, after: int) -> None:
        rows = self.connection.execute(settings.sql("governance/find_counter_gaps"), {"after": after})
        for subject, n, record_id, place in rows:
            findings.add(
                "counter",
                f"its record number {place} calls itself {n}",
                record_id=record_id,
                subject=subject,
                n=n,
            )

    def _facts(self, findings: Findings, _: int) -> None:
        for row in (self._facts_beside or FactsBeside(self.connection)).rows():
            what, key, known, recorded, times, subject, record_id, n, fact, record, fact_subject = row
            told = f"{what} {key}: "
            if not recorded:
                told += "it is in the ledger and not on record"
            elif not known:
                told += "it is on record and not in the ledger"
            elif times > 1:
                told += f"it is on record {times} times"
            elif subject != fact_subject:
                told += f"the ledger has it of {fact_subject}, the record stands at {subject}"
            else:
                told += f"the ledger says {fact}, the record says {record}"
            findings.add("completeness", told, record_id=record_id, subject=subject, n=n)
        counts = self.connection.execute(settings.statement("governance/count_known_facts")).fetchall()
        findings.note("completeness", "compared: " + ", ".join(f"{what} {count:,}" for what, count in counts))

    def _waiting(self, findings: Findings, _: int) -> None:
        row = self.connection.execute(settings.sql("governance/look_at_waiting")).fetchone()
        count, oldest, sealer = row or (0, 0.0, False)
        if oldest > self.longest_wait:
            findings.add(
                "fresh",
                f"{count:,} records wait for a checkpoint, the oldest for {oldest / 60:,.0f} minutes "
                f"(at most {self.longest_wait / 60:,.0f})",
            )
        if not sealer:
            findings.add("fresh", "no sealer is connected to the ledger")
        findings.note("fresh", f"{count:,} records wait for their checkpoint")

    # -- parts --

    def _leaves(self, first: int, after: int) -> list[bytes]:
        rows = self.connection.execute(settings.sql("governance/read_leaves"), (first, after))
        return [bytes(leaf) for (leaf,) in rows]

    def _record_at(self, place: int) -> int:
        """Return the record id at a place; at a checkpoint's last one it is the highest until then."""
        row = self.connection.execute(
            "SELECT record_id FROM audit.leaf WHERE leaf_index = %s", (place,)
        ).fetchone()
        return int(row[0]) if row else 0

    def _try(self, findings: Findings, check: str, examine: Any, after: int) -> None:
        try:
            with self.connection.transaction():
                examine(findings, after)
        except (psycopg.DataError, psycopg.ProgrammingError, psycopg.InternalError) as error:
            findings.add(check, f"it could not be examined: {str(error).splitlines()[0]}")

    def _stream(self, name: str, statement: str, *values: object) -> Generator[Any, None, None]:
        with self.connection.cursor(name=f"audit_{name}") as cursor:
            cursor.itersize = _FETCH
            cursor.execute(statement, values, binary=True)
            yield from cursor


def _seal(row: tuple[Any, ...]) -> Seal:
    number, size, root, edge, note, key_id, reason, sealed_at = row
    return Seal(number, size, bytes(root), tuple(bytes(one) for one in edge), note, key_id, reason, sealed_at)
