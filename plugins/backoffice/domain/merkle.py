"""The hash tree over the audit log, as RFC 6962 (section 2.1) defines it.

A leaf is SHA-256 of a zero byte and the record, a node SHA-256 of a one byte and its two children. The root
over ``n`` leaves splits at the largest power of two below ``n``. Nothing but the standard library is needed:
this file is also part of every evidence pack, where it runs without this product.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of a record as a leaf of the tree."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to append leaves and to tell the root, nothing more.

    It holds the root of one perfect subtree per bit that is set in ``size``, largest first: at most 64 hashes
    however long the log is.

    :param size: Number of leaves so far.
    :param edge: Roots of the perfect subtrees, largest first.
    :raises ValueError: ``edge`` does not fit ``size``.
    """

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        self.size = size
        self.edge = list(edge)
        if size < 0 or len(self.edge) != bin(size).count("1") or any(len(one) != 32 for one in self.edge):
            raise ValueError(f"{len(self.edge)} subtrees are no tree of {size} leaves")

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        edge, size, sha256 = self.edge, self.size, hashlib.sha256
        while size & 1:
            leaf = sha256(b"\x01" + edge.pop() + leaf).digest()
            size >>= 1
        edge.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append many leaf hashes."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self.edge:
            return EMPTY_ROOT
        root = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            root = node_hash(left, root)
        return root

    def copy(self) -> Frontier:
        """Return one that grows on its own."""
        return Frontier(self.size, self.edge)


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


# Returns the root of the perfect or ragged subtree over the leaves [first, after).
Subtree = Callable[[int, int], bytes]


def subtree_of(leaves: Sequence[bytes]) -> Subtree:
    """Return the subtree function over leaf hashes that are all at hand."""
    return lambda first, after: tree_root(leaves[first:after])


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return the hashes that lead from leaf ``index`` to the root over ``size`` leaves, bottom first.

    :raises ValueError: There is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    proof: list[bytes] = []
    first, after = 0, size
    while after - first > 1:
        middle = first + _split(after - first)
        if index < middle:
            proof.append(subtree(middle, after))
            after = middle
        else:
            proof.append(subtree(first, middle))
            first = middle
    proof.reverse()
    return proof


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that a leaf hash and its proof lead to; the caller compares it with the signed one.

    :raises ValueError: The proof is longer or shorter than that of this place in a tree of this size, or a
        hash in it is not one.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    node, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != 32:
            raise ValueError("the proof is too long or holds what is no hash")
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ValueError("the proof is too short")
    return root


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Return the hashes that show that the tree over ``old`` leaves is the beginning of that over ``new``.

    :raises ValueError: ``old`` is not between 0 and ``new``.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves was never one of {old}")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    first, after, whole = 0, new, True
    while after != old:
        middle = first + _split(after - first)
        if old <= middle:
            proof.append(subtree(middle, after))
            after = middle
        else:
            proof.append(subtree(first, middle))
            first, whole = middle, False
    if not whole:
        proof.append(subtree(first, after))
    proof.reverse()
    return proof


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that the old tree is the beginning of the new one."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if not 0 < old < new or not proof or any(len(one) != 32 for one in proof):
        return False
    hashes = list(proof)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    earlier = later = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            earlier, later = node_hash(sibling, earlier), node_hash(sibling, later)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            later = node_hash(later, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and earlier == old_root and later == new_root


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
