"""The services of the local installation: what runs, with what, in which order."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from backoffice.runtime.airflow_env import EnvironmentBuilder
from backoffice.runtime.database import ADMIN_VARIABLE, current_server, embedded_server, external_admin_dsn
from backoffice.runtime.files import read_json, write_json
from backoffice.runtime.health import AirflowHealth, heartbeat_health, sandbox_health
from backoffice.runtime.home import Home, Ports
from backoffice.runtime.secret_store import Secrets
from backoffice.runtime.service import Child, CommandChild, PostgresChild, Service
from backoffice.runtime.watch import RestartPolicy

# The sandbox company: a mid-sized night with every kind of fault, the same on every machine.
# Another one may be asked for at the first start, by BACKOFFICE_SANDBOX_SEED, _SIZE and _MIX.
SANDBOX = {"seed": "7", "size": "120", "mix": "realistic"}
DATABASES = ("airflow-database", "ledger-database")
_ONE_SHOT = RestartPolicy(start_limit=2, first_delay=2, start_timeout=900)


def build_children(home: Home, secrets: Secrets, ports: Ports) -> list[Child]:
    """Return all services in the order in which they start.

    The bundled Postgres is among them unless ``BACKOFFICE_ADMIN_DSN`` names another server. Its port is
    settled here.
    """
    children: list[Child] = []
    if external_admin_dsn() is None:
        server = embedded_server(home)
        server.reserve()
        children.append(PostgresChild(server))
    environments = EnvironmentBuilder(home, secrets, ports, current_server(home))
    write_json(environments.passwords_file, secrets.users)
    needs = tuple(child.name for child in children)
    services = [
        *_migrations(home, environments, needs),
        _sandbox(home, environments),
        _sealer(home, environments, (*needs, "ledger-database")),
        *_airflow(home, environments, (*needs, *DATABASES)),
    ]
    return [*children, *(CommandChild(service) for service in services)]


def _migrations(home: Home, environments: EnvironmentBuilder, needs: tuple[str, ...]) -> list[Service]:
    """The two databases are brought up to date side by side; nothing of Airflow starts before both are."""
    modules = {
        "airflow-database": ("backoffice.runtime.prepare",),
        "ledger-database": ("backoffice.cli", "migrate"),
    }
    admin = {name: os.environ[name] for name in (ADMIN_VARIABLE,) if name in os.environ}
    return [
        Service(
            name=name,
            argv=(sys.executable, "-m", *modules[name]),
            env={**environments.base(name), "BACKOFFICE_HOME": str(home.state), **admin},
            log=home.log(name),
            needs=needs,
            restart=_ONE_SHOT,
            once=True,
            cwd=home.state,
        )
        for name in DATABASES
    ]


def _sandbox(home: Home, environments: EnvironmentBuilder) -> Service:
    port = environments.ports.sandbox
    options = [f"--{name}={value}" for name, value in {"port": port, **_company(home)}.items()]
    return Service(
        name="sandbox",
        argv=(sys.executable, "-m", "backoffice.sandbox", "serve", *options),
        env=environments.sandbox(),
        log=home.log("sandbox"),
        well=sandbox_health(port),
        cwd=home.state,
        grace=5,
    )


def _sealer(home: Home, environments: EnvironmentBuilder, needs: tuple[str, ...]) -> Service:
    return Service(
        name="sealer",
        argv=(sys.executable, "-m", "backoffice.runtime.sealer"),
        env=environments.sealer(),
        log=home.log("sealer"),
        well=heartbeat_health(home.sealer / "heartbeat"),
        needs=needs,
        cwd=home.state,
        grace=5,
    )


def _company(home: Home) -> dict[str, str]:
    """Return which company the sandbox is: chosen at the first start, for good.

    Another seed or day would make other documents under the same numbers, which no supplier does.
    """
    note = home.state / "sandbox.json"
    known = read_json(note)
    if known is None:
        chosen = {
            name: os.environ.get(f"BACKOFFICE_SANDBOX_{name.upper()}", SANDBOX[name]) for name in SANDBOX
        }
        known = {"anchor": datetime.now(UTC).date().isoformat(), **chosen}
        write_json(note, known)
    return {name: str(value) for name, value in sorted(known.items())}


def _airflow(home: Home, environments: EnvironmentBuilder, needs: tuple[str, ...]) -> list[Service]:
    health = AirflowHealth(environments.ports.api)
    # Logs are read from the common folder; without --skip-serve-logs two more servers would listen on fixed
    # ports.
    scheduler = ("backoffice.runtime.warm_scheduler", "--skip-serve-logs")
    table = (
        ("api-server", ("airflow", "api-server"), environments.api_server(), health.api_server),
        ("scheduler", scheduler, environments.scheduler(), health.component("scheduler")),
        (
            "dag-processor",
            ("airflow", "dag-processor"),
            environments.dag_processor(),
            health.component("dag_processor"),
        ),
        (
            "triggerer",
            ("airflow", "triggerer", "--skip-serve-logs"),
            environments.triggerer(),
            health.component("triggerer"),
        ),
    )
    return [
        Service(
            name=name,
            argv=(sys.executable, "-m", *command),
            env=environment,
            log=home.log(name),
            well=well,
            # A task that is started before the API server answers would fail at once, without a retry.
            needs=(*needs, "api-server") if name == "scheduler" else needs,
            cwd=_inside(home.airflow),
        )
        for name, command, environment, well in table
    ]


def _inside(folder: Path) -> Path:
    """Airflow writes the odd file into its working folder; that is its own home, never the checkout."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder
