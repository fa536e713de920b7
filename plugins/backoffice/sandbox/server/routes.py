"""The addresses of ERP, warehouse and mailbox."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from backoffice.sandbox.server.clock import written
from backoffice.sandbox.server.listing import WantedParameters, answer_list, unchanged
from backoffice.sandbox.server.systems import Systems

router = APIRouter()


def systems_of(request: Request) -> Systems:
    """The systems behind the application that was called."""
    systems: Systems = request.app.state.systems
    return systems


@router.get("/health")
async def health(request: Request) -> dict[str, Any]:
    """Whether the server answers, and which company it plays."""
    systems = systems_of(request)
    company = systems.company
    return {
        "status": "ok",
        "seed": company.seed,
        "size": company.size,
        "mix": company.mix,
        "anchor": company.anchor.isoformat(),
        "clock": written(systems.clock.now()),
    }


@router.get("/erp/suppliers")
async def suppliers(request: Request, wanted: WantedParameters) -> Response:
    """Suppliers; they belong to no entity."""
    systems = systems_of(request)
    return answer_list(request, systems, systems.datasets["suppliers"], wanted)


@router.get("/erp/orders")
async def orders(request: Request, wanted: WantedParameters) -> Response:
    """Order lines, each in its latest version of the window."""
    systems = systems_of(request)
    return answer_list(request, systems, systems.datasets["orders"], wanted)


@router.get("/warehouse/receipts")
async def receipts(request: Request, wanted: WantedParameters) -> Response:
    """Receipt lines, returns and reversals."""
    systems = systems_of(request)
    return answer_list(request, systems, systems.datasets["receipts"], wanted)


@router.get("/mailbox/messages")
async def messages(request: Request, wanted: WantedParameters) -> Response:
    """Messages with documents, without their content."""
    systems = systems_of(request)
    return answer_list(request, systems, systems.datasets["messages"], wanted)


@router.get("/mailbox/messages/{message_id}/content")
async def content(request: Request, message_id: str) -> Response:
    """The bytes of a message, exactly as they came."""
    document = systems_of(request).document(message_id)
    if document is None:
        raise HTTPException(404, f"no message {message_id}")
    headers = {"ETag": f'"{document.sha256}"'}
    if unchanged(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(document.content, media_type=document.media_type, headers=headers)


class Notice(BaseModel):
    """A message to a supplier: to one by number, or to whoever sent a message."""

    model_config = ConfigDict(extra="forbid")

    supplier_id: str | None = Field(default=None, min_length=1)
    in_reply_to: str | None = Field(default=None, min_length=1)
    subject: str = Field(min_length=1)
    body: str
    reference: str | None = None

    @model_validator(mode="after")
    def _needs_an_addressee(self) -> Notice:
        if self.supplier_id is None and self.in_reply_to is None:
            raise ValueError("a message needs supplier_id or in_reply_to")
        return self


@router.post("/mailbox/outbox", status_code=201)
async def send(
    request: Request, notice: Notice, idempotency_key: Annotated[str, Header(min_length=1, max_length=255)]
) -> dict[str, Any]:
    """Send a message once: the same key and message again give the same answer, another message a 409."""
    systems = systems_of(request)
    digest = hashlib.sha256(orjson.dumps(notice.model_dump(), option=orjson.OPT_SORT_KEYS)).digest()
    if idempotency_key in systems.outbox_keys:
        known, answer = systems.outbox_keys[idempotency_key]
        if known != digest:
            raise HTTPException(409, "this Idempotency-Key was used for another message")
        return answer
    answer = {
        "id": f"OUT{len(systems.outbox) + 1:07d}",
        **notice.model_dump(),
        "idempotency_key": idempotency_key,
        "sent_at": written(systems.clock.stamp()),
    }
    systems.outbox.append(answer)
    systems.outbox_keys[idempotency_key] = (digest, answer)
    return answer


@router.get("/mailbox/outbox")
async def sent(request: Request) -> dict[str, Any]:
    """Everything that was sent, in order."""
    outbox = systems_of(request).outbox
    return {"items": outbox, "count": len(outbox)}
