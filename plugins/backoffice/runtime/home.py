"""Where everything of this checkout lives on disk: the state folder ``var/`` and what is in it.

The state folder is ``BACKOFFICE_HOME`` where set, else ``var/`` beside ``dags/`` and ``plugins/``.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.files import read_json, write_json
from backoffice.runtime.process_table import free_port, port_is_free

INSTANCE_VARIABLE = "BACKOFFICE_INSTANCE"
SERVICE_VARIABLE = "BACKOFFICE_SERVICE"


@dataclass(frozen=True)
class Home:
    """The folders of one installation.

    :param state: The state folder.
    :param project: The checkout: the folder that holds ``dags/``, ``plugins/`` and ``include/``.
    """

    state: Path
    project: Path

    @property
    def secrets_file(self) -> Path:
        """All secrets of this installation, readable by its owner only."""
        return self.state / "secrets.json"

    @property
    def postgres(self) -> Path:
        """The bundled Postgres."""
        return self.state / "postgres"

    @property
    def airflow(self) -> Path:
        """Airflow's own home."""
        return self.state / "airflow"

    @property
    def logs(self) -> Path:
        """One log per service."""
        return self.state / "logs"

    @property
    def run(self) -> Path:
        """Locks, ports and the status of what runs now."""
        return self.state / "run"

    @property
    def reports(self) -> Path:
        """Reports of the runs."""
        return self.state / "reports"

    @property
    def gates(self) -> Path:
        """Pages of the quality gates."""
        return self.state / "gates"

    @property
    def sealer(self) -> Path:
        """The sealer's own folder: its key and what it signed last."""
        return self.state / "sealer"

    @property
    def anchors(self) -> Path:
        """Checkpoints of the audit log, outside the state folder: what replaces that one leaves these."""
        return self.state.with_name(f"{self.state.name}-anchors")

    @property
    def status_file(self) -> Path:
        """What the supervisor says about its services."""
        return self.run / "status.json"

    @property
    def url_file(self) -> Path:
        """The address of Airflow's pages, for commands that call its REST API."""
        return self.run / "api_url"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the one supervisor of this state folder."""
        return self.run / "supervisor.lock"

    def log(self, service: str) -> Path:
        """Return the log of a service."""
        return self.logs / f"{service}.log"

    def mark(self, instance: str) -> str:
        """Return the value that marks every process of this installation in its environment.

        The folder's own path is part of it: a copied state folder must never stop the processes of its
        original.
        """
        return f"{instance}-{hashlib.sha256(os.fsencode(self.state)).hexdigest()[:12]}"

    def prepare(self) -> None:
        """Create the folders, private to their owner.

        :raises RuntimeFault: The state folder belongs to another user, or cannot be written.
        """
        try:
            self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
            owner = self.state.stat().st_uid
            if owner != os.geteuid():
                raise RuntimeFault(
                    f"{self.state} is user {owner}'s, not {os.geteuid()}'s; run as that user, or remove it"
                )
            for folder in (self.airflow, self.logs, self.run, self.reports, self.gates):
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise RuntimeFault(
                f"cannot write {self.state}: {error}; set BACKOFFICE_HOME to a folder of yours"
            ) from error


def package_folder() -> str:
    """Return the folder from which this package is imported; what we start imports it from there too."""
    return str(Path(__file__).resolve().parents[2])


def find_home() -> Home:
    """Return this installation's folders, without creating any.

    :raises RuntimeFault: The package is installed without its checkout and ``BACKOFFICE_HOME`` is not set.
    """
    project = Path(__file__).resolve().parents[3]
    configured = os.environ.get("BACKOFFICE_HOME")
    if configured:
        return Home(Path(configured).expanduser().resolve(), project)
    if not (project / "dags").is_dir():
        raise RuntimeFault(
            f"no dags/ in {project}: the local runtime needs a checkout. In an Airflow of your own, "
            "use `backoffice migrate --dsn-file FILE` and the connection backoffice_ledger instead"
        )
    return Home(project / "var", project)


@dataclass(frozen=True)
class Ports:
    """The ports of this installation on 127.0.0.1.

    :param api: Airflow's API server and pages.
    :param sandbox: The sandbox company.
    """

    api: int
    sandbox: int


def known_ports(home: Home) -> Ports | None:
    """Return the ports chosen at the last start, or None before the first."""
    known = read_json(home.state / "ports.json")
    try:
        return None if known is None else Ports(int(known["api"]), int(known["sandbox"]))
    except (KeyError, TypeError, ValueError):
        return None


def choose_ports(home: Home) -> Ports:
    """Return the ports of the last start where they are still free, else new ones, and remember them."""
    known = known_ports(home)
    if known is not None and port_is_free(known.api) and port_is_free(known.sandbox):
        return known
    ports = Ports(free_port(), free_port())
    write_json(home.state / "ports.json", {"api": ports.api, "sandbox": ports.sandbox})
    return ports
