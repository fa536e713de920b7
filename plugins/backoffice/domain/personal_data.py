"""Personal data in the audit log: encrypted per subject, so that destroying one key erases it for good.

AES-256-GCM with a random nonce of 96 bits; the subject is associated data, so that a text moved to another
subject does not open. The text is padded to whole blocks of 64 bytes, so that its length says little once it
cannot be read. One text is base64 of: version byte, nonce, ciphertext, tag. The record's hash is taken over
this form and stays as it is whether the key is there or not. Needs only the standard library and
``cryptography``.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_BLOCK = 64
_CONTEXT = "backoffice personal data 1\n"


class PersonalDataError(ValueError):
    """A text is not what was encrypted under this key for this subject."""


def encrypt(key: bytes, subject: str, plain: str) -> str:
    """Return ``plain`` encrypted under a subject's key, as base64.

    :param key: 32 bytes.
    :param subject: Whose data it is, ``person:<id>``.
    :raises ValueError: The key is of another length.
    """
    _check_key(key)
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, _pad(plain.encode()), _associated(subject))
    return base64.b64encode(_VERSION + nonce + sealed).decode()


def decrypt(key: bytes, subject: str, sealed: str) -> str:
    """Return the text that ``encrypt`` was given.

    :raises PersonalDataError: Another key, another subject, or a changed text.
    """
    _check_key(key)
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        raise PersonalDataError("not base64") from None
    if raw[:1] != _VERSION or len(raw) < 1 + _NONCE_BYTES + _BLOCK + _TAG_BYTES:
        raise PersonalDataError("not personal data of this form")
    nonce, body = raw[1 : 1 + _NONCE_BYTES], raw[1 + _NONCE_BYTES :]
    try:
        return _unpad(AESGCM(key).decrypt(nonce, body, _associated(subject))).decode()
    except InvalidTag:
        raise PersonalDataError(
            f"it was not encrypted under this key for {subject}, or it was changed"
        ) from None


def open_field(key: bytes, field: Mapping[str, str]) -> str:
    """Return the text of a field of a record: ``{"personal": ..., "subject": ...}``.

    :raises PersonalDataError: As ``decrypt``, or it is no such field.
    """
    if field.keys() != {"personal", "subject"}:
        raise PersonalDataError("not a field of personal data")
    return decrypt(key, field["subject"], field["personal"])


def _check_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")


def _associated(subject: str) -> bytes:
    return (_CONTEXT + subject).encode()


def _pad(plain: bytes) -> bytes:
    """Append one marking byte and zeros up to a whole block: at least one byte, at most a block."""
    return plain + b"\x80" + bytes(-(len(plain) + 1) % _BLOCK)


def _unpad(padded: bytes) -> bytes:
    plain, mark, rest = padded.rpartition(b"\x80")
    if not mark or rest.strip(b"\x00"):
        raise PersonalDataError("not padded as this form asks")
    return plain
