"""What every Dag of the repository keeps to: how it is written, wired, retried, and what it may not do."""

from __future__ import annotations

import ast
import inspect
import json
import re
import socket
import time
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.dags.conftest import DAG_FILES, PROJECT

from backoffice import exceptions
from backoffice.processes.invoice_reconciliation import (
    ExtractSource,
    FolderSource,
    HttpSource,
    Reconciliation,
)
from backoffice.tags import Tag

HEADINGS = ["Purpose", "Inputs", "Controls", "What people do", "If it fails", "Owner"]
MOST_TASKS, LONGEST_PATH, MOST_SECONDS = 20, 12, 1.0
AIRFLOWS_DEFAULT_OWNER = "airflow"


# -- how it is written -----------------------------------------------------------------------------------------------


def test_file_name_is_the_dag_id(dag):
    assert Path(dag.fileloc).stem == dag.dag_id


def test_documentation_has_the_fixed_headings(dag):
    lines = (dag.doc_md or "").splitlines()
    headings = [line.removeprefix("### ").strip() for line in lines if line.startswith("#")]
    assert headings == HEADINGS
    sections = re.split(r"^### .*$", dag.doc_md, flags=re.MULTILINE)[1:]
    assert all(len(section.split()) >= 1 for section in sections)


def test_somebody_owns_every_task(dag):
    assert {task.owner for task in dag.tasks}.isdisjoint({AIRFLOWS_DEFAULT_OWNER, ""})


def test_tags_are_of_the_list(dag):
    assert dag.tags <= {tag.value for tag in Tag}
    kinds = [tag.split(":")[0] for tag in dag.tags]
    assert kinds.count("process") == 1
    assert kinds.count("impact") == 1


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
def test_dag_file_only_wires(path):
    """Schedule, catch-up and number of runs are written out; nothing is asked of the environment or of Airflow."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    [decorator] = [
        call
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        for call in function.decorator_list
        if isinstance(call, ast.Call)
    ]
    assert {
        "dag_id",
        "schedule",
        "catchup",
        "max_active_runs",
        "default_args",
        "tags",
        "doc_md",
    } <= {keyword.arg for keyword in decorator.keywords}
    source = path.read_text(encoding="utf-8")
    assert not re.search(
        r"getenv|os\.environ|Variable|get_connection|BaseHook|\bSELECT\b|\bINSERT\b|^(from|import) dags",
        source,
    )
    assert len(source.splitlines()) <= 120


def test_parsing_is_quick_and_asks_nobody(dag_bag, monkeypatch):
    """After its imports a Dag file takes less than a second, without network or database."""
    from airflow.dag_processing.dagbag import DagBag

    def refuse(*_: object) -> None:
        raise AssertionError("a Dag file opened a connection while it was parsed")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for path in DAG_FILES:
        began = time.process_time()
        bag = DagBag(str(path))
        spent = time.process_time() - began
        assert bag.import_errors == {}
        assert spent < MOST_SECONDS, f"{path.name} took {spent:.2f} s"


def test_parsing_imports_nothing_heavy():
    """Great Expectations and pandas are imported when a gate runs, never when a Dag is parsed."""
    import subprocess
    import sys

    program = (
        "import sys; from airflow.dag_processing.dagbag import DagBag; bag = DagBag(sys.argv[1]); assert not bag.import_errors, bag.import_errors; "
        "print([name for name in ('great_expectations', 'pandas', 'fastapi', 'uvicorn', 'backoffice.web', 'backoffice.sandbox') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(PROJECT / "dags")],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
        env=_environment(),
    )
    assert run.stdout.splitlines()[-1] == "[]"


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(PROJECT / "plugins"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}


# -- how it is wired -------------------------------------------------------------------------------------------------


def longest_path(dag: Any) -> int:
    @cache
    def length(task_id: str) -> int:
        return 1 + max((length(name) for name in dag.get_task(task_id).upstream_task_ids), default=0)

    return max(length(task.task_id) for task in dag.tasks)


def test_size(dag):
    assert len(dag.tasks) <= MOST_TASKS
    assert longest_path(dag) <= LONGEST_PATH
    assert not any(task.is_mapped for task in dag.tasks)


def test_sources_of_every_kind_make_a_dag_of_that_size(built):
    """Tasks, sources and what a run expects, for a company over HTTP, a drop folder, an export, and a mixture."""
    http = built()
    assert {task.task_id for task in http.tasks} == {
        *(
            "open_run",
            "accept_documents",
            "match_invoices",
            "decide_invoices",
            "post_entries",
            "open_cases",
            "seal_audit_log",
            "report",
        ),
        *("wait_for_reviews", "act_on_answers"),
        *(
            f"{verb}_{dataset}"
            for verb in ("ingest", "check")
            for dataset in ("suppliers", "orders", "receipts", "invoices")
        ),
    }
    drop = FolderSource("drop", "/in", entity="1000")
    export = ExtractSource("export", "/export", "sap_mm_amounts")
    mixed = (
        HttpSource("orders", "erp", "/orders"),
        ExtractSource("wms", "/wms", "some_profile", datasets=("receipts",)),
        drop,
    )
    for sources in ((drop,), (export,), mixed):
        dag = built(*sources)
        assert len(dag.tasks) <= MOST_TASKS
        assert longest_path(dag) <= LONGEST_PATH
    assert Reconciliation(sources=(export,)).expected == [
        {"source": "export", "dataset": dataset}
        for dataset in ("suppliers", "orders", "receipts", "invoices")
    ]
    assert Reconciliation(sources=mixed).expected == [
        {"source": "erp", "dataset": "orders"},
        {"source": "wms", "dataset": "receipts"},
        {"source": "drop", "dataset": "invoices"},
    ]
    assert dag.get_task("ingest_receipts").profile == "some_profile"


@pytest.mark.parametrize(
    ("sources", "named"),
    [
        ((FolderSource("drop", "/in", "1000"), HttpSource("invoices", "mailbox", "/messages")), "twice"),
        ((HttpSource("payments", "bank", "/payments"),), "payments"),
    ],
)
def test_sources_that_cannot_be_meant_are_refused(sources, named):
    with pytest.raises(ValueError, match=named):
        Reconciliation(sources=sources)


def test_runs_may_overlap_while_people_decide(dag_bag):
    """A run may wait a day for its reviews; the next nights start meanwhile, and no run is ended by a clock."""
    dag = dag_bag.dags["invoice_reconciliation"]
    window = dag.get_task("wait_for_reviews").review_window
    assert dag.max_active_runs > window / timedelta(days=1) + 1


def test_no_run_is_ended_by_a_clock_nor_caught_up(dag):
    assert dag.dagrun_timeout is None
    assert dag.catchup is False
    assert all(task.execution_timeout is None for task in dag.tasks)


def test_retries_are_by_kind_of_error(dag):
    """What a retry can heal is tried again; wrong data and wrong settings fail at once. Who has no retries needs no rule."""
    for task in dag.tasks:
        if task.retries == 0:
            continue
        assert task.retries >= 1
        assert task.retry_exponential_backoff
        decided = {
            error: task.retry_policy.evaluate(
                error("what happened"), try_number=1, max_tries=task.retries
            ).action.name
            for error in errors_of_the_product()
        }
        for error, action in decided.items():
            expected = "RETRY" if issubclass(error, exceptions.TransientError) else "FAIL"
            assert action == expected, (task.task_id, error.__name__, action)


def errors_of_the_product() -> list[type[Exception]]:
    """Every error that a task can end with; the bare base class is never raised."""
    found = [
        kind
        for _, kind in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(kind, exceptions.BackofficeError)
    ]
    assert len(found) > 5
    return [kind for kind in found if kind is not exceptions.BackofficeError]


def test_it_survives_serialisation(dag):
    """The scheduler and the API server see the Dag that the file describes."""
    from airflow.serialization.serialized_objects import DagSerialization

    served = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    assert (served.dag_id, served.doc_md, served.tags, served.max_active_runs) == (
        dag.dag_id,
        dag.doc_md,
        dag.tags,
        dag.max_active_runs,
    )
    assert {
        task.task_id: (task.upstream_task_ids, task.trigger_rule, task.retries) for task in served.tasks
    } == {task.task_id: (task.upstream_task_ids, task.trigger_rule, task.retries) for task in dag.tasks}
    assert dict(served.params.dump()) == dict(dag.params.dump())


# -- what it may not do ----------------------------------------------------------------------------------------------


def test_nothing_reads_the_logical_date():
    """A manual run may have none: periods are parameters, posting dates come from the fiscal calendar."""
    places = [
        *(PROJECT / "plugins").rglob("*.py"),
        *DAG_FILES,
        *(PROJECT / "include").rglob("*.*"),
        *(PROJECT / "plugins").rglob("*.sql"),
    ]
    pattern = re.compile(
        r"logical_date|data_interval|execution_date|\bds_nodash\b|\{\{\s*ds\s*\}\}|prev_start_date"
    )
    assert len(places) > 100
    # who starts a run by Airflow's API must name the field, and gives it no value
    texts = {path: path.read_text(encoding="utf-8").replace('"logical_date": None', "") for path in places}
    assert [str(path.relative_to(PROJECT)) for path, text in texts.items() if pattern.search(text)] == []
