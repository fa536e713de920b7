"""Roles that see the back office pages and nothing else of Airflow.

An inbox is for buyers and clerks, who must not see Dags, logs or connections. An auth manager can refuse them
most of Airflow, but not all: some addresses ask for a log-in only, some for none. So a middleware stands
before the whole API server and lets such a log-in reach the back office, the logging in and the logging out.
It is there only where ``[backoffice] inbox_only_roles`` names a role.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from backoffice.settings import option
from backoffice.web.mount import Application, Receive, Scope, Send

INBOX = "/backoffice/cases"
# What such a log-in may reach: our pages, Airflow's log-in with its files, and the two addresses that lead
# to it.
_OPEN_TREES = ("/backoffice", "/auth")
_OPEN_ADDRESSES = frozenset({"/api/v2/auth/login", "/api/v2/auth/logout"})
_PROGRAMS = ("/api/", "/ui/", "/execution/", "/static/")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Not for this log-in</title></head>
<body><main><h1>Not for this log-in</h1>
<p>Your log-in sees the back office and nothing else of Airflow.</p>
<p><a href="{inbox}">Go to the inbox</a></p></main></body></html>
"""


def inbox_only_roles() -> frozenset[str]:
    """Return the roles that ``[backoffice] inbox_only_roles`` names, in lower case."""
    named = (option("inbox_only_roles", "") or "").split(",")
    return frozenset(role.strip().lower() for role in named if role.strip())


def middlewares() -> list[dict[str, Any]]:
    """Return what the plugin asks Airflow to put before the API server: nothing where no role is named."""
    roles = inbox_only_roles()
    if not roles:
        return []
    return [{"middleware": InboxOnly, "kwargs": {"roles": roles}, "name": "Back office: inbox only"}]


class InboxOnly:
    """ASGI middleware: a log-in that has only inbox-only roles gets 403 for all of Airflow but our pages.

    The start page leads to the inbox, so that logging in ends there. A request without a valid log-in passes;
    Airflow's own code answers it.

    :param roles: Names of roles, in lower case. A log-in with any other role as well is not confined.
    """

    def __init__(self, app: Application, roles: Iterable[str]) -> None:
        self._app = app
        self._roles = frozenset(roles)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may be reached, lead the start page to the inbox, refuse the rest."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        root, path = _split(scope)
        if _is_open(path) or not await self._confines(scope):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif path == "/" and scope["method"] in ("GET", "HEAD"):
            await _redirect(send, quote(root) + INBOX)
        else:
            await _refuse(send, root, path)

    async def _confines(self, scope: Scope) -> bool:
        """Tell whether who asks has inbox-only roles and no other."""
        from backoffice.web.auth import roles_of_login  # imports Airflow's security: only where it is used

        held = await roles_of_login(scope)
        return bool(held) and held <= self._roles


def _split(scope: Scope) -> tuple[str, str]:
    """Return the path that Airflow is served under and the path below it."""
    root: str = scope.get("root_path", "").rstrip("/")
    path: str = scope["path"]
    if root and (path == root or path.startswith(f"{root}/")):
        path = path.removeprefix(root)
    return root, path or "/"


def _is_open(path: str) -> bool:
    return path in _OPEN_ADDRESSES or any(path == tree or path.startswith(f"{tree}/") for tree in _OPEN_TREES)


async def _redirect(send: Send, address: str) -> None:
    headers = [(b"location", address.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(send: Send, root: str, path: str) -> None:
    if path.startswith(_PROGRAMS):
        media_type = "application/json"
        body = json.dumps({"detail": "This log-in sees the back office and nothing else of Airflow."})
    else:
        media_type = "text/html; charset=utf-8"
        body = _PAGE.format(inbox=quote(root) + INBOX)
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'self'"),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})
