"""Verification over logs in memory: the walk, the chain, keys, purges, anchors, restores, and going on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.audit.memory_log import MemoryLog, anchored, checked, filled

from backoffice.domain.audit.anchored import Anchors
from backoffice.domain.audit.findings import CHECKS, MOST_TOLD, NEEDS_ANCHOR, NEEDS_KEY, lines
from backoffice.domain.audit.log import KeyRow, Progress
from backoffice.domain.audit.progress import CannotGoOn
from backoffice.domain.audit.verify import verify
from backoffice.domain.checkpoint import VerifyingKey, read_note, sign
from backoffice.domain.merkle import leaf_hash

LOG = filled(40, 3)
LARGE = filled(900, 4)


# -- the walk ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", [MemoryLog(), LOG, LARGE, filled(255, 1), filled(256, 1), filled(511, 2)])
def test_a_log_that_was_left_alone_is_good(log: MemoryLog) -> None:
    found = checked(log)
    assert found.failed == ()
    assert found.records == len(log.sealed) + len(log.unsealed)
    assert found.size == len(log.sealed)
    assert {result.check for result in found.results} == CHECKS.keys()


def body_flipped(log: MemoryLog, place: int, _: int, bit: int) -> None:
    row = log.sealed[place]
    body = bytearray(row[6] or b"")
    body[bit // 8 % len(body)] ^= 1 << bit % 8
    log.sealed[place] = (*row[:6], bytes(body), row[7])


def body_and_leaf_flipped(log: MemoryLog, place: int, other: int, bit: int) -> None:
    body_flipped(log, place, other, bit)
    row = log.sealed[place]
    log.sealed[place] = (*row[:7], leaf_hash(row[6] or b""))


def leaf_flipped(log: MemoryLog, place: int, _: int, bit: int) -> None:
    row = log.sealed[place]
    leaf = bytearray(row[7] or b"")
    leaf[bit // 8 % 32] ^= 1 << bit % 8
    log.sealed[place] = (*row[:7], bytes(leaf))


def deleted(log: MemoryLog, place: int, *_: int) -> None:
    del log.sealed[place]


def deleted_and_closed_up(log: MemoryLog, place: int, *_: int) -> None:
    del log.sealed[place]
    log.sealed[place:] = [(row[0] - 1, *row[1:]) for row in log.sealed[place:]]


def swapped(log: MemoryLog, place: int, other: int, _: int) -> None:
    other = other if other != place else (place + 1) % len(log.sealed)
    one, two = log.sealed[place], log.sealed[other]
    log.sealed[place], log.sealed[other] = (place, *two[1:]), (other, *one[1:])


def doubled(log: MemoryLog, place: int, *_: int) -> None:
    log.sealed.insert(place, log.sealed[place])


def record_gone(log: MemoryLog, place: int, *_: int) -> None:
    log.sealed[place] = (place, log.sealed[place][1], None, None, None, None, None, None)


def bytes_gone(log: MemoryLog, place: int, *_: int) -> None:
    row = log.sealed[place]
    log.sealed[place] = (*row[:6], None, row[7])


def moved_to_another_subject(log: MemoryLog, place: int, other: int, _: int) -> None:
    row = log.sealed[place]
    log.sealed[place] = (*row[:2], f"{row[2]}/{other}", *row[3:])


def numbered_anew(log: MemoryLog, place: int, other: int, _: int) -> None:
    row = log.sealed[place]
    log.sealed[place] = (*row[:3], (row[3] or 0) + other + 1, *row[4:])


def called_by_another_kind(log: MemoryLog, place: int, *_: int) -> None:
    row = log.sealed[place]
    log.sealed[place] = (*row[:4], "effect", *row[5:])


CHANGES: list[tuple[Callable[..., None], set[str]]] = [
    (body_flipped, {"leaf", "root"}),
    (body_and_leaf_flipped, {"root"}),
    (leaf_flipped, {"leaf"}),
    (deleted, {"index", "root"}),
    (deleted_and_closed_up, {"root"}),
    (swapped, {"root"}),
    (doubled, {"index", "root"}),
    (record_gone, {"index", "root"}),
    (bytes_gone, {"leaf"}),
    (moved_to_another_subject, {"content"}),
    (numbered_anew, {"content"}),
    (called_by_another_kind, {"content"}),
]


@pytest.mark.parametrize(("change", "at_least"), CHANGES, ids=lambda value: getattr(value, "__name__", ""))
@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, len(LOG.sealed) - 1), other=st.integers(0, len(LOG.sealed) - 1), bit=st.integers(0, 4000))  # fmt: skip
def test_no_change_anywhere_goes_unseen(change, at_least: set[str], place: int, other: int, bit: int) -> None:
    log = LOG.copy()
    change(log, place, other, bit)
    assert at_least <= set(checked(log).failed)


@settings(max_examples=25, deadline=None)
@given(place=st.integers(0, len(LARGE.sealed) - 1), bit=st.integers(0, 4000))
def test_a_changed_record_is_narrowed_down_to_its_block(place: int, bit: int) -> None:
    log = LARGE.copy()
    body_and_leaf_flipped(log, place, 0, bit)
    found = {result.check: result for result in checked(log).results}
    whole = len(log.sealed) // 256
    told = [finding.leaf for finding in found["blocks"].findings]
    assert told == ([place // 256 * 256] if place // 256 < whole else [])
    first = next(seal.seal_no for seal in log.checkpoints if seal.size > place)
    assert found["root"].findings[0].seal_no == first


def test_a_waiting_record_is_looked_at_too() -> None:
    log = LOG.copy()
    row = log.unsealed[1]
    log.unsealed[1] = (*row[:6], b'{"at":"never"}', row[7])
    assert checked(log).failed == ("leaf", "content")
    log.unsealed[1] = (*row[:6], None, row[7])
    assert checked(log).failed == ("leaf",)
    log.unsealed[1] = (-1, 77, None, None, None, None, None, None)
    assert checked(log).failed == ("index",)


def test_much_that_is_wrong_is_counted_and_some_of_it_told() -> None:
    log = LARGE.copy()
    for place in range(500):
        leaf_flipped(log, place, 0, 0)
    (leaf,) = [result for result in checked(log).results if result.check == "leaf"]
    assert (leaf.count, len(leaf.findings)) == (500, MOST_TOLD)
    told = "\n".join(lines(checked(log)))
    assert "500 found" in told
    assert "and 480 more" in told


# -- going on from an earlier verification -----------------------------------------------------------------------------


@pytest.mark.parametrize("records", [40, 900])
def test_it_goes_on_from_a_good_verification(records: int) -> None:
    log = filled(records, 3)
    _, progress = verify(log, Anchors())
    assert progress is not None
    for number in range(300):
        log.append("path", "invoice:9", step="case refreshed", case_id=f"later/{number}")
        if number % 97 == 0:
            log.seal()
    log.seal()
    found, further = verify(log, Anchors(), since=progress)
    assert found.failed == ()
    assert not found.full
    assert found.records == len(log.sealed) - progress.size
    assert further is not None
    assert further.edge == log.checkpoints[-1].edge
    assert any("were not read again" in attack for attack in found.unseen)
    changed = log.copy()
    body_and_leaf_flipped(changed, progress.size + 5, 0, 100)
    assert "root" in checked(changed, since=progress).failed
    unseen = log.copy()
    body_and_leaf_flipped(unseen, 5, 0, 100)
    assert checked(unseen, since=progress).failed == ()
    assert checked(unseen).failed != ()


def test_the_checkpoint_to_go_on_from_must_be_there_still() -> None:
    log = LOG.copy()
    _, progress = verify(log, Anchors())
    del log.checkpoints[-1]
    assert "anchor" in checked(log, since=progress).failed


def rotated() -> tuple[MemoryLog, Progress]:
    """A log whose key changed twice, and how far a verification of it came."""
    log = filled(900, 3)
    for name in (b"n", b"m"):
        new = Ed25519PrivateKey.from_private_bytes(name * 32)
        log.introduce(new)
        log.seal()
        log.private = new
        log.seal()
    _, progress = verify(log, Anchors())
    assert progress is not None
    return log, progress


@pytest.mark.parametrize("keys", [(), (VerifyingKey.of("memory/log", LOG.private),)])
def test_it_goes_on_after_changes_of_keys_that_the_log_vouches_for(keys: tuple[VerifyingKey, ...]) -> None:
    log, progress = rotated()
    log.append("path", "invoice:9", step="case refreshed", case_id="later")
    log.seal()
    found, _ = verify(log, Anchors(), keys, progress)
    assert (found.failed, found.full) == ((), False)
    assert (NEEDS_KEY in found.unseen) == (not keys), "what a file says is no key from outside"


def test_the_keys_in_the_file_are_not_trusted_because_they_stand_there() -> None:
    """The whole log is written anew by somebody else, who writes the file too."""
    ours = VerifyingKey.of("memory/log", LOG.private)
    other = MemoryLog(private=Ed25519PrivateKey.from_private_bytes(b"o" * 32))
    other.introduce()
    other.seal()
    _, progress = verify(other, Anchors())
    assert progress is not None
    with pytest.raises(CannotGoOn, match="no trusted key signed"):
        verify(other, Anchors(), [ours], progress._replace(keys=(ours.line(), *progress.keys)))
    log, progress = rotated()
    row = log.sealed.pop(0)
    log.sealed.insert(0, (*row[:7], leaf_hash(b"another")))
    with pytest.raises(CannotGoOn, match="no trusted key signed"):
        verify(log, Anchors(), [ours], progress)


def test_an_edge_or_a_note_that_was_not_signed_is_nothing_to_go_on_from() -> None:
    log = LOG.copy()
    _, progress = verify(log, Anchors())
    assert progress is not None
    forged = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    note = sign(read_note(progress.note)[0], forged)
    for wrong, why in (
        (progress._replace(edge=(bytes(32), *progress.edge[1:])), "edge does not have the root"),
        (progress._replace(edge=progress.edge[1:]), "its edge is none"),
        (progress._replace(note=note), "no trusted key signed"),
        (progress._replace(note=progress.note.replace("sealed_at 2026", "sealed_at 2025")), "does not fit"),
    ):
        with pytest.raises(CannotGoOn, match=why):
            verify(log, Anchors(), since=wrong)


def test_a_bad_verification_is_nothing_to_go_on_from() -> None:
    log = LOG.copy()
    leaf_flipped(log, 3, 0, 0)
    assert verify(log, Anchors())[1] is None


@pytest.mark.parametrize(
    "places", [(3,), (3, 4, 254), (255, 256), tuple(range(700)), (0, 300, 301, 899), (256, 511, 512)]
)
def test_a_purge_is_hashed_by_blocks(places: tuple[int, ...]) -> None:
    log = filled(900, 3)
    places = tuple(place for place in places if log.sealed[place][4] == "path")
    log.purge(*places)
    log.seal()
    assert checked(log).failed == ()
    log.gone.pop()
    assert checked(log).failed == ("leaf",)


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_is_trusted_once_a_checkpoint_of_the_one_before_covers_it() -> None:
    log = LOG.copy()
    new = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
    log.introduce(new)
    log.seal()
    log.private = new
    log.seal()
    assert checked(log).failed == ()


def test_a_key_does_not_vouch_for_itself() -> None:
    log = LOG.copy()
    log.private = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
    log.introduce()
    log.seal()
    assert checked(log).failed == ("signature",)
    given = (VerifyingKey.of("memory/log", LOG.private), VerifyingKey.of("memory/log", log.private))
    assert checked(log, keys=given).failed == (), "trusted from outside, as after the old key was lost"


def test_a_key_from_outside_is_the_one_that_counts() -> None:
    ours = VerifyingKey.of("memory/log", LOG.private)
    other = VerifyingKey.of("memory/log", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
    assert NEEDS_KEY in checked(LOG).unseen
    assert NEEDS_KEY not in checked(LOG, keys=(ours,)).unseen
    assert checked(LOG, keys=(ours,)).failed == ()
    assert checked(LOG, keys=(other,)).failed == ("signature",)


# -- time --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away", "failed"),
    [
        (timedelta(hours=-5), ()),
        (timedelta(hours=-7), ("time",)),
        (timedelta(minutes=4), ()),
        (timedelta(minutes=6), ("time",)),
    ],
)
def test_a_record_is_of_the_time_between_its_checkpoints(away: timedelta, failed: tuple[str, ...]) -> None:
    log = LOG.copy()
    log.append("path", "invoice:1", at=log.now + away, step="case refreshed")
    log.seal()
    assert checked(log).failed == failed


# -- purges ------------------------------------------------------------------------------------------------------------


def test_bytes_that_were_purged_lawfully_are_not_missed() -> None:
    log = LOG.copy()
    log.purge(3, 7, 8)
    assert checked(log).failed == ()
    log.seal()
    log.purge(9)
    found = checked(log)
    assert found.failed == ()
    assert sum(len(result.notes) for result in found.results if result.check == "leaf") == 2, "both are told"


@pytest.mark.parametrize("sealed", [True, False])
def test_nobody_takes_bytes_away_in_the_shadow_of_a_purge(sealed: bool) -> None:
    log = LOG.copy()
    log.purge(3, 7, 8)
    if sealed:
        log.seal()
    more = log.copy()
    bytes_gone(more, 9)
    assert checked(more).failed == ("leaf",)
    more.gone.append((9, log.gone[0][1]))
    assert checked(more).failed == ("leaf",), "the record says three"
    instead = log.copy()
    bytes_gone(instead, 9)
    instead.sealed[8] = LOG.sealed[8]
    instead.gone[2] = (9, log.gone[0][1])
    assert checked(instead).failed == ("leaf",), "the record says which three"
    called = log.copy()
    called.gone.append((10, log.gone[0][1]))
    assert checked(called).failed == ("leaf",)
    invented = log.copy()
    bytes_gone(invented, 9)
    invented.gone.append((9, 12345))
    assert checked(invented).failed == ("leaf",)


# -- anchors and restores ----------------------------------------------------------------------------------------------


def test_what_lies_outside_must_be_in_the_log() -> None:
    notes = [seal.note for seal in LOG.checkpoints]
    found = checked(LOG, anchored(*notes))
    assert found.failed == ()
    assert not set(NEEDS_ANCHOR) & set(found.unseen)
    assert checked(LOG, anchored(notes[1], notes[0], notes[1])).failed == (), (
        "in any order, as often as it was"
    )
    shorter = MemoryLog()
    shorter.introduce()
    shorter.seal()
    assert checked(shorter, anchored(*notes)).failed == ("anchor",)
    longer = LOG.copy()
    longer.seal()
    assert checked(LOG, anchored(longer.checkpoints[-1].note)).failed == ("anchor",)
    assert checked(MemoryLog(), anchored(*notes)).failed == ("anchor",), (
        "an empty log is one that was cut off"
    )


def restored(**named: str) -> tuple[MemoryLog, Anchors]:
    """Return a log that was set back to its second checkpoint and went on, and everything that was laid down."""
    before = LOG.copy()
    before.seal()
    outside = [seal.note for seal in before.checkpoints]
    log = LOG.copy()
    size = log.checkpoints[1].size
    log.sealed, log.unsealed, log.checkpoints = log.sealed[:size], [], log.checkpoints[:2]
    lost, kept = before.checkpoints[-1], log.checkpoints[-1]
    said = {
        "abandoned_size": str(lost.size), "abandoned_root": lost.root.hex(), "continued_size": str(kept.size), "continued_root": kept.root.hex(),
        "requested_by": "p-one", "confirmed_by": "p-two", **named,
    }  # fmt: skip
    log.append("restore", "log", **said)
    log.seal()
    return log, anchored(*outside, log.checkpoints[-1].note)


def test_a_lawful_restore_is_listed_and_no_attack() -> None:
    """The branch that was given up is followed back from the checkpoint that is named: the ones before it went too."""
    log, outside = restored()
    found = checked(log, outside)
    assert found.failed == ()
    (restore,) = [result for result in found.results if result.check == "restore"]
    assert "confirmed_by p-two" in restore.notes[0]
    (anchor,) = [result for result in found.results if result.check == "anchor"]
    assert anchor.notes[0] == "2 anchored checkpoints were given up by a lawful restore"


@pytest.mark.parametrize("named", [{"abandoned_size": "1"}, {"abandoned_root": "00" * 32}])
def test_a_restore_excuses_what_it_names_and_nothing_else(named: dict[str, str]) -> None:
    log, outside = restored(**named)
    found = checked(log, outside)
    assert found.failed == ("anchor",)
    (restore,) = [result for result in found.results if result.check == "restore"]
    assert len(restore.notes) == 1, "listed all the same"


@pytest.mark.parametrize(
    "named",
    [
        {"confirmed_by": "p-one"}, {"confirmed_by": ""}, {"requested_by": None}, {"continued_size": "1"}, {"continued_root": "00" * 32},
    ],
)  # fmt: skip
def test_a_restore_by_one_person_or_that_goes_on_elsewhere_excuses_nothing(named: dict[str, str]) -> None:
    log, outside = restored(**named)
    found = checked(log, outside)
    assert found.failed == ("anchor", "restore")
    (restore,) = [result for result in found.results if result.check == "restore"]
    assert len(restore.notes) == 1, "listed all the same"


def with_a_new_key(**named: str) -> tuple[MemoryLog, VerifyingKey]:
    """Return a log whose key was lost, and the one that signs from then on."""
    log = LOG.copy()
    log.private = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
    key = VerifyingKey.of("memory/log", log.private)
    said = {
        "step": "key introduced", "lost": "true", "key": key.line(), "key_id": key.key_id, "requested_by": "p-one", "confirmed_by": "p-two", **named,
    }  # fmt: skip
    record = log.append("key", "log", **said)
    log.kept_keys = [*log.kept_keys, KeyRow(key.key_id, key.line(), record)]
    log.seal()
    return log, key


def test_a_key_for_a_lost_one_is_trusted_and_told_apart() -> None:
    log, key = with_a_new_key()
    found = checked(log)
    assert found.failed == ()
    (signature,) = [result for result in found.results if result.check == "signature"]
    (told,) = [note for note in signature.notes if "not vouched for" in note]
    assert key.key_id in told
    assert "introduced by p-one, confirmed by p-two" in told
    log.seal()
    assert checked(log).failed == ()


def test_where_keys_come_from_outside_a_key_for_a_lost_one_must_be_among_them() -> None:
    log, key = with_a_new_key()
    first = VerifyingKey.parse(LOG.kept_keys[0].line)
    found = checked(log, keys=[first])
    assert found.failed == ("signature",)
    (signature,) = [result for result in found.results if result.check == "signature"]
    assert len(signature.findings) == 1
    assert "give the key" in signature.findings[0].what
    assert checked(log, keys=[first, key]).failed == ()


@pytest.mark.parametrize("named", [{"confirmed_by": "p-one"}, {"confirmed_by": ""}, {"lost": "false"}])
def test_a_key_that_two_did_not_introduce_signs_nothing(named: dict[str, str]) -> None:
    log, _ = with_a_new_key(**named)
    assert "signature" in checked(log).failed


def test_every_check_says_what_it_proves() -> None:
    told = lines(checked(LOG))
    for check, proves in CHECKS.items():
        assert any(check in line for line in told), check
        assert len(proves.split()) > 5
