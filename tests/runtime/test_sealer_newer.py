"""A checkpoint in the ledger that the sealer did not write is never taken up."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.conftest import Ledger
from tests.sealing import seal, sealer_config, write

from backoffice.domain.checkpoint import VerifyingKey, read_note
from backoffice.domain.merkle import leaf_hash
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.seal import seal_once
from backoffice.runtime.sealer.signing_key import KeyFile, SigningKey

pytestmark = pytest.mark.integration


@pytest.fixture
def sealed(ledger: Ledger, tmp_path: Path) -> Ledger:
    """A ledger of two whole blocks and some more records, sealed."""
    for number in range(3):
        write(ledger, *(f'{{"n":"{number}.{one}"}}' for one in range(200)))
        seal(ledger, tmp_path)
    write(ledger, '{"a":"1"}')
    return ledger


def foreign(ledger: Ledger, folder: Path) -> SigningKey:
    name = read_note(sealer_config(ledger, folder).memory.path.read_text())[0].origin
    private = Ed25519PrivateKey.generate()
    return SigningKey(private, VerifyingKey.of(name, private))


def remembered(ledger: Ledger, folder: Path) -> str:
    return sealer_config(ledger, folder).memory.path.read_text()


def refused(ledger: Ledger, folder: Path, message: str) -> None:
    before = remembered(ledger, folder)
    with pytest.raises(SealerFault, match=message):
        seal(ledger, folder)
    assert remembered(ledger, folder) == before


def unprotect(admin: psycopg.Connection) -> None:
    admin.execute("ALTER TABLE audit.record DISABLE TRIGGER nothing_but_purge")
    for table in ("record", "seal", "leaf", "sealing_key", "block"):
        admin.execute(f"ALTER TABLE audit.{table} DISABLE TRIGGER append_only")


def test_a_row_that_a_foreign_key_signed(sealed: Ledger, tmp_path: Path) -> None:
    with sealed.connect("admin") as admin:
        admin.execute("ALTER TABLE audit.seal DROP CONSTRAINT seal_key_id_fkey")
        assert seal_once(admin, foreign(sealed, tmp_path), "past the sealer")
    refused(sealed, tmp_path, "was not signed here: no trusted key")


def test_a_key_that_the_owner_introduced_past_the_sealer(sealed: Ledger, tmp_path: Path) -> None:
    """Lawfully recorded by the log's own function, and nothing signed before vouches for it."""
    key = foreign(sealed, tmp_path)
    with sealed.connect("admin") as admin:
        admin.execute("SELECT audit.introduce_key(%s, %s)", (key.public.line(), key.public.key_id))
        assert seal_once(admin, key, "past the sealer")
    refused(sealed, tmp_path, "was not signed here: no trusted key")


@pytest.mark.parametrize("place", [5, 590])
def test_a_key_put_into_an_old_record(sealed: Ledger, tmp_path: Path, place: int) -> None:
    """In a whole block and in the last one: its record then has no place under what was signed."""
    key = foreign(sealed, tmp_path)
    body = f'{{"_record":["key","log","1"],"key":"{key.public.line()}"}}'.encode()
    with sealed.connect("admin") as admin:
        unprotect(admin)
        admin.execute(
            "UPDATE audit.record SET kind = 'key', body = %s, leaf = %s WHERE record_id = (SELECT record_id FROM audit.leaf WHERE leaf_index = %s)",
            (body, leaf_hash(body), place),
        )
        admin.execute(
            "INSERT INTO audit.sealing_key (key_id, line, record_id) SELECT %s, %s, record_id FROM audit.leaf WHERE leaf_index = %s",
            (key.public.key_id, key.public.line(), place),
        )
        assert seal_once(admin, key, "past the sealer")
    refused(sealed, tmp_path, "was not signed here: no trusted key")


def test_a_row_beside_which_another_root_stands(sealed: Ledger, tmp_path: Path) -> None:
    kept = remembered(sealed, tmp_path)
    seal(sealed, tmp_path)
    sealer_config(sealed, tmp_path).memory.path.write_text(kept)
    with sealed.connect("admin") as admin:
        unprotect(admin)
        admin.execute("UPDATE audit.seal SET root = sha256('x') WHERE seal_no = 4")
    refused(sealed, tmp_path, "another size or root")


@pytest.mark.parametrize("key_is_lost", [False, True])
def test_a_checkpoint_of_an_earlier_key_of_the_log_is_taken_up(
    sealed: Ledger, tmp_path: Path, key_is_lost: bool
) -> None:
    """The remembered checkpoint is an older one from an anchor; the key that signed since is no longer here."""
    config = sealer_config(sealed, tmp_path)
    kept = config.memory.path.read_text()
    newest = seal(sealed, tmp_path)
    config.memory.path.write_text(kept)
    if key_is_lost:
        config.key_file.unlink()
    else:
        KeyFile(config.key_file.with_name("other")).create()
        config.key_file.with_name("other").rename(config.key_file)
    with pytest.raises(SealerFault, match="Put it back" if key_is_lost else "none of this log's"):
        seal(sealed, tmp_path)
    assert config.memory.path.read_text() == newest
