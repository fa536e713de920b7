"""Checkpoints: the signed statement of how long the audit log is and what its root is.

The form is a C2SP signed note with a transparency-log checkpoint as its text (c2sp.org/tlog-checkpoint,
c2sp.org/signed-note): origin, size, root in base64, then two further lines of ours, an empty line, and one
line per signature. Signatures are Ed25519. Needs only the standard library and ``cryptography``: this file is
also part of every evidence pack, where it runs without this product.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ED25519 = b"\x01"
_DASH = "\u2014"  # the em dash that opens each signature line
_NAME = re.compile(r"[!-*,-~]+")  # printable, neither space nor plus
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


class CheckpointError(ValueError):
    """A note is no checkpoint, or no trusted key signed it."""


@dataclass(frozen=True)
class Checkpoint:
    """What one signature covers.

    :param origin: Name of the log; it never changes, and two logs never share one.
    :param size: Number of records sealed.
    :param root: Root of the hash tree over them.
    :param previous: Root of the checkpoint before; 32 zero bytes in the first.
    :param sealed_at: Moment of sealing by the sealer's own clock: UTC with six decimals and ``Z``.
    """

    origin: str
    size: int
    root: bytes
    previous: bytes
    sealed_at: str

    @property
    def short(self) -> str:
        """Return what people are shown: size and the first 16 hex digits of the root."""
        return f"{self.size}:{self.root.hex()[:16]}"

    def text(self) -> str:
        """Return the text that is signed."""
        return "".join(
            f"{line}\n"
            for line in (
                self.origin,
                self.size,
                _base64(self.root),
                f"previous {_base64(self.previous)}",
                f"sealed_at {self.sealed_at}",
            )
        )


@dataclass(frozen=True)
class VerifyingKey:
    """A public key under the name with which it signs.

    :param name: Key name in the note; here the log's origin.
    :param public: Raw Ed25519 public key, 32 bytes.
    """

    name: str
    public: bytes

    @property
    def key_id(self) -> str:
        """Return the first four bytes of SHA-256 over name, newline, algorithm and key, as hex."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4].hex()

    def line(self) -> str:
        """Return the key in the one-line form of signed notes: name, id and key."""
        return f"{self.name}+{self.key_id}+{_base64(ED25519 + self.public)}"

    @classmethod
    def parse(cls, line: str) -> VerifyingKey:
        """Read the one-line form.

        :raises CheckpointError: It is none, or its id is not that of its key.
        """
        name, _, rest = line.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = _bytes(encoded)
        if not _NAME.fullmatch(name) or raw[:1] != ED25519 or len(raw) != 33:
            raise CheckpointError("not a public key of the form name+id+key")
        key = cls(name, raw[1:])
        if key.key_id != key_id:
            raise CheckpointError(f"the key says id {key_id}, its own is {key.key_id}")
        return key

    @classmethod
    def of(cls, name: str, private: Ed25519PrivateKey) -> VerifyingKey:
        """Return the public part of a private key."""
        return cls(name, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def sign(checkpoint: Checkpoint, private: Ed25519PrivateKey) -> str:
    """Return the signed note of a checkpoint; the key's name is the log's origin."""
    text = checkpoint.text()
    key = VerifyingKey.of(checkpoint.origin, private)
    signature = bytes.fromhex(key.key_id) + private.sign(text.encode())
    return f"{text}\n{_DASH} {key.name} {_base64(signature)}\n"


def read_note(note: str) -> tuple[Checkpoint, tuple[tuple[str, str, bytes], ...]]:
    """Return the checkpoint of a note and its signatures (name, key id, signature), none of them checked.

    :raises CheckpointError: The note has not exactly the form that ``sign`` gives.
    """
    text, separator, tail = note.partition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) != 5 or not tail.endswith("\n"):
        raise CheckpointError("not a checkpoint: five lines, an empty one and signatures are expected")
    origin, size, root, previous, sealed_at = lines
    if not (
        _NAME.fullmatch(origin)
        and re.fullmatch("0|[1-9][0-9]{0,17}", size)
        and previous.startswith("previous ")
        and sealed_at.startswith("sealed_at ")
        and _TIME.fullmatch(sealed_at[10:])
    ):
        raise CheckpointError("not a checkpoint of this product")
    checkpoint = Checkpoint(origin, int(size), _hash(root), _hash(previous[9:]), sealed_at[10:])
    return checkpoint, tuple(_signature(line) for line in tail[:-1].split("\n"))


def open_note(note: str, keys: Mapping[str, VerifyingKey]) -> tuple[Checkpoint, str]:
    """Return the checkpoint of a note and the id of the key that signed it.

    :param keys: Trusted keys by id.
    :raises CheckpointError: The note is malformed, no trusted key signed it, or a signature is wrong.
    """
    checkpoint, signatures = read_note(note)
    for name, key_id, signature in signatures:
        key = keys.get(key_id)
        if key is None or key.name != name or name != checkpoint.origin:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, checkpoint.text().encode())
        except InvalidSignature:
            raise CheckpointError(f"the signature of key {key_id} does not fit the checkpoint") from None
        return checkpoint, key_id
    raise CheckpointError("no trusted key signed this checkpoint")


def _signature(line: str) -> tuple[str, str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = _bytes(encoded)
    if dash != _DASH or not _NAME.fullmatch(name) or len(raw) != 68:
        raise CheckpointError("not a signature line of an Ed25519 key")
    return name, raw[:4].hex(), raw[4:]


def _hash(text: str) -> bytes:
    raw = _bytes(text)
    if len(raw) != 32:
        raise CheckpointError("not a hash of 32 bytes")
    return raw


def _bytes(text: str) -> bytes:
    """Decode base64; exactly one text stands for one value, so that no changed character passes unseen."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointError("not base64") from None
    if _base64(raw) != text:
        raise CheckpointError("not base64 in its one form")
    return raw


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
