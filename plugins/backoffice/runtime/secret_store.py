"""The secrets of one installation: made at random once, kept in one file that only its owner can read."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.files import FileLock, read_json, write_json
from backoffice.runtime.home import Home

# A role that Airflow does not know: who has it sees the inbox alone, no Dag, no log, no connection.
INBOX_ONLY_ROLE = "reviewer"
# Log-ins of the bundled Airflow and their Airflow roles. What each may decide is data in the ledger.
USERS = {
    "admin": "admin",
    "clerk": INBOX_ONLY_ROLE,
    "manager": INBOX_ONLY_ROLE,
    "buyer": INBOX_ONLY_ROLE,
    "auditor": "viewer",
}
LEDGER_LOGINS = (
    "backoffice_migrator",
    "backoffice_app",
    "backoffice_web",
    "backoffice_auditor",
    "backoffice_sealer",
)
AIRFLOW_LOGIN = "airflow"
SANDBOX_USER = "backoffice"


@dataclass(frozen=True)
class Secrets:
    """All secrets of one installation.

    :param instance: Random name of the installation; marks its processes, opens nothing.
    :param databases: Password by database log-in: Airflow's own and the ledger's.
    :param users: Password by Airflow user.
    :param fernet_key: Encrypts connections and variables stored in Airflow.
    :param jwt_secret: Signs the tokens of *tasks*: the scheduler and the API server have it.
    :param people_jwt_secret: Signs the tokens of *people*: the API server alone has it.
    :param api_secret_key: Signs requests for logs between Airflow's processes.
    :param sandbox_password: Opens the sandbox company.
    """

    instance: str
    databases: dict[str, str]
    users: dict[str, str]
    fernet_key: str
    jwt_secret: str
    people_jwt_secret: str
    api_secret_key: str
    sandbox_password: str


def _password() -> str:
    return secrets.token_urlsafe(18)


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


_SINGLE: dict[str, Callable[[], str]] = {
    "instance": lambda: secrets.token_hex(8),
    "fernet_key": _key,
    "jwt_secret": lambda: secrets.token_urlsafe(64),
    "people_jwt_secret": lambda: secrets.token_urlsafe(64),
    "api_secret_key": lambda: secrets.token_urlsafe(32),
    "sandbox_password": _password,
}


def load_secrets(home: Home) -> Secrets:
    """Return the installation's secrets; make those that are missing. Existing ones never change.

    :raises RuntimeFault: The file exists and cannot be read: making new secrets would lock everybody out.
    """
    lock = FileLock(home.secrets_file.with_name(".secrets.lock"))
    with lock.waiting():
        stored = read_json(home.secrets_file)
        if stored is None and home.secrets_file.exists():
            raise RuntimeFault(
                f"{home.secrets_file} is damaged; restore it, or remove {home.state} to begin anew"
            )
        complete = _complete(stored or {})
        if complete != stored:
            write_json(home.secrets_file, complete)
    return Secrets(**complete)


def _complete(stored: dict[str, Any]) -> dict[str, Any]:
    complete: dict[str, Any] = {name: stored.get(name) or make() for name, make in _SINGLE.items()}
    for name, members in (("databases", (AIRFLOW_LOGIN, *LEDGER_LOGINS)), ("users", tuple(USERS))):
        known = stored.get(name)
        kept = known if isinstance(known, dict) else {}
        complete[name] = {member: str(kept.get(member) or _password()) for member in members}
    return complete
