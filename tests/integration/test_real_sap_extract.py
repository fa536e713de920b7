"""A real company's purchases (BPI Challenge 2019, 300 order items as SAP tables) through the real Dag.

Every expected count and value comes from ``sap_reading``, which reads the raw files a second time and knows nothing of
the product. The company decides by a policy of its own, because its invoices run to millions; one test runs with the
shipped policy.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Ledger, cloned_ledger
from tests.integration.conftest import product_environment, set_business_day
from tests.integration.sap_reading import ZERO, SapSample
from tests.night import run_night

from backoffice.processes.invoice_reconciliation import ExtractSource, Reconciliation

pytestmark = pytest.mark.integration

PROJECT = Path(__file__).resolve().parents[2]
SATURDAY, NEXT_BUSINESS_DAY = date(2026, 11, 21), date(2026, 11, 23)
SHIPPED_LIMIT = Decimal("100000.00")
# dataset -> row -> reason. A row of the sample is quarantined only if it stands here; at present none is.
QUARANTINED: dict[str, dict[str, str]] = {}
INGEST = "ingest_suppliers_orders_receipts_invoices"
TABLES = ("lfa1", "ekko", "ekpo", "ekbe", "mkpf", "mseg", "rbkp", "rseg")


Read = Callable[[str], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Company:
    """The exporting company's ledger and the sample."""

    ledger: Ledger
    sample: SapSample

    def open_books(self) -> None:
        """Open the books: closed up to last month, business day a Saturday."""
        set_business_day(self.ledger, SATURDAY)
        [entity] = {row["BUKRS"] for row in self.sample.rows("ekko")}
        with self.ledger.connect("admin") as connection:
            connection.execute(
                "INSERT INTO ops.entity (entity, name, ledger_currency) VALUES (%s, 'exporting company', 'EUR')",
                (entity,),
            )
            connection.execute(
                "INSERT INTO ledger.fiscal_period (entity, period, starts_on, ends_on, state) "
                "SELECT %s, to_char(m, 'YYYY-MM'), m, m + interval '1 month' - interval '1 day', CASE WHEN m < '2026-11-01' THEN 'closed' ELSE 'open' END "
                "FROM generate_series(timestamp '2016-01-01', '2026-12-01', interval '1 month') AS m",
                (entity,),
            )

    def activate_own_policy(self) -> None:
        """Activate the company's own policy: the shipped one, but the machine decides up to 10 million EUR."""
        shipped = (PROJECT / "include/policies/invoice_reconciliation/approve_invoice.yaml").read_text(
            encoding="utf-8"
        )
        text = shipped.replace("100000.0", "10000000.0").replace("version: 3\n", "version: 4\n")
        with self.ledger.connect("admin") as connection:
            connection.execute("SELECT ledger.activate_policy(%s, 'test')", (text,))

    def night(self, name: str, folder: Path | None = None) -> dict[str, Any]:
        """Run a night over the export; no task may fail."""
        source = ExtractSource("sap_export", str(folder or self.sample.folder), "sap_mm_amounts")
        results = run_night(name, config=Reconciliation(sources=(source,)))
        assert {
            task: str(result) for task, result in results.items() if isinstance(result, BaseException)
        } == {}
        return results

    def read(self, statement: str) -> list[tuple[Any, ...]]:
        """Read the ledger as the auditor."""
        with self.ledger.connect("auditor") as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture(scope="module")
def sample(shared_data: Path) -> SapSample:
    found = SapSample(shared_data / "reconciliation" / "sap_sample")
    assert len(found.items) == 300
    return found


@pytest.fixture
def company(product: None, ledger: Ledger, sample: SapSample) -> Company:
    """A company of one test's own, its books open."""
    found = Company(ledger, sample)
    found.open_books()
    return found


@pytest.fixture(scope="module")
def reconciled(
    postgres: str, ledger_template: str, sample: SapSample, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, dict[str, Any]]]:
    """The company after one night under its own policy, and what the tasks returned. Tests only read it."""
    with (
        cloned_ledger(postgres, ledger_template) as ledger,
        product_environment(ledger, tmp_path_factory.mktemp("company")),
    ):
        found = Company(ledger, sample)
        found.open_books()
        found.activate_own_policy()
        yield found, found.night("night-1")


def report_of(results: dict[str, Any]) -> dict[str, Any]:
    file = Path(results["report"]["file"]).with_suffix(".json")
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def held(read: Read) -> dict[str, set[str]]:
    """Return the open codes per invoice, empty where there are none."""
    rows = read(
        "SELECT i.invoice_number, h.code FROM purchasing.invoice i "
        "LEFT JOIN ledger.hold h ON h.invoice_id = i.invoice_id AND h.released_at IS NULL"
    )
    found: dict[str, set[str]] = {}
    for number, code in rows:
        found.setdefault(number, set()).update({code} if code else set())
    return found


def test_every_row_and_file_is_accounted_for(reconciled, sample):
    company, results = reconciled
    read = company.read
    taken_in = results[INGEST]
    # files: read or listed as not used, by name
    assert taken_in["tables"].keys() | taken_in["not_used_files"].keys() == {
        path.name for path in sample.folder.iterdir()
    }
    assert not taken_in["tables"].keys() & taken_in["not_used_files"].keys()
    assert taken_in["tables"].keys() == {f"{table}.csv" for table in TABLES}
    assert "ground_truth_log.csv" in taken_in["not_used_files"]
    # rows: every one used, but the invoice postings of EKBE, which RBKP and RSEG tell
    for table in TABLES:
        postings = sum(row["VGABE"] == "2" for row in sample.rows(table)) if table == "ekbe" else 0
        rows = len(sample.rows(table))
        assert taken_in["tables"][f"{table}.csv"] == {
            "rows": rows,
            "used": rows - postings,
            "not_used": postings,
            "left_over": 0,
        }
    # loads: all accepted, none quarantined
    found = {
        dataset: counts
        for dataset, *counts in read(
            "SELECT dataset, received_count, accepted_count, quarantined_count, known_count, received_amount, received_unknown FROM intake.load"
        )
    }
    received = sum(sample.received.values(), ZERO)
    expected = {
        "suppliers": (len(sample.rows("lfa1")), ZERO, 0),
        "orders": (
            len(sample.items),
            ZERO,
            len(sample.items),
        ),  # ordered value is not in the export: unknown, not zero
        "receipts": (
            len(sample.goods_receipts) + len(sample.service_entries),
            received,
            len(sample.service_entries),
        ),
        "invoices": (len(sample.invoices), sum(sample.billed.values(), ZERO), 0),
    }
    assert found == {
        name: [rows, rows, 0, 0, amount, unknown] for name, (rows, amount, unknown) in expected.items()
    }
    assert read("SELECT dataset, business_key, findings FROM intake.quarantine") == []
    assert QUARANTINED == {}
    # receipts of unknown value have no value, and add nothing to the received value
    assert read(
        "SELECT count(*), count(received_value) FROM purchasing.receipt_line WHERE NOT value_known"
    ) == [(len(sample.service_entries), 0)]
    assert read("SELECT sum(received_value) FROM purchasing.receipt_line") == [(received,)]
    # the profile is named in the report, and nothing is called synthetic
    report = report_of(results)
    assert {source["profile"].split(" ")[0] for source in report["sources"]} == {"sap_mm_amounts/2"}
    assert {source["unknown"] for source in report["sources"] if source["dataset"] == "receipts"} == {
        str(len(sample.service_entries))
    }
    assert report["run"]["synthetic"] is False
    assert "sap_mm_amounts/2" in Path(results["report"]["file"]).read_text(encoding="utf-8")
    assert [check for check in report["checks"] if not check["ok"]] == []


def test_each_order_line_ends_as_its_values_say(reconciled, sample):
    read = reconciled[0].read
    codes = sample.codes()
    assert held(read) == codes
    assert "AMT_REC" in set().union(*codes.values())
    assert read("SELECT count(*) FROM purchasing.invoice WHERE duplicates_evaluable") == [(0,)]
    # decisions: approved where nothing stands
    outcomes = dict(
        read(
            "SELECT i.invoice_number, d.outcome FROM ledger.latest_decision d JOIN purchasing.invoice i ON i.invoice_id = d.subject_id"
        )
    )
    assert outcomes == {number: "review" if found else "approve" for number, found in codes.items()}
    # per order line
    verdicts: dict[tuple[str, str], str] = dict.fromkeys(sample.items, "not billed")
    for number, line, state, code in read(
        "SELECT o.po_number, o.po_line, s.state, h.code FROM purchasing.order_line o JOIN ledger.line_state s USING (order_line_id) "
        "LEFT JOIN ledger.hold h ON h.invoice_line_id = s.invoice_line_id AND h.released_at IS NULL ORDER BY h.code NULLS FIRST"
    ):
        verdicts[number, line] = code or {"matched": "approved"}[state]
    assert verdicts == sample.verdicts()
    # lines whose values agree are approved
    agreeing = [
        item
        for item in sample.items
        if sample.billed.get(item) == sample.received.get(item) and sample.billed.get(item)
    ]
    assert agreeing
    assert {verdicts[item] for item in agreeing} == {"approved"}
    # what is held is held for the difference, with the number of receipts of unknown value beside it
    unknown = {
        item: sum((row["EBELN"], row["EBELP"]) == item for row in sample.service_entries)
        for item in sample.items
    }
    differences = {
        (number, line): (measured, int(facts["unknown_receipts"]))
        for number, line, measured, facts in read(
            "SELECT o.po_number, o.po_line, h.measured, h.facts FROM ledger.hold h JOIN purchasing.invoice_line l USING (invoice_line_id) "
            "JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id WHERE h.code = 'AMT_REC'"
        )
    }
    assert differences == {
        item: (sample.billed[item] - sample.received[item], unknown[item])
        for item, verdict in sample.verdicts().items()
        if verdict == "AMT_REC"
    }


def test_postings_go_to_the_open_period(reconciled, sample):
    """Documents of years that are closed are booked on the first business day after the Saturday of booking."""
    read = reconciled[0].read
    codes = sample.codes()
    received, billed = sum(sample.received.values(), ZERO), sum(sample.billed.values(), ZERO)
    entries = read(
        "SELECT e.event, e.posting_date, e.period, count(DISTINCT e.entry_id), sum(l.debit), sum(l.credit) "
        "FROM ledger.journal_entry e JOIN ledger.journal_line l USING (entry_id) GROUP BY 1, 2, 3 ORDER BY 1"
    )
    assert entries == [
        ("goods_receipt", NEXT_BUSINESS_DAY, "2026-11", len(sample.goods_receipts), received, received),
        ("invoice", NEXT_BUSINESS_DAY, "2026-11", len(sample.invoices), billed, billed),
    ]
    documents = read(
        "SELECT min(document_date), max(document_date) FROM ledger.journal_entry WHERE event = 'invoice'"
    )
    days = sorted(invoice.day for invoice in sample.invoices)
    assert [f"{day:%Y%m%d}" for day in documents[0]] == [days[0], days[-1]]
    assert read("SELECT sum(amount), count(*) FROM ledger.open_item") == [(billed, len(sample.invoices))]
    free = [invoice.value for invoice in sample.invoices if not codes[invoice.number]]
    assert read("SELECT sum(amount), count(*) FROM ledger.payment_proposal WHERE state = 'proposed'") == [
        (sum(free, ZERO), len(free))
    ]
    blocked = {number for number, found in codes.items() if found}
    assert {
        number
        for (number,) in read(
            "SELECT invoice_number FROM ledger.invoice_status JOIN purchasing.invoice USING (invoice_id) WHERE payment_block"
        )
    } == blocked


def test_shipped_policy_keeps_its_limit_and_the_same_export_again_changes_nothing(company, sample):
    read = company.read
    results = company.night("night-1")
    limit = {
        invoice.number: {"APPROVAL"} if invoice.value > SHIPPED_LIMIT else set()
        for invoice in sample.invoices
    }
    expected = {number: codes | limit[number] for number, codes in sample.codes().items()}
    assert held(read) == expected
    assert results["decide_invoices"]["approve"] == sum(not codes for codes in expected.values())
    everything = (
        "SELECT (SELECT count(*) FROM purchasing.invoice), (SELECT count(*) FROM purchasing.receipt_line), (SELECT count(*) FROM ledger.hold), "
        "(SELECT count(*) FROM ledger.decision), (SELECT count(*) FROM ledger.journal_entry), (SELECT count(*) FROM review.case), "
        "(SELECT count(*) FROM purchasing.master_version)"
    )
    before = read(everything)
    again = company.night("night-2")["accept_documents"]
    assert {dataset: (counts["received"], counts["known"]) for dataset, counts in again.items()} == {
        dataset: (counts["received"], counts["received"])
        for dataset, counts in results["accept_documents"].items()
    }
    assert read(everything) == before


def test_rows_that_fit_nowhere_are_quarantined_with_the_reason(company, sample, tmp_path):
    """Planted among the real rows: a receipt for an order that the export lacks, an invoice line without its header."""
    company.activate_own_policy()
    read = company.read
    folder = tmp_path / "export"
    shutil.copytree(sample.folder, folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    planted = {
        "mkpf": {"MBLNR": "4999999999", "MJAHR": "2018", "CPUDT": "20180601", "CPUTM": "120000"},
        "mseg": {"MBLNR": "4999999999", "MJAHR": "2018", "ZEILE": "1", "BWART": "101", "EBELN": "2999999999", "EBELP": "00001", "DMBTR": "7.0", "MENGE": "1"},
        "ekbe": {"EBELN": "2999999999", "EBELP": "00001", "VGABE": "1", "GJAHR": "2018", "BELNR": "4999999999", "BUDAT": "20180601", "CPUDT": "20180601", "CPUTM": "120000"},
        "rseg": {"BELNR": "5999999999", "GJAHR": "2018", "BUZEI": "1", "EBELN": sample.items[0][0], "EBELP": sample.items[0][1], "WRBTR": "5.0"},
    }  # fmt: skip
    for table, row in planted.items():
        path = folder / f"{table}.csv"
        text = path.read_text(encoding="utf-8")
        columns = text.splitlines()[0].split(",")
        path.write_text(
            text.rstrip("\n") + "\n" + ",".join(row[column] for column in columns) + "\n", encoding="utf-8"
        )
    results = company.night("night-1", folder)

    receipts, lines = len(sample.goods_receipts) + len(sample.service_entries), len(sample.invoices)
    accepted = results["accept_documents"]
    assert (
        accepted["orders"]["accepted"],
        accepted["receipts"]["accepted"],
        accepted["invoices"]["accepted"],
    ) == (len(sample.items), receipts, lines)
    rows = read("SELECT dataset, findings FROM intake.quarantine ORDER BY dataset, row_no")
    reasons = [
        (dataset, {finding["field"]: finding["reason"] for finding in findings}) for dataset, findings in rows
    ]
    assert [dataset for dataset, _ in reasons] == ["invoices", "receipts"]
    assert reasons[0][1]["rseg.csv"] == f"rseg.csv: row {lines + 1} belongs to no record of this extract"
    assert reasons[1][1]["po_number"] == "The receipt is for an order line that the extract does not contain."
    assert reasons[1][1]["ekpo.csv"] == "ekpo.csv: has no such row"
    # the rest is judged as without them
    assert held(read) == sample.codes()
    assert [check for check in report_of(results)["checks"] if not check["ok"]] == []


def test_shares_that_would_be_held(reconciled, sample, capsys):
    """What share of what the company paid without a block would be held here, and what share of what it blocked.

    The figures in the documentation are these.
    """
    read = reconciled[0].read
    held_items = set(
        read(
            "SELECT DISTINCT o.po_number, o.po_line FROM ledger.hold h JOIN purchasing.invoice_line l USING (invoice_line_id) "
            "JOIN purchasing.order_line o ON o.order_line_id = l.order_line_id WHERE h.released_at IS NULL AND h.effect IN ('B', 'P')"
        )
    )
    assert held_items == {
        item for item, verdict in sample.verdicts().items() if verdict in {"AMT_REC", "NO_RECEIPT"}
    }
    lines = [
        share("paid without a block", "held", sample.paid_without_block, held_items),
        share("blocked", "held", sample.blocked, held_items),
        share(
            "paid without a block",
            "billed before receipt",
            sample.paid_without_block,
            sample.invoiced_before_receipt(),
        ),
        share("blocked", "billed before receipt", sample.blocked, sample.invoiced_before_receipt()),
    ]
    with capsys.disabled():
        print("", *lines, sep="\n  ")
    page = re.sub(r"\s+", " ", (PROJECT / "docs/explanation/real-data.md").read_text(encoding="utf-8"))
    assert [line for line in [*lines, *counts_in_words(sample)] if line not in page] == []


def counts_in_words(sample: SapSample) -> list[str]:
    """Return the documentation's counts, computed anew."""
    verdicts = sample.verdicts()
    billed = [item for item, verdict in verdicts.items() if verdict != "not billed"]
    equal = sum(sample.billed[item] == sample.received.get(item) for item in billed)
    approved = sum(verdict == "approved" for verdict in verdicts.values())
    above = sum(verdict == "AMT_REC" for verdict in verdicts.values())
    services, receipts = len(sample.service_entries), len(sample.service_entries) + len(sample.goods_receipts)
    large = sum(invoice.value > SHIPPED_LIMIT for invoice in sample.invoices)
    return [
        f"All {len(sample.items)} order items, {receipts} receipts ({services} of them service entries",
        f"{len(sample.invoices)} invoices and {len(sample.rows('lfa1'))} suppliers are accepted",
        f"Of the {len(billed)} items that were billed, {equal} agree exactly and {approved - equal} are billed below",
        f"these {approved} are approved. {above} are billed above",
        f"{large} of the {len(sample.invoices)} invoices go to a person",
    ]


def share(what: str, how: str, items: set[tuple[str, str]], found: set[tuple[str, str]]) -> str:
    """Return a share in words, with its two numbers."""
    part = len(items & found)
    return f"{what}: {part} of {len(items)} {how} ({part * 100 / len(items):.1f} %)"
