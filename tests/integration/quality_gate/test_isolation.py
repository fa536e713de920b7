"""What Great Expectations sees and what leaves it: one load, one moment, no network, no files, no values."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.integration.quality_gate.rows import SECRET, sound
from tests.integration.quality_gate.staging import DAG, findings, load_state

from backoffice.domain.expectation_suite import Check, Suite
from backoffice.exceptions import TransientError
from backoffice.operators import gate_findings
from backoffice.operators.gate_judge import LoadJudge, judge_of_load
from backoffice.operators.gate_suites import read_suite

pytestmark = pytest.mark.integration
REPOSITORY = Path(__file__).resolve().parents[3]


@contextmanager
def judging(dsn: str, load: int, *options: str, **changed: str) -> Iterator[LoadJudge]:
    """Yield a judge of a load, under a snapshot taken now."""
    given = ["search_path=intake", f"backoffice.load_id={load}", *options]
    dsn = make_conninfo(dsn, options=" ".join(f"-c {one}" for one in given), **changed)
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = gate_findings.export_snapshot(connection)
        with judge_of_load(dsn, snapshot) as judge:
            yield judge


def test_every_pooled_connection_holds_the_same_load_and_moment(ledger, stager):
    """Great Expectations' connections see one load and one snapshot, each of them, and can write nothing."""
    base = sound("suppliers", stager.today)
    stager.stage("suppliers", [base], "night-1")
    load = stager.stage("suppliers", [base, {**base, "supplier_id": "2"}], "night-2")
    with judging(ledger.dsn("app"), load) as judge:
        with ledger.connect("admin") as admin:
            admin.execute("DELETE FROM intake.stage_supplier WHERE load_id = %s", (load,))
        engine = judge.datasource.get_execution_engine().engine
        assert judge.datasource.get_execution_engine().engine is engine
        held = [engine.connect() for _ in range(4)]
        for _ in range(2):
            for one in held:
                seen = one.exec_driver_sql("SELECT count(*), min(load_id) FROM gate_suppliers").fetchone()
                assert seen == (2, load)
                one.rollback()
        with pytest.raises(Exception, match="read-only"):
            held[0].exec_driver_sql("INSERT INTO intake.finding VALUES (1)")
        for one in held:
            one.close()
        assert judge.judge(read_suite("suppliers")).checks["too_many_rows"].observed == 2


def test_lost_database_is_retried_not_refused(ledger, stager):
    """A statement that the server breaks off says nothing about the data."""
    load = stager.stage("suppliers", [sound("suppliers", stager.today)])
    condition = "name IS NOT NULL AND pg_sleep(5) IS NULL"
    check = Check("slow", "unexpected_rows_expectation", {}, "warn", "x", "name", condition)
    suite = Suite("suppliers", "", (check,), "sha")
    passing = pytest.raises(TransientError, match="QueryCanceled 57014")
    with judging(ledger.dsn("app"), load, "statement_timeout=200") as judge, passing:
        judge.judge(suite)


def test_password_with_a_dollar_sign(ledger, stager):
    """Great Expectations would take ``${X}`` for a placeholder; the password reaches the server as it is."""
    load = stager.stage("suppliers", [sound("suppliers", stager.today)])
    role, password = f"gate_{os.getpid()}", "a$b${HOME}\\$c%40@/:'"
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE backoffice_app")
    with ledger.connect("admin", autocommit=True) as admin:
        admin.execute(create.format(sql.Identifier(role), sql.Literal(password)))
        try:
            with judging(ledger.dsn("app"), load, user=role, password=password) as judge:
                assert judge.judge(read_suite("suppliers")).checks["name_missing"].met is True
        finally:
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_no_value_of_a_row_leaves_the_database(gate, stager, ledger, gates, capfd):
    """Values planted in every text column stand in no page, no result and no log; the findings have them."""
    columns = dict.fromkeys(
        ("supplier_id", "currency", "iban", "vat_id", "country", "supplier_group"), SECRET
    )
    defect = {"field": "name", "value": SECRET, "reason": "control character"}
    row = {**sound("suppliers", stager.today), **columns, "name": f"\t{SECRET}", "defects": [defect]}
    load = stager.stage("suppliers", [row])
    summary = gate("suppliers")
    files = [file.read_text() for file in gates.rglob("*") if file.is_file()]
    shown = [*files, *capfd.readouterr(), json.dumps(summary), json.dumps(load_state(ledger, load)[1])]
    assert len(files) == 3
    assert not any(SECRET in text for text in shown)
    assert {one.value for one in findings(ledger)} == {SECRET}


def test_page_opens_offline_and_runs_nothing(gate, stager, gates):
    """No script, no style of its own, no address of another server; every link leads to a file beside it."""
    stager.stage("invoices", [{**sound("invoices", stager.today), "currency": "EUX"}])
    gate("invoices")
    folder = gates / DAG / "night-1" / "invoices"
    pages = {page.name: page.read_text() for page in folder.glob("*.html")}
    assert len(pages) == 4
    foreign = re.compile(r"https?:|//[a-z]|<script|<img|<iframe|<form|\son\w+=|\sstyle=")
    for text in pages.values():
        assert not foreign.search(text)
        for link in re.findall(r'href="([^"]*)"', text):
            assert f'id="{link[1:]}"' in text if link.startswith("#") else (folder / link).is_file()
    [invoices] = [text for name, text in pages.items() if name.endswith("-invoices.html")]
    assert "Sets a row aside if: The currency is no active ISO 4217 code. (currency_unknown)" in invoices
    assert "100% unexpected" in invoices


REFUSE_NETWORK = """
import socket, sys
tried = []
own = ("127.0.0.1", "::1")
def refuse(event, given):
    if event == "socket.connect" and given[0].family != socket.AF_UNIX and given[1][0] not in own:
        tried.append(repr(given[1]))
        raise ConnectionRefusedError("the network is refused")
    if event == "socket.getaddrinfo" and given[0] not in (*own, "localhost", None):
        tried.append(repr(given[0]))
        raise socket.gaierror("names are not resolved")
sys.addaudithook(refuse)
"""
GATE_ALONE = """
import json
from types import SimpleNamespace
from backoffice.operators.quality_gate import QualityGateOperator
gate = QualityGateOperator(task_id="check", dataset="suppliers", suites=["suppliers"])
summary = gate.execute({"dag_run": SimpleNamespace(dag_id="invoice_reconciliation", run_id="night-1")})
print("RESULT", json.dumps({"rows": summary["loads"][0]["rows"], "tried": tried}))
"""


def run_alone(tmp_path, uri, *prefix):
    """Gate in a process of its own whose folders are empty.

    Return its result, what it left and what it said.
    """
    folders = {name: tmp_path / name for name in ("work", "temporary", "home")}
    for folder in folders.values():
        folder.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY / "plugins"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folders["home"]),
        "TMPDIR": str(folders["temporary"]),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_BACKOFFICE_LEDGER": uri,
        "AIRFLOW__BACKOFFICE__GATE_DIR": str(tmp_path / "gates"),
    }
    command = [*prefix, sys.executable, "-c", REFUSE_NETWORK + GATE_ALONE]
    ended = subprocess.run(
        command, cwd=folders["work"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    [line] = [line for line in ended.stdout.splitlines() if line.startswith("RESULT ")]
    left = [path for folder in folders.values() for path in folder.rglob("*")]
    return json.loads(line.removeprefix("RESULT ")), left, ended.stdout + ended.stderr


def test_gate_needs_no_network_and_leaves_no_files(ledger_uri, stager, gates, tmp_path):
    """Every connection but the ledger's refused, no name resolved: the gate works, and has tried neither."""
    stager.stage("suppliers", [sound("suppliers", stager.today)])
    result, left, said = run_alone(tmp_path, ledger_uri)
    assert result == {"rows": 1, "tried": []}
    assert left == []
    assert "Calculating Metrics" not in said
    assert (gates / DAG / "night-1" / "suppliers" / "index.html").is_file()


def test_gate_works_where_there_is_no_network_at_all(ledger, stager, tmp_path):
    """In a network namespace without any interface, over the server's Unix socket."""
    with ledger.connect("admin") as admin:
        row = admin.execute(
            "SELECT current_setting('unix_socket_directories'), current_setting('port')"
        ).fetchone()
    folders = [folder.strip() for folder in row[0].split(",") if folder.strip()]
    sockets = [folder for folder in folders if (Path(folder) / f".s.PGSQL.{row[1]}").exists()]
    apart = ["unshare", "--user", "--map-root-user", "--net"]
    possible = (
        shutil.which("unshare") and subprocess.run([*apart, "true"], capture_output=True).returncode == 0
    )
    if not sockets or not possible:
        pytest.skip("needs the server's Unix socket and the right to a network namespace of one's own")
    stager.stage("suppliers", [sound("suppliers", stager.today)])
    known = conninfo_to_dict(ledger.dsn("app"))
    login = {"login": known["user"], "password": known.get("password"), "schema": known["dbname"]}
    uri = json.dumps({"conn_type": "postgres", "host": sockets[0], "port": int(row[1]), **login})
    result, _, _ = run_alone(tmp_path, uri, *apart)
    assert result["rows"] == 1


def test_refusal_of_the_network_refuses():
    """What the tests above rely on does notice a connection and a name."""
    attempts = """
for target in ("192.0.2.1", "example.org"):
    try:
        socket.create_connection((target, 80), 1)
    except OSError:
        pass
print(tried)
"""
    command = [sys.executable, "-c", REFUSE_NETWORK + attempts]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "192.0.2.1" in ended.stdout
    assert "example.org" in ended.stdout
