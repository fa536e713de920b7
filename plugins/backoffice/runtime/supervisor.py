"""The supervisor: starts the services, brings back what dies, says how they are, and leaves nothing behind.

One thread does everything: the kernel ends a child when the *thread* that started it is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from backoffice.runtime import process_table
from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.files import rotate, write_json
from backoffice.runtime.home import INSTANCE_VARIABLE, Home
from backoffice.runtime.service import Child
from backoffice.runtime.watch import Move, State, Watch

_TICK = 0.2
_CHECK_EVERY = {State.HEALTHY: 5.0}
_CHECK_SOON = 1.0
_WRITE_EVERY = 5.0
_ROTATE_EVERY = 60.0
_LOG_LIMIT = 50_000_000  # bytes


@dataclass
class _Entry:
    child: Child
    watch: Watch
    problem: str | None = None
    last_exit: int | None = None
    checked: float = float("-inf")
    said: State = field(default=State.WAITING)

    @property
    def satisfied(self) -> bool:
        """Whether what needs this service may start."""
        return self.watch.state in (State.HEALTHY, State.DONE)


class Supervisor:
    """Run the services until asked to stop.

    :param home: Folders of the installation.
    :param mark: Value of the environment variable that marks all processes of this installation.
    :param children: The services, in the order in which they start; they are stopped in the reverse order.
    :param facts: Further facts for the status file, e.g. the address of the pages.
    """

    def __init__(self, home: Home, mark: str, children: list[Child], facts: dict[str, Any]) -> None:
        self._home, self._mark, self._facts = home, mark, facts
        self._entries = [_Entry(child, Watch(child.restart, child.once)) for child in children]
        self._stops = 0
        self._began = time.monotonic()
        self._written = self._rotated = float("-inf")
        self._all_well = False

    def run(self) -> int:
        """Supervise until SIGTERM, SIGINT or SIGHUP; then stop everything in order and return 0."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        try:
            while not self._stops:
                for entry in self._entries:
                    self._step(entry)
                    if self._stops:
                        break
                self._tell()
                self._keep_logs_small()
                time.sleep(_TICK)
        finally:
            self._stop_all()
        return 0

    def _asked_to_stop(self, number: int, _: FrameType | None) -> None:
        self._stops += 1
        if self._stops == 1:
            self._say(f"{signal.Signals(number).name}: stopping")
        elif self._stops == 2:  # a second Ctrl-C: no more patience (the database still stops in order)
            process_table.send(process_table.marked(INSTANCE_VARIABLE, self._mark), signal.SIGKILL)

    # -- one service --

    def _step(self, entry: _Entry) -> None:
        now = time.monotonic()
        exit_code = entry.child.poll()
        if exit_code is not None:
            entry.last_exit = exit_code
        running = entry.child.pid is not None
        move = entry.watch.step(
            now,
            needs_met=self._needs_met(entry),
            exit_code=exit_code,
            well=self._well(entry, now) if running else None,
            running=running,
        )
        if move is Move.START:
            self._start(entry)
        elif move is Move.END:
            self._say(f"{entry.child.name} does not get well; it is ended and started again")
            entry.child.end()
            entry.watch.step(time.monotonic(), needs_met=False, exit_code=-1, well=None, running=False)
        self._report(entry)

    def _needs_met(self, entry: _Entry) -> bool:
        return all(other.satisfied for other in self._entries if other.child.name in entry.child.needs)

    def _well(self, entry: _Entry, now: float) -> bool | None:
        if now - entry.checked < _CHECK_EVERY.get(entry.watch.state, _CHECK_SOON):
            return None
        entry.checked = now
        return False if entry.child.once else entry.child.well()  # what runs once is well when it is done

    def _start(self, entry: _Entry) -> None:
        entry.checked = float("-inf")
        try:
            entry.child.launch()
            entry.problem = None
        except (RuntimeFault, OSError) as error:
            entry.problem = str(error)
            with contextlib.suppress(RuntimeFault, OSError):
                entry.child.end()
            entry.watch.step(time.monotonic(), needs_met=False, exit_code=-1, well=None, running=False)

    # -- what people see --

    def _report(self, entry: _Entry) -> None:
        state = entry.watch.state
        if state is entry.said:
            return
        entry.said = state
        self._written = float("-inf")
        name, watch = entry.child.name, entry.watch
        if state is State.BACKING_OFF:
            self._say(
                f"{name} ended ({_exit_in_words(entry.last_exit)}), comes back {entry.problem or ''}".rstrip()
            )
        elif state is State.FAILING:
            reason = entry.problem or f"it ended ({_exit_in_words(entry.last_exit)})"
            self._say(
                f"{name} IS FAILING after {watch.failures} starts: {reason}. Its log: {entry.child.log}"
            )
        elif state is not State.WAITING:
            self._say(f"{name}: {state}" + (f" (process {entry.child.pid})" if entry.child.pid else ""))
        if not self._all_well and all(other.satisfied for other in self._entries):
            self._all_well = True
            self._say(f"everything is up: {self._facts.get('url', '')}")

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a log that takes nothing more must not end what it tells of
            print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)

    def _keep_logs_small(self) -> None:
        if time.monotonic() - self._rotated < _ROTATE_EVERY:
            return
        self._rotated = time.monotonic()
        for log in (*(entry.child.log for entry in self._entries), self._home.log("supervisor")):
            rotate(log, _LOG_LIMIT)

    def _tell(self, *, stopping: bool = False) -> None:
        """Write the status file, at every change and every few seconds as a sign of life.

        Where it cannot be written (a full disk) the services go on, and no old file says that all is well.
        """
        if time.monotonic() - self._written < _WRITE_EVERY and not stopping:
            return
        self._written = time.monotonic()
        try:
            write_json(self._home.status_file, self._status(stopping))
        except OSError as error:
            self._say(f"the status file cannot be written: {error}")
            self._forget_status()

    def _status(self, stopping: bool) -> dict[str, Any]:
        return {
            **self._facts,
            "supervisor": {"pid": os.getpid(), "started": process_table.start_time(os.getpid())},
            "at": time.time(),
            "stopping": stopping,
            "well": not stopping and all(entry.satisfied for entry in self._entries),
            "services": [_described(entry) for entry in self._entries],
        }

    def _forget_status(self) -> None:
        with contextlib.suppress(OSError):
            self._home.status_file.unlink(missing_ok=True)

    # -- the end --

    def _stop_all(self) -> None:
        """Ask all to end, wait, kill what stays, and leave the database for last."""
        with contextlib.suppress(Exception):  # whatever cannot be told, the services are ended
            self._tell(stopping=True)
        for entry in self._entries:
            with contextlib.suppress(Exception):
                entry.child.ask_to_end()
        for entry in reversed(self._entries):
            with contextlib.suppress(Exception):  # one that will not end must not keep the others alive
                entry.child.end()
        left = process_table.end(process_table.marked(INSTANCE_VARIABLE, self._mark), grace=2)
        self._forget_status()
        self._say(f"processes that will not end: {left}" if left else "everything is stopped")


def _described(entry: _Entry) -> dict[str, Any]:
    return {
        "name": entry.child.name,
        "state": str(entry.watch.state),
        "pid": entry.child.pid,
        "restarts": entry.watch.restarts,
        "failures": entry.watch.failures,
        "last_exit": entry.last_exit,
        "problem": entry.problem,
        "log": str(entry.child.log),
    }


def _exit_in_words(code: int | None) -> str:
    if code is None:
        return "no exit code"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
