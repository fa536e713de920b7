"""``up``, ``down`` and the question what runs: the supervisor seen from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from backoffice.runtime import process_table
from backoffice.runtime.database import embedded_server, require_same_server
from backoffice.runtime.errors import RuntimeFault, StartFault, tail
from backoffice.runtime.files import FileLock, read_json, rotate, write_private
from backoffice.runtime.home import INSTANCE_VARIABLE, Home, Ports, choose_ports, package_folder
from backoffice.runtime.secret_store import Secrets, load_secrets
from backoffice.runtime.service import Child
from backoffice.runtime.services import build_children
from backoffice.runtime.supervisor import Supervisor

Tell = Callable[[str], None]
Builder = Callable[[Home, Secrets, Ports], list[Child]]
_FINAL_FAILURES = ("failing",)


@dataclass(frozen=True)
class Running:
    """What the supervisor last said, if it lives.

    :param alive: Whether a supervisor of this installation runs.
    :param said: Its status file, or None before the first one.
    """

    alive: bool
    said: dict[str, Any] | None

    @property
    def well(self) -> bool:
        """Whether every service is well."""
        return self.alive and self.said is not None and bool(self.said.get("well"))

    @property
    def services(self) -> list[dict[str, Any]]:
        """The services as the supervisor describes them."""
        return list(self.said.get("services", [])) if self.alive and self.said else []


def look(home: Home) -> Running:
    """Return what runs. The lock decides whether a supervisor lives: the kernel frees it with its holder."""
    if not home.supervisor_lock.exists():
        return Running(False, None)
    lock = FileLock(home.supervisor_lock)
    if lock.probe():
        return Running(False, None)
    return Running(True, read_json(home.status_file))


def supervise(home: Home, build: Builder = build_children, grace: float = 5) -> int:
    """Become the supervisor until asked to stop. With one running already, say so and return 0.

    :param build: Makes the services; another than the product's only in tests.
    :param grace: Seconds that processes left by an earlier supervisor get to end in order.

    :raises RuntimeFault: Something that every service needs is missing or not ours.
    """
    home.prepare()
    os.umask(0o077)
    lock = FileLock(home.supervisor_lock)
    if not lock.acquire():
        print(f"a supervisor runs already (process {lock.holder()}); see `backoffice status`")
        return 0
    try:
        secrets = load_secrets(home)
        mark = home.mark(secrets.instance)
        left = _sweep(home, mark, grace)
        if left:
            raise RuntimeFault(f"processes of an earlier start will not end: {left}")
        require_same_server(home)
        ports = choose_ports(home)
        children = build(home, secrets, ports)
        write_private(home.url_file, f"http://127.0.0.1:{ports.api}\n")
        facts = {"url": f"http://127.0.0.1:{ports.api}", "sandbox": f"http://127.0.0.1:{ports.sandbox}"}
        return Supervisor(home, mark, children, facts).run()
    finally:
        lock.release()


def bring_up(home: Home, tell: Tell, timeout: float = 420) -> None:
    """Start a supervisor in the background where none runs, and return when every service is well.

    :param tell: Takes one line of progress at a time.
    :param timeout: Seconds to wait.
    :raises StartFault: A service does not come up; the message ends with the tail of its log.
    """
    home.prepare()
    process: subprocess.Popen[bytes] | None = None
    if not look(home).alive:
        process = _spawn(home)
    seen: dict[str, str] = {}
    until = time.monotonic() + timeout
    while True:
        now = look(home)
        _tell_changes(now, seen, tell)
        if now.well:
            return
        _refuse_failures(now)
        if process is not None and process.poll() is not None and not look(home).alive:
            raise StartFault(f"the supervisor ended:\n{tail(home.log('supervisor'))}")
        if time.monotonic() > until:
            raise StartFault(
                f"not up after {timeout:g} s: {_unwell(now)}. See {home.logs}, or `backoffice status`"
            )
        time.sleep(0.3)


def _spawn(home: Home) -> subprocess.Popen[bytes]:
    log_path = home.log("supervisor")
    rotate(log_path)
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "backoffice.cli", "up"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={
                **os.environ,
                "BACKOFFICE_HOME": str(home.state),
                "PYTHONPATH": package_folder(),
                "PYTHONUNBUFFERED": "1",
            },
            cwd=home.state,
            start_new_session=True,
        )


def _tell_changes(now: Running, seen: dict[str, str], tell: Tell) -> None:
    for service in now.services:
        name, state = str(service["name"]), str(service["state"])
        if seen.get(name, "waiting") != state:
            tell(f"{name}: {state}" + (f" ({service['problem']})" if service.get("problem") else ""))
        seen[name] = state


def _refuse_failures(now: Running) -> None:
    for service in now.services:
        if service["state"] in _FINAL_FAILURES:
            raise StartFault(
                f"{service['name']} does not start: {service.get('problem') or 'see its log'}\n"
                f"{service['log']}:\n{tail(Path(service['log']))}\n"
                "The supervisor keeps trying: see `backoffice status`; `backoffice down` stops all"
            )


def _unwell(now: Running) -> str:
    names = [
        f"{service['name']} is {service['state']}"
        for service in now.services
        if service["state"] not in ("healthy", "done")
    ]
    return ", ".join(names) or "no word from the supervisor"


def bring_down(home: Home, tell: Tell, patience: float = 90, grace: float = 5) -> list[int]:
    """Stop everything of this installation, whatever state it is in. Return processes that would not end.

    :param tell: Takes one line of progress at a time.
    :param patience: Seconds that the supervisor gets to stop in order before it is killed.
    :param grace: Seconds that processes without a supervisor get before they are killed.
    :raises RuntimeFault: The installation is run by another user.
    """
    if not home.secrets_file.exists():
        tell("nothing was ever started here")
        return []
    home.prepare()
    lock = FileLock(home.supervisor_lock)
    if not lock.acquire():
        _stop_supervisor(lock, tell, patience)
    try:
        left = _sweep(home, home.mark(load_secrets(home).instance), grace)
        home.status_file.unlink(missing_ok=True)
        return left
    finally:
        lock.release()


def _stop_supervisor(lock: FileLock, tell: Tell, patience: float) -> None:
    """Ask the lock's holder to stop, then kill it; return holding the lock, when that process is gone."""
    holder = _holder(lock)
    if holder is not None:
        tell(f"stopping the supervisor (process {holder.pid})")
        if process_table.end([holder], grace=patience):
            raise RuntimeFault(f"the supervisor (process {holder.pid}) cannot be ended")
    until = time.monotonic() + 10
    while not lock.acquire():
        if time.monotonic() > until:
            raise RuntimeFault(f"another process holds {lock.path}: {lock.holder()}; try again")
        time.sleep(0.1)


def _holder(lock: FileLock) -> psutil.Process | None:
    """Return the process that has the lock's file open, as the kernel says; the number in it may be stale."""
    try:
        process = psutil.Process(int(lock.holder()))
        held = any(Path(opened.path) == lock.path for opened in process.open_files())
    except (psutil.NoSuchProcess, ValueError):
        return None
    except psutil.AccessDenied as error:
        raise RuntimeFault(f"process {lock.holder()} runs this installation as another user") from error
    return process if held else None


def _sweep(home: Home, mark: str, grace: float) -> list[int]:
    """End what an earlier supervisor left: first Airflow and the sandbox, then the database they write to."""
    left = process_table.end(process_table.marked(INSTANCE_VARIABLE, mark), grace=grace)
    if (home.postgres / "data").exists():
        left += embedded_server(home).end_leftovers()
    return left


def leftovers(home: Home) -> list[psutil.Process]:
    """Return processes of this installation that run although no supervisor does."""
    if not home.secrets_file.exists() or look(home).alive:
        return []
    return process_table.marked(INSTANCE_VARIABLE, home.mark(load_secrets(home).instance))
