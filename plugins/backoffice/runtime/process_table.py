"""What runs on this machine: safe ways to find, recognise and end our own processes and no others."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable

import psutil

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return a ``preexec_fn`` by which the kernel sends ``number`` to the child when our thread is gone.

    On other systems than Linux there is no such thing; a killed parent then leaves its children to ``down``.
    """
    libc = _LIBC
    if libc is None:
        return None
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # the parent died before the request was in place
            os.kill(os.getpid(), number)

    return ask


def start_time(pid: int) -> float | None:
    """Return when the process started (seconds since the epoch), or None where it is gone or a zombie."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.Error:
        return None


def marked(name: str, value: str) -> list[psutil.Process]:
    """Return all live processes started with ``name=value`` in their environment, but us and our parents.

    Processes of other users cannot be read and are not ours.
    """
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in spared and process.environ().get(name) == value:
                found.append(process)
        except (psutil.Error, OSError, ValueError):
            continue
    return found


def end(
    processes: Iterable[psutil.Process], *, grace: float, first: signal.Signals = signal.SIGTERM
) -> list[int]:
    """Ask processes to end, wait, then kill the rest. Return the process ids that are still there.

    :param grace: Seconds between the request and the kill.
    """
    waiting = list(processes)
    send(waiting, first)
    waiting = _wait(waiting, grace)
    send(waiting, signal.SIGKILL)
    return [process.pid for process in _wait(waiting, 10)]


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those of the processes that still are what they were."""
    for process in processes:
        try:
            process.send_signal(number)  # psutil compares start times first: never a recycled number
        except psutil.Error:
            continue


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    until = time.monotonic() + seconds
    alive = [process for process in processes if _alive(process)]
    while alive and time.monotonic() < until:
        time.sleep(0.05)
        alive = [process for process in alive if _alive(process)]
    return alive


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on 127.0.0.1 at ``port`` now."""
    with socket.socket() as probe:
        # As servers do: connections that are still dying do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
