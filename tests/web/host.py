"""The pages in a host like Airflow's: mounted under /backoffice, with log-ins by token or cookie.

A test log-in is the token ``test-<user>``; every other token goes to Airflow's own code. What this cannot prove is how
Airflow's tokens are signed and revoked; the tests against a running Airflow do.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api import security
from fastapi import FastAPI, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials

from backoffice.web.application import create_app
from backoffice.web.rate import ALLOWED, Allowance, Buckets

ROLES = {
    "viewer": "VIEWER",
    "clerk": "USER",
    "buyer": "USER",
    "manager": "USER",
    "admin": "ADMIN",
    "nobody": None,
}
PASSWORD = "correct horse"


def log_in(user: str) -> str:
    """Return the token of a test log-in."""
    return f"test-{user}"


async def get_test_user(request: Request) -> BaseUser:
    """Return the test user of the token or cookie; leave every other credential to Airflow."""
    header = request.headers.get("authorization", "")
    bearer = header[7:] if header.lower().startswith("bearer ") else None
    token = bearer if bearer is not None else request.cookies.get("_token")
    if token and token.startswith("test-"):
        name = token.removeprefix("test-")
        return SimpleAuthManagerUser(username=name, role=ROLES[name])
    credentials = (
        HTTPAuthorizationCredentials(scheme="bearer", credentials=bearer) if bearer is not None else None
    )
    return await security.get_user(request, None, credentials)


def create_test_app(dsn_source: Callable[[], str]) -> FastAPI:
    """Return our application, taking test log-ins."""
    app = create_app(dsn_source, get_test_user)
    # many tests share one log-in; what the allowance does is in test_rate.py
    app.state.rates = Buckets(dict.fromkeys(ALLOWED, Allowance(1_000_000, 1_000.0)))
    app.dependency_overrides[security.get_user] = get_test_user
    return app


def create_host(dsn_source: Callable[[], str]) -> FastAPI:
    """Return a host that mounts our application the way Airflow does and exchanges passwords for tokens."""
    host = FastAPI()

    @host.post("/auth/token", status_code=201)
    def exchange(body: dict[str, str]) -> dict[str, str]:
        if body.get("password") != PASSWORD or body.get("username") not in ROLES:
            raise HTTPException(401, "Invalid credentials")
        return {"access_token": log_in(body["username"])}

    host.mount("/backoffice", create_test_app(dsn_source))
    return host


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port and yield its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the test server did not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()
