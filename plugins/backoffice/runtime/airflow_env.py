"""The environment of each local process: the settings all share, the secrets only one may have.

======================  ==========  =========  =============  =========  =======  ======
secret                  api-server  scheduler  dag-processor  triggerer  sandbox  sealer
======================  ==========  =========  =============  =========  =======  ======
Airflow's own database      x           x            x            x
Fernet key                  x           x            x            x
tasks' token secret         x           x
people's token secret       x
log request key             x           x                         x
ledger log-in of tasks                  x            x            x
ledger log-in of web        x
sandbox log-in                          x            x            x          x
ledger log-in of sealer                                                              x
signing key (a file)                                                                 x
======================  ==========  =========  =============  =========  =======  ======

Tasks are children of the scheduler and see what it sees. No process has a log-in of the ledger's owner,
migrator or superuser.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from backoffice.runtime.database import AIRFLOW_DATABASE, LEDGER_DATABASE, DatabaseServer
from backoffice.runtime.home import INSTANCE_VARIABLE, SERVICE_VARIABLE, Home, Ports, package_folder
from backoffice.runtime.secret_store import (
    AIRFLOW_LOGIN,
    INBOX_ONLY_ROLE,
    LEDGER_LOGINS,
    SANDBOX_USER,
    USERS,
    Secrets,
)

_INHERITED = (
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
)
_MAIL = ("BACKOFFICE_SMTP_URL", "BACKOFFICE_SMTP_FROM")
SOURCES = ("erp", "warehouse", "mailbox")


class EnvironmentBuilder:
    """Build the environment of each service from scratch: nothing of the caller's Airflow settings leaks in.

    :param home: Folders of the installation.
    :param secrets: Its secrets.
    :param ports: Its ports.
    :param server: Its database server.
    """

    def __init__(self, home: Home, secrets: Secrets, ports: Ports, server: DatabaseServer) -> None:
        self.home, self.secrets, self.ports, self.server = home, secrets, ports, server

    # -- what every process gets --

    def base(self, service: str) -> dict[str, str]:
        """Return what any process of ours needs, and the marks by which ``down`` knows it again."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "PATH": path,
            "PYTHONPATH": package_folder(),
            "PYTHONUNBUFFERED": "1",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "NO_COLOR": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "SPT_NOENV": "1",  # else changing a process title wipes the environment by which `down` finds it
            INSTANCE_VARIABLE: self.home.mark(self.secrets.instance),
            SERVICE_VARIABLE: service,
        }

    def _airflow(self, service: str) -> dict[str, str]:
        api = f"http://127.0.0.1:{self.ports.api}"
        project = self.home.project
        return {
            **self.base(service),
            "AIRFLOW_HOME": str(self.home.airflow),
            "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DEFAULT_TIMEZONE": "utc",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # no name service needed
            "AIRFLOW__CORE__AUTH_MANAGER": "backoffice.runtime.auth_manager.PeopleAuthManager",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
                f"{user}:{role}" for user, role in USERS.items()
            ),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api}/execution/",
            "AIRFLOW__CORE__FERNET_KEY": self.secrets.fernet_key,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.server.url(
                AIRFLOW_LOGIN, self.secrets.databases[AIRFLOW_LOGIN], AIRFLOW_DATABASE, "postgresql+psycopg2"
            ),
            "AIRFLOW__API__BASE_URL": api,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.ports.api),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__INSTANCE_NAME": "Back office",
            "AIRFLOW__API__EXPOSE_CONFIG": "False",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
            # A running task outlives the restart of the API server: up to some three minutes of asking again.
            "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "20",
            "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "10",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "SCARF_ANALYTICS": "false",
            "OPENBLAS_NUM_THREADS": "1",  # tasks are forked, and a fork takes no threads along
            "GX_ANALYTICS_ENABLED": "false",
            "AIRFLOW__BACKOFFICE__INCLUDE_DIR": str(project / "include"),
            "AIRFLOW__BACKOFFICE__SANDBOX": "True",  # reports say that the company is synthetic
            "AIRFLOW__BACKOFFICE__REPORT_DIR": str(self.home.reports),
            "AIRFLOW__BACKOFFICE__GATE_DIR": str(self.home.gates),
            "AIRFLOW__BACKOFFICE__ANCHOR_DIR": str(self.home.anchors),
        }

    # -- one process each --

    def api_server(self) -> dict[str, str]:
        """Return the environment of the API server, the only one that knows who people are."""
        return {
            **self._airflow("api-server"),
            **self._task_tokens(),
            **self._log_requests(),
            "AIRFLOW__BACKOFFICE__PEOPLE_JWT_SECRET": self.secrets.people_jwt_secret,
            "AIRFLOW__BACKOFFICE__INBOX_ONLY_ROLES": INBOX_ONLY_ROLE,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords_file),
            "AIRFLOW__BACKOFFICE__WEB_DSN": self.ledger_dsn("backoffice_web"),
        }

    def scheduler(self) -> dict[str, str]:
        """Return the environment of the scheduler and of all tasks, which are its children."""
        return {
            **self._airflow("scheduler"),
            **self._task_tokens(),
            **self._log_requests(),
            **self._connections(),
        }

    def dag_processor(self) -> dict[str, str]:
        """Return the environment in which Dag files are parsed."""
        return {**self._airflow("dag-processor"), **self._connections()}

    def triggerer(self) -> dict[str, str]:
        """Return the environment of the triggers that wait for sources and people."""
        return {**self._airflow("triggerer"), **self._log_requests(), **self._connections()}

    def airflow_migration(self) -> dict[str, str]:
        """Return the environment of ``airflow db migrate``."""
        return self._airflow("airflow-database")

    def sandbox(self) -> dict[str, str]:
        """Return the environment of the sandbox company: its own log-in and nothing of ours."""
        return {
            **self.base("sandbox"),
            "BACKOFFICE_SANDBOX_USER": SANDBOX_USER,
            "BACKOFFICE_SANDBOX_PASSWORD": self.secrets.sandbox_password,
        }

    def sealer(self) -> dict[str, str]:
        """Return the environment of the sealer, the only one that has the signing key of the audit log."""
        return {
            **self.base("sealer"),
            "BACKOFFICE_SEALER_DSN": self.ledger_dsn("backoffice_sealer"),
            "BACKOFFICE_SEALER_KEY_FILE": str(self.home.sealer / "key.pem"),
            "BACKOFFICE_SEALER_ANCHORS": os.environ.get(
                "BACKOFFICE_SEALER_ANCHORS", f"file:{self.home.anchors}"
            ),
            **{name: os.environ[name] for name in _MAIL if name in os.environ},
        }

    # -- parts --

    @property
    def passwords_file(self) -> Path:
        """The file from which Airflow's simple log-ins are checked."""
        return self.home.airflow / "passwords.json"

    def ledger_dsn(self, role: str) -> str:
        """Return the ledger's DSN of a log-in role."""
        return self.server.url(role, self.secrets.databases[role], LEDGER_DATABASE)

    def _task_tokens(self) -> dict[str, str]:
        return {"AIRFLOW__API_AUTH__JWT_SECRET": self.secrets.jwt_secret}

    def _log_requests(self) -> dict[str, str]:
        return {"AIRFLOW__API__SECRET_KEY": self.secrets.api_secret_key}

    def _connections(self) -> dict[str, str]:
        ledger = {
            "conn_type": "postgres",
            "host": self.server.host,
            "port": self.server.port,
            "login": "backoffice_app",
            "password": self.secrets.databases["backoffice_app"],
            "schema": LEDGER_DATABASE,
            "extra": dict(self.server.options),
        }
        source = {
            "conn_type": "http",
            "schema": "http",
            "host": "127.0.0.1",
            "port": self.ports.sandbox,
            "login": SANDBOX_USER,
            "password": self.secrets.sandbox_password,
        }
        connections = {"ledger": ledger, **dict.fromkeys(SOURCES, source)}
        return {
            f"AIRFLOW_CONN_BACKOFFICE_{name.upper()}": json.dumps(value)
            for name, value in connections.items()
        }


def owned_secrets(service: str, secrets: Secrets) -> dict[str, str]:
    """Return, by name, the secrets that a service may hold; the table above, for tests and the doctor."""
    airflow = {"airflow database": secrets.databases[AIRFLOW_LOGIN], "fernet key": secrets.fernet_key}
    tasks = {"ledger app": secrets.databases["backoffice_app"], "sandbox": secrets.sandbox_password}
    signing = {"task tokens": secrets.jwt_secret, "log requests": secrets.api_secret_key}
    web = {"people tokens": secrets.people_jwt_secret, "ledger web": secrets.databases["backoffice_web"]}
    return {
        "api-server": {**airflow, **signing, **web},
        "scheduler": {**airflow, **signing, **tasks},
        "dag-processor": {**airflow, **tasks},
        "triggerer": {**airflow, "log requests": secrets.api_secret_key, **tasks},
        "airflow-database": airflow,
        "sandbox": {"sandbox": secrets.sandbox_password},
        "sealer": {"ledger sealer": secrets.databases["backoffice_sealer"]},
    }.get(service, {})


def all_secrets(secrets: Secrets) -> dict[str, str]:
    """Return every secret of the installation by name, except its users' log-ins to Airflow."""
    named = {
        f"ledger {login.removeprefix('backoffice_')}": secrets.databases[login] for login in LEDGER_LOGINS
    }
    return {
        **named,
        "airflow database": secrets.databases[AIRFLOW_LOGIN],
        "fernet key": secrets.fernet_key,
        "task tokens": secrets.jwt_secret,
        "people tokens": secrets.people_jwt_secret,
        "log requests": secrets.api_secret_key,
        "sandbox": secrets.sandbox_password,
        **{f"user {user}": password for user, password in secrets.users.items()},
    }


def leaked_secrets(
    service: str, pid: int, secrets: Secrets, others: Mapping[str, str] | None = None
) -> list[str]:
    """Return the names of secrets in a running process' environment that are not its own.

    :param others: Further secrets by name that no process may hold, e.g. the database superuser's password.
    """
    own = owned_secrets(service, secrets)
    environment = "\0".join(psutil.Process(pid).environ().values())
    foreign = {**all_secrets(secrets), **(others or {})}
    return sorted(name for name, value in foreign.items() if name not in own and value in environment)
