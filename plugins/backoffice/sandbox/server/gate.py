"""What stands before every call: who calls, what is counted, and what a test has disturbed."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from dataclasses import dataclass, field

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backoffice.sandbox.server.systems import Mode, Systems

OPEN_PATH = "/health"
COUNTS_PATH = "/admin/requests"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one user who may call."""

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.user or not self.password:
            raise ValueError("the sandbox company needs a user and a password")

    def admit(self, header: bytes) -> bool:
        """Whether an Authorization header carries them; compares in constant time."""
        scheme, _, token = header.partition(b" ")
        try:
            given = base64.b64decode(token.strip(), validate=True)
        except binascii.Error:
            given = b""
        right = hmac.compare_digest(given, f"{self.user}:{self.password}".encode())
        return right and scheme.lower() == b"basic"


class Gate:
    """ASGI layer around the whole application, so that no path can be forgotten."""

    def __init__(self, app: ASGIApp, credentials: Credentials, systems: Systems) -> None:
        self._app = app
        self._credentials = credentials
        self._systems = systems
        company = systems.company
        self._synthetic = f"backoffice-sandbox seed={company.seed}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-synthetic-data", self._synthetic)]
            await send(message)

        path: str = scope["path"]
        if path != OPEN_PATH and not self._credentials.admit(_header(scope, b"authorization")):
            refusal = PlainTextResponse(
                "user and password needed",
                401,
                {"WWW-Authenticate": 'Basic realm="sandbox", charset="UTF-8"'},
            )
            await refusal(scope, receive, labelled)
            return
        if path != COUNTS_PATH:
            self._systems.calls[f"{scope['method']} {path}"] += 1
        await self._disturbed(scope, receive, labelled)

    async def _disturbed(self, scope: Scope, receive: Receive, send: Send) -> None:
        outage = self._systems.outage(scope["path"].split("/")[1])
        mode: Mode = "none" if outage is None else outage.mode
        scope["state"] = {**scope.get("state", {}), "wrong_totals": mode == "wrong_totals"}
        if outage is not None and mode == "slow":
            await asyncio.sleep(outage.seconds)
        if mode == "down":
            await PlainTextResponse("service unavailable", 503)(scope, receive, send)
        elif mode == "truncate":
            await self._app(scope, receive, _Halved(send))
        else:
            await self._app(scope, receive, send)


class _Halved:
    """Sends only the first half of the body, as a connection does that breaks unnoticed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        half = self._body[: len(self._body) // 2]
        headers = [(name, value) for name, value in self._start["headers"] if name != b"content-length"]
        headers.append((b"content-length", str(len(half)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": half})


def _header(scope: Scope, name: bytes) -> bytes:
    for header, value in scope["headers"]:
        if header == name:
            return bytes(value)
    return b""
