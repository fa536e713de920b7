"""Test controls: move the clock, break a service, put a document into the mailbox, count the calls."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, HTTPException, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from backoffice.sandbox.server.clock import written
from backoffice.sandbox.server.items import message_item
from backoffice.sandbox.server.routes import systems_of
from backoffice.sandbox.server.systems import Mode, Outage, Service

router = APIRouter(prefix="/admin")

_USUAL_DELAY = 5.0
_LONGEST_DELAY = 600.0


class ClockSetting(BaseModel):
    """The moment to put the clock to."""

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime


class OutageSetting(BaseModel):
    """A disturbance; ``seconds`` is how slow is slow, ``requests`` after how many calls it is over."""

    model_config = ConfigDict(extra="forbid")

    service: Service
    mode: Mode
    seconds: float = Field(default=_USUAL_DELAY, ge=0, le=_LONGEST_DELAY)
    requests: int | None = Field(default=None, ge=1)


@router.post("/clock")
async def set_clock(request: Request, setting: ClockSetting) -> dict[str, str]:
    """Put the clock to a moment; it goes on from there."""
    clock = systems_of(request).clock
    clock.set(setting.now)
    return {"clock": written(clock.now())}


@router.post("/outage")
async def set_outage(request: Request, setting: OutageSetting) -> dict[str, Any]:
    """Disturb a service, or with mode none let it work again."""
    outages = systems_of(request).outages
    if setting.mode == "none":
        outages.pop(setting.service, None)
    else:
        outages[setting.service] = Outage(setting.mode, setting.seconds, setting.requests)
    return {service: outage.mode for service, outage in outages.items()}


@router.post("/documents", status_code=201)
async def inject(request: Request) -> dict[str, Any]:
    """Put a document into the mailbox now.

    Either a form with a file, or the raw bytes with their name in the header X-Filename (escaped as in an
    address). X-Supplier-Id may name the sender.
    """
    media_type = request.headers.get("content-type", "application/octet-stream")
    if media_type.startswith("multipart/form-data"):
        content, filename, media_type = await _uploaded(request)
    else:
        content, filename = await request.body(), unquote(request.headers.get("x-filename", ""))
    if not filename:
        raise HTTPException(422, "the document needs a file name (X-Filename)")
    document = systems_of(request).inject(content, filename, media_type, request.headers.get("x-supplier-id"))
    return message_item(document)


async def _uploaded(request: Request) -> tuple[bytes, str, str]:
    async with request.form() as form:
        for part in form.values():
            if isinstance(part, UploadFile):
                return await part.read(), part.filename or "", part.content_type or "application/octet-stream"
    raise HTTPException(422, "the form has no file")


@router.get("/requests")
async def requests(request: Request) -> dict[str, Any]:
    """How often each address was called with right credentials; calls of this one are not counted."""
    calls = systems_of(request).calls
    return {"total": calls.total(), "calls": dict(sorted(calls.items()))}


@router.delete("/requests")
async def forget_requests(request: Request) -> dict[str, Any]:
    """Count from zero again."""
    systems_of(request).calls.clear()
    return {"total": 0, "calls": {}}


@router.post("/reset")
async def reset(request: Request) -> dict[str, str]:
    """Forget outages, counts, sent messages and injected documents, as after a start; the clock stays."""
    systems = systems_of(request)
    systems.reset()
    return {"clock": written(systems.clock.now())}
