"""What the sealer itself remembers: the last checkpoint that it signed, in a file outside the database.

A log that does not continue that checkpoint was rolled back or rewritten, and is not signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from backoffice.domain.checkpoint import Checkpoint, CheckpointError, VerifyingKey, read_note
from backoffice.domain.merkle import EMPTY_ROOT
from backoffice.runtime.files import write_private
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.newer import check_newer
from backoffice.runtime.sealer.seal import log_name

Connection = psycopg.Connection[tuple[Any, ...]]

HOW_TO = "docs/how-to/"

# A restore that two persons recorded, whose log goes on where they said. Record and acts must agree.
_RESTORED = """
SELECT p.continued_size, p.continued_root
FROM audit.log_proposal p JOIN audit.log_confirmation c ON c.proposal_id = p.proposal_id
JOIN audit.record r ON r.record_id = c.record_id
WHERE p.act = 'restore' AND p.person_id <> c.person_id
  AND p.abandoned_size = %(size)s AND p.abandoned_root = %(root)s
  AND r.kind = 'restore' AND r.subject = 'log' AND convert_from(r.body, 'UTF8')::jsonb @> jsonb_build_object(
    'abandoned_size', p.abandoned_size::text, 'abandoned_root', encode(p.abandoned_root, 'hex'),
    'requested_by', p.person_id, 'confirmed_by', c.person_id)
  AND (p.continued_root IS NULL
       OR EXISTS (SELECT FROM audit.seal s WHERE s.size = p.continued_size AND s.root = p.continued_root))
ORDER BY c.record_id DESC LIMIT 1
"""


class Memory:
    """The note in its file.

    :param path: The file; beside the key, never in the database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def last(self) -> Checkpoint | None:
        """Return the checkpoint signed last, or None before the first.

        :raises SealerFault: The file is damaged: then nobody knows what was signed.
        """
        if not self.path.exists():
            return None
        try:
            return read_note(self.path.read_text(encoding="utf-8"))[0]
        except (OSError, UnicodeDecodeError, CheckpointError):
            raise SealerFault(
                f"{self.path} is damaged; put the newest anchored checkpoint there: "
                f"{HOW_TO}replace-a-lost-signing-key.md"
            ) from None

    def keep(self, note: str) -> None:
        """Remember a checkpoint, once its transaction is committed."""
        write_private(self.path, note)

    def compare(self, connection: Connection, own: Mapping[str, VerifyingKey]) -> None:
        """Take the log for the one that was signed, or refuse.

        It is the one when it holds the remembered checkpoint, or when two people recorded the restore that
        gave it up. A seal committed just before a crash is taken up from the log, if a key of this log
        signed it.

        :param own: The sealer's own keys by id.
        :raises SealerFault: The log was rolled back or rewritten, or holds a checkpoint of somebody else's.
        """
        last = self.last()
        row = connection.execute("SELECT note, size, root FROM audit.latest_seal").fetchone()
        if last is None:
            if row is not None:
                raise SealerFault(
                    f"the log has checkpoints, but {self.path} is gone; put the newest anchored checkpoint "
                    f"there: {HOW_TO}replace-a-lost-signing-key.md"
                )
            return
        name = log_name(connection)
        if name is not None and name != last.origin:
            raise SealerFault(
                f"{self.path} is of the log {last.origin}, this ledger's log is {name}: the sealer has "
                "another ledger's address, or another sealer's folder"
            )
        base = self._goes_on_from(connection, last)
        if row is not None and row[0] != self.path.read_text(encoding="utf-8"):
            check_newer(connection, row, base, own)
            self.keep(row[0])

    @staticmethod
    def _goes_on_from(connection: Connection, last: Checkpoint) -> Checkpoint:
        """Return the checkpoint that the log holds still: the one remembered, or where a restore set it."""
        place = {"size": last.size, "root": last.root}
        if connection.execute(
            "SELECT 1 FROM audit.seal WHERE size = %(size)s AND root = %(root)s", place
        ).fetchone():
            return last
        restored = connection.execute(_RESTORED, place).fetchone()
        if restored is None:
            raise SealerFault(
                f"the log does not hold checkpoint {last.short}, which was signed here: it was rolled back "
                "or rewritten. Run verify-audit; after a lawful restore two people record it: "
                f"{HOW_TO}back-up-and-restore.md"
            )
        size, root = restored
        return replace(last, size=size or 0, root=bytes(root or EMPTY_ROOT))
