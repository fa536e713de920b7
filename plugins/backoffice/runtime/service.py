"""A service: a process that the supervisor starts, checks and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from backoffice.runtime import process_table
from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.files import rotate
from backoffice.runtime.home import INSTANCE_VARIABLE, SERVICE_VARIABLE
from backoffice.runtime.postgres import EmbeddedPostgres, answers
from backoffice.runtime.watch import RestartPolicy


@dataclass(frozen=True)
class Service:
    """What a service is.

    :param name: Its name in ``status`` and of its log.
    :param argv: Its command line.
    :param env: Its whole environment; it holds the marks by which all its processes are found again.
    :param log: File that takes what it prints.
    :param well: Health check, called with the time (seconds since the epoch) at which it was started;
        None where it cannot say.
    :param needs: Services that must be well before this one is started.
    :param restart: How it comes back.
    :param once: It runs once and is done (a migration).
    :param grace: Seconds between the request to end and the kill.
    :param cwd: Its working folder.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    log: Path
    well: Callable[[float], bool | None] = lambda started: True
    needs: tuple[str, ...] = ()
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    once: bool = False
    grace: float = 15.0
    cwd: Path | None = None


class Child(Protocol):
    """A service's process, as the supervisor sees it."""

    name: str
    needs: tuple[str, ...]
    restart: RestartPolicy
    once: bool
    log: Path

    @property
    def pid(self) -> int | None:
        """The process id, or None while nothing runs."""

    def launch(self) -> None:
        """Start it without waiting."""

    def poll(self) -> int | None:
        """Return, once, how it ended; None while it runs and while nothing runs."""

    def well(self) -> bool | None:
        """Tell whether it does its work now; None where that cannot be said."""

    def ask_to_end(self) -> None:
        """Ask it to end, without waiting."""

    def end(self) -> None:
        """See that it and everything it started has ended."""


class CommandChild:
    """A service that is a command."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.name, self.needs, self.restart = service.name, service.needs, service.restart
        self.once, self.log = service.once, service.log
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._asked: float | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the command, or None while it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def launch(self) -> None:
        """Start the command in a session of its own; the kernel ends it should we be killed."""
        self._end_strays(grace=2)  # what a killed predecessor left, e.g. workers without their scheduler
        rotate(self.log)
        self._started, self._asked = time.time(), None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.service.argv,
                env=dict(self.service.env),
                cwd=self.service.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=process_table.die_with_parent(signal.SIGTERM),
            )

    def poll(self) -> int | None:
        """Return the exit code, once, when the command has ended."""
        code = None if self._process is None else self._process.poll()
        if code is not None:
            self._process = None
        return code

    def well(self) -> bool | None:
        """Run the service's own health check."""
        return self.pid is not None and self.service.well(self._started)

    def ask_to_end(self) -> None:
        """Send the request to end, once."""
        if self._process is not None and self._process.poll() is None and self._asked is None:
            self._asked = time.monotonic()
            self._process.terminate()

    def end(self) -> None:
        """Wait for the command's orderly end within its grace, then kill it and everything it started."""
        process = self._process
        if process is not None:
            self.ask_to_end()
            waited = time.monotonic() - (self._asked or time.monotonic())
            try:
                process.wait(max(0.0, self.service.grace - waited))
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
            self._process = None
        self._end_strays(grace=2)

    def _end_strays(self, grace: float) -> None:
        instance = self.service.env.get(INSTANCE_VARIABLE)
        if instance is None:
            return
        mine = []
        for process in process_table.marked(INSTANCE_VARIABLE, instance):
            with contextlib.suppress(Exception):
                if process.environ().get(SERVICE_VARIABLE) == self.name:
                    mine.append(process)
        process_table.end(mine, grace=grace)


class PostgresChild:
    """The bundled Postgres as a service."""

    needs: tuple[str, ...] = ()
    once = False

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self.name, self.log = "postgres", server.log
        # Recovery after a crash may take its time, and no slow answer is a reason to kill a database.
        self.restart = RestartPolicy(start_timeout=600, stall_timeout=float("inf"))
        self._proved = False

    @property
    def pid(self) -> int | None:
        """The process id of the server, or None while it does not run."""
        return self.server.pid if self.server.alive() else None

    def launch(self) -> None:
        """Begin to start the server."""
        self._proved = False
        self.server.launch(keep_port=True)  # the others know it by this port

    def poll(self) -> int | None:
        """Return a code, once, when the server has ended, however it did."""
        code = self.server.exit_code
        if code is not None:
            self.server.stop()
        return code

    def well(self) -> bool | None:
        """Tell whether the server takes connections; the first time, that it is ours."""
        if not self.server.alive():
            return False
        try:
            self._proved = self._proved or self.server.ready()
            return self._proved and answers(self.server.admin_dsn())
        except RuntimeFault:
            return False

    def ask_to_end(self) -> None:
        """Postgres ends last, by ``end``: the others still write while they stop."""

    def end(self) -> None:
        """Stop the server in order."""
        self.server.stop()
