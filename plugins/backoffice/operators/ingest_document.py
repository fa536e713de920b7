"""Keep the bytes that arrived: by their SHA-256, once."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg

from backoffice import settings


def store_document(connection: psycopg.Connection[tuple[Any, ...]], content: bytes, media_type: str) -> int:
    """Return the id under which ``content`` is kept in the ledger; kept before or kept now.

    :param media_type: What the source calls it; of bytes that were kept before the first name stays.
    """
    digest = hashlib.sha256(content).digest()
    row = connection.execute(settings.sql("intake/store_document"), (digest, content, media_type)).fetchone()
    if row is None:
        # a concurrent load may have kept the same bytes: after the conflict they are committed and visible
        row = connection.execute(settings.sql("intake/find_document"), (digest,)).fetchone()
    if row is None:
        raise RuntimeError(f"the document {digest.hex()} was neither kept nor found")
    return int(row[0])
