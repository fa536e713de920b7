"""``make demo``: bring everything up, run the nightly reconciliation, say what happened and what is next.

Calling it again starts another run, which finds little to do. The run itself goes on waiting for people's
answers; the demo ends at its report.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any
from urllib.parse import quote

from backoffice.runtime import demo_report
from backoffice.runtime.airflow_api import AirflowApi
from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.home import Home, find_home
from backoffice.runtime.ledger_database import ledger_dsn
from backoffice.runtime.lifecycle import bring_up, look
from backoffice.runtime.secret_store import Secrets, load_secrets

DAG_ID = "invoice_reconciliation"
DAGS = (DAG_ID, "backoffice_housekeeping")
MILESTONE = "report"
FIRST_TARGET_S = 240
AGAIN_TARGET_S = 60
_FAILED = ("failed", "upstream_failed")
_RUN_TIMEOUT_S = 900
_DAG_TIMEOUT_S = 120


class Demo:
    """One call of ``make demo``.

    :param home: Folders of the installation.
    :param began: When ``make demo`` began (seconds since the epoch), for the timing that is printed.
    """

    def __init__(self, home: Home, began: float) -> None:
        self._home, self._began = home, began

    def run(self) -> int:
        """Do it all; 0 when the run reached its report and its totals tie."""
        self._tell("starting Postgres, the sandbox company and Airflow")
        bring_up(self._home, self._tell)
        secrets = load_secrets(self._home)
        url = str((look(self._home).said or {})["url"])
        api = AirflowApi(url, "admin", secrets.users["admin"])
        self._wait_for_dags(api)
        dsn = ledger_dsn(self._home, "backoffice_auditor")
        first = demo_report.report_count(dsn, DAG_ID) == 0
        run_id = self._start_run(api)
        self._wait_for_report(api, run_id)
        return self._print_outcome(url, secrets, run_id, first)

    def _tell(self, text: str) -> None:
        print(f"[{time.time() - self._began:5.1f} s] {text}", flush=True)

    def _wait_for_dags(self, api: AirflowApi) -> None:
        """Wait until Airflow has read the Dag files, and let them run."""
        until = time.monotonic() + _DAG_TIMEOUT_S
        while any(api.dag(dag_id) is None for dag_id in DAGS):
            errors = api.import_errors()
            if errors:
                text = "\n".join(f"{error['filename']}: {error['stack_trace'][-1500:]}" for error in errors)
                raise RuntimeFault(f"a Dag file cannot be read:\n{text}")
            if time.monotonic() > until:
                raise RuntimeFault(
                    f"no Dag {DAG_ID} after {_DAG_TIMEOUT_S} s; read {self._home.log('dag-processor')}"
                )
            time.sleep(0.5)
        for dag_id in DAGS:
            if (api.dag(dag_id) or {}).get("is_paused"):
                api.unpause(dag_id)

    def _start_run(self, api: AirflowApi) -> str:
        """Start a run, unless one is on its way already: the night's own, or that of an earlier call."""
        for run_id in api.unfinished_runs(DAG_ID):
            milestone = [task for task in api.tasks(DAG_ID, run_id) if _is_milestone(task)]
            if not milestone or milestone[0]["state"] not in ("success", "skipped", *_FAILED):
                self._tell(f"run {run_id} of {DAG_ID} is on its way already; following it")
                return run_id
        run_id = f"demo__{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}"
        api.trigger(DAG_ID, run_id)
        self._tell(f"run {run_id} of {DAG_ID} started")
        return run_id

    def _wait_for_report(self, api: AirflowApi, run_id: str) -> None:
        """Follow the run until its report is written.

        :raises RuntimeFault: A task failed; the message ends with the tail of its log.
        """
        seen: dict[str, str] = {}
        until = time.monotonic() + _RUN_TIMEOUT_S
        while time.monotonic() < until:
            tasks = api.tasks(DAG_ID, run_id)
            self._tell_changes(tasks, seen)
            failed = [task for task in tasks if task["state"] == "failed"]
            if failed:
                logs = "\n".join(f"task {task['task_id']} failed:\n{api.log_tail(task)}" for task in failed)
                raise RuntimeFault(f"run {run_id} failed.\n{logs}")
            if any(_is_milestone(task) and task["state"] == "success" for task in tasks):
                return
            if api.run_state(DAG_ID, run_id) in ("failed", "success"):
                raise RuntimeFault(f"run {run_id} ended without its report")
            time.sleep(0.5)
        open_tasks = ", ".join(f"{name}: {state}" for name, state in seen.items() if state != "success")
        raise RuntimeFault(f"no report after {_RUN_TIMEOUT_S} s; {open_tasks or 'no task has started'}")

    def _tell_changes(self, tasks: list[dict[str, Any]], seen: dict[str, str]) -> None:
        for task in sorted(tasks, key=lambda task: str(task.get("end_date") or "9")):
            name, state = str(task["task_id"]), str(task["state"])
            if seen.get(name) != state and state in ("success", "up_for_retry", "skipped", *_FAILED):
                self._tell(
                    f"{name}: {state}" + (f" ({task['duration']:.1f} s)" if task.get("duration") else "")
                )
            seen[name] = state

    def _print_outcome(self, url: str, secrets: Secrets, run_id: str, first: bool) -> int:
        dsn = ledger_dsn(self._home, "backoffice_auditor")
        report = demo_report.run_report(dsn, DAG_ID, run_id)
        if report is None:
            raise RuntimeFault(f"run {run_id} reached its report, but the ledger has none")
        seconds = time.time() - self._began
        print()
        print("\n".join(demo_report.lines(report)))
        print(f"\nPages     {url}/dags/{DAG_ID}/runs/{quote(run_id, safe='')}")
        print("Log-ins   " + "  ".join(f"{user} / {password}" for user, password in secrets.users.items()))
        self._print_case(demo_report.open_case(dsn))
        print("Look      .venv/bin/backoffice status, .venv/bin/backoffice doctor")
        print("Stop      make down\n")
        what = (
            ("from bare clone to finished first run", FIRST_TARGET_S)
            if first
            else ("another run (the target is for everything up)", AGAIN_TARGET_S)
        )
        print(f"{what[0]}: {seconds:.0f} s (target {what[1]})")
        return 0 if demo_report.ties(report) else 1

    def _print_case(self, case: demo_report.OpenCase | None) -> None:
        if case is None:
            print("\nNo case is open that one person may decide alone.")
            return
        kind = "parked: nothing is booked before the answer" if case.parked else "booked, payment blocked"
        print(f"\nOpen case {case.case_id}: {case.title}\n  [{', '.join(case.codes)}; {kind}; {case.role}]")
        user = f" --user {case.user}" if case.user else ""
        code = f" --reason-code {case.reason_code}" if case.reason_code else ""
        print(f"  show    .venv/bin/backoffice review show {case.case_id}{user}")
        print(
            f"  decide  .venv/bin/backoffice review decide {case.case_id} --action {case.action}{code} "
            f'--reason "checked with the supplier"{user}\n'
        )


def _is_milestone(task: dict[str, Any]) -> bool:
    return str(task["task_id"]).rsplit(".", 1)[-1] == MILESTONE


def main() -> int:
    """Run the demo; 0 when the totals tie, 1 with the reason when anything went wrong."""
    began = float(os.environ.get("BACKOFFICE_DEMO_BEGAN") or time.time())
    try:
        return Demo(find_home(), began).run()
    except RuntimeFault as fault:
        print(f"\nmake demo: {fault}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
