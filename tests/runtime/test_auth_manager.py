"""People's tokens: signed with a key that tasks do not have."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import jwt
import pytest

PEOPLE = "people-" + "p" * 64
TASKS = "tasks-" + "t" * 64


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    from backoffice.runtime.auth_manager import PeopleAuthManager

    monkeypatch.setenv("AIRFLOW__BACKOFFICE__PEOPLE_JWT_SECRET", PEOPLE)
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", TASKS)
    _forget(PeopleAuthManager)
    yield PeopleAuthManager()
    _forget(PeopleAuthManager)


def _forget(manager: type) -> None:
    """The signer and the validator are made once per process; a test needs its own."""
    manager._get_token_signer.__func__.cache_clear()  # type: ignore[attr-defined]
    manager._get_token_validator.__func__.cache_clear()  # type: ignore[attr-defined]


def token(manager: object) -> str:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return str(manager.generate_jwt(SimpleAuthManagerUser(username="manager", role="user", teams=None)))  # type: ignore[attr-defined]


def test_a_token_is_signed_with_the_peoples_key_and_not_with_the_tasks(manager: object) -> None:
    signed = token(manager)
    assert jwt.decode(signed, PEOPLE, algorithms=["HS512"], audience="apache-airflow")["sub"] == "manager"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(signed, TASKS, algorithms=["HS512"], audience="apache-airflow")


def test_a_token_forged_with_the_tasks_key_is_refused(manager: object) -> None:
    """What code in a Dag can do with everything that its process knows."""
    claims = jwt.decode(token(manager), PEOPLE, algorithms=["HS512"], audience="apache-airflow")
    forged = jwt.encode(claims, TASKS, algorithm="HS512")
    validator = manager._get_token_validator()  # type: ignore[attr-defined]
    with pytest.raises(jwt.InvalidTokenError):
        asyncio.run(validator.avalidated_claims(forged))
    unsigned = jwt.encode(claims, None, algorithm="none")
    with pytest.raises(jwt.InvalidTokenError):
        asyncio.run(validator.avalidated_claims(unsigned))
    genuine = asyncio.run(validator.avalidated_claims(jwt.encode(claims, PEOPLE, algorithm="HS512")))
    assert genuine["sub"] == "manager"


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_its_key_nobody_is_known(
    manager: object, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__PEOPLE_JWT_SECRET", secret)
    _forget(type(manager))
    with pytest.raises(RuntimeError, match="missing or short"):
        token(manager)


def test_the_command_line_answers_without_importing_airflow(child_environment: dict[str, str]) -> None:
    code = (
        "import sys, backoffice.cli, backoffice.runtime.lifecycle\n"
        "backoffice.cli._parser()\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('airflow', 'pandas', 'sqlalchemy')])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], env=child_environment, capture_output=True, text=True
    )
    assert answer.stdout.strip() == "[]", answer.stderr
