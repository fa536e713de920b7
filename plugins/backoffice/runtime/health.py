"""Health checks of the services, in a form the supervisor can ask often."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from backoffice.runtime.http_client import NoAnswer, ask


def sandbox_health(port: int) -> Callable[[float], bool | None]:
    """Return the check of the sandbox company."""

    def well(_: float) -> bool | None:
        try:
            return ask(f"http://127.0.0.1:{port}/health", timeout=2).good
        except NoAnswer:
            return False

    return well


def heartbeat_health(file: Path, most: float = 60) -> Callable[[float], bool | None]:
    """Return the check of a process that touches a file whenever it has done its round well.

    :param most: Seconds after which a heartbeat is none.
    """

    def well(started: float) -> bool | None:
        try:
            beat = file.stat().st_mtime
        except OSError:
            return False
        return beat >= started and time.time() - beat <= most

    return well


class AirflowHealth:
    """What Airflow's API server says of itself and of the other three, asked at most every two seconds.

    :param port: Port of the API server.
    """

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v2/monitor/health"
        self._asked, self._asked_at = float("-inf"), 0.0  # by the monotonic clock, by the calendar
        self._said: dict[str, Any] | None = None

    def api_server(self, started: float) -> bool | None:
        """Tell whether the API server answers; what its dead predecessor answered does not count."""
        if self._asked_at <= started:
            self._asked = float("-inf")
        return self._current() is not None

    def component(self, name: str) -> Callable[[float], bool | None]:
        """Return the check of a process known by its heartbeat: recent, and of the process now running.

        While the API server does not answer, nothing is known of the others, which is no reason to restart
        them.
        """

        def well(started: float) -> bool | None:
            said = self._current()
            if said is None:
                return None
            about = said.get(name) or {}
            if about.get("status") != "healthy":
                return False
            beat = about.get(f"latest_{name}_heartbeat")
            return beat is not None and datetime.fromisoformat(beat).timestamp() >= started

        return well

    def _current(self) -> dict[str, Any] | None:
        if time.monotonic() - self._asked >= 2:
            self._asked_at = time.time()
            try:
                answer = ask(self._url, timeout=3)
                self._said = answer.body if answer.good and isinstance(answer.body, dict) else None
            except NoAnswer:
                self._said = None
            self._asked = time.monotonic()
        return self._said
