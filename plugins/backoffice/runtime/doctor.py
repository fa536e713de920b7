"""``backoffice doctor``: examine the local installation and say of each finding what to do.

Every check is a function that yields findings. A check that cannot be made is bad, not skipped: nothing here
may be green because nobody looked.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import psycopg

from backoffice.runtime import doctor_ledger, doctor_sealer
from backoffice.runtime.airflow_api import AirflowApi
from backoffice.runtime.airflow_env import leaked_secrets
from backoffice.runtime.demo import DAGS
from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.findings import Finding, bad, good
from backoffice.runtime.health import sandbox_health
from backoffice.runtime.home import Home, known_ports
from backoffice.runtime.ledger_database import ledger_dsn
from backoffice.runtime.lifecycle import leftovers, look
from backoffice.runtime.secret_store import load_secrets

_LEAST_DISK_GB = 2.0
_LARGEST_CLOCK_ERROR_S = 5.0
_PINNED = {"apache-airflow-core": "3.3.", "great-expectations": "1.24.", "pendulum": "3."}


@dataclass(frozen=True)
class Check:
    """A named examination."""

    name: str
    look: Callable[[Home], Iterator[Finding]]


def examine(home: Home) -> Iterator[Finding]:
    """Make all checks, in the order in which one would look for a fault."""
    for check in CHECKS:
        try:
            yield from check.look(home)
        except (RuntimeFault, psycopg.Error, OSError) as error:
            yield bad(
                check.name,
                f"could not be examined: {str(error).strip()}",
                "start everything with `backoffice up --detach`",
            )


def _versions(_: Home) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield good("Python", python) if fits else bad("Python", python, "use Python 3.11, 3.12 or 3.13")
    for package, prefix in _PINNED.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = "missing"
        fits = found.startswith(prefix)
        yield (
            good(package, found)
            if fits
            else bad(package, found, f"want {prefix}x: remove .venv and run `make demo`")
        )


def _disk(home: Home) -> Iterator[Finding]:
    free = shutil.disk_usage(home.state if home.state.exists() else home.project).free / 1e9
    text = f"{free:.1f} GB free at {home.state}"
    yield (
        good("disk", text)
        if free >= _LEAST_DISK_GB
        else bad("disk", text, f"have at least {_LEAST_DISK_GB:g} GB free")
    )


def _secrets(home: Home) -> Iterator[Finding]:
    if not home.secrets_file.exists():
        yield bad("secrets", f"no {home.secrets_file}", "start everything with `backoffice up --detach`")
        return
    mode = stat.S_IMODE(home.secrets_file.stat().st_mode)
    text = f"{home.secrets_file} has mode {mode:04o}"
    yield good("secrets", text) if mode == 0o600 else bad("secrets", text, f"chmod 600 {home.secrets_file}")


def _services(home: Home) -> Iterator[Finding]:
    running = look(home)
    if not running.alive:
        strays = [process.pid for process in leftovers(home)]
        what = f"nothing runs; left over: {strays}" if strays else "nothing runs"
        yield bad("services", what, "`backoffice down`, then `backoffice up --detach`")
    for service in running.services:
        text = f"{service['state']}, restarted {service['restarts']}x"
        fine = service["state"] in ("healthy", "done")
        yield good(service["name"], text) if fine else bad(service["name"], text, f"read {service['log']}")


def _partition(home: Home) -> Iterator[Finding]:
    """Each process holds its own secrets only, as the kernel shows its environment."""
    services = [one for one in look(home).services if one["pid"] and one["name"] != "postgres"]
    if not services:
        yield bad("secrets per process", "nothing runs", "start everything with `backoffice up --detach`")
        return
    secrets = load_secrets(home)
    for service in services:
        leaked = leaked_secrets(service["name"], int(service["pid"]), secrets)
        name = f"secrets of {service['name']}"
        if leaked:
            yield bad(
                name, f"holds {', '.join(leaked)}", "run `backoffice down`, then `up`; if it stays, report it"
            )
        else:
            yield good(name, "only its own")


def _ports(home: Home) -> Iterator[Finding]:
    ports = known_ports(home)
    if ports is None:
        yield bad("ports", "none chosen yet", "start everything with `backoffice up --detach`")
        return
    yield good("ports", f"pages {ports.api}, sandbox {ports.sandbox}")


def _sandbox(home: Home) -> Iterator[Finding]:
    ports = known_ports(home)
    answers = ports is not None and bool(sandbox_health(ports.sandbox)(0))
    log = home.log("sandbox")
    yield (
        good("sandbox company", "answers")
        if answers
        else bad("sandbox company", "does not answer", f"read {log}")
    )


def _airflow(home: Home) -> Iterator[Finding]:
    ports = known_ports(home)
    if ports is None:
        yield bad("Airflow", "was never started", "start everything with `backoffice up --detach`")
        return
    api = AirflowApi(f"http://127.0.0.1:{ports.api}", "auditor", load_secrets(home).users["auditor"])
    errors = api.import_errors()
    for error in errors:
        last = str(error["stack_trace"]).strip().splitlines()[-1:]
        yield bad(
            "Dag file",
            f"{error['filename']}: {''.join(last)}",
            "correct the file; Airflow reads it again within 30 s",
        )
    for dag_id in DAGS:
        if api.dag(dag_id) is None:
            yield bad(f"Dag {dag_id}", "unknown to Airflow", f"read {home.log('dag-processor')}")
        else:
            yield good(f"Dag {dag_id}", "read by Airflow")


def _clock(home: Home) -> Iterator[Finding]:
    with doctor_ledger.auditor(partial(ledger_dsn, home)) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    error = abs((datetime.now(UTC) - row[0]).total_seconds()) if row else float("inf")
    text = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC, {error:.1f} s from the database's"
    fine = error <= _LARGEST_CLOCK_ERROR_S
    yield good("clock", text) if fine else bad("clock", text, "let both machines keep time (NTP)")


def _user(home: Home) -> Iterator[Finding]:
    owner = home.state.stat().st_uid if home.state.exists() else os.geteuid()
    text = f"{home.state} belongs to user {owner}"
    yield good("owner", text) if owner == os.geteuid() else bad("owner", text, f"run as user {owner}")


def _of_the_ledger(
    look_at: Callable[[doctor_ledger.DsnOf], Iterator[Finding]],
) -> Callable[[Home], Iterator[Finding]]:
    return lambda home: look_at(partial(ledger_dsn, home))


CHECKS = (
    Check("versions", _versions),
    Check("owner", _user),
    Check("disk", _disk),
    Check("secrets", _secrets),
    Check("ports", _ports),
    Check("services", _services),
    Check("secrets per process", _partition),
    Check("sandbox company", _sandbox),
    Check("Airflow", _airflow),
    Check("clock", _clock),
    Check("ledger", _of_the_ledger(doctor_ledger.reachable)),
    Check("ledger version", _of_the_ledger(doctor_ledger.at_head)),
    Check("roles", _of_the_ledger(doctor_ledger.privileges)),
    Check("business clock", _of_the_ledger(doctor_ledger.business_clock)),
    Check("signing key", lambda home: doctor_sealer.key(home.sealer)),
    Check("sealer's heartbeat", lambda home: doctor_sealer.heartbeat(home.sealer)),
    Check("sealing", _of_the_ledger(doctor_sealer.sealing)),
    Check("anchors", _of_the_ledger(doctor_sealer.anchors)),
)
