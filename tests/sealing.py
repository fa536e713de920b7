"""A sealer for tests: the product's own, with its key and memory in a folder of the test's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.conftest import Ledger
from tests.copies import Copies

from backoffice.runtime.sealer.anchors import Anchor, FileAnchor
from backoffice.runtime.sealer.process import Sealer, SealerConfig

ORIGIN = "backoffice.test/log"


def sealer_config(
    ledger: Ledger, folder: Path, anchors: Sequence[Anchor] | None = None, longest_wait: float = 300
) -> SealerConfig:
    """Where the things of a test's sealer are; by default it has one anchor, the folder ``anchors``."""
    places = [FileAnchor(folder / "anchors")] if anchors is None else anchors
    return SealerConfig(ledger.dsn("sealer"), folder / "sealer" / "key.pem", places, ORIGIN, longest_wait)


@contextmanager
def connected_sealer(config: SealerConfig) -> Iterator[Sealer]:
    """A sealer that seals when the test says so."""
    with psycopg.connect(config.dsn, autocommit=True) as connection:
        yield Sealer(config, connection)


def seal(ledger: Ledger, folder: Path, reason: str = "a test asks", **options: object) -> str | None:
    """Seal what waits; return the note of the newest checkpoint."""
    with connected_sealer(sealer_config(ledger, folder, **options)) as sealer:  # type: ignore[arg-type]
        sealer.look(reason)
        row = sealer.connection.execute("SELECT note FROM audit.latest_seal").fetchone()
    return row[0] if row else None


def write(ledger: Ledger, *bodies: str, subject: str = "test:1") -> None:
    """Write records that mean nothing."""
    with ledger.connect("admin") as connection:
        connection.execute(
            "SELECT audit.append_many('path', %s, %s)", ([subject] * len(bodies), list(bodies))
        )


def restored_from_before(ledger: Ledger, folder: Path) -> str:
    """Seal, go on and seal again in a copy that is gone afterwards; return the checkpoint signed last.

    From the sealer's side the ledger is now one that was restored from a back-up.
    """
    seal(ledger, folder)
    copies = Copies(ledger.admin)
    with copies.scratch(ledger.database) as database:
        gone = Ledger(ledger.admin, database)
        write(gone, '{"written":"after the back-up"}')
        note = seal(gone, folder)
    assert note is not None
    return note
