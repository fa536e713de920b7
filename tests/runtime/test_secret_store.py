"""Secrets are made once, at random, for their owner's eyes."""

from __future__ import annotations

import base64
import json
import stat

import pytest

from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.home import Home
from backoffice.runtime.secret_store import LEDGER_LOGINS, USERS, load_secrets


def test_they_are_made_once_and_private(home: Home) -> None:
    first = load_secrets(home)
    assert load_secrets(home) == first
    assert stat.S_IMODE(home.secrets_file.stat().st_mode) == 0o600


def test_two_installations_share_none(home: Home) -> None:
    other = Home(home.state.with_name("other"), home.project)
    mine, theirs = load_secrets(home), load_secrets(other)
    assert mine.instance != theirs.instance
    assert not set(mine.databases.values()) & set(theirs.databases.values())
    assert not set(mine.users.values()) & set(theirs.users.values())


def test_every_log_in_has_its_own_password(home: Home) -> None:
    secrets = load_secrets(home)
    assert set(secrets.databases) == {"airflow", *LEDGER_LOGINS}
    assert set(secrets.users) == set(USERS)
    passwords = [*secrets.databases.values(), *secrets.users.values(), secrets.sandbox_password]
    assert len(set(passwords)) == len(passwords)
    assert len(base64.urlsafe_b64decode(secrets.fernet_key)) == 32


def test_a_secret_that_a_later_version_needs_is_added_and_the_others_stay(home: Home) -> None:
    before = load_secrets(home)
    stored = json.loads(home.secrets_file.read_text())
    del stored["people_jwt_secret"], stored["users"]["buyer"]
    home.secrets_file.write_text(json.dumps(stored))
    after = load_secrets(home)
    assert after.users["buyer"] != before.users["buyer"]
    assert after.people_jwt_secret
    assert after.databases == before.databases
    assert after.fernet_key == before.fernet_key


def test_a_damaged_file_is_said_not_replaced(home: Home) -> None:
    load_secrets(home)
    home.secrets_file.write_text("{")
    with pytest.raises(RuntimeFault, match="is damaged"):
        load_secrets(home)
    assert home.secrets_file.read_text() == "{"
    home.secrets_file.unlink()
