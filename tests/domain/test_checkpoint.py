"""Signed checkpoints: what was signed is what is read, and no changed character passes."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backoffice.domain.checkpoint import Checkpoint, CheckpointError, VerifyingKey, open_note, read_note, sign

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CHECKPOINT = Checkpoint(
    "backoffice.test/1f2e", 1234, bytes(range(32)), bytes(32), "2026-11-22T05:00:00.000000Z"
)
KEY = VerifyingKey.of(CHECKPOINT.origin, PRIVATE)
TRUSTED = {KEY.key_id: KEY}


def test_what_was_signed_is_what_is_read() -> None:
    assert open_note(sign(CHECKPOINT, PRIVATE), TRUSTED) == (CHECKPOINT, KEY.key_id)


def test_a_note_has_the_published_form() -> None:
    lines = sign(CHECKPOINT, PRIVATE).split("\n")
    assert lines[:3] == ["backoffice.test/1f2e", "1234", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
    assert lines[5] == ""
    assert lines[6].startswith("\u2014 backoffice.test/1f2e ")
    assert lines[7:] == [""]


def test_people_are_shown_size_and_half_of_the_root() -> None:
    assert CHECKPOINT.short == "1234:0001020304050607"


def test_no_changed_byte_passes() -> None:
    note = sign(CHECKPOINT, PRIVATE).encode()
    for place in range(len(note)):
        for flipped in (note[place] ^ 1, note[place] ^ 0x20, 0x41):
            if flipped == note[place]:
                continue
            changed = bytes([*note[:place], flipped, *note[place + 1 :]])
            with pytest.raises((CheckpointError, UnicodeDecodeError)):
                open_note(changed.decode(), TRUSTED)


def test_no_cut_and_no_addition_passes() -> None:
    note = sign(CHECKPOINT, PRIVATE)
    for length in range(len(note)):
        with pytest.raises(CheckpointError):
            open_note(note[:length], TRUSTED)
    for more in ("\n", "x", "\u2014 else AAAA\n"):
        with pytest.raises(CheckpointError):
            open_note(note + more, TRUSTED)


def test_another_key_is_not_trusted_though_it_bears_the_same_name() -> None:
    other = Ed25519PrivateKey.generate()
    with pytest.raises(CheckpointError, match="no trusted key"):
        open_note(sign(CHECKPOINT, other), TRUSTED)


def test_a_key_of_another_log_is_not_trusted() -> None:
    elsewhere = VerifyingKey.of("another.log", PRIVATE)
    with pytest.raises(CheckpointError, match="no trusted key"):
        open_note(sign(CHECKPOINT, PRIVATE), {elsewhere.key_id: elsewhere, KEY.key_id: elsewhere})


def test_a_key_is_read_from_its_line() -> None:
    assert VerifyingKey.parse(KEY.line() + "\n") == KEY


@pytest.mark.parametrize("line", ["", "name", "a+b+c", "a+00000000+" + "A" * 44, "a b+1+AA=="])
def test_what_is_no_key_line_is_refused(line: str) -> None:
    with pytest.raises(CheckpointError):
        VerifyingKey.parse(line)


def test_a_key_line_with_another_id_is_refused() -> None:
    name, _, key = KEY.line().split("+", 2)
    with pytest.raises(CheckpointError, match="its own is"):
        VerifyingKey.parse(f"{name}+00000000+{key}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a b\n1\nAA==\nprevious AA==\nsealed_at x\n\n\u2014 a AA==\n",
        CHECKPOINT.text(),
        "\n" * 9,
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        read_note(text)
