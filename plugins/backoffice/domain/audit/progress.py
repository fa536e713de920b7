"""Going on from an earlier verification: what a file says of it is believed as far as it is signed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import orjson

from backoffice.domain.audit.log import AuditLog, Progress
from backoffice.domain.audit.walk import BLOCK
from backoffice.domain.checkpoint import Checkpoint, CheckpointError, VerifyingKey, open_note
from backoffice.domain.merkle import Frontier, leaf_hash, tree_root


class CannotGoOn(ValueError):
    """Where the last verification ended is not proved; everything has to be read."""


def keys_at(log: AuditLog, given: Sequence[VerifyingKey], progress: Progress) -> list[VerifyingKey]:
    """Return the keys that are trusted at the place that a verification came to.

    Its checkpoint must be signed by a key that comes from elsewhere: given, or the log's first, or vouched
    for by these through checkpoints of the log. That a key stands in the file makes it no trusted one. The
    edge of the tree must have the root that was signed.

    :param given: Keys from outside.
    :raises CannotGoOn: Something is not so.
    """
    known = {key.key_id: key for key in given or _first(log)}
    try:
        for place, body in log.introductions():
            key = _vouched(log, known, place, body) if place < progress.size else None
            if key is not None:
                known.setdefault(key.key_id, key)
        checkpoint, _ = open_note(progress.note, known)
        root = Frontier(progress.size, progress.edge).root()
    except CheckpointError as error:
        raise CannotGoOn(f"its checkpoint does not hold: {error}") from None
    except ValueError as error:
        raise CannotGoOn(f"its edge is none: {error}") from None
    if (checkpoint.size, checkpoint.root) != (progress.size, root):
        raise CannotGoOn("its edge does not have the root that was signed")
    return list(known.values())


def root_with(
    size: int,
    place: int,
    leaf: bytes,
    blocks: Sequence[bytes],
    around: Sequence[bytes],
    rest: Sequence[bytes],
) -> bytes | None:
    """Return the root over ``size`` leaves with this one at its place; None where the tree has gaps.

    The kept roots of blocks prove nothing, and need not: a wrong one gives another root.

    :param blocks: Kept roots of the whole blocks.
    :param around: Leaves of the block that holds the place.
    :param rest: Leaves after the last whole block.
    """
    whole, block = size // BLOCK, place // BLOCK
    if len(blocks) != whole or len(around) <= place % BLOCK or len(rest) != size % BLOCK:
        return None
    changed = [*around[: place % BLOCK], leaf, *around[place % BLOCK + 1 :]]
    top, tail = Frontier(), Frontier()
    top.extend(tree_root(changed) if number == block else root for number, root in enumerate(blocks))
    tail.extend(changed if block == whole else rest)
    return Frontier(size, [*top.edge, *tail.edge]).root()


def named_key(body: bytes, *, vouched: bool = False) -> str | None:
    """Return the key that a record introduces.

    :param vouched: Leave out one that two people introduced for a lost one: no key vouches for it.
    """
    try:
        said: Any = orjson.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict) or (vouched and said.get("lost") == "true"):
        return None
    return str(said.get("key"))


def _first(log: AuditLog) -> list[VerifyingKey]:
    """Return the log's first key, which is taken on trust where none is given."""
    row = next(iter(log.sealing_keys()), None)
    try:
        return [VerifyingKey.parse(row.line)] if row else []
    except CheckpointError:
        return []


def _vouched(log: AuditLog, known: dict[str, VerifyingKey], place: int, body: bytes) -> VerifyingKey | None:
    """Return the key that a record introduces if the first checkpoint over it is of a key known before."""
    line = named_key(body, vouched=True)
    if line is None or line in {key.line() for key in known.values()}:
        return None
    with closing(iter(log.seals(place))) as seals:
        seal = next(seals, None)
    if seal is None:
        return None
    try:
        checkpoint: Checkpoint = open_note(seal.note, known)[0]
        proved = log.root_with(checkpoint.size, place, leaf_hash(body)) == checkpoint.root
        return VerifyingKey.parse(line) if proved else None
    except CheckpointError:
        return None
