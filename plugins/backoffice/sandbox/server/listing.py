"""Lists by window, page and cursor, the same way in every system of the company."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import Depends, HTTPException, Query, Request, Response

from backoffice.sandbox.server import clock
from backoffice.sandbox.server.datasets import Dataset, Key, Window
from backoffice.sandbox.server.datasets import Query as WindowQuery
from backoffice.sandbox.server.items import number
from backoffice.sandbox.server.systems import Systems

DEFAULT_PAGE = 500
LARGEST_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks of a list."""

    since: datetime | None
    until: datetime | None
    page_size: int
    after: Key | None
    entity: str | None
    supplier_id: str | None


def _wanted(
    updated_since: str | None = None,
    updated_until: str | None = None,
    page_size: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = DEFAULT_PAGE,
    cursor: str | None = None,
    entity: str | None = None,
    supplier_id: str | None = None,
) -> Wanted:
    return Wanted(
        since=_moment("updated_since", updated_since),
        until=_moment("updated_until", updated_until),
        page_size=page_size,
        after=None if cursor is None else _place(cursor),
        entity=entity,
        supplier_id=supplier_id,
    )


WantedParameters = Annotated[Wanted, Depends(_wanted)]


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return clock.read(text.replace(" ", "+"))  # a plus sign that was not escaped arrives as a blank
    except ValueError as error:
        raise HTTPException(422, f"{name}: {error}") from error


def _cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(f"{clock.written(key[0])} {key[1]}".encode()).decode()


def _place(cursor: str) -> Key:
    try:
        moment, _, identifier = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        return clock.read(moment), identifier
    except (ValueError, binascii.Error) as error:
        raise HTTPException(400, "cursor: not one of ours") from error


def answer_list(request: Request, systems: Systems, dataset: Dataset, wanted: Wanted) -> Response:
    """One page of a list.

    The window ends at ``updated_until``, or now, and never later than now; its end is in ``as_of`` and in the
    address of the next page, so that all pages show one state though the clock goes on. ``control`` covers
    the whole window. The entity tag is weak: it stands for items, totals and whether more follow, not for
    ``as_of``, which a 304 carries in the header X-As-Of.
    """
    now = systems.clock.now()
    as_of = now if wanted.until is None else min(wanted.until, now)
    window = dataset.window(WindowQuery(wanted.since, as_of, wanted.entity, wanted.supplier_id))
    page = window.after(wanted.after, wanted.page_size + 1)
    records, more = page[: wanted.page_size], len(page) > wanted.page_size
    items = [dataset.item(record) for record in records]
    control = _control(window, wrong=request.scope["state"]["wrong_totals"])
    tag = f'W/"{hashlib.sha256(orjson.dumps([items, control, more])).hexdigest()}"'
    headers = {"ETag": tag, "X-As-Of": clock.written(as_of)}
    if unchanged(request, tag):
        return Response(status_code=304, headers=headers)
    body = {
        "items": items,
        "next": _next(request, wanted, as_of, records[-1].key) if more else None,
        "as_of": clock.written(as_of),
        "control": control,
    }
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)


def unchanged(request: Request, tag: str) -> bool:
    """Whether the client says that it has this state already (If-None-Match)."""
    header = request.headers.get("if-none-match", "")
    have = [one.strip().removeprefix("W/") for one in header.split(",")]
    return tag.removeprefix("W/") in have or "*" in have


def _control(window: Window, *, wrong: bool) -> dict[str, Any]:
    off = 1 if wrong else 0
    amount = None if window.amount is None else number(window.amount + off)
    return {"count": window.count + off, "amount": amount}


def _next(request: Request, wanted: Wanted, as_of: datetime, last: Key) -> str:
    parameters = {
        "updated_since": None if wanted.since is None else clock.written(wanted.since),
        "updated_until": clock.written(as_of),
        "page_size": wanted.page_size,
        "entity": wanted.entity,
        "supplier_id": wanted.supplier_id,
        "cursor": _cursor(last),
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{request.url.path}?{urlencode(given)}"
