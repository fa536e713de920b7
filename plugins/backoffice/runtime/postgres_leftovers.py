"""What a killed server leaves behind on its folder: processes without a parent, lock files that lie."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from backoffice.runtime import process_table


def pid_file_lines(cluster: Path) -> list[str]:
    """Return the lines of ``postmaster.pid`` (process id, folder, start time, ..., status), or none."""
    try:
        text = (cluster / "postmaster.pid").read_text(encoding="utf-8")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines()]


def end_servers(cluster: Path, grace: float) -> list[int]:
    """End the server processes on ``cluster``, in order where the main one lives; return those that stay.

    :param grace: Seconds for the orderly end: sessions are cut and a checkpoint is written.
    """
    left = servers_of(cluster)
    if not left:
        return []
    main = pid_file_lines(cluster)[:1]
    process_table.end([p for p in left if [str(p.pid)] == main], grace=grace, first=signal.SIGINT)
    return process_table.end(servers_of(cluster), grace=3, first=signal.SIGQUIT)


def servers_of(cluster: Path) -> list[psutil.Process]:
    """Return server and session processes on ``cluster``: named postgres and working in that very folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and _works_in(process, cluster):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    try:
        return Path(process.cwd()) == cluster
    except psutil.AccessDenied:
        # Not ours to look into; then number and start time in the lock file must both agree.
        lines = pid_file_lines(cluster)
        if len(lines) < 3 or lines[0] != str(process.pid):
            return False
        return abs(float(lines[2]) - float(process.create_time())) < 5


def disarm_stale_locks(cluster: Path, sockets: Path) -> None:
    """Make lock files of a dead server harmless although their process id belongs to someone else by now.

    Postgres believes a server runs when *any* process has the id in ``postmaster.pid``. It ignores its own
    parent, so the id becomes ours. The rest of the file stays, because with it Postgres finds sessions that
    may still hold the dead server's shared memory.
    """
    for stale in sockets.glob(".s.PGSQL.*"):
        stale.unlink(missing_ok=True)
    lines = pid_file_lines(cluster)
    if lines and lines[0] != str(os.getpid()):
        text = "\n".join([str(os.getpid()), *lines[1:]]) + "\n"
        (cluster / "postmaster.pid").write_text(text, encoding="utf-8")
