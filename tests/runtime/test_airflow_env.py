"""Which process holds which secret, written down a second time: here as a plain table of names."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from backoffice.runtime.airflow_env import EnvironmentBuilder, all_secrets, owned_secrets
from backoffice.runtime.database import DatabaseServer
from backoffice.runtime.home import Home, Ports
from backoffice.runtime.secret_store import load_secrets

HELD = {
    "api-server": "airflow database, fernet key, task tokens, people tokens, log requests, ledger web",
    "scheduler": "airflow database, fernet key, task tokens, log requests, ledger app, sandbox",
    "dag-processor": "airflow database, fernet key, ledger app, sandbox",
    "triggerer": "airflow database, fernet key, log requests, ledger app, sandbox",
    "airflow-database": "airflow database, fernet key",
    "sandbox": "sandbox",
}


@pytest.fixture
def builder(home: Home) -> EnvironmentBuilder:
    return EnvironmentBuilder(
        home, load_secrets(home), Ports(18080, 18081), DatabaseServer("127.0.0.1", 15432)
    )


def environments(builder: EnvironmentBuilder) -> dict[str, dict[str, str]]:
    build: dict[str, Callable[[], dict[str, str]]] = {
        "api-server": builder.api_server,
        "scheduler": builder.scheduler,
        "dag-processor": builder.dag_processor,
        "triggerer": builder.triggerer,
        "airflow-database": builder.airflow_migration,
        "sandbox": builder.sandbox,
    }
    return {name: make() for name, make in build.items()}


@pytest.mark.parametrize("service", HELD)
def test_each_process_holds_its_own_secrets_and_no_other(builder: EnvironmentBuilder, service: str) -> None:
    text = "\n".join(environments(builder)[service].values())
    held = {name for name, value in all_secrets(builder.secrets).items() if value in text}
    assert held == set(HELD[service].split(", "))
    assert set(owned_secrets(service, builder.secrets)) == held


def test_no_process_has_a_log_in_that_owns_or_changes_the_ledger(builder: EnvironmentBuilder) -> None:
    for service, environment in environments(builder).items():
        text = "\n".join(environment.values())
        for login in ("backoffice_migrator", "backoffice_owner", "backoffice_auditor", "postgres:"):
            assert login not in text, (service, login)


def test_nothing_of_the_callers_airflow_leaks_in(
    builder: EnvironmentBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AIRFLOW_HOME",
        "AIRFLOW__CORE__DAGS_FOLDER",
        "AIRFLOW_CONN_BANK",
        "PGPASSWORD",
        "BACKOFFICE_ADMIN_DSN",
    ):
        monkeypatch.setenv(name, "the caller's")
    for environment in environments(builder).values():
        assert "the caller's" not in environment.values()


def test_the_connections_are_what_the_hooks_read(builder: EnvironmentBuilder) -> None:
    environment = builder.scheduler()
    ledger = json.loads(environment["AIRFLOW_CONN_BACKOFFICE_LEDGER"])
    assert (ledger["conn_type"], ledger["login"], ledger["schema"], ledger["port"]) == (
        "postgres",
        "backoffice_app",
        "backoffice",
        15432,
    )
    for source in ("ERP", "WAREHOUSE", "MAILBOX"):
        connection = json.loads(environment[f"AIRFLOW_CONN_BACKOFFICE_{source}"])
        assert (connection["conn_type"], connection["host"], connection["port"]) == (
            "http",
            "127.0.0.1",
            18081,
        )
        assert connection["password"] == builder.secrets.sandbox_password


def test_nothing_calls_home_and_lost_tasks_are_noticed_soon(builder: EnvironmentBuilder) -> None:
    for name, environment in environments(builder).items():
        if name == "sandbox":
            continue
        assert environment["GX_ANALYTICS_ENABLED"] == "false"
        assert environment["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "False"
        assert environment["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
        assert environment["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"] == "30"
        assert environment["AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL"] == "30"
        assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_the_option_names_exist_in_this_airflow(builder: EnvironmentBuilder) -> None:
    """A misspelt option is silently ignored by Airflow; here it fails."""
    from airflow.configuration import conf

    known = {
        f"AIRFLOW__{section.upper()}__{option.upper()}"
        for section, about in conf.configuration_description.items()
        for option in about["options"]
    }
    ours = {
        name
        for environment in environments(builder).values()
        for name in environment
        if name.startswith("AIRFLOW__")
    }
    unknown = {name for name in ours - known if not name.startswith("AIRFLOW__BACKOFFICE__")}
    # Removed from Airflow 3.3's own list; set all the same, for a plugin or provider that still asks for it.
    assert unknown <= {"AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"}
