"""Runs the company's web application on a free port beside the caller."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from backoffice.sandbox.generator.model import Company
from backoffice.sandbox.server.app import create_app
from backoffice.sandbox.server.clock import SandboxClock
from backoffice.sandbox.server.gate import Credentials

_START_SECONDS = 15.0
_STOP_SECONDS = 15.0
LOCALHOST = "127.0.0.1"


def server_for(app: FastAPI) -> uvicorn.Server:
    """A server without access log that lets nobody hold up its end."""
    config = uvicorn.Config(
        app, lifespan="off", access_log=False, log_level="warning", timeout_graceful_shutdown=2
    )
    return uvicorn.Server(config)


def listening(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


@contextmanager
def running(company: Company, credentials: Credentials, clock: SandboxClock | None = None) -> Iterator[str]:
    """Serve the company in a thread for as long as the block lasts.

    :return: The base address, for example ``http://127.0.0.1:40123``.
    :raises RuntimeError: The server did not start.
    """
    bound = listening(LOCALHOST, 0)
    server = server_for(create_app(company, credentials, clock))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="sandbox", daemon=True)
    thread.start()
    try:
        _wait_for(server, thread)
        yield f"http://{LOCALHOST}:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_STOP_SECONDS)
        bound.close()


def _wait_for(server: uvicorn.Server, thread: threading.Thread) -> None:
    patience = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > patience:
            raise RuntimeError("the sandbox company's server did not start")
        time.sleep(0.01)
