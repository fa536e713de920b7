"""The whole of a real Airflow, killed piece by piece and as a whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import jwt
import psutil
import pytest
from tests.drills.conftest import DAG_ID, Installation, wait_until

from backoffice.runtime.airflow_env import leaked_secrets
from backoffice.runtime.files import read_json
from backoffice.runtime.home import SERVICE_VARIABLE
from backoffice.runtime.http_client import ask
from backoffice.runtime.lifecycle import look
from backoffice.runtime.postgres_leftovers import servers_of

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]
SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer", "sandbox", "postgres")


def report_task(running: Installation, run_id: str) -> dict[str, Any]:
    tasks = running.api.tasks(DAG_ID, run_id)
    return next((task for task in tasks if task["task_id"].endswith("report")), {})


def task_state(running: Installation, run_id: str, name: str) -> str | None:
    tasks = running.api.tasks(DAG_ID, run_id)
    return next((task["state"] for task in tasks if task["task_id"].endswith(name)), None)


def start_run(running: Installation, name: str) -> str:
    wait_until(lambda: running.api.dag(DAG_ID) is not None, 90, "Airflow reads the Dag")
    run_id = f"{name}__{time.time():.0f}"
    running.api.unpause(DAG_ID)
    running.api.trigger(DAG_ID, run_id)
    return run_id


def assert_books_tie(running: Installation, run_id: str) -> None:
    """Every check of the run's report holds, and the books balance however the night went."""
    [(report,)] = running.ledger(
        f"SELECT report FROM ops.run_report JOIN ops.run USING (run_id) WHERE airflow_run_id = '{run_id}'"
    )
    assert report["checks"]
    assert [check for check in report["checks"] if not check["ok"]] == []


def test_up_again_changes_nothing(running: Installation) -> None:
    before = {one["name"]: one["pid"] for one in look(running.home).services}
    assert running.cli("up", "--detach").returncode == 0
    assert running.cli("up").returncode == 0, "in the foreground it says that one runs, and ends"
    assert {one["name"]: one["pid"] for one in look(running.home).services} == before


def test_the_doctor_is_content(running: Installation) -> None:
    wait_until(lambda: running.api.dag(DAG_ID) is not None, 90, "Airflow reads the Dag")
    answer = running.cli("doctor")
    assert answer.returncode == 0, answer.stdout


def test_every_process_holds_its_own_secrets_and_no_other(running: Installation) -> None:
    """Read from the kernel, for the services and for everything they started, tasks' workers included."""
    superuser = {"superuser": str((read_json(running.home.postgres / "server.json") or {})["password"])}
    seen = set()
    workers = []
    for process in running.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # tasks and parsers end while we look
            service = process.environ()[SERVICE_VARIABLE]
            leaked = leaked_secrets(service, process.pid, running.secrets, superuser)
            assert leaked == [], (service, process.cmdline())
            seen.add(service)
            workers += [process.pid] if process.ppid() == running.service("scheduler")["pid"] else []
    assert seen >= set(SERVICES) - {"postgres"}
    assert workers, "the executor's workers were among those looked at"


def test_a_token_signed_with_the_tasks_secret_opens_nothing(running: Installation) -> None:
    """What a Dag finds in its environment is not enough to be a manager."""
    environment = psutil.Process(running.service("scheduler")["pid"]).environ()
    now = int(time.time())
    claims = {
        "sub": "manager",
        "role": "admin",
        "teams": None,
        "aud": "apache-airflow",
        "iat": now,
        "nbf": now,
    }
    forged = jwt.encode(
        {**claims, "exp": now + 600}, environment["AIRFLOW__API_AUTH__JWT_SECRET"], algorithm="HS512"
    )
    for path in ("/api/v2/dags", "/backoffice/api/v1/cases"):
        assert ask(f"{running.url}{path}", token=forged).status in (401, 403)
        assert ask(f"{running.url}{path}", token=running.api.token).status == 200


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_killed_comes_back(running: Installation, name: str) -> None:
    old = running.service(name)
    others = {one["name"]: one["pid"] for one in look(running.home).services if one["name"] != name}
    killed = datetime.now(UTC)
    os.kill(old["pid"], signal.SIGKILL)
    wait_until(
        lambda: running.service(name)["pid"] not in (None, old["pid"]) and look(running.home).well,
        120,
        f"{name} comes back and all is well",
    )
    print(f"{name} was back after {(datetime.now(UTC) - killed).total_seconds():.1f} s")
    assert running.service(name)["restarts"] == old["restarts"] + 1
    if name != "postgres":  # Airflow's processes may end when their database goes, and come back too
        assert {
            one["name"]: one["pid"] for one in look(running.home).services if one["name"] != name
        } == others


def test_a_night_survives_the_death_of_the_scheduler(running: Installation) -> None:
    run_id = start_run(running, "scheduler_killed")
    wait_until(lambda: task_state(running, run_id, "open_run") == "success", 120, "the night has begun")
    os.kill(running.service("scheduler")["pid"], signal.SIGKILL)
    wait_until(lambda: report_task(running, run_id).get("state") == "success", 400, "the night reports")
    assert_books_tie(running, run_id)


def test_a_night_survives_the_death_of_everything(running: Installation) -> None:
    """Power cut: every process at once, the supervisor and the database included."""
    run_id = start_run(running, "power_cut")
    wait_until(lambda: task_state(running, run_id, "open_run") == "success", 120, "the night has begun")
    victims = [psutil.Process(running.supervisor_pid()), *running.processes()]
    victims += servers_of(running.home.postgres / "data")
    for victim in victims:
        victim.kill()
    psutil.wait_procs(victims, timeout=10)
    assert not look(running.home).alive
    answer = running.cli("up", "--detach")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    wait_until(lambda: report_task(running, run_id).get("state") == "success", 400, "the night reports")
    assert_books_tie(running, run_id)


def test_down_after_kill_9_of_the_supervisor_leaves_nothing(running: Installation) -> None:
    os.kill(running.supervisor_pid(), signal.SIGKILL)
    answer = running.cli("down")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert running.processes() == []
    assert servers_of(running.home.postgres / "data") == []
    assert running.cli("status").returncode == 1


def test_ctrl_c_leaves_nothing(installation: Installation) -> None:
    assert installation.cli("down").returncode == 0
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "backoffice.cli", "up"],
        env=installation.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: look(installation.home).well, 300, "everything is well")
    supervisor.send_signal(signal.SIGINT)
    output, _ = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0
    assert "everything is stopped" in output
    assert installation.processes() == []
    assert servers_of(installation.home.postgres / "data") == []
