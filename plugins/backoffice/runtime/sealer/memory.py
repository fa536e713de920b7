"""What the sealer itself remembers: the last checkpoint that it signed, in a file outside the database.

A log that does not continue that checkpoint was rolled back or rewritten, and is not signed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from backoffice.domain.checkpoint import Checkpoint, CheckpointError, read_note
from backoffice.runtime.files import write_private
from backoffice.runtime.sealer.fault import SealerFault

Connection = psycopg.Connection[tuple[Any, ...]]

_RESTORED = """
SELECT 1 FROM audit.record r WHERE r.kind = 'restore' AND r.subject = 'log'
  AND convert_from(r.body, 'UTF8')::jsonb
    @> jsonb_build_object('abandoned_size', %s::text, 'abandoned_root', %s::text)
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
            raise SealerFault(f"{self.path} is damaged; put the newest anchored checkpoint there") from None

    def keep(self, note: str) -> None:
        """Remember a checkpoint, once its transaction is committed."""
        write_private(self.path, note)

    def compare(self, connection: Connection) -> None:
        """Take the log for the one that was signed, or refuse.

        It is the one when it holds the remembered checkpoint, or when two people recorded the restore that
        gave it up. A seal committed just before a crash is taken up from the log.

        :raises SealerFault: The log was rolled back or rewritten.
        """
        last = self.last()
        row = connection.execute("SELECT note FROM audit.latest_seal").fetchone()
        if last is None:
            if row is not None:
                raise SealerFault(
                    f"the log has checkpoints, but {self.path} is gone; "
                    "put the newest anchored checkpoint there"
                )
            return
        same = connection.execute(
            "SELECT 1 FROM audit.seal WHERE size = %s AND root = %s", (last.size, last.root)
        ).fetchone()
        lawful = connection.execute(_RESTORED, (str(last.size), last.root.hex())).fetchone()
        if same is None and lawful is None:
            raise SealerFault(
                f"the log does not hold checkpoint {last.short}, which was signed here: it was rolled back "
                "or rewritten. Run verify-audit; after a lawful restore two people record it"
            )
        if row is not None and row[0] != self.path.read_text(encoding="utf-8"):
            self.keep(row[0])
