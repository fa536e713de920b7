"""The quality gate on a real Postgres: what it sets aside, what it stops, what it never shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.gate_rows import DATASET_OF, SECRET, Stager, harmless, sound, wrong

from backoffice import settings
from backoffice.domain.expectation_suite import Check, Suite
from backoffice.exceptions import ConfigurationError, QualityGateError, TransientError
from backoffice.operators import gate_findings
from backoffice.operators.gate_judge import judge_of_load
from backoffice.operators.gate_suites import read_suite
from backoffice.operators.quality_gate import QualityGateOperator

pytestmark = pytest.mark.integration
DAG = "invoice_reconciliation"
SUITES = {
    "suppliers": ["suppliers"],
    "orders": ["orders"],
    "receipts": ["receipts"],
    "invoices": ["invoices", "invoice_lines", "invoice_taxes"],
}
REPOSITORY = Path(__file__).resolve().parents[2]


def connection_uri(ledger):
    known = conninfo_to_dict(ledger.dsn("app"))
    password = quote(str(known.get("password", "")), safe="")
    return f"postgres://{known['user']}:{password}@{known.get('host', '')}:{known.get('port', 5432)}/{known['dbname']}"


@pytest.fixture
def gate(ledger, monkeypatch, tmp_path):
    """Return a function that gates a dataset of a run as its task would."""
    monkeypatch.setenv("AIRFLOW_CONN_BACKOFFICE_LEDGER", connection_uri(ledger))
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__GATE_DIR", str(tmp_path / "gates"))

    def run(dataset, run_id="night-1", suites=None):
        operator = QualityGateOperator(
            task_id=f"check_{dataset}", dataset=dataset, suites=suites or SUITES[dataset]
        )
        return operator.execute({"dag_run": SimpleNamespace(dag_id=DAG, run_id=run_id)})

    return run


@pytest.fixture
def stager(ledger):
    with ledger.connect("app") as connection:
        connection.autocommit = True
        yield Stager(connection)


@pytest.fixture
def own_include(monkeypatch, tmp_path):
    """A copy of ``include/`` that a test may change."""
    folder = tmp_path / "include"
    shutil.copytree(settings.include_dir(), folder)
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__INCLUDE_DIR", str(folder))
    return folder


def findings(ledger):
    with ledger.connect("auditor") as connection:
        rows = connection.execute(
            "SELECT dataset, row_no, check_id, severity, reason, field, value FROM intake.finding ORDER BY 1, 2, 3"
        ).fetchall()
    return [
        SimpleNamespace(
            **dict(zip(("dataset", "row", "check", "severity", "reason", "field", "value"), row, strict=True))
        )
        for row in rows
    ]


def load_state(ledger, load_id):
    with ledger.connect("auditor") as connection:
        return connection.execute(
            "SELECT state, gate FROM intake.load WHERE load_id = %s", (load_id,)
        ).fetchone()


def stage_suite(stager, suite, rows, run_id="night-1", source="test", profile=None):
    """Stage the rows of one suite as a finished load; lines and taxes get a sound document to belong to."""
    run, dataset = stager.open_run(run_id), DATASET_OF[suite]
    if suite == "receipts" and source == "test":
        orders = stager.open_load(run, "orders")
        stager.rows("orders", orders, [sound("orders", stager.today())])
        stager.finish_load(orders)
    load = stager.open_load(run, dataset, source, profile)
    if suite == "invoices":
        lines = [row.pop("lines", 1) for row in rows]
        stager.rows(
            "invoices", load, [{"message_id": f"m-{n}", **row} for n, row in enumerate(rows, start=1)]
        )
        line = sound("invoice_lines", stager.today())
        stager.rows(
            "invoice_lines",
            load,
            [{**line, "invoice_row_no": n} for n, count in enumerate(lines, 1) if count],
        )
    else:
        if dataset == "invoices":
            stager.rows(
                "invoices",
                load,
                [
                    {
                        **sound("invoices", stager.today()),
                        "line_count": len(rows) if suite == "invoice_lines" else 0,
                        "defects": None if suite == "invoice_lines" else [{"reason": "none"}],
                    }
                ],
            )
        stager.rows(suite, load, rows)
    stager.finish_load(load)
    return load


KEYS = {
    "suppliers": "supplier_id",
    "orders": "po_number",
    "receipts": "receipt_number",
    "invoices": "invoice_number",
    "invoice_lines": "position",
}


def numbered(suite, base, changes):
    """Return the changed rows, each with a key of its own unless its change is about the key.

    The first keeps the sound one.
    """
    key = KEYS.get(suite)
    rows = []
    for number, change in enumerate(changes):
        own = {}
        if key and key not in change and number:
            own = {key: number + 100 if key == "position" else f"{base[key]}-{number}"}
        rows.append({**base, **own, **change})
    return rows


@pytest.mark.parametrize("suite", list(DATASET_OF))
def test_each_check_finds_its_rows_and_no_other(suite, gate, stager, ledger):
    """Rows planted for each check are found by it alone; sound rows and rows on a limit are found by none.

    The gate passing at all also means that Great Expectations and the ledger counted alike for every check.
    """
    today = stager.today()
    base, cases = sound(suite, today), wrong(suite, today)
    by_row = {
        check.check_id for check in read_suite(suite).checks if check.by_row and check.severity != "stop"
    }
    not_here = {"order_unknown"} if suite == "receipts" else set()
    assert set(cases) == by_row - not_here

    changes, expected, allowed = [{}, *harmless(suite, today)], set(), set()
    for check_id, case in cases.items():
        for change in case.rows:
            changes.append(change)
            expected.add((len(changes), check_id))
            allowed |= {(len(changes), other) for other in case.also}
    stage_suite(stager, suite, numbered(suite, base, changes))
    gate(DATASET_OF[suite])

    found = {(one.row, one.check) for one in findings(ledger) if one.dataset == suite}
    assert expected - found == set()
    assert found - expected - allowed == set()
    severities = {check.check_id: check.severity for check in read_suite(suite).checks}
    assert all(one.severity == severities[one.check] for one in findings(ledger) if one.dataset == suite)


def test_finding_says_field_value_and_reason(gate, stager, ledger):
    """A person sees which field, which value and why.

    Of a defect in the reader's words, else of the checked column.
    """
    base = sound("orders", stager.today())
    stage_suite(
        stager,
        "orders",
        [
            {**base, "defects": [{"field": "quantity", "value": "ten", "reason": "not a number"}]},
            {**base, "po_number": "2", "currency": "EUX"},
        ],
    )
    gate("orders")
    unreadable, currency = findings(ledger)
    assert (unreadable.field, unreadable.value, unreadable.reason) == (
        "quantity",
        "ten",
        "quantity: not a number",
    )
    assert (currency.field, currency.value) == ("currency", "EUX")
    assert "ISO 4217" in currency.reason


def test_extract_must_carry_the_order_of_each_receipt(gate, stager, ledger):
    """In a complete extract an unknown order is a reason to set the receipt aside.

    A receipt by value needs no quantity.
    """
    base = {**sound("receipts", stager.today()), "quantity": None, "value_known": True, "received_value": 5}
    rows = [
        base,
        {**base, "receipt_line": "2", "po_number": "unknown"},
        {**base, "receipt_line": "3", "value_known": False, "received_value": None},
    ]
    run = stager.open_run()
    orders = stager.open_load(run, "orders", "extract", "sap")
    stager.rows("orders", orders, [sound("orders", stager.today())])
    stager.finish_load(orders)
    stage_suite(stager, "receipts", rows, source="extract", profile="sap")
    gate("receipts")
    assert [(one.row, one.check, one.severity) for one in findings(ledger)] == [
        (2, "order_unknown", "quarantine")
    ]


def test_rows_without_any_value_are_set_aside_not_lost(gate, stager, ledger):
    """A row of NULLs fails the checks of what must be there, and its NULLs pass no other check silently."""
    stage_suite(stager, "orders", [{"entity": None}])
    gate("orders")
    assert {one.check for one in findings(ledger)} == {
        "entity_missing",
        "entity_unknown",
        "po_number_missing",
        "po_line_missing",
        "supplier_id_missing",
        "currency_missing",
        "amount_based_missing",
        "match_type_missing",
    }


def test_load_without_rows_passes(gate, stager, ledger):
    """A quiet night is no error."""
    load = stage_suite(stager, "suppliers", [])
    assert gate("suppliers")["loads"] == [
        {"load_id": load, "source": "test", "rows": 0, "quarantined_rows": 0, "warned_rows": 0}
    ]
    assert load_state(ledger, load)[0] == "gated"


def test_known_rows_are_not_judged(gate, stager, ledger):
    """What is on record with the same content is no longer looked at, whatever it is like."""
    base = sound("suppliers", stager.today())
    stage_suite(stager, "suppliers", [{**base, "currency": "EUX"}], "night-1")
    gate("suppliers", "night-1")
    stager.connection.execute("SELECT intake.accept_loads(%s)", (stager.open_run("night-1"),))
    second = stage_suite(stager, "suppliers", [{**base, "currency": "EUX"}], "night-2")
    assert gate("suppliers", "night-2")["loads"][0] == {
        "load_id": second,
        "source": "test",
        "rows": 0,
        "quarantined_rows": 0,
        "warned_rows": 0,
    }


def test_gate_keeps_counts_with_the_load(gate, stager, ledger):
    """The load carries each check with both counts, the suite's hash and the place of the page."""
    base = sound("suppliers", stager.today())
    load = stage_suite(
        stager, "suppliers", [base, {**base, "supplier_id": "2", "currency": "EUX", "iban": "x"}]
    )
    summary = gate("suppliers")
    state, kept = load_state(ledger, load)
    assert state == "gated"
    assert kept["page"] == summary["page"] == f"/backoffice/gates/{DAG}/night-1/suppliers/"
    assert (kept["quarantined_rows"], kept["warned_rows"]) == (1, 1)
    [suite] = kept["suites"]
    checks = {check["check_id"]: check for check in suite["checks"]}
    assert (suite["rows"], suite["sha256"]) == (2, read_suite("suppliers").sha256)
    assert (checks["currency_unknown"]["unexpected"], checks["currency_unknown"]["selected"]) == (1, 1)
    assert (checks["name_missing"]["met"], checks["name_missing"]["unexpected"]) == (True, 0)
    assert checks["too_many_rows"]["observed"] == 2


def test_stop_refuses_the_load_and_records_nothing(gate, stager, ledger, tmp_path):
    """A document that lost lines on the way stops its load.

    The error names check and page, the page names the reason.
    """
    rows = [{**sound("invoices", stager.today()), "line_count": 2, "currency": "EUX"}]
    load = stage_suite(stager, "invoices", rows)
    with pytest.raises(QualityGateError) as refusal:
        gate("invoices")
    assert "invoices.lines_lost" in str(refusal.value)
    assert f"/backoffice/gates/{DAG}/night-1/invoices/" in str(refusal.value)
    assert findings(ledger) == []
    assert load_state(ledger, load) == ("read", None)
    page = (tmp_path / "gates" / DAG / "night-1" / "invoices" / "index.html").read_text()
    assert "lines_lost" in page


def test_stop_on_the_load_as_a_whole(gate, stager, ledger, own_include):
    """An expectation on the whole load stops it as well."""
    path = own_include / "expectations" / "suppliers.json"
    suite = json.loads(path.read_text())
    [limit] = [one for one in suite["expectations"] if one["meta"]["check_id"] == "too_many_rows"]
    limit["kwargs"]["max_value"] = 1
    path.write_text(json.dumps(suite))
    base = sound("suppliers", stager.today())
    stage_suite(stager, "suppliers", [base, {**base, "supplier_id": "2"}])
    with pytest.raises(QualityGateError, match=r"suppliers\.too_many_rows: .* \(found: 2\)"):
        gate("suppliers")


def test_counts_that_differ_refuse_the_load(gate, stager, ledger, own_include):
    """A condition that selects other rows than the expectation counts decides nothing."""
    (own_include / "sql" / "checks" / "currency_unknown.sql").write_text("currency = 'never'\n")
    load = stage_suite(stager, "suppliers", [{**sound("suppliers", stager.today()), "currency": "EUX"}])
    with pytest.raises(QualityGateError, match="counts 1 rows, the ledger 0"):
        gate("suppliers")
    assert findings(ledger) == []
    assert load_state(ledger, load)[0] == "read"


def add_check(include, suite, expectation, kwargs, condition):
    path = include / "expectations" / f"{suite}.json"
    document = json.loads(path.read_text())
    meta = {"check_id": "added", "severity": "warn", "reason": "x", "field": "name", "condition": "added.sql"}
    document["expectations"].append({"type": expectation, "kwargs": kwargs, "meta": meta})
    path.write_text(json.dumps(document))
    (include / "sql" / "checks" / "added.sql").write_text(condition)


def test_expectation_that_cannot_be_judged_refuses_the_load(
    gate, stager, ledger, own_include, tmp_path, capfd
):
    """An error inside a judgement is no pass, and the value that caused it is shown nowhere."""
    kwargs = {"column": "name", "min_value": 0}
    add_check(own_include, "suppliers", "expect_column_values_to_be_between", kwargs, "false")
    load = stage_suite(stager, "suppliers", [{**sound("suppliers", stager.today()), "name": SECRET}])
    with pytest.raises(QualityGateError, match=r"suppliers\.added could not be judged") as refusal:
        gate("suppliers")
    pages = "".join(file.read_text() for file in (tmp_path / "gates").rglob("*.html"))
    assert "could not be judged" in pages
    assert SECRET not in pages + "".join(capfd.readouterr()) + str(refusal.value)
    assert load_state(ledger, load)[0] == "read"


def test_condition_that_cannot_be_applied_refuses_the_load(gate, stager, ledger, own_include, capfd):
    """The same for the ledger's own count: fail closed, and no value in the error or behind it."""
    condition = "name::numeric > 0"
    add_check(own_include, "suppliers", "unexpected_rows_expectation", {}, condition)
    load = stage_suite(stager, "suppliers", [{**sound("suppliers", stager.today()), "name": SECRET}])
    with pytest.raises(
        QualityGateError, match="cannot be applied.*InvalidTextRepresentation 22P02"
    ) as refusal:
        gate("suppliers")
    assert refusal.value.__context__ is None
    assert SECRET not in str(refusal.value) + "".join(capfd.readouterr())
    assert load_state(ledger, load)[0] == "read"


def test_clear_finds_its_own_findings(gate, stager, ledger):
    """Run again, the gate ends where it ended; once the load is accepted it does nothing at all."""
    base = sound("suppliers", stager.today())
    load = stage_suite(stager, "suppliers", [base, {**base, "supplier_id": "2", "currency": "EUX"}])
    first = gate("suppliers")
    before = [vars(one) for one in findings(ledger)]
    assert gate("suppliers") == first
    assert [vars(one) for one in findings(ledger)] == before
    stager.connection.execute("SELECT intake.accept_loads(%s)", (stager.open_run(),))
    assert gate("suppliers") == {"dataset": "suppliers", "loads": [], "page": first["page"]}
    assert load_state(ledger, load)[0] == "accepted"


def test_facts_that_changed_between_two_gates_refuse_the_load(gate, stager, ledger):
    """A finding that no longer holds is not silently kept.

    The counts differ, and the message says why that can be.
    """
    stage_suite(stager, "suppliers", [{**sound("suppliers", stager.today()), "currency": "EUX"}])
    gate("suppliers")
    with ledger.connect("admin") as admin:
        admin.execute("UPDATE intake.stage_supplier SET currency = 'EUR'")
    with pytest.raises(QualityGateError, match="facts changed"):
        gate("suppliers")


def test_reading_again_takes_the_new_load_alone(gate, stager, ledger):
    """A load that was read again supersedes the first; the gate looks at the second only."""
    base = sound("suppliers", stager.today())
    stage_suite(stager, "suppliers", [{**base, "currency": "EUX"}])
    second = stage_suite(stager, "suppliers", [base])
    assert [load["load_id"] for load in gate("suppliers")["loads"]] == [second]
    assert findings(ledger) == []


def test_each_source_of_a_dataset_is_gated(gate, stager, tmp_path):
    """Two sources of one dataset are two loads, each with its own page."""
    base = sound("suppliers", stager.today())
    first = stage_suite(stager, "suppliers", [base], source="erp")
    second = stage_suite(stager, "suppliers", [{**base, "supplier_id": "2"}], source="other")
    assert [load["source"] for load in gate("suppliers")["loads"]] == ["erp", "other"]
    folder = tmp_path / "gates" / DAG / "night-1" / "suppliers"
    assert {path.name for path in folder.iterdir()} == {
        "index.html",
        "gate.css",
        f"load-{first}-suppliers.html",
        f"load-{second}-suppliers.html",
    }


def test_run_without_a_load_is_refused(gate, stager):
    """Nothing read is not nothing wrong."""
    stager.open_run()
    with pytest.raises(QualityGateError, match="no load; clear the task that reads orders"):
        gate("orders")


def test_unknown_suite_is_a_configuration_error(gate, stager):
    stage_suite(stager, "suppliers", [])
    with pytest.raises(ConfigurationError, match="not shipped"):
        gate("suppliers", suites=["supplier"])


def test_every_pooled_connection_holds_the_same_load_and_moment(ledger, stager):
    """Great Expectations' connections see one load and one snapshot, each of them, and can write nothing."""
    base = sound("suppliers", stager.today())
    stage_suite(stager, "suppliers", [base], "night-1")
    load = stage_suite(stager, "suppliers", [base, {**base, "supplier_id": "2"}], "night-2")
    dsn = ledger.dsn("app") + f" options='-c search_path=intake -c backoffice.load_id={load}'"
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = gate_findings.export_snapshot(connection)
        with ledger.connect("admin") as admin:
            admin.execute("DELETE FROM intake.stage_supplier WHERE load_id = %s", (load,))
        with judge_of_load(dsn, snapshot) as judge:
            engine = judge.datasource.get_execution_engine().engine
            assert judge.datasource.get_execution_engine().engine is engine
            held = [engine.connect() for _ in range(4)]
            for _ in range(2):
                for one in held:
                    assert one.exec_driver_sql(
                        "SELECT count(*), min(load_id) FROM gate_suppliers"
                    ).fetchone() == (2, load)
                    one.rollback()
            with pytest.raises(Exception, match="read-only"):
                held[0].exec_driver_sql("INSERT INTO intake.finding VALUES (1)")
            for one in held:
                one.close()


def test_lost_database_is_retried_not_refused(ledger, stager):
    """A statement that the server breaks off says nothing about the data."""
    load = stage_suite(stager, "suppliers", [sound("suppliers", stager.today())])
    check = Check(
        "slow",
        "unexpected_rows_expectation",
        {},
        "warn",
        "x",
        "name",
        "name IS NOT NULL AND pg_sleep(5) IS NULL",
    )
    dsn = (
        ledger.dsn("app")
        + f" options='-c search_path=intake -c statement_timeout=200 -c backoffice.load_id={load}'"
    )
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = gate_findings.export_snapshot(connection)
        with (
            judge_of_load(dsn, snapshot) as judge,
            pytest.raises(TransientError, match="QueryCanceled 57014"),
        ):
            judge.judge(Suite("suppliers", "", (check,), "sha"))


def test_password_with_a_dollar_sign(ledger, stager):
    """Great Expectations would take ``${X}`` for a placeholder; the password reaches the server as it is."""
    load = stage_suite(stager, "suppliers", [sound("suppliers", stager.today())])
    role, password = f"gate_{os.getpid()}", "a$b${HOME}\\$c%40@/:'"
    with ledger.connect("admin", autocommit=True) as admin:
        admin.execute(
            psycopg.sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE backoffice_app").format(
                psycopg.sql.Identifier(role), psycopg.sql.Literal(password)
            )
        )
        try:
            dsn = psycopg.conninfo.make_conninfo(
                ledger.dsn("app"),
                user=role,
                password=password,
                options=f"-c search_path=intake -c backoffice.load_id={load}",
            )
            with psycopg.connect(dsn) as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                snapshot = gate_findings.export_snapshot(connection)
                with judge_of_load(dsn, snapshot) as judge:
                    assert judge.judge(read_suite("suppliers")).checks["name_missing"].met is True
        finally:
            admin.execute(psycopg.sql.SQL("DROP ROLE {}").format(psycopg.sql.Identifier(role)))


def test_no_value_of_a_row_leaves_the_database(gate, stager, ledger, tmp_path, capfd):
    """Values planted in every text column stand in no page, no result and no log; the findings have them."""
    today = stager.today()
    rows = [
        {
            **sound("suppliers", today),
            "supplier_id": SECRET,
            "name": f"\t{SECRET}",
            "currency": SECRET,
            "iban": SECRET,
            "vat_id": SECRET,
            "defects": [{"field": "name", "value": SECRET, "reason": "control character"}],
        }
    ]
    load = stage_suite(stager, "suppliers", rows)
    summary = gate("suppliers")
    files = list((tmp_path / "gates").rglob("*"))
    shown = (
        "".join(file.read_text() for file in files if file.is_file())
        + json.dumps(summary)
        + "".join(capfd.readouterr())
    )
    shown += json.dumps(load_state(ledger, load)[1])
    assert SECRET not in shown
    assert {one.value for one in findings(ledger)} == {SECRET}


def test_page_opens_offline_and_runs_nothing(gate, stager, tmp_path):
    """No script, no style of its own, no address of another server; every link leads to a file beside it."""
    stage_suite(stager, "invoices", [{**sound("invoices", stager.today()), "currency": "EUX"}])
    gate("invoices")
    folder = tmp_path / "gates" / DAG / "night-1" / "invoices"
    pages = sorted(folder.glob("*.html"))
    assert len(pages) == 4
    for page in pages:
        text = page.read_text()
        assert not re.search(r"https?:|//[a-z]|<script|<img|<iframe|<form|\son\w+=|\sstyle=", text)
        for link in re.findall(r'href="([^"]*)"', text):
            assert (f'id="{link[1:]}"' in text) if link.startswith("#") else (folder / link).is_file()
    [invoices] = [page.read_text() for page in pages if page.name.endswith("-invoices.html")]
    assert "The currency is no active ISO 4217 code." in invoices
    assert "100% unexpected" in invoices


RUN_ALONE = """
import json, socket, sys
from types import SimpleNamespace
tried = []
def audit(event, arguments):
    if event == "socket.connect" and arguments[0].family != socket.AF_UNIX and arguments[1][0] not in ("127.0.0.1", "::1"):
        tried.append(repr(arguments[1])); raise ConnectionRefusedError("the network is refused")
    if event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "::1", "localhost", None):
        tried.append(repr(arguments[0])); raise socket.gaierror("names are not resolved")
sys.addaudithook(audit)
from backoffice.operators.quality_gate import QualityGateOperator
gate = QualityGateOperator(task_id="check", dataset="suppliers", suites=["suppliers"])
summary = gate.execute({"dag_run": SimpleNamespace(dag_id="invoice_reconciliation", run_id="night-1")})
print("RESULT", json.dumps({"rows": summary["loads"][0]["rows"], "tried": tried}))
"""


def run_alone(tmp_path, uri, *prefix):
    """Gate in a process of its own, in an empty folder with an empty temporary folder.

    Return result and what it left.
    """
    work, temporary, home = tmp_path / "work", tmp_path / "temporary", tmp_path / "home"
    for folder in (work, temporary, home):
        folder.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY / "plugins"),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_BACKOFFICE_LEDGER": uri,
        "AIRFLOW__BACKOFFICE__GATE_DIR": str(tmp_path / "gates"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ended = subprocess.run(
        [*prefix, sys.executable, "-c", RUN_ALONE],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    [line] = [line for line in ended.stdout.splitlines() if line.startswith("RESULT ")]
    left = [
        str(path.relative_to(tmp_path)) for folder in (work, temporary, home) for path in folder.rglob("*")
    ]
    return json.loads(line.removeprefix("RESULT ")), left, ended


def test_gate_needs_no_network_and_leaves_no_files(ledger, stager, tmp_path):
    """With every connection but the ledger's refused and every name unresolved the gate does its work, and tries neither."""
    stage_suite(stager, "suppliers", [sound("suppliers", stager.today())])
    result, left, ended = run_alone(tmp_path, connection_uri(ledger))
    assert result == {"rows": 1, "tried": []}
    assert left == []
    assert "Calculating Metrics" not in ended.stdout + ended.stderr
    assert (tmp_path / "gates" / DAG / "night-1" / "suppliers" / "index.html").is_file()


def test_gate_works_where_there_is_no_network_at_all(ledger, stager, tmp_path):
    """In a network namespace without any interface, over the server's Unix socket."""
    with ledger.connect("admin") as admin:
        folders = admin.execute("SHOW unix_socket_directories").fetchone()[0].split(",")
        port = admin.execute("SHOW port").fetchone()[0]
    sockets = [folder.strip() for folder in folders if (Path(folder.strip()) / f".s.PGSQL.{port}").exists()]
    apart = (
        shutil.which("unshare")
        and subprocess.run(
            ["unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True
        ).returncode
        == 0
    )
    if not sockets or not apart:
        pytest.skip("needs the server's Unix socket and the right to a network namespace of one's own")
    stage_suite(stager, "suppliers", [sound("suppliers", stager.today())])
    known = conninfo_to_dict(ledger.dsn("app"))
    uri = json.dumps(
        {
            "conn_type": "postgres",
            "host": sockets[0],
            "port": int(port),
            "schema": known["dbname"],
            "login": known["user"],
            "password": known["password"],
        }
    )
    result, _, _ = run_alone(tmp_path, uri, "unshare", "--user", "--map-root-user", "--net")
    assert result["rows"] == 1


def test_probe_of_the_network_test_notices_a_connection(tmp_path):
    """The refusal that the test above relies on does refuse."""
    probe = (
        RUN_ALONE.split("from backoffice")[0]
        + "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError as error:\n    print(error, tried)\n"
    )
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60)
    assert "names are not resolved" in ended.stdout or "the network is refused" in ended.stdout
    assert "192.0.2.1" in ended.stdout
    assert socket.AF_UNIX
