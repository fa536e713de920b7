"""Documents that a person wants to be read again: staged once more from the bytes kept when they arrived."""

from __future__ import annotations

from backoffice import settings
from backoffice.operators.ingest_einvoices import Arrival, EInvoiceStage, read_envelope
from backoffice.operators.ingest_load import Connection


def stage_reread_documents(connection: Connection, stage: EInvoiceStage, source: str) -> int:
    """Stage the documents of ``source`` that were quarantined and are to be read again; return how many.

    A document is staged until it is accepted or quarantined anew: both are visible in the ledger, so that
    neither a crash nor a second run makes it twice or never.
    """
    found = connection.execute(
        settings.sql("intake/list_documents_to_read_again"), {"source": source}
    ).fetchall()
    for document_id, envelope in found:
        row = connection.execute(
            settings.sql("intake/read_document"), {"document_id": document_id}
        ).fetchone()
        content, media_type = row or (None, "application/octet-stream")
        problem = "the kept bytes are gone" if content is None else None
        stage.add(Arrival(read_envelope(envelope), content, media_type, problem))
    return len(found)
