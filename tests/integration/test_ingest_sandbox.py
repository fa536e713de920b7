"""A whole company over HTTP into staging: what its systems hold is what is staged, also when they stumble."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.conftest import Ledger

from backoffice.exceptions import ControlTotalsError, SourceUnavailableError
from backoffice.operators.ingest import IngestInvoicesOperator, IngestRecordsOperator
from backoffice.sandbox.generator import Company
from backoffice.sandbox.server.clock import SandboxClock

pytestmark = pytest.mark.integration

SOURCES: dict[str, tuple[str, str]] = {
    "suppliers": ("backoffice_erp", "/erp/suppliers"),
    "orders": ("backoffice_erp", "/erp/orders"),
    "receipts": ("backoffice_warehouse", "/warehouse/receipts"),
    "invoices": ("backoffice_mailbox", "/mailbox/messages"),
}
# readable, but not acceptable: the quality gate's business, not reading's
JUDGED_BY_THE_GATE = {"DATE_FUTURE", "CURRENCY_UNKNOWN"}
Started = tuple[Company, SandboxClock, str]


def ingest(dataset: str, run_id: str = "night 1", page_size: int = 70, **params: object) -> dict[str, Any]:
    """Run the operator of one dataset."""
    conn_id, endpoint = SOURCES[dataset]
    arguments: dict[str, Any] = {
        "task_id": f"ingest_{dataset}",
        "endpoint": endpoint,
        "source": conn_id,
        "http_conn_id": conn_id,
        "page_size": page_size,
        "process": "invoice_reconciliation",
    }
    task = (
        IngestInvoicesOperator(**arguments)
        if dataset == "invoices"
        else IngestRecordsOperator(dataset=dataset, **arguments)  # type: ignore[arg-type]
    )
    context = {"dag_run": SimpleNamespace(dag_id="invoice_reconciliation", run_id=run_id), "params": params}
    return task.execute(context)  # type: ignore[arg-type]


@pytest.fixture
def sandbox(company: Callable[..., Started]) -> Started:
    return company(7, 200, "realistic")


def staged(ledger: Ledger, query: str) -> list[tuple[Any, ...]]:
    with ledger.connect("auditor") as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def disturb(url: str, service: str, mode: str, requests: int | None = None) -> None:
    with httpx.Client(base_url=url, auth=("backoffice", "sandbox-test-only"), trust_env=False) as client:
        client.post(
            "/admin/outage", json={"service": service, "mode": mode, "requests": requests}
        ).raise_for_status()


def test_everything_the_company_holds_is_staged(sandbox: Started, ledger: Ledger):
    company, clock, _ = sandbox
    results = {dataset: ingest(dataset) for dataset in SOURCES}
    now = clock.now()
    suppliers = {s.supplier_id: s.vat_id for s in company.suppliers if s.updated_at < now}
    assert dict(staged(ledger, "SELECT supplier_id, vat_id FROM intake.stage_supplier")) == suppliers

    orders = {
        (line.po_number, line.po_line, line.version, line.quantity, line.unit_price)
        for line in company.order_lines
        if line.updated_at < now and (line.superseded_at is None or line.superseded_at >= now)
    }
    columns = "po_number, po_line, version, quantity, unit_price"
    assert set(staged(ledger, f"SELECT {columns} FROM intake.stage_order_line")) == orders

    receipts = {
        (r.receipt_number, r.receipt_line, r.quantity, *(r.reverses or (None, None)))
        for r in company.receipts
        if r.updated_at < now
    }
    columns = "receipt_number, receipt_line, quantity, reverses_number, reverses_line"
    assert set(staged(ledger, f"SELECT {columns} FROM intake.stage_receipt_line")) == receipts

    documents = {(d.message_id, d.sha256) for d in company.documents if d.updated_at < now}
    hashes = "SELECT message_id, encode(content_hash, 'hex') FROM intake.stage_invoice"
    assert set(staged(ledger, hashes)) == documents
    planted = {
        label.message_id
        for label in company.labels
        if label.expected_outcome == "quarantined"
        and not {fault.name for fault in label.faults} & JUDGED_BY_THE_GATE
    }
    refused = """SELECT DISTINCT message_id FROM intake.stage_invoice i LEFT JOIN intake.stage_invoice_line l
                 ON l.load_id = i.load_id AND l.invoice_row_no = i.row_no
                 WHERE i.defects IS NOT NULL OR l.defects IS NOT NULL"""
    assert {message for (message,) in staged(ledger, refused)} == planted & {
        message for message, _ in documents
    }
    numbers = {
        label.message_id: label.invoice_number for label in company.labels if label.kind != "unreadable"
    }
    read = dict(
        staged(ledger, "SELECT message_id, invoice_number FROM intake.stage_invoice WHERE syntax LIKE 'ubl%'")
    )
    assert read == {message: numbers[message] for message in read}

    assert {name: results[name]["with_defects"] for name in ("suppliers", "orders", "receipts")} == {
        "suppliers": 0,
        "orders": 0,
        "receipts": 0,
    }
    assert results["orders"]["pages"] > 1
    totals = staged(
        ledger,
        "SELECT dataset, source_count = received_count, source_amount = received_amount FROM intake.load",
    )
    assert {row for row in totals if row[0] in ("orders", "receipts")} == {
        ("orders", True, True),
        ("receipts", True, True),
    }


def test_second_night_reads_from_the_watermark_on(sandbox: Started, ledger: Ledger):
    company, clock, _ = sandbox
    clock.set(clock.now() - timedelta(days=2))
    ingest("invoices")
    [(high_water,)] = staged(ledger, "SELECT window_until FROM intake.load")
    with ledger.connect("admin") as connection:
        connection.execute(
            "INSERT INTO intake.watermark VALUES ('backoffice_mailbox', 'invoices', %s, 1)", (high_water,)
        )
    clock.set(clock.now() + timedelta(days=2))
    second = ingest("invoices", "night 2")
    since = high_water - timedelta(minutes=15)
    expected = {d.message_id for d in company.documents if since <= d.updated_at < clock.now()}
    found = staged(ledger, f"SELECT message_id FROM intake.stage_invoice WHERE load_id = {second['load_id']}")
    assert {message for (message,) in found} == expected
    first = staged(ledger, "SELECT message_id FROM intake.stage_invoice")
    assert {message for (message,) in first} == {
        d.message_id for d in company.documents if d.updated_at < clock.now()
    }


def test_selection_of_one_supplier_ties_to_the_totals_of_the_selection(sandbox: Started, ledger: Ledger):
    company, _, _ = sandbox
    wanted = company.order_lines[0].supplier_id
    for dataset in ("orders", "receipts", "invoices"):
        assert ingest(dataset, supplier=wanted)["rows"] > 0
    assert staged(ledger, "SELECT DISTINCT supplier_id FROM intake.stage_order_line") == [(wanted,)]
    assert staged(ledger, "SELECT DISTINCT advances_watermark FROM intake.load") == [(False,)]


def test_source_that_stumbles_is_asked_again(
    sandbox: Started, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    _, _, url = sandbox
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    disturb(url, "warehouse", "down", 2)
    disturb(url, "erp", "truncate", 2)
    assert ingest("receipts")["rows"] > 0
    assert ingest("orders")["rows"] > 0


def test_source_that_is_down_or_counts_wrongly_leaves_nothing(
    sandbox: Started, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    _, _, url = sandbox
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    disturb(url, "warehouse", "down")
    disturb(url, "erp", "wrong_totals")
    disturb(url, "mailbox", "truncate")
    with pytest.raises(SourceUnavailableError):
        ingest("receipts")
    with pytest.raises(ControlTotalsError):
        ingest("orders")
    with pytest.raises(SourceUnavailableError):
        ingest("invoices")
    assert staged(ledger, "SELECT * FROM intake.load") == []
    assert staged(ledger, "SELECT * FROM intake.document") == []


def test_every_call_of_a_source_is_in_the_audit_log(ledger: Ledger, company: Callable[..., Started]) -> None:
    """What the sandbox counted is what the run's audit records say, refused calls included."""
    _, _, url = company(3, 40, "clean")
    asked = httpx.Client(base_url=url, auth=("backoffice", "sandbox-test-only"))
    asked.post("/admin/outage", json={"service": "mailbox", "mode": "down", "requests": 2}).raise_for_status()
    asked.delete("/admin/requests").raise_for_status()
    for dataset in SOURCES:
        ingest(dataset)
    counted = asked.get("/admin/requests").raise_for_status().json()
    calls = sum(count for address, count in counted["calls"].items() if "/admin" not in address)
    with ledger.connect("auditor") as connection:
        recorded = connection.execute(
            "SELECT convert_from(body, 'UTF8')::jsonb ->> 'status' FROM audit.record WHERE kind = 'api_call'"
        ).fetchall()
    assert len(recorded) == calls
    assert [status for (status,) in recorded].count("503") == 2
