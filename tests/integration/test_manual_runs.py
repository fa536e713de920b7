"""Manual runs: dry runs, tolerance profiles, periods read again, selections; and the form that starts them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowSkipException
from tests.conftest import Ledger
from tests.night import run_night

from backoffice.exceptions import ConfigurationError
from backoffice.processes.invoice_reconciliation import run_params

pytestmark = pytest.mark.integration

TODAY = date(2026, 11, 20)
EARLIER = date(2026, 11, 13)
BOOKING_STEPS = (
    "accept_documents",
    "match_invoices",
    "decide_invoices",
    "post_entries",
    "open_cases",
    "act_on_answers",
)
# facts, verdicts, decisions, books, cases, effects and where the next run goes on; staging and run reports may grow
KEPT = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname IN ('purchasing', 'ledger', 'review') AND tablename NOT LIKE 'work\\_%'
UNION ALL VALUES ('intake.quarantine'), ('intake.watermark'), ('ops.outbox'), ('ops.simulated_clock') ORDER BY 1
"""
# of a row in quarantine, how often and when it was seen last may change
STANDING = """(SELECT to_jsonb(q) - 'times' - 'last_seen_at' - 'load_id' - 'row_no' - 'row_content' FROM intake.quarantine q)"""


def fingerprint(ledger: Ledger) -> dict[str, str]:
    """Return a hash of every row of every table that only an act may change."""
    with ledger.connect("admin") as connection:
        names = [name for (name,) in connection.execute(KEPT).fetchall()]
        found = {
            name: connection.execute(
                f"SELECT count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {STANDING if name == 'intake.quarantine' else name} t"
            ).fetchone()[0]
            for name in names
        }
        found["audit.record"] = str(
            connection.execute("SELECT count(*) FROM audit.record WHERE subject NOT LIKE 'run:%'").fetchone()
        )
    return found


def read(ledger: Ledger, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with ledger.connect("auditor") as connection:
        return connection.execute(statement, values).fetchall()


def failures(results: dict[str, Any]) -> dict[str, str]:
    return {
        task: str(result)
        for task, result in results.items()
        if isinstance(result, BaseException) and not isinstance(result, AirflowSkipException)
    }


def report_of(results: dict[str, Any]) -> dict[str, Any]:
    assert failures(results) == {}
    content: dict[str, Any] = json.loads(
        Path(results["report"]["file"]).with_suffix(".json").read_text(encoding="utf-8")
    )
    return content


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what names the run and the moment at which the sources were asked."""
    sources = [
        {name: value for name, value in source.items() if name != "as_of"} for source in report["sources"]
    ]
    # a rehearsal is rolled back, so what it would record is sealed by nobody
    apart = {"run", "audit"}
    return {**{name: value for name, value in report.items() if name not in apart}, "sources": sources}


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


@pytest.fixture
def company_in_its_second_week(company, business_day) -> Callable[..., Any]:
    """A sandbox company of which one week was reconciled and the next one is new."""

    def start(seed: int = 7, size: int = 150):
        invented, clock, _ = company(seed, size, "realistic", TODAY)
        clock.set(midnight(EARLIER))
        business_day(EARLIER)
        assert failures(run_night("night-1")) == {}
        clock.set(midnight(TODAY + timedelta(days=1)))
        business_day(TODAY)
        return invented, clock

    return start


# -- dry runs --------------------------------------------------------------------------------------------------------


def test_dry_run_books_nothing_and_says_what_a_run_then_does(ledger, company_in_its_second_week):
    company_in_its_second_week()
    before = fingerprint(ledger)
    assert len(before) > 30
    rehearsed = run_night("manual-1", {"dry_run": True})
    assert fingerprint(ledger) == before
    assert [step for step in BOOKING_STEPS if not isinstance(rehearsed[step], AirflowSkipException)] == []
    assert read(ledger, "SELECT dry_run, reported_at FROM ops.run WHERE airflow_run_id = 'manual-1'") == [
        (True, None)
    ]
    foreseen = report_of(rehearsed)
    assert foreseen["run"]["dry_run"] is True
    assert "ry run" in Path(rehearsed["report"]["file"]).read_text(encoding="utf-8")

    done = report_of(run_night("night-2"))
    assert done["run"]["dry_run"] is False
    assert comparable(foreseen) == comparable(done)
    # and that was no empty night
    assert int(done["bookings"]["entries"]) > 0
    assert int(done["cases"]["opened"]) > 0
    assert int(done["invoices"]["approve"]) > 0
    assert fingerprint(ledger) != before


def test_dry_run_again_and_after_the_night_foresees_nothing_new(ledger, company_in_its_second_week):
    company_in_its_second_week()
    first = report_of(run_night("manual-1", {"dry_run": True}))
    again = report_of(run_night("manual-1", {"dry_run": True}))  # the same run, cleared
    assert comparable(first) == comparable(again)
    assert failures(run_night("night-2")) == {}
    before = fingerprint(ledger)
    after = report_of(run_night("manual-2", {"dry_run": True}))
    assert fingerprint(ledger) == before
    assert (after["bookings"]["entries"], after["cases"]["opened"], after["payments"]["proposed"]) == (
        0,
        0,
        0,
    )


# -- tolerance profiles ----------------------------------------------------------------------------------------------


@pytest.fixture
def generous_tolerances(ledger):
    """A second set of tolerances: every limit of the shipped one ten percent or 1000 wider."""
    with ledger.connect("admin") as connection:
        connection.execute(
            "INSERT INTO ledger.tolerance (tolerance_set, code, up_pct, up_abs, combine, effective_from) "
            "SELECT 'generous', code, up_pct + 10, up_abs + 1000, combine, effective_from FROM ledger.tolerance WHERE tolerance_set = 'default'"
        )


def test_tolerance_profile_shows_in_a_dry_run_what_it_would_change(
    ledger, company_in_its_second_week, generous_tolerances
):
    company_in_its_second_week()
    strict = report_of(run_night("manual-1", {"dry_run": True}))
    before = fingerprint(ledger)
    generous = report_of(run_night("manual-2", {"dry_run": True, "tolerance_profile": "generous"}))
    assert fingerprint(ledger) == before
    assert generous["invoices"]["evaluated"] == strict["invoices"]["evaluated"]
    assert generous["invoices"]["approve"] > strict["invoices"]["approve"]
    assert held_for(generous, "PRICE") < held_for(strict, "PRICE")
    # what would be approved would also be proposed for payment
    assert (
        generous["payments"]["proposed"] - strict["payments"]["proposed"]
        == generous["invoices"]["approve"] - strict["invoices"]["approve"]
    )
    assert Decimal(generous["payments"]["amount"]) > Decimal(strict["payments"]["amount"])


def held_for(report: dict[str, Any], code: str) -> int:
    return sum(hold["count"] for hold in report["holds"] if hold["code"] == code)


def test_unknown_tolerance_profile_is_refused_by_name(ledger, company_in_its_second_week):
    company_in_its_second_week()
    before = fingerprint(ledger)
    results = run_night("manual-1", {"dry_run": True, "tolerance_profile": "wishful"})
    assert isinstance(results["report"], ConfigurationError)
    assert "wishful" in str(results["report"])
    assert "default" in str(results["report"])
    assert fingerprint(ledger) == before


def test_refused_run_does_nothing_at_all(ledger, company_in_its_second_week, generous_tolerances):
    """A profile without a dry run, or a period that is none: no step runs, though there is enough to do."""
    company_in_its_second_week()
    before = fingerprint(ledger)
    refused = (
        ({"tolerance_profile": "generous"}, "tolerance_profile"),
        ({"tolerance_profile": "generous", "dry_run": False}, "tolerance_profile"),
        ({"period_from": "2026-11-20", "period_until": "2026-11-10"}, "period_until"),
    )
    for number, (params, named) in enumerate(refused, 1):
        results = run_night(f"manual-{number}", params)
        assert isinstance(results["open_run"], ConfigurationError)
        assert named in str(results["open_run"])
        assert {task for task, result in results.items() if result is not results["open_run"]} == set()
    assert fingerprint(ledger) == before
    assert read(ledger, "SELECT count(*) FROM ops.run WHERE airflow_run_id <> 'night-1'") == [(0,)]


def test_the_ledger_itself_keeps_nothing_of_a_dry_run(
    ledger, company_in_its_second_week, generous_tolerances
):
    """Whoever calls: a dry run's acts cannot be committed, and only a dry run may try other tolerances."""
    company_in_its_second_week()
    assert failures(run_night("manual-1", {"dry_run": True})) == {}
    [(dry,)] = read(ledger, "SELECT run_id FROM ops.run WHERE airflow_run_id = 'manual-1'")
    [(real,)] = read(ledger, "SELECT run_id FROM ops.run WHERE airflow_run_id = 'night-1'")
    before = fingerprint(ledger)
    for act in ("intake.accept_loads", "ledger.match_invoices", "ledger.post_entries", "review.open_cases"):
        with pytest.raises(psycopg.Error, match="dry run") as refused, ledger.connect("app") as connection:
            connection.execute(f"SELECT * FROM {act}(%s)", (dry,))
        assert refused.value.sqlstate == "BO403"
    with pytest.raises(psycopg.Error, match="dry run"), ledger.connect("app") as connection:
        connection.execute("SELECT * FROM review.book_answers(%s, 'invoice_reconciliation')", (dry,))
    with pytest.raises(psycopg.Error, match="not in force"), ledger.connect("app") as connection:
        connection.execute("SELECT * FROM ledger.match_invoices(%s, 'generous')", (real,))
    assert fingerprint(ledger) == before


# -- periods and selections ------------------------------------------------------------------------------------------


def test_period_read_again_changes_no_booked_invoice_and_no_watermark(ledger, company_in_its_second_week):
    invented, _ = company_in_its_second_week()
    assert failures(run_night("night-2")) == {}
    before = fingerprint(ledger)
    first, last = EARLIER - timedelta(days=6), EARLIER
    results = run_night("manual-1", {"period_from": first.isoformat(), "period_until": last.isoformat()})
    assert failures(results) == {}
    assert fingerprint(ledger) == before  # neither a date, nor a decision, nor a watermark, nor a case
    read_again = [
        document
        for document in invented.documents
        if midnight(first) <= document.updated_at < midnight(last + timedelta(days=1))
    ]
    assert read_again
    [(again,)] = read(
        ledger, "SELECT count(*) FROM intake.quarantine WHERE dataset = 'invoices' AND times > 1"
    )
    assert again > 0
    assert results["accept_documents"]["invoices"] == {
        "received": len(read_again),
        "accepted": 0,
        "quarantined": again,
        "known": len(read_again) - again,
    }


def test_what_a_period_brings_is_posted_today(ledger, company_in_its_second_week):
    """Documents of the past that a manual run finds are posted on the day of booking; the nights go on where they were."""
    company_in_its_second_week()
    watermarks = "SELECT source, dataset, high_water FROM intake.watermark ORDER BY 1, 2"
    marks, entries = (
        read(ledger, watermarks),
        read(ledger, "SELECT max(entry_id) FROM ledger.journal_entry")[0][0],
    )
    period = {
        "period_from": (EARLIER - timedelta(days=2)).isoformat(),
        "period_until": (EARLIER + timedelta(days=4)).isoformat(),
    }
    results = run_night("manual-1", period)
    assert failures(results) == {}
    assert results["accept_documents"]["invoices"]["accepted"] > 0
    assert results["accept_documents"]["invoices"]["known"] > 0
    assert read(
        ledger, "SELECT DISTINCT posting_date FROM ledger.journal_entry WHERE entry_id > %s", entries
    ) == [(TODAY,)]
    assert read(ledger, watermarks) == marks
    # the next night starts at the old watermark, finds these documents known, and brings the rest
    night = run_night("night-2")["accept_documents"]["invoices"]
    assert night["known"] >= results["accept_documents"]["invoices"]["accepted"]
    assert night["accepted"] > 0
    assert read(ledger, "SELECT count(*) FROM intake.watermark WHERE high_water >= %s", midnight(TODAY)) == [
        (4,)
    ]


def test_supplier_filter_takes_in_this_supplier_only(ledger, company):
    invented, _, _ = company(7, 150, "realistic", TODAY)
    senders = [document.supplier_id for document in invented.documents if document.supplier_id]
    supplier = max(sorted(set(senders)), key=senders.count)
    results = run_night("manual-1", {"supplier": supplier})
    assert failures(results) == {}
    assert results["ingest_invoices"]["rows"] == senders.count(supplier)
    assert read(ledger, "SELECT DISTINCT supplier_id FROM purchasing.order_line") == [(supplier,)]
    assert {sender for (sender,) in read(ledger, "SELECT DISTINCT supplier_id FROM purchasing.invoice")} <= {
        supplier,
        None,
    }
    assert read(ledger, "SELECT supplier_id FROM purchasing.supplier") == [(supplier,)]
    assert read(ledger, "SELECT count(*) FROM intake.watermark") == [(0,)]
    assert read(ledger, "SELECT count(*) > 0 FROM ledger.journal_entry WHERE event = 'invoice'") == [(True,)]


def test_entity_filter(ledger, company):
    invented, _, _ = company(7, 150, "realistic", TODAY)
    nothing = run_night("manual-1", {"entity": "9999"})
    assert failures(nothing) == {}
    assert {name: nothing[f"ingest_{name}"]["rows"] for name in ("orders", "receipts", "invoices")} == {
        "orders": 0,
        "receipts": 0,
        "invoices": 0,
    }
    assert read(ledger, "SELECT count(*) FROM purchasing.invoice") == [(0,)]
    everything = run_night("manual-2", {"entity": invented.entity})
    assert failures(everything) == {}
    assert everything["ingest_invoices"]["rows"] == len(invented.documents)
    assert read(ledger, "SELECT count(*) FROM intake.watermark") == [(0,)]


# -- the form --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"dry_run": True, "tolerance_profile": "generous"},
        {"period_from": "2026-11-01", "period_until": "2026-11-30", "entity": "1000", "supplier": "S-100"},
        {"period_from": None, "supplier": None},
    ],
)
def test_form_takes(given):
    assert filled_in(given) == {**{name: None for name in run_params()}, "dry_run": False, **given}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("period_from", "31.12.2026"),
        ("period_from", "2026-02-30"),
        ("period_until", "tomorrow"),
        ("period_until", 20261120),
        ("dry_run", "yes"),
        ("dry_run", None),
        ("dry_run", 1),
        ("entity", 1000),
        ("entity", "x" * 61),
        ("supplier", ["S-100"]),
        ("supplier", "x" * 61),
        ("tolerance_profile", True),
    ],
)
def test_form_refuses(field, value):
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        filled_in({field: value})


def filled_in(given: dict[str, Any]) -> dict[str, Any]:
    """Return what Airflow makes of a filled-in form: the Dag as the API server knows it, its params checked there."""
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    dag = DAG("form", schedule=None, params=run_params())
    served = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    checked: dict[str, Any] = served.params.deep_merge(given).validate()
    return checked
