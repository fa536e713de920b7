"""Encrypted fields: what was encrypted is what is read, under this key, for this subject, and unchanged."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.personal_data import PersonalDataError, decrypt, encrypt, open_field

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
SUBJECT = "person:p-1042"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(TEXTS, TEXTS)
def test_what_was_encrypted_is_what_is_read(subject: str, plain: str) -> None:
    assert decrypt(KEY, subject, encrypt(KEY, subject, plain)) == plain


@given(TEXTS, TEXTS)
def test_another_key_or_another_subject_opens_nothing(plain: str, subject: str) -> None:
    sealed = encrypt(KEY, SUBJECT, plain)
    with pytest.raises(PersonalDataError):
        decrypt(OTHER, SUBJECT, sealed)
    if subject != SUBJECT:
        with pytest.raises(PersonalDataError):
            decrypt(KEY, subject, sealed)


def test_no_changed_byte_passes() -> None:
    raw = base64.b64decode(encrypt(KEY, SUBJECT, "agreed by telephone"))
    for place in range(len(raw)):
        changed = bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]])
        with pytest.raises(PersonalDataError):
            decrypt(KEY, SUBJECT, base64.b64encode(changed).decode())


@pytest.mark.parametrize(
    "text", ["", "AQ==", "not base64", "====", "A" * 120, base64.b64encode(bytes(93)).decode()]
)
def test_what_is_no_such_text_is_refused(text: str) -> None:
    with pytest.raises(PersonalDataError):
        decrypt(KEY, SUBJECT, text)


@given(st.integers(0, 200))
def test_the_length_tells_whole_blocks_only(length: int) -> None:
    sealed = base64.b64decode(encrypt(KEY, SUBJECT, "x" * length))
    assert len(sealed) == 1 + 12 + (length // 64 + 1) * 64 + 16


def test_the_same_text_twice_is_two_texts() -> None:
    assert len({encrypt(KEY, SUBJECT, "yes") for _ in range(50)}) == 50


def test_nothing_of_the_text_shows() -> None:
    assert b"agreed" not in base64.b64decode(encrypt(KEY, SUBJECT, "agreed"))


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(31), bytes(33)])
def test_a_key_of_another_length_is_no_key(key: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        encrypt(key, SUBJECT, "x")
    with pytest.raises(ValueError, match="32 bytes"):
        decrypt(key, SUBJECT, "x")


def test_a_field_names_its_subject() -> None:
    field = {"personal": encrypt(KEY, SUBJECT, "words"), "subject": SUBJECT}
    assert open_field(KEY, field) == "words"
    for other in ({**field, "subject": "person:p-1"}, {"personal": field["personal"]}, {**field, "more": ""}):
        with pytest.raises(PersonalDataError):
            open_field(KEY, other)
