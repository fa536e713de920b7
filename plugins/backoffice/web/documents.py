"""Original documents: downloads under a harmless name, e-invoices written by us, PDF files in a frame.

No byte of a document reaches a page of ours unescaped: an e-invoice is parsed and its values are written by
a template, a PDF stays in a frame that may neither run anything nor reach the page around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from fastapi.responses import Response

from backoffice.domain.einvoice import parse_einvoice
from backoffice.domain.einvoice_model import EInvoice
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
_XML_TYPES = {"application/xml", "text/xml"}
_LONGEST_NAME = 120
LARGEST_SHOWN = 2 * 1024 * 1024
MOST_LINES_SHOWN = 200
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
    row = _read(connection, person, case_id, document_id)
    media_type = _media_type(row)
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


@dataclass(frozen=True)
class ShownDocument:
    """An original document as the case page shows it.

    :param name: A harmless file name.
    :param invoice: The parsed e-invoice, if it is one that can be read.
    :param pdf: It is a PDF file that can be shown in a frame.
    :param lines_left_out: Lines beyond those that are shown.
    """

    document_id: int
    name: str
    bytes: int
    sha256: str
    invoice: EInvoice | None = None
    pdf: bool = False
    lines_left_out: int = 0


def shown(
    connection: Connection, person: Person, case_id: int, originals: Sequence[Mapping[str, Any]]
) -> list[ShownDocument]:
    """Return the documents of a case in the way in which each can be shown; what cannot is a download."""
    return [_show(connection, person, case_id, original) for original in originals]


def _show(connection: Connection, person: Person, case_id: int, original: Mapping[str, Any]) -> ShownDocument:
    base = ShownDocument(
        document_id=original["document_id"],
        name=safe_filename(original["filename"], f"document-{original['document_id']}"),
        bytes=original["bytes"],
        sha256=original["sha256"],
    )
    media_type = _media_type(original)
    if media_type == "application/pdf":
        return replace(base, pdf=True)
    if media_type not in _XML_TYPES or original["bytes"] > LARGEST_SHOWN:
        return base
    row = _read(connection, person, case_id, original["document_id"])
    invoice = parse_einvoice(bytes(row["content"]), LARGEST_SHOWN)
    if invoice.syntax is None or (invoice.header.invoice_number is None and not invoice.lines):
        return base
    return replace(base, invoice=invoice, lines_left_out=max(len(invoice.lines) - MOST_LINES_SHOWN, 0))


def framed_pdf(connection: Connection, person: Person, case_id: int, document_id: int) -> Response:
    """Return a PDF file for the frame of the case page: it may run nothing, and only our pages may frame it.

    :raises Problem: 404, the case has no such document, it is no PDF file, or not for this person.
    """
    row = _read(connection, person, case_id, document_id)
    content = bytes(row["content"])
    if _media_type(row) != "application/pdf" or b"%PDF-" not in content[:1024]:
        raise Problem(404, f"Document {document_id} is no PDF file; download it instead.")
    name = content_disposition(safe_filename(row["filename"], f"document-{document_id}.pdf"))
    return Response(
        content,
        media_type="application/pdf",
        headers={
            "Content-Disposition": name.replace("attachment", "inline", 1),
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'; sandbox",
        },
    )


def _read(connection: Connection, person: Person, case_id: int, document_id: int) -> dict[str, Any]:
    row: dict[str, Any] | None = fetch_one(
        connection,
        sql("review/read_case_document"),
        {"case_id": case_id, "document_id": document_id, "person_id": person.person_id},
    )
    if row is None:
        raise Problem(404, f"Case {case_id} has no document {document_id}.")
    return row


def _media_type(row: Mapping[str, Any]) -> str:
    return str(row["media_type"]).split(";")[0].strip().lower()
