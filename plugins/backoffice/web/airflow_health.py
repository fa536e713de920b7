"""Whether Airflow's own processes live, asked of Airflow by its documented address in the running server.

Our pages are mounted in Airflow's API server, and the request names the router of that server. It is asked
for ``/api/v2/monitor/health`` there, without a network in between. Where it does not answer, the page says
that it was not asked; nothing is inferred.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware

from backoffice.domain.wording import age
from backoffice.web.mount import Application
from backoffice.web.rendering import airflow_root
from backoffice.web.signs import Sign

ADDRESS = "/api/v2/monitor/health"
_PATIENCE = 3.0
_PARTS = (
    ("scheduler", "Scheduler", "Runs start and tasks are queued by it: start it."),
    ("triggerer", "Triggerer", "Runs that wait for people are woken by it: start it."),
    ("dag_processor", "Dag processor", "Changed Dags are read by it: start it."),
)
_asking: set[asyncio.Task[Mapping[str, Any] | None]] = set()

log = logging.getLogger(__name__)


async def ask_airflow(request: Request) -> Mapping[str, Any] | None:
    """Return what Airflow says of itself; None where it cannot be asked or takes too long."""
    router, root = request.scope.get("router"), airflow_root(request.scope.get("root_path", ""))
    if router is None or router is getattr(request.app, "router", None):
        return None  # the pages are served by themselves: there is no Airflow around them
    task = asyncio.create_task(_ask(router, root))
    _asking.add(task)  # an answer that comes too late is nobody's; the task must live until then
    task.add_done_callback(_asking.discard)
    await asyncio.wait({task}, timeout=_PATIENCE)
    return task.result() if task.done() else None


async def _ask(router: Application, root: str) -> Mapping[str, Any] | None:
    answer: dict[str, Any] = {"status": 0, "body": b""}

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        answer["status"] = message.get("status", answer["status"])
        answer["body"] += message.get("body", b"")

    try:
        await AsyncExitStackMiddleware(router)(_scope(root), receive, send)
        told = json.loads(answer["body"]) if answer["status"] == 200 else None
    except Exception:
        log.exception("Airflow could not be asked how it is")
        return None
    return told if isinstance(told, dict) else None


def _scope(root: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": root + ADDRESS,
        "raw_path": (root + ADDRESS).encode(),
        "root_path": root,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"accept", b"application/json")],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


def signs_of(told: Mapping[str, Any] | None, now: datetime) -> list[Sign]:
    """Return a sign for each of Airflow's processes, or one that says that it was not asked."""
    if told is None:
        return [Sign("Airflow", "warn", "Not asked: it did not say how its scheduler and triggerer are.")]
    signs = [_part(told.get(key), key, name, remedy, now) for key, name, remedy in _PARTS]
    database = told.get("metadatabase")
    if not isinstance(database, Mapping) or database.get("status") != "healthy":
        signs.insert(0, Sign("Airflow's database", "bad", "Airflow cannot ask it.", "Its own log says why."))
    return signs


def _part(said: object, key: str, name: str, remedy: str, now: datetime) -> Sign:
    status = said.get("status") if isinstance(said, Mapping) else None
    heard = said.get(f"latest_{key}_heartbeat") if isinstance(said, Mapping) else None
    since = _moment(heard)
    if status == "healthy":
        told = f"It lives; last heard of {age(since, now)} ago." if since else "It lives."
        return Sign(name, "good", told)
    if since is not None:
        return Sign(name, "bad", f"No sign of life for {age(since, now)}.", remedy)
    return Sign(name, "bad", "Airflow has never heard of it.", remedy)


def _moment(text: object) -> datetime | None:
    """Read a moment that Airflow wrote; None for what is none, or has no time zone."""
    try:
        read = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return read if read is not None and read.tzinfo is not None else None
