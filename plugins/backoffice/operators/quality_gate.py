"""The quality gate: nothing is accepted before it was judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.configuration import conf

from backoffice.domain.gate_address import gate_url
from backoffice.domain.gate_outcome import SuiteOutcome, suite_outcome
from backoffice.exceptions import QualityGateError
from backoffice.hooks.ledger import LedgerHook
from backoffice.operators import gate_findings, gate_page, gate_suites
from backoffice.operators.gate_judge import judge_of_load, load_great_expectations
from backoffice.operators.ledger_step import translated
from backoffice.settings import LEDGER_CONN_ID

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import TaskInstanceKey

    from backoffice.domain.expectation_suite import Suite

DATASETS = ("suppliers", "orders", "receipts", "invoices")
NAMED_PROBLEMS = 10
# The views are found by their bare names. A gate that was killed leaves no query running on the server.
SESSION = {"search_path": "intake", "client_connection_check_interval": "10s"}


class GateResultLink(BaseOperatorLink):
    """The page of a gate, opened from its task.

    Whoever opens it must be logged in; the address holds ids only.
    """

    name = "Gate result"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the page's address on this Airflow; it is the same for every attempt of the task."""
        return gate_url(ti_key.dag_id, ti_key.run_id, getattr(operator, "dataset", ""), _base_path())


class QualityGateOperator(BaseOperator):
    """Judge what this run read of one dataset, set wrong rows aside, and let the load go on or stop it.

    Reads the views ``intake.gate_<suite>``, which hold exactly the load's rows that are not known already.
    Great Expectations judges and counts them inside Postgres; for each check, one statement of ours records
    the rows that its condition selects in ``intake.finding``. Both counts come from one snapshot and must be
    equal. What is set aside becomes a quarantined row or document when the load is accepted; nothing is
    accepted, changed or booked here.

    An expectation of severity ``stop`` that is not met, one that could not be judged, and two counts that
    differ fail the task: then nothing of the load is recorded, and no retry follows, because bad data does
    not heal by itself. Run again after a clear, the gate forgets what it found and judges anew, by the facts
    as they are then; until it has ended well the load is not gated and cannot be accepted. A load that was
    accepted meanwhile is left alone.

    :param dataset: ``suppliers``, ``orders``, ``receipts`` or ``invoices``.
    :param suites: Names of the expectation suites (``include/expectations/<name>.json``), each for one gate
        view.
    :param ledger_conn_id: Connection of type ``postgres``. Default ``backoffice_ledger``.
    :param docs_dir: Folder for the result pages. Default ``[backoffice] gate_dir``, else ``backoffice/gates``
        in Airflow's home.
    :return: ``{"dataset": str, "loads": [{"load_id", "source", "rows", "quarantined_rows", "warned_rows"}],
        "page": str}``.
    :raises QualityGateError: The load may not go on; the message says why and where the full result is. Not
        retried.
    :raises ConfigurationError: A suite is wrong.
    :raises TransientError: The database broke off. Retried.
    """

    operator_extra_links = (GateResultLink(),)
    ui_color = "#e8f3ec"

    def __init__(
        self,
        *,
        dataset: str,
        suites: Sequence[str],
        ledger_conn_id: str = LEDGER_CONN_ID,
        docs_dir: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if dataset not in DATASETS:
            raise ValueError(f"dataset must be one of {', '.join(DATASETS)}, not {dataset!r}")
        if isinstance(suites, str) or not suites:
            raise ValueError("suites must be a list with at least one name of an expectation suite")
        self.dataset = dataset
        self.suites = list(suites)
        self.ledger_conn_id = ledger_conn_id
        self.docs_dir = docs_dir

    def execute(self, context: Context) -> dict[str, Any]:
        """Gate each load of this run and dataset, write the pages, and report or refuse."""
        dag_id, run_id = context["dag_run"].dag_id, context["dag_run"].run_id
        suites = [gate_suites.read_suite(name) for name in self.suites]
        page = gate_url(dag_id, run_id, self.dataset, _base_path())
        summaries: list[dict[str, Any]] = []
        pages: list[gate_page.SuitePage] = []
        problems: list[str] = []
        try:
            waiting = self._waiting_loads(dag_id, run_id)
            if waiting:
                load_great_expectations()
            for load in waiting:
                summary, written, found = self._gate(load, suites, page)
                summaries.append(summary)
                pages += written
                problems += found
        except psycopg.Error as error:
            raise translated(error) from error
        if pages:
            root = Path(self.docs_dir) if self.docs_dir else gate_page.gate_root()
            gate_page.write_pages(root, dag_id, run_id, self.dataset, pages, problems)
        if problems:
            raise _refusal(self.dataset, problems, page)
        return {"dataset": self.dataset, "loads": summaries, "page": page}

    def _waiting_loads(self, dag_id: str, run_id: str) -> list[gate_findings.Load]:
        """Return the loads to gate; none if all were accepted already.

        :raises QualityGateError: The run read nothing of this dataset, or a reading is unfinished or was
            refused.
        """
        with LedgerHook(self.ledger_conn_id).connect() as connection:
            loads = gate_findings.find_loads(connection, dag_id, run_id, self.dataset)
        waiting = [load for load in loads if load.waits_for_gate]
        unfit = [load for load in loads if not load.waits_for_gate and load.state != "accepted"]
        if unfit or not loads:
            found = [f"load {load.load_id} from {load.source} is {load.state}" for load in unfit]
            raise QualityGateError(
                f"run {run_id} has nothing fit for a gate of {self.dataset}: "
                f"{', '.join(found) or 'no load'}; clear the task that reads {self.dataset}"
            )
        if not waiting:
            self.log.info(
                "All loads of %s of this run were gated and accepted before; nothing to do.", self.dataset
            )
        return waiting

    def _gate(
        self, load: gate_findings.Load, suites: Sequence[Suite], page: str
    ) -> tuple[dict[str, Any], list[gate_page.SuitePage], list[str]]:
        """Judge one load and record what was found, or nothing if it may not go on."""
        options = {**SESSION, "backoffice.load_id": str(load.load_id)}
        dsn = LedgerHook(self.ledger_conn_id).dsn(**options)
        outcomes: list[SuiteOutcome] = []
        pages: list[gate_page.SuitePage] = []
        with psycopg.connect(dsn) as connection:
            gate_findings.begin_gate(connection, load)
        with psycopg.connect(dsn) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            snapshot = gate_findings.export_snapshot(connection)
            with judge_of_load(dsn, snapshot) as judge:
                for suite in suites:
                    judgement = judge.judge(suite)
                    rows, selected = gate_findings.set_aside(connection, load, suite)
                    outcomes.append(suite_outcome(suite, rows, judgement.checks, selected))
                    pages.append(gate_page.suite_page(load, judgement, outcomes[-1]))
                    self._log_outcome(outcomes[-1], judgement.errors)
            problems = [problem for outcome in outcomes for problem in outcome.problems()]
            if problems:
                connection.rollback()
                return (
                    {},
                    pages,
                    [f"load {load.load_id} from {load.source}: {problem}" for problem in problems],
                )
            gate = {"page": page, "suites": [outcome.as_json() for outcome in outcomes]}
            counts = gate_findings.mark_gated(connection, load, gate)
        facts = {
            "load_id": load.load_id,
            "source": load.source,
            "rows": sum(outcome.rows for outcome in outcomes),
        }
        return {**facts, **counts}, pages, []

    def _log_outcome(self, outcome: SuiteOutcome, errors: Sequence[str]) -> None:
        """Log counts, and errors by class and SQLSTATE: never a value of a row."""
        self.log.info("%s: %d rows, %d checks", outcome.suite.name, outcome.rows, len(outcome.checks))
        for check in outcome.checks:
            if check.judged.met is not True:
                measured = (
                    check.judged.observed if check.judged.unexpected is None else check.judged.unexpected
                )
                self.log.warning(
                    "%s.%s (%s): %s", outcome.suite.name, check.check.check_id, check.check.severity, measured
                )
        if errors:
            self.log.error("While judging, the database reported: %s", ", ".join(errors))


def _refusal(dataset: str, problems: Sequence[str], page: str) -> QualityGateError:
    """Return the error that names why, where the full result is, and what to do next."""
    more = len(problems) - NAMED_PROBLEMS
    named = "; ".join(problems[:NAMED_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
    return QualityGateError(
        f"the gate of {dataset} refuses: {named}. Nothing of a refused load was recorded. "
        f"Full result: {page} . Correct the source or the check, then clear the task that reads {dataset}"
    )


def _base_path() -> str:
    """Return the path that Airflow is served under, without the host: a link must work through any proxy."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path
