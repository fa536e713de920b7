"""What the plugin hands to Airflow: an application that costs nothing until somebody opens a page."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from airflow.sdk.configuration import conf

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

_UNAVAILABLE = b"The back office pages could not be started. The API server's log says why."


class DeferredApplication:
    """Build the real application at the first request, once per process.

    Every Airflow process imports the plugin, also each task; only the API server serves pages. Should
    building fail, our pages answer 503 and Airflow's own go on; the next request tries again.
    """

    def __init__(self, build: Callable[[], Application]) -> None:
        self._build = build
        self._built: Application | None = None
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, building the application first if this is the first one."""
        if scope["type"] != "http":
            return
        try:
            application = self._application()
        except Exception:
            log.exception("the back office pages could not be started")
            await _answer_unavailable(send)
            return
        await application(scope, receive, send)

    def _application(self) -> Application:
        if self._built is None:
            with self._lock:
                if self._built is None:
                    self._built = self._build()
        return self._built


def _create() -> Application:
    from backoffice.web.application import create_app  # imports FastAPI and Airflow's security: 1.5 s

    return create_app()


async def _answer_unavailable(send: Send) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _UNAVAILABLE})


def host_path() -> str:
    """Return the path that Airflow itself is served under, for addresses that the host's pages are given."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


application = DeferredApplication(_create)
