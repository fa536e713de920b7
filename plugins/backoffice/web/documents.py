"""Original documents as downloads: never shown in the browser, never under a name that could do harm."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import quote

from fastapi.responses import Response

from backoffice.settings import sql
from backoffice.web.auth import Person
from backoffice.web.database import Connection, fetch_one
from backoffice.web.problems import Problem

_HARMLESS_TYPES = {
    "application/pdf",
    "application/xml",
    "text/xml",
    "text/csv",
    "text/plain",
    "application/json",
}
_LONGEST_NAME = 120
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|;%]')


def safe_filename(given: str | None, fallback: str) -> str:
    """Return a name without folders, control characters or leading dots; ``fallback`` if none is left."""
    name = re.split(r"[\\/]", given or "")[-1]
    name = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C")
    name = _NOT_IN_NAMES.sub("_", name).strip().lstrip(".")
    if len(name) > _LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        keep = f".{ending}" if dot and len(ending) <= 8 else ""
        name = (stem if keep else name)[: _LONGEST_NAME - len(keep)] + keep
    return name or fallback


def content_disposition(filename: str) -> str:
    """Return the header that makes any browser save the file, in plain and in UTF-8 form (RFC 6266)."""
    plain = filename.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def download(connection: Connection, person: Person, case_id: int, document_id: int) -> Response:
    """Return the bytes of a document that the case speaks of.

    :raises Problem: 404, the case has no such document, or not for this person.
    """
    row: dict[str, Any] | None = fetch_one(
        connection,
        sql("review/read_case_document"),
        {"case_id": case_id, "document_id": document_id, "person_id": person.person_id},
    )
    if row is None:
        raise Problem(404, f"Case {case_id} has no document {document_id}.")
    media_type = str(row["media_type"]).split(";")[0].strip().lower()
    return Response(
        bytes(row["content"]),
        media_type=media_type if media_type in _HARMLESS_TYPES else "application/octet-stream",
        headers={
            "Content-Disposition": content_disposition(
                safe_filename(row["filename"], f"document-{document_id}")
            ),
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
