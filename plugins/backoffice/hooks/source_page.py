"""What a source answered: one page of a list, or the bytes of a document."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

from backoffice.domain.record import fields_once
from backoffice.domain.typed_value import Moment, Number, UnreadableValueError, Whole

_COUNT = Whole(0, 2**53)
_AMOUNT = Number(60, 20)


class NoPageError(ValueError):
    """The answer is no page of a list: cut off, not JSON, or not of the agreed form."""


class ForeignAddressError(ValueError):
    """The source sends us to another host; that is never followed."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its rows as sent (numbers as printed), the source's own time and totals, and the raw bytes.

    :param as_of: The source's time when the list was opened: everything changed before it is in the list.
    :param control_count: The source's count of rows of the whole list; None where it gives none.
    :param control_amount: The source's total of the whole list; None where it gives none.
    :param next: Path of the following page on the same host; None on the last page.
    """

    items: list[object]
    next: str | None
    as_of: datetime
    control_count: int | None
    control_amount: Decimal | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Download:
    """The bytes of one document.

    :param content: None if the source does not have them, or if they are too large to be kept.
    :param problem: What is wrong with them, in words for people; None if nothing.
    """

    content: bytes | None
    media_type: str | None
    problem: str | None

    @property
    def sha256(self) -> bytes:
        """SHA-256 (32 bytes) of the bytes that arrived."""
        return hashlib.sha256(self.content or b"").digest()


def read_page(content: bytes) -> Page:
    """Return the page in ``content``. Numbers stay the text that was sent, so nothing is rounded on the way.

    An item that names a field twice stays as its pairs, which no record can be read from: nobody can say
    which of the two values was meant. A page that does so itself is no page.

    :raises NoPageError: The bytes are no page.
    :raises ForeignAddressError: The next page is said to be on another host.
    """
    try:
        answer = json.loads(
            content, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=fields_once
        )
    except (ValueError, RecursionError) as error:
        raise NoPageError(f"the answer is not complete JSON ({len(content)} bytes)") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
        raise NoPageError("the answer has no list of items")
    control = answer.get("control")
    if control is not None and not isinstance(control, dict):
        raise NoPageError("control is no object")
    try:
        as_of = Moment().read(answer.get("as_of"))
        count = _COUNT.read((control or {}).get("count"))
        amount = _AMOUNT.read((control or {}).get("amount"))
    except UnreadableValueError as error:
        raise NoPageError(f"as_of or control cannot be read: {error}") from error
    if as_of is None:
        raise NoPageError("the answer has no as_of")
    return Page(answer["items"], _next_path(answer.get("next")), as_of, count, amount, content)


def same_host_path(reference: object) -> str:
    """Return ``reference`` if it is an absolute path with query on the source's own host.

    :raises ForeignAddressError: It names a host or scheme, or is no path.
    """
    text = reference if isinstance(reference, str) else ""
    plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text
    if not plain or not text.startswith("/") or text.startswith("//") or urlsplit(text).netloc:
        raise ForeignAddressError(
            f"{str(reference)[:200]!r} is no path on the source's own host; it was not followed"
        )
    return text


def _next_path(reference: object) -> str | None:
    return None if reference is None else same_host_path(reference)
