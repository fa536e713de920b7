"""A checkpoint in the ledger that the sealer does not remember: taken up only if a key of the log signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from backoffice.domain.audit.progress import named_key, root_with
from backoffice.domain.checkpoint import Checkpoint, CheckpointError, VerifyingKey, open_note, read_note
from backoffice.domain.merkle import leaf_hash
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.seal import BLOCK

Connection = psycopg.Connection[tuple[Any, ...]]

_WHAT_TO_DO = "Run verify-audit; it is dealt with like a roll-back: docs/how-to/back-up-and-restore.md"
_INTRODUCED = """
SELECT k.line, l.leaf_index, r.body FROM audit.sealing_key k JOIN audit.record r USING (record_id)
JOIN audit.leaf l USING (record_id) WHERE r.kind = 'key' AND r.body IS NOT NULL AND l.leaf_index < %s
ORDER BY l.leaf_index
"""
_LEAVES = (
    "SELECT r.leaf FROM audit.leaf l JOIN audit.record r USING (record_id) "
    "WHERE l.leaf_index >= %s AND l.leaf_index < %s ORDER BY l.leaf_index"
)


def check_newer(
    connection: Connection,
    seal: tuple[str, int, bytes],
    base: Checkpoint,
    own: Mapping[str, VerifyingKey],
) -> None:
    """Refuse a newest checkpoint that was signed by neither the sealer's own key nor one known by then.

    A row of ``audit.sealing_key`` proves nothing by itself: of a key that is not the sealer's own, the record
    that introduces it must lie under ``base``, by the tree's own hashes.

    :param seal: Note, size and root of the newest row.
    :param base: What is known without the ledger: the one remembered, or the one that two people named.
    :param own: The sealer's own keys by id.
    :raises SealerFault: It is not of this sealer's log.
    """
    note, size, root = seal
    try:
        _, ((_, key_id, _), *_) = read_note(note)
        checkpoint, _ = open_note(note, own if key_id in own else _introduced_under(connection, base))
    except CheckpointError as error:
        raise SealerFault(
            f"the newest checkpoint in the ledger, over {size} records, was not signed here: {error}. "
            f"Somebody wrote it past the sealer. {_WHAT_TO_DO}"
        ) from None
    if (checkpoint.size, checkpoint.root) != (size, bytes(root)):
        raise SealerFault(
            f"the newest checkpoint in the ledger signs {checkpoint.short}, beside it stands another size or "
            f"root. {_WHAT_TO_DO}"
        )


def _introduced_under(connection: Connection, base: Checkpoint) -> dict[str, VerifyingKey]:
    """Return the keys whose records lie under a checkpoint; each is proved by the root that it signed."""
    found = {}
    for line, place, body in connection.execute(_INTRODUCED, (base.size,)).fetchall():
        leaf = leaf_hash(bytes(body))
        if named_key(bytes(body)) == line and _root_with(connection, base.size, place, leaf) == base.root:
            key = VerifyingKey.parse(line)
            found[key.key_id] = key
    return found


def _root_with(connection: Connection, size: int, place: int, leaf: bytes) -> bytes | None:
    whole, first = size // BLOCK, place // BLOCK * BLOCK
    blocks = connection.execute(
        "SELECT root FROM audit.block WHERE block_no < %s ORDER BY block_no", (whole,)
    ).fetchall()
    return root_with(
        size, place, leaf, [bytes(root) for (root,) in blocks],
        _leaves(connection, first, min(size, first + BLOCK)), _leaves(connection, whole * BLOCK, size),
    )  # fmt: skip


def _leaves(connection: Connection, first: int, after: int) -> list[bytes]:
    return [bytes(leaf) for (leaf,) in connection.execute(_LEAVES, (first, after))]
