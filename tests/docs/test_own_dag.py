"""The Dag of one's own in the README is read by Airflow and reconciles an export."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import PROJECT
from tests.night import connection_json, environment, run_task

pytestmark = pytest.mark.integration

EXPORT = {
    "lfa1": "LIFNR,NAME1\nV1,Northwind GmbH\n",
    "ekko": "EBELN,BUKRS,LIFNR,BSART\n4500000001,1000,V1,NB\n",
    "ekpo": "EBELN,EBELP,WEBRE,PSTYP\n4500000001,00010,,0\n4500000001,00020,,0\n",
    "ekbe": "EBELN,EBELP,VGABE,GJAHR,BELNR,BUDAT,CPUDT,CPUTM\n"
    "4500000001,00010,1,2026,5000000001,20261116,20261116,080000\n"
    "4500000001,00020,1,2026,5000000001,20261116,20261116,080000\n",
    "mkpf": "MBLNR,MJAHR,CPUDT,CPUTM\n5000000001,2026,20261116,080000\n",
    "mseg": "MBLNR,MJAHR,ZEILE,BWART,EBELN,EBELP,DMBTR\n"
    "5000000001,2026,1,101,4500000001,00010,298.00\n5000000001,2026,2,101,4500000001,00020,100.00\n",
    "rbkp": "BELNR,GJAHR,LIFNR,CPUDT,CPUTM,RMWWR\n"
    "5100000001,2026,V1,20261117,090000,298.00\n5100000002,2026,V1,20261117,091500,120.00\n",
    "rseg": "BELNR,GJAHR,BUZEI,EBELN,EBELP,WRBTR\n"
    "5100000001,2026,1,4500000001,00010,298.00\n5100000002,2026,1,4500000001,00020,120.00\n",
}


@pytest.fixture
def dag() -> Any:
    """The Dag as Airflow reads the file."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=PROJECT / "tests" / "examples" / "own_dag.py")
    assert bag.import_errors == {}
    [found] = bag.dags.values()
    return found


def test_it_reconciles_an_export(dag, ledger, tmp_path: Path) -> None:
    """What was received is approved and proposed for payment; 20.00 more than received goes to the receiver."""
    folder = tmp_path / "export"
    folder.mkdir()
    for table, text in EXPORT.items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE ops.simulated_clock SET business_date = %s", (date(2026, 11, 18),))
    with environment({
        "AIRFLOW_CONN_BACKOFFICE_LEDGER": connection_json(ledger.dsn("app")),
        "AIRFLOW__BACKOFFICE__REPORT_DIR": str(tmp_path / "reports"),
        "AIRFLOW__BACKOFFICE__GATE_DIR": str(tmp_path / "gates"),
    }):  # fmt: skip
        waiting = dict(dag.task_dict)
        while waiting:
            ready = sorted(
                name for name, task in waiting.items() if not task.upstream_task_ids & waiting.keys()
            )
            for task in (waiting.pop(name) for name in ready):
                if hasattr(task, "folder"):
                    task.folder = str(folder)
                if task.task_id != "wait_for_reviews":
                    result = run_task(task, "night-1")
                    assert not isinstance(result, BaseException), result
    with ledger.connect("auditor") as connection:
        proposed = connection.execute(
            "SELECT i.invoice_number, p.amount FROM ledger.payment_proposal p JOIN purchasing.invoice i USING (invoice_id)"
        ).fetchall()
        held = connection.execute(
            "SELECT i.invoice_number, h.code, h.measured, c.role FROM ledger.hold h JOIN purchasing.invoice i USING (invoice_id) "
            "JOIN review.case_item x ON x.hold_id = h.hold_id JOIN review.case c USING (case_id)"
        ).fetchall()
    assert proposed == [("5100000001/2026", Decimal("298.00"))]
    assert held == [("5100000002/2026", "AMT_REC", Decimal("20.00"), "receiver")]
