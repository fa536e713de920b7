"""The signing key in its file: made once, readable by its owner alone, changed by rotation only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from backoffice.domain.checkpoint import VerifyingKey
from backoffice.runtime.files import write_private
from backoffice.runtime.sealer.fault import SealerFault


@dataclass(frozen=True)
class SigningKey:
    """A private key under the name of the log it signs."""

    private: Ed25519PrivateKey
    public: VerifyingKey


class KeyFile:
    """The key's file (PEM, PKCS 8) and beside it, while a rotation waits, ``<file>.next``.

    :param path: The file. Its folder belongs to the sealer alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.next = path.with_name(path.name + ".next")

    def exists(self) -> bool:
        """Tell whether there is a key."""
        return self.path.exists()

    def load(self, origin: str) -> SigningKey:
        """Read the key.

        :raises SealerFault: It cannot be read, is no Ed25519 key, or others can read it.
        """
        return _read(self.path, origin)

    def load_next(self, origin: str) -> SigningKey | None:
        """Read the key that a rotation laid down, if one waits."""
        return _read(self.next, origin) if self.next.exists() else None

    def create(self) -> None:
        """Make the first key.

        :raises SealerFault: There is one already.
        """
        _make(self.path)

    def prepare_rotation(self) -> None:
        """Make the next key; the running sealer introduces it under the present one and changes over.

        :raises SealerFault: A rotation waits already, or there is no key that could vouch for the next one.
        """
        if not self.exists():
            raise SealerFault(
                f"there is no key in {self.path} to change; a lost one is replaced by `new-key`"
            )
        _make(self.next)

    def change_over(self) -> None:
        """Put the next key in the place of the present one, which is gone after that."""
        os.replace(self.next, self.path)


def _make(path: Path) -> None:
    if path.exists():
        raise SealerFault(f"{path} is there already; it is never overwritten")
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, pem.decode())


def _read(path: Path, origin: str) -> SigningKey:
    try:
        open_to_others = path.stat().st_mode & 0o077
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SealerFault(
            f"the signing key {path} cannot be read ({type(error).__name__}). Put it back; if it is lost, "
            "docs/how-to/replace-a-lost-signing-key.md says how two people replace it"
        ) from None
    if open_to_others:
        raise SealerFault(f"the signing key {path} is open to others; `chmod 600` it")
    if not isinstance(private, Ed25519PrivateKey):
        raise SealerFault(f"{path} holds no Ed25519 key")
    return SigningKey(private, VerifyingKey.of(origin, private))
