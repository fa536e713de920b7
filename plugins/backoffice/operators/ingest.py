"""Operators that take in what the sources' HTTP interfaces have: orders, receipts, suppliers, e-invoices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator

from backoffice.domain.record import read_record
from backoffice.exceptions import ControlTotalsError
from backoffice.hooks.ledger import LedgerHook
from backoffice.hooks.source import SourceHook
from backoffice.operators.ingest_document import store_document
from backoffice.operators.ingest_einvoices import EINVOICE_PARSER, Arrival, EInvoiceStage, read_envelope
from backoffice.operators.ingest_load import (
    Connection,
    Load,
    LoadOf,
    finish_load,
    ledger_run,
    loading,
    record_calls,
)
from backoffice.operators.ingest_records import RECORD_DATASETS, RECORD_PARSER, RecordStage
from backoffice.operators.ingest_reread import stage_reread_documents
from backoffice.operators.ingest_selection import Selection, read_selection
from backoffice.settings import LEDGER_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Context

    from backoffice.hooks.source_page import Page

_PAGE_MEDIA_TYPE = "application/json"


@dataclass(slots=True)
class _Listed:
    """What the source says about its list, and what was read of it."""

    until: datetime | None = None
    count: int | None = None
    amount: Decimal | None = None
    pages: int = 0
    rows: int = 0

    def add(self, page: Page) -> None:
        """Count a page. The first one gives time and totals: with it the list was opened."""
        if self.pages == 0:
            self.until, self.count, self.amount = page.as_of, page.control_count, page.control_amount
        self.pages += 1
        self.rows += len(page.items)


class _IngestOperator(BaseOperator):
    """Shared by both: find the run, open source and load, leave a small result."""

    def __init__(
        self,
        *,
        endpoint: str,
        source: str,
        http_conn_id: str,
        process: str,
        ledger_conn_id: str = LEDGER_CONN_ID,
        page_size: int = 1000,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 1 <= page_size <= 10_000:
            raise ValueError(f"page_size is {page_size}; it must be from 1 to 10000")
        self.endpoint = endpoint
        self.source = source
        self.http_conn_id = http_conn_id
        self.ledger_conn_id = ledger_conn_id
        self.page_size = page_size
        self.process = process

    def _take_in(self, context: Context, dataset: str, parser: str) -> dict[str, Any]:
        """Stage the source's list in one load; committed as a whole or not at all."""
        selection = read_selection(context.get("params") or {})
        ledger = LedgerHook(self.ledger_conn_id)
        run_id = ledger_run(ledger, context, self.process)
        what = LoadOf(self.source, dataset, parser, advances_watermark=selection.advances_watermark)
        with closing(SourceHook(self.http_conn_id)) as source:
            try:
                with loading(ledger, run_id, what) as (connection, load):
                    result = self._stage(connection, load, source, selection)
                    record_calls(connection, run_id, source.take_calls())
            finally:
                # the calls of a load that came to nothing were made all the same
                with ledger.connect() as connection:
                    record_calls(connection, run_id, source.take_calls())
        self.log.info("%s of %s: %s", dataset, self.source, result)
        return {
            "run_id": run_id,
            "load_id": load.load_id,
            "source": self.source,
            "dataset": dataset,
            **result,
        }

    def _stage(
        self, connection: Connection, load: Load, source: SourceHook, selection: Selection
    ) -> dict[str, Any]:
        raise NotImplementedError

    def _pages(self, source: SourceHook, load: Load, selection: Selection, listed: _Listed) -> Iterator[Page]:
        """Yield the pages of the load's window and keep count of them."""
        pages = source.pages(
            self.endpoint,
            updated_since=selection.since or load.window_from,
            updated_until=selection.until,
            page_size=self.page_size,
            filters=selection.filters,
        )
        for page in pages:
            listed.add(page)
            yield page

    def _refuse_other_count(self, listed: _Listed) -> None:
        """Fail if the list did not hold as many rows as the source counts."""
        if listed.count is not None and listed.count != listed.rows:
            raise ControlTotalsError(
                f"control total of {self.source} does not tie: the source counts {listed.count} rows, "
                f"its {listed.pages} pages hold {listed.rows}; nothing was kept, read again"
            )


class IngestRecordsOperator(_IngestOperator):
    """Take in the new and changed orders, receipts or suppliers of one source.

    Asks the source page by page for everything changed since the last accepted load (overlapping it), keeps
    each page's raw bytes with their SHA-256, types every field, and stages every row: a row that cannot be
    read is staged with its defects. The source's own count and total must tie with what was staged. Accepts
    and books nothing.

    Retry, clear and rerun are safe: a load is one transaction, an attempt that ends early leaves nothing, a
    later one of the same run supersedes it, and rows that are known already are recognised by their
    content. The Dag run's parameters ``period_from``, ``period_until``, ``supplier`` and ``entity`` read a
    part again; such a load does not move the point where the next run goes on.

    :param dataset: ``suppliers``, ``orders`` or ``receipts``.
    :param endpoint: Path of the list, as ``/erp/orders``.
    :param source: Name of the source system; with the dataset it identifies the watermark.
    :param http_conn_id: Connection of type ``http``.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :param page_size: Rows per page, 1 to 10000.
    :param process: Business process of the run, as ``invoice_reconciliation``.
    :return: Ids and counts: ``run_id``, ``load_id``, ``source``, ``dataset``, ``rows``, ``with_defects``,
        ``pages``.
    :raises SourceUnavailableError: The source did not answer, or its clock is ahead. Retried.
    :raises ControlTotalsError: Count or total of the source do not tie; nothing was kept. Not retried.
    """

    template_fields = ("endpoint", "source")

    def __init__(self, *, dataset: Literal["suppliers", "orders", "receipts"], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if dataset not in RECORD_DATASETS:
            raise ValueError(f"dataset is {dataset!r}; it must be one of {', '.join(RECORD_DATASETS)}")
        self.dataset = dataset

    def execute(self, context: Context) -> dict[str, Any]:
        """Stage the source's rows of this dataset."""
        return self._take_in(context, self.dataset, RECORD_PARSER)

    def _stage(
        self, connection: Connection, load: Load, source: SourceHook, selection: Selection
    ) -> dict[str, Any]:
        dataset = RECORD_DATASETS[self.dataset]
        stage, listed = RecordStage(connection, load.load_id, dataset), _Listed()
        for page in self._pages(source, load, selection, listed):
            document_id = store_document(connection, page.content, _PAGE_MEDIA_TYPE)
            stage.add((read_record(dataset.spec, dataset.item(item)) for item in page.items), document_id)
        self._refuse_other_count(listed)
        finish_load(connection, load, listed.until, listed.count, listed.amount)
        return {"rows": stage.rows, "with_defects": stage.with_defects, "pages": listed.pages}


class IngestInvoicesOperator(_IngestOperator):
    """Take in the e-invoices that arrived in a mailbox.

    Asks the mailbox for its messages since the last accepted load (overlapping it), fetches each one's
    bytes, keeps them with their SHA-256, and stages what they say. Whatever arrived is staged: a PDF, a
    broken file or one that is gone becomes a row with the reason, for people. Bytes that are not those which
    the mailbox lists have not arrived: they are fetched again, and without them nothing is kept. Documents
    that a person wants to be read again are staged once more from the kept bytes. Accepts and books nothing.

    Count and bytes of the list must tie with the mailbox's own. Retry, clear, rerun and parameters: as
    :class:`IngestRecordsOperator`.

    :param endpoint: Path of the list of messages, as ``/mailbox/messages``.
    :param source: Name of the mailbox; it identifies the watermark.
    :param http_conn_id: Connection of type ``http``.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :param page_size: Messages per page, 1 to 10000.
    :param process: Business process of the run, as ``invoice_reconciliation``.
    :return: Ids and counts: ``run_id``, ``load_id``, ``source``, ``dataset``, ``rows``, ``with_defects``,
        ``pages``, ``read_again``.
    :raises SourceUnavailableError: The mailbox did not answer, not with the bytes that it lists, or its
        clock is ahead. Retried.
    :raises ControlTotalsError: Count or bytes do not tie; nothing was kept. Not retried.
    """

    template_fields = ("endpoint", "source")

    def execute(self, context: Context) -> dict[str, Any]:
        """Stage the mailbox's documents."""
        return self._take_in(context, "invoices", EINVOICE_PARSER)

    def _stage(
        self, connection: Connection, load: Load, source: SourceHook, selection: Selection
    ) -> dict[str, Any]:
        stage, listed = EInvoiceStage(connection, load.load_id), _Listed()
        sizes: list[int | None] = []
        for page in self._pages(source, load, selection, listed):
            store_document(connection, page.content, _PAGE_MEDIA_TYPE)
            for item in page.items:
                arrival = _arrival(source, item)
                sizes.append(arrival.envelope.values["size"])
                stage.add(arrival)
        self._refuse_other_count(listed)
        self._refuse_other_bytes(listed, sizes)
        again = stage_reread_documents(connection, stage, self.source)
        stage.flush()
        count = None if listed.count is None else listed.count + again
        finish_load(connection, load, listed.until, count, None)
        return {
            "rows": stage.documents,
            "with_defects": stage.with_defects,
            "pages": listed.pages,
            "read_again": again,
        }

    def _refuse_other_bytes(self, listed: _Listed, sizes: list[int | None]) -> None:
        """Fail if the sizes of the messages do not add up; with one unreadable size nobody can know."""
        known = [size for size in sizes if size is not None]
        if listed.amount is not None and len(known) == len(sizes) and listed.amount != sum(known):
            raise ControlTotalsError(
                f"control total of {self.source} does not tie: the mailbox counts {listed.amount} bytes, "
                f"its messages add up to {sum(known)}; nothing was kept, read again"
            )


def _arrival(source: SourceHook, item: object) -> Arrival:
    """Return one message with its bytes."""
    envelope = read_envelope(item)
    values: Mapping[str, Any] = envelope.values
    if not values["href"]:
        return Arrival(envelope, None, "application/octet-stream", "the message names no content")
    download = source.content(values["href"], sha256=values["sha256"], size=values["size"])
    media_type = values["media_type"] or download.media_type or "application/octet-stream"
    return Arrival(envelope, download.content, media_type, download.problem)
