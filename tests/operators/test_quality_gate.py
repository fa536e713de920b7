"""The gate's task and what is shipped with it, without a database."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG

from backoffice import settings
from backoffice.exceptions import ConfigurationError
from backoffice.operators import gate_page
from backoffice.operators.gate_judge import expectation_config
from backoffice.operators.gate_suites import read_suite
from backoffice.operators.quality_gate import GateResultLink, QualityGateOperator

SHIPPED = ["suppliers", "orders", "receipts", "invoices", "invoice_lines", "invoice_taxes"]


def test_arguments_are_checked_when_the_dag_is_parsed():
    with pytest.raises(ValueError, match="dataset must be one of"):
        QualityGateOperator(task_id="check", dataset="order", suites=["orders"])
    with pytest.raises(ValueError, match="suites must be a list"):
        QualityGateOperator(task_id="check", dataset="orders", suites="orders")
    with pytest.raises(ValueError, match="suites must be a list"):
        QualityGateOperator(task_id="check", dataset="orders", suites=[])


def test_parsing_a_dag_does_not_import_great_expectations():
    code = (
        "import sys, backoffice.operators.quality_gate\n"
        "print([name for name in ('great_expectations', 'pandas', 'sqlalchemy.orm') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ended.stdout.strip().splitlines()[-1]
    assert "great_expectations" not in loaded
    assert "pandas" not in loaded


def test_link_leads_to_the_page_of_the_run(monkeypatch):
    """The address is made of ids alone and is there for a failed gate as well."""
    gate = QualityGateOperator(task_id="check_orders", dataset="orders", suites=["orders"])
    run = SimpleNamespace(dag_id="invoice_reconciliation", run_id="manual__2026-11-22T02:00:00+00:00")
    link = GateResultLink().get_link(gate, ti_key=run)
    address = "/backoffice/gates/invoice_reconciliation/manual__2026-11-22T02%3A00%3A00%2B00%3A00/orders/"
    assert link == address
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/airflow")
    assert GateResultLink().get_link(gate, ti_key=run) == f"/airflow{address}"


def test_link_survives_serialization():
    """The scheduler and the API server know the link without this package's code."""
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("gates", schedule=None) as dag:
        QualityGateOperator(task_id="check_orders", dataset="orders", suites=["orders"])
    task = DagSerialization.from_dict(DagSerialization.to_dict(dag)).get_task("check_orders")
    assert "Gate result" in task.extra_links
    [link] = task.operator_extra_links
    assert (link.name, link.xcom_key) == ("Gate result", "_link_GateResultLink")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_suite_is_sound(name):
    """It parses, Great Expectations takes every expectation, and each row check can be set aside."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    suite = read_suite(name)
    assert suite.purpose
    for check in suite.checks:
        ExpectationConfiguration(**expectation_config(check)).to_domain_obj()
        assert check.reason.endswith(".") or check.reason[-1].isalpha()


def test_nothing_shipped_is_orphaned():
    """Every condition belongs to a suite, and every suite is known here."""
    include = settings.include_dir()
    suites = {path.stem: json.loads(path.read_text()) for path in (include / "expectations").glob("*.json")}
    assert sorted(suites) == sorted(SHIPPED)
    named = {
        entry["meta"]["condition"]
        for suite in suites.values()
        for entry in suite["expectations"]
        if "condition" in entry["meta"]
    }
    assert {path.name for path in (include / "sql" / "checks").glob("*.sql")} == named


def test_suite_with_a_mistake_is_a_configuration_error(tmp_path, monkeypatch):
    (tmp_path / "expectations").mkdir()
    (tmp_path / "expectations" / "orders.json").write_text('{"name": "orders", "expectations": []}')
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__INCLUDE_DIR", str(tmp_path))
    with pytest.raises(ConfigurationError, match="has no expectations"):
        read_suite("orders")
    with pytest.raises(ConfigurationError, match="not shipped"):
        read_suite("receipts")


def test_reference_lists_are_facts():
    """ISO 4217: three capital letters, once each; minor units as the standard has them."""
    include = settings.include_dir()
    lines = (include / "reference" / "currencies.csv").read_text().splitlines()
    rows = [line.split(",", 3) for line in lines[1:]]
    units = {code: minor for code, minor, kind, _ in rows if kind == "currency"}
    assert len({row[0] for row in rows}) == len(rows)
    assert all(code.isalpha() and code.isupper() and len(code) == 3 for code in units)
    expected = {
        "EUR": "2",
        "USD": "2",
        "JPY": "0",
        "KRW": "0",
        "ISK": "0",
        "BHD": "3",
        "KWD": "3",
        "TND": "3",
    }
    assert {code: units[code] for code in expected} == expected
    assert not {"XXX", "XTS", "XAU", "DEM", "HRK", "BGN", "ANG", "ZWL"} & set(units)
    codes = {
        line.split(",")[0]
        for line in (include / "reference" / "invoice_type_codes.csv").read_text().splitlines()
    }
    assert {"380", "381", "384", "389", "877", "326", "130"} <= codes


def test_every_type_the_reader_takes_is_one_the_gate_takes():
    from backoffice.domain.einvoice_ubl_header import CREDIT_NOTE_TYPES, INVOICE_TYPES

    lines = (settings.include_dir() / "reference" / "invoice_type_codes.csv").read_text().splitlines()[1:]
    kinds = {line.split(",")[0]: line.split(",")[1] for line in lines}
    assert {kinds.get(code) for code in INVOICE_TYPES} == {"invoice"}
    assert {kinds.get(code) for code in CREDIT_NOTE_TYPES} == {"credit_note"}


def test_page_keeps_text_and_tables_alone():
    """Whatever a page of Great Expectations would load, run or post is gone; its words stay, escaped."""
    hostile = """<html><head><script src="https://a.example/x.js"></script></head><body>
    <div class="ge-section" id="section-1"><h5>Overview</h5><script>steal()</script>
    <style>@import "//b"</style>
    <a href="https://a.example/">out</a><a href="#section-1" onclick="steal()" style="x">in</a>
    <img src="https://a.example/p.png"><svg onload="steal()"><circle/></svg><form action="//b"><input></form>
    <p>1 &lt; 2 &lt;script&gt;</p><!-- note --></div><div>outside</div></body></html>"""
    body, contents = gate_page._text_only(hostile)
    assert contents == [("section-1", "Overview")]
    assert "<a>out</a>" in body
    assert '<a href="#section-1">in</a>' in body
    assert "1 &lt; 2 &lt;script&gt;" in body
    for gone in ("steal", "example", "<script", "<style", "<img", "<svg", "<form", "note", "outside"):
        assert gone not in body


def test_first_page_escapes_what_it_names(tmp_path):
    page = gate_page.SuitePage(
        7, "<b>erp</b>", "orders", 3, 2, 1, 1, 0, "load-7-orders.html", "<html></html>", synthetic=False
    )
    first = gate_page.write_pages(tmp_path, "dag", "run", "orders", [page], ["load 7: <script>"])
    text = first.read_text()
    assert "&lt;b&gt;erp&lt;/b&gt;" in text
    assert "&lt;script&gt;" in text
    assert "1 not met" in text
    assert "Synthetic" not in text


def test_pages_of_an_earlier_attempt_are_replaced_whole(tmp_path):
    def page(file):
        return gate_page.SuitePage(7, "erp", "orders", 3, 2, 0, 0, 0, file, "<html></html>", synthetic=True)

    gate_page.write_pages(tmp_path, "dag", "run", "orders", [page("load-6-orders.html")], [])
    first = gate_page.write_pages(tmp_path, "dag", "run", "orders", [page("load-7-orders.html")], [])
    assert "Synthetic data" in first.read_text()
    assert {path.name for path in first.parent.iterdir()} == {"index.html", "gate.css", "load-7-orders.html"}
    assert [path.name for path in first.parent.parent.iterdir()] == ["orders"]


def test_gate_folder_by_default_is_in_airflows_home(monkeypatch, tmp_path):
    monkeypatch.delenv("AIRFLOW__BACKOFFICE__GATE_DIR", raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert gate_page.gate_root() == tmp_path / "backoffice" / "gates"
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__GATE_DIR", "/srv/gates")
    assert str(gate_page.gate_root()) == "/srv/gates"
