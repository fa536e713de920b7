"""The hash tree of the audit log: known roots, proofs that hold, and every changed proof refused."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.domain.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    node_hash,
    root_from_inclusion,
    subtree_of,
    tree_root,
)

# The eight inputs and roots that the certificate transparency implementations test themselves with.
INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LEAVES = [leaf_hash(bytes.fromhex(one)) for one in INPUTS]


def by_definition(leaves: list[bytes]) -> bytes:
    """The root as section 2.1 of RFC 6962 writes it down."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


def some_leaves(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_root_is_that_of_the_published_test_vectors(size: int) -> None:
    assert tree_root(LEAVES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 6, 7, 8, 9, 31, 32, 33, 100, 255, 256, 257])
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert tree_root(some_leaves(size)) == by_definition(some_leaves(size))


def test_an_empty_tree_has_the_hash_of_nothing_as_its_root() -> None:
    assert Frontier().root() == EMPTY_ROOT == by_definition([])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 70), st.integers(0, 70))
def test_a_frontier_kept_and_taken_up_again_gives_the_same_root(first: int, more: int) -> None:
    leaves = some_leaves(first + more)
    kept = Frontier()
    kept.extend(leaves[:first])
    later = Frontier(kept.size, kept.edge)
    later.extend(leaves[first:])
    assert later.root() == tree_root(leaves)
    assert kept.root() == tree_root(leaves[:first])


@pytest.mark.parametrize(("size", "edge"), [(1, []), (2, [b"x"]), (3, [bytes(32)]), (-1, [])])
def test_an_edge_that_does_not_fit_the_size_is_refused(size: int, edge: list[bytes]) -> None:
    with pytest.raises(ValueError, match="no tree"):
        Frontier(size, edge)


@pytest.mark.parametrize("size", [*range(1, 35), 64, 65])
def test_every_inclusion_proof_leads_to_the_root(size: int) -> None:
    leaves = some_leaves(size)
    for index, leaf in enumerate(leaves):
        proof = inclusion_proof(index, size, subtree_of(leaves))
        assert root_from_inclusion(leaf, index, size, proof) == tree_root(leaves)


def test_an_inclusion_proof_that_was_changed_anywhere_leads_elsewhere_or_is_refused() -> None:
    leaves = some_leaves(23)
    root = tree_root(leaves)
    for index in range(23):
        proof = inclusion_proof(index, 23, subtree_of(leaves))
        for place in range(len(proof)):
            for byte in range(32):
                changed = bytearray(proof[place])
                changed[byte] ^= 1
                wrong = [*proof[:place], bytes(changed), *proof[place + 1 :]]
                assert root_from_inclusion(leaves[index], index, 23, wrong) != root
        for other in range(23):
            if other != index:
                try:
                    assert root_from_inclusion(leaves[index], other, 23, proof) != root
                except ValueError:
                    continue


@pytest.mark.parametrize("change", ["longer", "shorter", "no hash"])
def test_an_inclusion_proof_of_another_shape_is_refused(change: str) -> None:
    leaves = some_leaves(8)
    proof = inclusion_proof(3, 8, subtree_of(leaves))
    wrong = {"longer": [*proof, bytes(32)], "shorter": proof[:-1], "no hash": [b"short", *proof[1:]]}[change]
    with pytest.raises(ValueError, match="proof"):
        root_from_inclusion(leaves[3], 3, 8, wrong)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_proof(index, size, subtree_of(some_leaves(3)))
    with pytest.raises(ValueError, match="has no leaf"):
        root_from_inclusion(bytes(32), index, size, [])


@pytest.mark.parametrize("new", [*range(1, 20), 33])
def test_every_consistency_proof_holds(new: int) -> None:
    leaves = some_leaves(new)
    for old in range(new + 1):
        proof = consistency_proof(old, new, subtree_of(leaves))
        assert is_consistent(old, new, tree_root(leaves[:old]), tree_root(leaves), proof)


def test_a_log_whose_past_was_rewritten_is_not_consistent() -> None:
    before = some_leaves(11)
    for place in range(11):
        after = some_leaves(19)
        after[place] = bytes(32)
        proof = consistency_proof(11, 19, subtree_of(after))
        assert not is_consistent(11, 19, tree_root(before), tree_root(after), proof)


def test_consistency_proofs_of_another_shape_are_refused() -> None:
    leaves = some_leaves(19)
    proof = consistency_proof(11, 19, subtree_of(leaves))
    old, new = tree_root(leaves[:11]), tree_root(leaves)
    for wrong in ([], proof[:-1], [*proof, bytes(32)], [b"x", *proof[1:]]):
        assert not is_consistent(11, 19, old, new, wrong)
    assert not is_consistent(19, 11, new, old, proof)
    assert not is_consistent(0, 19, bytes(32), new, [])
