"""What a reconciliation Dag says about its company: sources, connections, review window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from backoffice.domain.review_window import Until
from backoffice.settings import LEDGER_CONN_ID

PROCESS = "invoice_reconciliation"
DATASETS = ("suppliers", "orders", "receipts", "invoices")


@dataclass(frozen=True)
class HttpSource:
    """One dataset of a source system that answers over HTTP.

    :param dataset: ``suppliers``, ``orders``, ``receipts`` or ``invoices``.
    :param http_conn_id: Connection of type ``http``; its name is the source's name in the ledger.
    :param endpoint: Path of the list.
    """

    dataset: str
    http_conn_id: str
    endpoint: str

    @property
    def name(self) -> str:
        """The source's name in the ledger."""
        return self.http_conn_id

    @property
    def datasets(self) -> tuple[str, ...]:
        """What it delivers."""
        return (self.dataset,)


@dataclass(frozen=True)
class FolderSource:
    """E-invoices that lie in a folder.

    :param name: The source's name in the ledger.
    :param folder: Path of the folder.
    :param entity: Company code that the documents are addressed to.
    :param pattern: Which file names are documents. Default all.
    """

    name: str
    folder: str
    entity: str
    pattern: str = "*"

    @property
    def datasets(self) -> tuple[str, ...]:
        """What it delivers."""
        return ("invoices",)


@dataclass(frozen=True)
class ExtractSource:
    """A system's export: a folder of CSV tables, read by a declared profile.

    :param name: The source's name in the ledger.
    :param folder: Path of the folder.
    :param profile: Name of the profile in ``include/reference/extract_profiles``.
    :param datasets: What the profile makes of it. Default all four.
    """

    name: str
    folder: str
    profile: str
    datasets: tuple[str, ...] = DATASETS


Source = HttpSource | FolderSource | ExtractSource


@dataclass(frozen=True)
class Reconciliation:
    """The configuration of one reconciliation Dag.

    :param sources: What is read, at most one source per dataset.
    :param review_until: ``"any"``: the first answer resumes the run, which books it at once; later answers
        are booked by the housekeeping within minutes. ``"all"``: the run waits for every case it opened.
    :param review_window: How long a run waits for answers; what is open then is carried over.
    :param synthetic: Whether the sources are the sandbox company; every report then says so.
    :param ledger_conn_id: Connection of type ``postgres``.
    """

    sources: tuple[Source, ...] = (
        HttpSource("suppliers", "backoffice_erp", "/erp/suppliers"),
        HttpSource("orders", "backoffice_erp", "/erp/orders"),
        HttpSource("receipts", "backoffice_warehouse", "/warehouse/receipts"),
        HttpSource("invoices", "backoffice_mailbox", "/mailbox/messages"),
    )
    review_window: timedelta = timedelta(hours=23)
    review_until: Until = "any"
    synthetic: bool = False
    ledger_conn_id: str = LEDGER_CONN_ID

    def __post_init__(self) -> None:
        datasets = [dataset for source in self.sources for dataset in source.datasets]
        if len(set(datasets)) < len(datasets):
            raise ValueError(f"sources name a dataset twice: {datasets}; give each dataset one source")
        if unknown := set(datasets) - set(DATASETS):
            raise ValueError(
                f"sources name unknown datasets {sorted(unknown)}; known are {', '.join(DATASETS)}"
            )

    @property
    def expected(self) -> list[dict[str, str]]:
        """The datasets that a run expects, as the ledger stores them."""
        return [
            {"source": source.name, "dataset": dataset}
            for source in self.sources
            for dataset in source.datasets
        ]
