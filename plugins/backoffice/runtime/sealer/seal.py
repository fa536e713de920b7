"""One seal: give what waits its place in the tree, sign the new root, keep both in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

from backoffice.domain.canonical import time_text
from backoffice.domain.checkpoint import Checkpoint, sign
from backoffice.domain.merkle import Frontier, tree_root
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.signing_key import SigningKey

Connection = psycopg.Connection[tuple[Any, ...]]

BLOCK = 256  # leaves per row of audit.block
_BATCH = 20_000
_LEAVES = """
SELECT r.leaf FROM audit.leaf l JOIN audit.record r ON r.record_id = l.record_id
WHERE l.leaf_index >= %s ORDER BY l.leaf_index
"""


def log_name(connection: Connection) -> str | None:
    """Return the log's name, which its first key carries; None before it has one."""
    row = connection.execute(
        "SELECT split_part(line, '+', 1) FROM audit.sealing_key ORDER BY record_id LIMIT 1"
    ).fetchone()
    return row[0] if row else None


def knows(connection: Connection, key: SigningKey) -> bool:
    """Tell whether a key is one of the log's."""
    found = connection.execute(
        "SELECT 1 FROM audit.sealing_key WHERE line = %s", (key.public.line(),)
    ).fetchone()
    return found is not None


def introduce(connection: Connection, key: SigningKey) -> None:
    """Write a key into the log: its first, or the next one while the old one still signs the coming seal."""
    connection.execute("SELECT audit.introduce_key(%s, %s)", (key.public.line(), key.public.key_id))


def seal_once(
    connection: Connection, key: SigningKey, reason: str, at: datetime | None = None
) -> tuple[int, str] | None:
    """Seal every record that is visible and waits; the caller commits.

    Reads the leaf hashes of the new records only: the tree goes on from the edge of the last seal. A record
    whose transaction is still open is not visible and is sealed next time. Killed anywhere before the commit,
    nothing was sealed.

    :param connection: As ``backoffice_sealer``.
    :param reason: Why now, for the log.
    :param at: Moment of sealing; default now.
    :return: Number and signed note of the seal; None where nothing waited.
    :raises SealerFault: The stored edge of the tree is not that of the last checkpoint.
    """
    row = connection.execute(
        "SELECT size_before, size_after FROM audit.begin_seal(%s, %s)", (reason, key.public.key_id)
    ).fetchone()
    before, after = row or (0, 0)
    if before == after:
        return None
    frontier, previous = _last(connection, before)
    blocks = _extend(frontier, _new_leaves(connection, before), _pending(connection, before))
    if frontier.size != after:
        raise SealerFault(f"{after} records have a place in the tree, {frontier.size} were found")
    checkpoint = Checkpoint(
        key.public.name, frontier.size, frontier.root(), previous, time_text(at or datetime.now(UTC))
    )
    note = sign(checkpoint, key.private)
    sealed = connection.execute(
        "SELECT audit.finish_seal(%s, %s, %s::bytea[], %s, %s::bytea[], %s, %s)",
        (note, checkpoint.root, frontier.edge, before // BLOCK, blocks, key.public.key_id, reason),
    ).fetchone()
    return (int(sealed[0]), note) if sealed else None


def _last(connection: Connection, size: int) -> tuple[Frontier, bytes]:
    """Return the tree's edge at the last seal and its root, after proving that they belong together."""
    row = connection.execute("SELECT size, root, edge FROM audit.latest_seal").fetchone()
    if row is None:
        return Frontier(), bytes(32)
    frontier = Frontier(row[0], [bytes(one) for one in row[2]])
    if frontier.size != size or frontier.root() != bytes(row[1]):
        raise SealerFault("the edge of the tree is not that of the last checkpoint; run verify-audit")
    return frontier, bytes(row[1])


def _new_leaves(connection: Connection, first: int) -> Iterator[bytes]:
    with connection.cursor(name="new_leaves", binary=True) as cursor:
        cursor.itersize = _BATCH
        cursor.execute(_LEAVES, (first,))
        for (leaf,) in cursor:
            yield leaf


def _pending(connection: Connection, size: int) -> list[bytes]:
    """Return the leaves of the last block that is not full yet."""
    rows = connection.execute(
        "SELECT r.leaf FROM audit.leaf l JOIN audit.record r ON r.record_id = l.record_id "
        "WHERE l.leaf_index >= %s AND l.leaf_index < %s ORDER BY l.leaf_index",
        (size // BLOCK * BLOCK, size),
    ).fetchall()
    return [bytes(leaf) for (leaf,) in rows]


def _extend(frontier: Frontier, leaves: Iterator[bytes], block: list[bytes]) -> list[bytes]:
    """Append the leaves and return the roots of the blocks that became full."""
    roots = []
    for leaf in leaves:
        frontier.append(leaf)
        block.append(leaf)
        if len(block) == BLOCK:
            roots.append(tree_root(block))
            block.clear()
    return roots
