"""A hostile Dag: it collects everything that a task of the local installation can see and tries to decide or release.

The environment is the one that the installation builds for its scheduler, whose children the tasks are; the ledger is a real
one, migrated and locked as in production. What a task could reach through the file system of its own operating system user
is not tried here: docs/explanation/threats.md says that one user for all is no protection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import jwt
import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests import dump
from tests.books import Books
from tests.conftest import LOG_INS, PASSWORD
from tests.killing import ROOT
from tests.night import environment, run_task, tasks

from backoffice.migrations import migrate
from backoffice.processes.invoice_reconciliation import Reconciliation
from backoffice.runtime import airflow_env
from backoffice.runtime.airflow_env import EnvironmentBuilder
from backoffice.runtime.auth_manager import PEOPLE_SECRET_VARIABLE, PeopleAuthManager
from backoffice.runtime.database import DatabaseServer
from backoffice.runtime.home import Home, Ports
from backoffice.runtime.secret_store import load_secrets

pytestmark = pytest.mark.integration

LEDGER = "backoffice_attacked"
DECIDE = "SELECT review.decide_case(case_id, 'airflow', 'manager', 'accept', 'approved', 'x', evidence_hash, 'k', 's') FROM review.\"case\""
RELEASE = "UPDATE ledger.hold SET released_at = now(), release_kind = 'person'"
ANSWER = "INSERT INTO review.answer (case_id, idempotency_key, person_id, principal, action, reason_code, reason, evidence_hash, final) SELECT case_id, 'k', 'p-manager', 'airflow:manager', 'accept', 'approved', 'x', evidence_hash, true FROM review.\"case\""


@dataclass
class Installation:
    """A ledger as migrated, with an open case, and the environments of the processes around it."""

    builder: EnvironmentBuilder
    admin: str

    def connect(self, login: str = "admin") -> psycopg.Connection[Any]:
        """Open a connection as a role, or as the superuser."""
        if login == "admin":
            return psycopg.connect(make_conninfo(self.admin, dbname=LEDGER), autocommit=True)
        return psycopg.connect(
            make_conninfo(self.admin, dbname=LEDGER, user=LOG_INS[login], password=PASSWORD), autocommit=True
        )

    def books(self) -> dump.Dump:
        """Return everything that a release would change."""
        with self.connect("auditor") as connection:
            return dump.books(connection)


@pytest.fixture
def installation(postgres: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    migrate(postgres, LEDGER, dict.fromkeys(LOG_INS.values(), PASSWORD), sandbox=True)
    at = conninfo_to_dict(postgres)
    home = Home(tmp_path / "var", ROOT)
    home.prepare()
    secrets = load_secrets(home)
    ledger_log_ins = dict.fromkeys(LOG_INS.values(), PASSWORD)
    secrets = replace(secrets, databases={**secrets.databases, **ledger_log_ins})
    monkeypatch.setattr(airflow_env, "LEDGER_DATABASE", LEDGER)
    server = DatabaseServer(str(at["host"]), int(str(at["port"])))
    made = Installation(EnvironmentBuilder(home, secrets, Ports(18080, 18081), server), postgres)
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE airflow LOGIN PASSWORD '{secrets.databases['airflow']}'")
    with made.connect("app") as app:
        books = Books(app).open_run()
        books.supplier()
        books.order("PO-1", 1, 100, 10, created_by="anna.brandt")
        books.receive("PO-1", 1, 100)
        books.invoice("R-1", [("PO-1", 1, 100, 12)])
        with app.transaction():
            books.night()
    yield made
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {LEDGER} WITH (FORCE)")
        admin.execute("DROP ROLE airflow")


def seen_by_a_task(installation: Installation) -> dict[str, str]:
    """Return every environment value of the scheduler and its tasks, with the fields of connections beside it."""
    seen = installation.builder.scheduler()
    for name, value in list(seen.items()):
        if name.startswith("AIRFLOW_CONN_"):
            seen |= {f"{name}.{field}": str(part) for field, part in json.loads(value).items()}
        match = re.match(r"\w+(?:\+\w+)?://([^:/@]+):([^@]+)@", value)
        if match:
            seen |= {f"{name}.user": match[1], f"{name}.password": match[2]}
    return seen


def test_no_log_in_that_a_task_can_find_may_decide_or_release(installation: Installation) -> None:
    """Every value as the password of every role, on every database it opens."""
    before = installation.books()
    with installation.connect() as admin:
        roles = [row[0] for row in admin.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin")]
    # in this test all of the ledger's log-ins share one password: only those that the environment names are tried with it
    seen = seen_by_a_task(installation)
    named = {seen[name] for name in seen if name.endswith((".login", ".user"))} & set(roles)
    opened = set()
    values = {value for value in seen.values() if 6 <= len(value) <= 200}
    for role in roles:
        for value in values if role in named else values - {PASSWORD}:
            try:
                connection = psycopg.connect(
                    make_conninfo(installation.admin, dbname=LEDGER, user=role, password=value),
                    autocommit=True,
                )
            except psycopg.OperationalError:
                continue
            opened.add(role)
            with connection:
                for attempt in (
                    DECIDE,
                    RELEASE,
                    ANSWER,
                    "SET ROLE backoffice_owner",
                    "SET ROLE backoffice_web",
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        connection.execute(attempt)
    assert opened == {"backoffice_app"}, "the tasks' own log-in alone opens the ledger"
    assert installation.books() == before


@pytest.mark.parametrize("service", ["scheduler", "dag_processor", "triggerer"])
def test_no_environment_of_tasks_holds_the_log_in_of_the_pages(
    installation: Installation, service: str
) -> None:
    """By trying: which of the DSNs in an environment may call the function that records a person's answer?"""
    may = {}
    for name in (service, "api_server"):
        text = "\n".join(getattr(installation.builder, name)().values())
        log_ins = {login for login in LOG_INS.values() if login in text}
        with installation.connect() as admin:
            may[name] = {
                login for login in log_ins
                if admin.execute("SELECT bool_or(has_function_privilege(%s, oid, 'EXECUTE')) FROM pg_proc WHERE proname = 'decide_case'", (login,)).fetchone() == (True,)
            }  # fmt: skip
    assert may == {service: set(), "api_server": {"backoffice_web"}}


@pytest.fixture
def pages(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The review pages as the API server runs them, with people's tokens."""
    import airflow.api_fastapi.app as airflow_app

    from backoffice.web.application import create_app

    for name, value in installation.builder.api_server().items():
        if name.startswith("AIRFLOW__BACKOFFICE__") or name in (
            "AIRFLOW__CORE__AUTH_MANAGER",
            "AIRFLOW__API_AUTH__JWT_SECRET",
        ):
            monkeypatch.setenv(name, value)
    forget()
    manager = PeopleAuthManager()
    manager.init()
    monkeypatch.setattr(airflow_app._AuthManagerState, "instance", manager)
    application = create_app(
        lambda: make_conninfo(installation.admin, dbname=LEDGER, user="backoffice_web", password=PASSWORD)
    )
    yield TestClient(application, raise_server_exceptions=False)
    application.state.ledger.close()
    forget()


def forget() -> None:
    """Signer and validator are made once per process; a test needs its own."""
    for made_once in (PeopleAuthManager._get_token_signer, PeopleAuthManager._get_token_validator):
        made_once.__func__.cache_clear()  # type: ignore[attr-defined]


def claims_of_the_manager() -> dict[str, Any]:
    """Return what a genuine token of the manager says, but for its number, by which Airflow asks its database for revoked ones."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    token = PeopleAuthManager().generate_jwt(
        SimpleAuthManagerUser(username="manager", role="user", teams=None)
    )
    claims = jwt.decode(token, options={"verify_signature": False})
    return {name: value for name, value in claims.items() if name != "jti"}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_no_secret_that_a_task_can_find_makes_a_persons_token(
    installation: Installation, pages: TestClient
) -> None:
    before = installation.books()
    claims = claims_of_the_manager()
    case_id, answer = the_case(installation)
    forged = [jwt.encode(claims, None, algorithm="none"), "", "null"]
    for value in seen_by_a_task(installation).values():
        if len(value) >= 8:
            forged += [jwt.encode(claims, value, algorithm=algorithm) for algorithm in ("HS256", "HS512")]
    assert len(forged) > 80
    for token in forged:
        for extra in ({"headers": {"Authorization": f"Bearer {token}"}}, {"cookies": {"_token": token}}):
            headers = {
                "X-Requested-With": "backoffice",
                "Idempotency-Key": "0123456789",
                **extra.get("headers", {}),
            }
            pages.cookies.clear()
            pages.cookies.update(extra.get("cookies", {}))
            response = pages.post(f"/api/v1/cases/{case_id}/answers", json=answer, headers=headers)
            assert response.status_code in (401, 403), (response.status_code, response.text)
    assert installation.books() == before


def test_the_api_servers_own_secret_does_make_one(installation: Installation, pages: TestClient) -> None:
    """The control: the same token, signed with the one secret that tasks do not have, is the manager's, and decides."""
    secret = installation.builder.api_server()[PEOPLE_SECRET_VARIABLE]
    assert secret not in seen_by_a_task(installation).values()
    headers = {"Authorization": f"Bearer {jwt.encode(claims_of_the_manager(), secret, algorithm='HS512')}"}
    case_id, answer = the_case(installation)
    headers |= {"X-Requested-With": "backoffice", "Idempotency-Key": "0123456789"}
    response = pages.post(f"/api/v1/cases/{case_id}/answers", json=answer, headers=headers)
    assert response.status_code == 201, response.text


def the_case(installation: Installation) -> tuple[int, dict[str, str]]:
    """Return the open case and a good answer to it."""
    with installation.connect("web") as web:
        case_id, evidence = web.execute(
            "SELECT case_id, encode(evidence_hash, 'hex') FROM review.\"case\""
        ).fetchone()
    return case_id, {
        "action": "accept",
        "reason_code": "approved",
        "reason": "as agreed",
        "evidence_hash": evidence,
    }


# -- tasks that were marked as done ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("skipped", ["match_invoices", "decide_invoices", "accept_documents"])
def test_a_task_marked_as_success_releases_nothing(ledger, company, skipped: str) -> None:
    """Airflow's API can call any task done. What the ledger did not find done is not done by the tasks after it."""
    company(9, 20, "realistic")
    run_without(skipped, "marked")
    with ledger.connect("auditor") as connection:
        marked = dump.books(connection)
    assert marked["payment proposals"] == []
    assert not [line for line in marked["journal"] if line.startswith("invoice/")]
    assert marked["cases"] == [] or skipped != "accept_documents"


def run_without(skipped: str, run_id: str) -> None:
    """Run a night in which one task is called done, with parameters that claim what it would have found."""
    for task in tasks(Reconciliation(synthetic=True)):
        if task.task_id not in (skipped, "wait_for_reviews"):
            run_task(task, run_id, {"marked": "success", "approve": True, "outcome": "approve", "run_id": 1})


def test_a_forged_result_of_another_task_is_not_read(ledger, company) -> None:
    """No operator asks for the result of another: what XCom says cannot matter."""
    company(9, 20, "realistic")

    class Forged:
        """A task instance whose XCom nobody may ask for."""

        dag_id, run_id = "invoice_reconciliation", "forged"

        def __init__(self, task_id: str) -> None:
            self.task_id = task_id

        def xcom_pull(self, *_: object, **__: object) -> Any:
            raise AssertionError(f"{self.task_id} asks for the result of another task")

    from types import SimpleNamespace

    with environment({}):
        for task in tasks(Reconciliation(synthetic=True)):
            if task.task_id != "wait_for_reviews":
                task.execute(
                    {
                        "dag_run": SimpleNamespace(dag_id="invoice_reconciliation", run_id="forged"),
                        "ti": Forged(task.task_id),
                        "params": {},
                    }
                )
    with ledger.connect("auditor") as connection:
        assert len(dump.books(connection)["payment proposals"]) > 5
