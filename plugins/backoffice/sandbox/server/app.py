"""Puts the systems, their addresses and the gate together."""

from __future__ import annotations

from fastapi import FastAPI

from backoffice.sandbox.generator.model import Company
from backoffice.sandbox.server import admin, routes
from backoffice.sandbox.server.clock import SandboxClock, usual_start
from backoffice.sandbox.server.gate import Credentials, Gate
from backoffice.sandbox.server.systems import Systems


def create_app(company: Company, credentials: Credentials, clock: SandboxClock | None = None) -> FastAPI:
    """The company's web application.

    What it is told (messages to suppliers, injected documents) is kept in memory and gone when it ends.

    :param clock: Decides what can be seen; by default it shows now, and the whole company.
    """
    systems = Systems(company, clock or SandboxClock(usual_start(company.anchor)))
    app = FastAPI(title="Backoffice sandbox company", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.systems = systems
    app.include_router(routes.router)
    app.include_router(admin.router)
    app.add_middleware(Gate, credentials=credentials, systems=systems)
    return app
