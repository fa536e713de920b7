"""Take in a system's export: a folder of CSV tables, read by a declared profile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from backoffice import settings
from backoffice.domain.extract_profile import ExtractProfile, ProfileError, Records
from backoffice.domain.extract_profile_text import read_profile
from backoffice.exceptions import ConfigurationError, ControlTotalsError
from backoffice.hooks.ledger import LedgerHook
from backoffice.operators.ingest_einvoices import EInvoiceStage
from backoffice.operators.ingest_extract_join import count_base, count_use, create_joined, mark_use
from backoffice.operators.ingest_extract_records import (
    batches,
    left_over_records,
    read_records,
    share_of,
    stage_invoices,
    stage_left_over_invoices,
)
from backoffice.operators.ingest_extract_table import EXTRACT_PARSER, LoadedTable, load_table, read_files
from backoffice.operators.ingest_load import (
    DATASETS,
    Connection,
    LoadOf,
    finish_load,
    ledger_run,
    ledger_transaction,
    open_load,
)
from backoffice.operators.ingest_records import RECORD_DATASETS, RecordStage
from backoffice.operators.ingest_selection import refuse_filters
from backoffice.settings import LEDGER_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Context


def shipped_profile(name: str) -> ExtractProfile:
    """Return the profile ``include/reference/extract_profiles/<name>.yaml``.

    :raises ConfigurationError: There is none of this name, or it is wrong.
    """
    path = settings.include_dir() / "reference" / "extract_profiles" / f"{name}.yaml"
    try:
        return read_profile(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"there is no extract profile {name!r} ({path})") from error
    except (ProfileError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"extract profile {name!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Extract:
    """The extract in the session's temporary tables: its tables, and its entries by number of their joined
    rows.
    """

    profile: ExtractProfile
    tables: dict[str, LoadedTable]
    entries: tuple[tuple[int, Records], ...]

    def of(self, dataset: str) -> list[tuple[int, Records]]:
        """Return the entries that make records of a dataset (lines of invoices are with their headers)."""
        return [
            (number, records)
            for number, records in self.entries
            if records.dataset == dataset and not records.of
        ]

    def lines_of(self, records: Records) -> int:
        """Return the number of the joined rows of an entry's lines."""
        return next(number for number, lines in self.entries if lines is records.lines)


class IngestExtractOperator(BaseOperator):
    """Take in an export of purchasing tables (CSV files in a folder) as a declared profile reads it.

    The profile says which tables make suppliers, orders, receipts and invoices, how they are joined, and
    what the export does not carry. Each file's raw bytes are kept with their SHA-256; all four datasets are
    staged, one load each, in one transaction. Every row of every table is accounted for: used in a record,
    left out by the profile with its reason, or staged as a row of its own that will be quarantined. Files
    the profile does not read are listed by name. Accepts and books nothing.

    The export is always read whole; records that are known already are recognised by their content. Retry,
    clear and rerun are therefore safe. A run that asks for one entity or supplier only is refused.

    :param profile: Name of a profile in ``include/reference/extract_profiles``.
    :param folder: Path of the folder. (templated)
    :param source: Name of the exporting system. (templated)
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :param process: Business process of the run, as ``invoice_reconciliation``.
    :return: ``run_id``, ``profile``, ``loads`` by dataset (``load_id``, ``rows``, ``with_defects``),
        ``tables`` by file (``rows``, ``used``, ``not_used``, ``left_over``), ``not_used_files`` (at most
        100 names with the reason).
    :raises ConfigurationError: Profile, folder, a file or its header is not as declared, or the run asks for
        a part of the export.
    :raises ControlTotalsError: Rows of a table are not accounted for exactly once; nothing was kept. Not
        retried.
    """

    template_fields = ("folder", "source")

    def __init__(
        self,
        *,
        profile: str,
        folder: str,
        source: str,
        process: str,
        ledger_conn_id: str = LEDGER_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.profile = profile
        self.folder = folder
        self.source = source
        self.ledger_conn_id = ledger_conn_id
        self.process = process

    def execute(self, context: Context) -> dict[str, Any]:
        """Stage the export's records."""
        refuse_filters(context.get("params") or {}, self.source)
        profile = shipped_profile(self.profile)
        files, not_used = read_files(profile, Path(self.folder))
        read_at = datetime.now(UTC)
        ledger = LedgerHook(self.ledger_conn_id)
        run_id = ledger_run(ledger, context, self.process)
        with ledger_transaction(ledger) as connection:
            tables = {
                name: load_table(connection, profile.tables[name], path) for name, path in files.items()
            }
            extract = _Extract(profile, tables, _entries(profile))
            _join_all(connection, extract)
            accounts = _account(connection, extract)
            loads = {
                dataset: self._load(connection, run_id, extract, dataset, read_at)
                for dataset in DATASETS
                if extract.of(dataset) or any(table.left_over == dataset for table in profile.tables.values())
            }
        self.log.info("%s: loads %s, tables %s, not used %s", self.source, loads, accounts, not_used)
        return {
            "run_id": run_id,
            "profile": profile.label,
            "loads": loads,
            "tables": accounts,
            "not_used_files": dict(list(not_used.items())[:100]),
        }

    def _load(
        self, connection: Connection, run_id: int, extract: _Extract, dataset: str, read_at: datetime
    ) -> dict[str, int]:
        """Stage one dataset in a load of its own."""
        what = LoadOf(
            self.source,
            dataset,
            EXTRACT_PARSER,
            extract.profile.label,
            advances_watermark=False,
            complete=True,
        )
        load = open_load(connection, run_id, what)
        if dataset == "invoices":
            rows, with_defects = _stage_invoices(connection, load.load_id, extract)
        else:
            rows, with_defects = _stage_records(connection, load.load_id, extract, dataset)
        expected = sum(count_base(connection, extract.profile, records) for _, records in extract.of(dataset))
        expected += sum(
            count_use(connection, loaded.table)[3]
            for loaded in extract.tables.values()
            if loaded.table.left_over == dataset
        )
        finish_load(connection, load, read_at, expected, None)
        return {"load_id": load.load_id, "rows": rows, "with_defects": with_defects}


def _entries(profile: ExtractProfile) -> tuple[tuple[int, Records], ...]:
    entries = [
        entry for records in profile.records for entry in (records, records.lines) if entry is not None
    ]
    return tuple(enumerate(entries))


def _join_all(connection: Connection, extract: _Extract) -> None:
    header: Records | None = None
    for number, records in extract.entries:
        create_joined(connection, extract.profile, number, records, header if records.of else None)
        header = records


def _account(connection: Connection, extract: _Extract) -> dict[str, dict[str, int]]:
    """Say of each table what became of its rows.

    :raises ControlTotalsError: Rows were lost on the way in, or the profile both uses and leaves out a row.
    """
    accounts = {}
    for loaded in extract.tables.values():
        table = loaded.table
        mark_use(connection, extract.profile, table, extract.entries)
        rows, used, not_used, left_over = count_use(connection, table)
        if rows != loaded.rows or rows != used + not_used + left_over:
            raise ControlTotalsError(
                f"{table.file} has {loaded.rows} rows: {rows} were read, {used} used, {not_used} left out by "
                f"the profile, {left_over} left over; each row must be in one of these, nothing was kept"
            )
        accounts[table.file] = {"rows": rows, "used": used, "not_used": not_used, "left_over": left_over}
    return accounts


def _stage_records(connection: Connection, load_id: int, extract: _Extract, dataset: str) -> tuple[int, int]:
    stage = RecordStage(connection, load_id, RECORD_DATASETS[dataset])
    for number, records in extract.of(dataset):
        document_id = extract.tables[records.rows].document_id
        for batch in batches(read_records(connection, extract.profile, number, records)):
            stage.add(batch, document_id, share_of(records))
    for loaded in extract.tables.values():
        if loaded.table.left_over == dataset:
            for batch in batches(left_over_records(connection, loaded.table)):
                stage.add(batch, loaded.document_id, lambda _: None)
    return stage.rows, stage.with_defects


def _stage_invoices(connection: Connection, load_id: int, extract: _Extract) -> tuple[int, int]:
    stage = EInvoiceStage(connection, load_id)
    for number, records in extract.of("invoices"):
        numbers = (number, extract.lines_of(records))
        document_id = extract.tables[records.rows].document_id
        stage_invoices(connection, stage, extract.profile, numbers, records, document_id)
    for loaded in extract.tables.values():
        if loaded.table.left_over == "invoices":
            stage_left_over_invoices(connection, stage, loaded.table, loaded.document_id)
    stage.flush()
    return stage.documents, stage.with_defects
