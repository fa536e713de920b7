"""Errors of starting and stopping things on this machine.

They stand apart from ``backoffice.exceptions`` because that module needs Airflow, whose import takes seconds,
while ``backoffice status`` must answer at once. The command line prints the message and ends with exit code
1.
"""

from __future__ import annotations

from pathlib import Path


class RuntimeFault(Exception):
    """Something on this machine cannot be started, stopped or trusted; the message says what to do next."""


class PostgresFault(RuntimeFault):
    """The bundled Postgres cannot run here or is not the server it should be."""


class StartFault(RuntimeFault):
    """A process did not come up; the message ends with the tail of its log."""


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a log, or a remark that there is none, to end an error message with."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 64_000))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return f"(no log at {path})"
    kept = text.splitlines()[-lines:]
    return "\n".join(f"  | {line}" for line in kept) if kept else f"(the log {path} is empty)"
