"""Take in e-invoices from a drop folder."""

from __future__ import annotations

import fnmatch
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from backoffice.domain.canonical import time_text
from backoffice.domain.einvoice import MAX_BYTES
from backoffice.domain.typed_value import printed
from backoffice.exceptions import ConfigurationError, SourceUnavailableError
from backoffice.hooks.ledger import LedgerHook
from backoffice.operators.ingest_einvoices import EINVOICE_PARSER, Arrival, EInvoiceStage, read_envelope
from backoffice.operators.ingest_load import LoadOf, finish_load, ledger_run, loading
from backoffice.operators.ingest_reread import stage_reread_documents
from backoffice.operators.ingest_selection import refuse_filters
from backoffice.settings import LEDGER_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Context


class IngestFolderOperator(BaseOperator):
    """Take in the e-invoices that lie in a folder.

    Reads every file of the folder (not of folders in it) whose name matches, keeps its bytes with their
    SHA-256 and stages what they say, exactly as for a mailbox: a PDF or a broken file becomes a row with
    the reason. Files that do not match are listed by name. The file's modification time counts as the time
    of arrival. Moves and deletes nothing.

    The folder is always read whole; documents that are known already are recognised by their content.
    Retry, clear and rerun are therefore safe. A run that asks for one entity or supplier only is refused.
    Documents that a person wants to be read again are staged once more from the kept bytes, also when the
    file is gone. Links are not followed out of the folder; they are listed as
    not used.

    :param folder: Path of the folder. (templated)
    :param source: Name of the folder as a source.
    :param entity: Company code that the documents are addressed to.
    :param pattern: Which names are documents, as ``*.xml``. Default ``*``; names starting with a dot never
        are.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :param process: Business process of the run, as ``invoice_reconciliation``.
    :return: Ids and counts: ``run_id``, ``load_id``, ``source``, ``dataset``, ``rows``, ``with_defects``,
        ``read_again``, ``not_used`` (names, at most 100).
    :raises SourceUnavailableError: The folder or a file in it cannot be read now. Retried.
    :raises ConfigurationError: The path is no folder, or the run asks for a part of it.
    """

    template_fields = ("folder", "source", "entity")

    def __init__(
        self,
        *,
        folder: str,
        source: str,
        entity: str,
        pattern: str = "*",
        process: str,
        ledger_conn_id: str = LEDGER_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.source = source
        self.entity = entity
        self.pattern = pattern
        self.ledger_conn_id = ledger_conn_id
        self.process = process

    def execute(self, context: Context) -> dict[str, Any]:
        """Stage the folder's documents."""
        refuse_filters(context.get("params") or {}, self.source)
        folder = Path(self.folder)
        if not folder.is_dir():
            raise ConfigurationError(
                f"{self.folder!r} is no folder; create it or correct the operator's folder"
            )
        ledger = LedgerHook(self.ledger_conn_id)
        run_id = ledger_run(ledger, context, self.process)
        what = LoadOf(self.source, "invoices", EINVOICE_PARSER, advances_watermark=False, complete=True)
        used, not_used = self._sort_files(folder)
        read_at = datetime.now(UTC)
        with loading(ledger, run_id, what) as (connection, load):
            stage = EInvoiceStage(connection, load.load_id)
            for arrival in self._arrivals(used):
                stage.add(arrival)
            again = stage_reread_documents(connection, stage, self.source)
            stage.flush()
            finish_load(connection, load, read_at, len(used) + again, None)
        self.log.info("%s: %s documents staged, not used: %s", self.source, stage.documents, not_used)
        return {
            "run_id": run_id,
            "load_id": load.load_id,
            "source": self.source,
            "dataset": "invoices",
            "rows": stage.documents,
            "with_defects": stage.with_defects,
            "read_again": again,
            "not_used": not_used[:100],
        }

    def _sort_files(self, folder: Path) -> tuple[list[Path], list[str]]:
        """Return the documents of the folder and the names of everything else in it, both in order of
        names.
        """
        used, not_used = [], []
        for path in sorted(folder.iterdir()):
            is_document = (
                stat.S_ISREG(path.lstat().st_mode)
                and not path.name.startswith(".")
                and fnmatch.fnmatchcase(path.name, self.pattern)
            )
            if is_document:
                used.append(path)
            else:
                not_used.append(printed(path.name) or "")
        return used, not_used

    def _arrivals(self, paths: list[Path]) -> Iterator[Arrival]:
        for path in paths:
            try:
                status = path.stat()
                too_large = status.st_size > MAX_BYTES
                content = None if too_large else path.read_bytes()
            except OSError as error:
                raise SourceUnavailableError(f"{path} cannot be read: {error.strerror}") from error
            arrived = time_text(datetime.fromtimestamp(status.st_mtime, UTC))
            envelope = read_envelope(
                {
                    "message_id": f"{self.source}/{path.name}",
                    "filename": path.name,
                    "received_at": arrived,
                    "entity": self.entity,
                    "size": str(status.st_size),
                }
            )
            problem = f"not kept: {status.st_size} bytes, the limit is {MAX_BYTES}" if too_large else None
            yield Arrival(envelope, content, _media_type(path), problem)


def _media_type(path: Path) -> str:
    known = {".xml": "application/xml", ".pdf": "application/pdf"}
    return known.get(path.suffix.lower(), "application/octet-stream")
