"""The client of Airflow's REST API, against a small server that answers as Airflow 3.3 does.

The stand-in cannot show that Airflow still answers so; the drills and the demo do.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from backoffice.runtime.airflow_api import AirflowApi
from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.health import AirflowHealth
from backoffice.runtime.http_client import NoAnswer, ask
from backoffice.runtime.process_table import free_port

FAILED_LOG = {
    "content": [
        {"event": "::group::Log message source details"},
        {"timestamp": "2026-11-22T01:00:00Z", "level": "info", "event": "12 rows read"},
        {
            "timestamp": "2026-11-22T01:00:01Z",
            "level": "error",
            "event": "Task failed with exception",
            "error_detail": [
                {
                    "exc_type": "ControlTotalsError",
                    "exc_value": "12 <> 13",
                    "frames": [{"filename": "load.py", "lineno": 7, "name": "tie"}],
                }
            ],
        },
    ]
}


class Airflow(BaseHTTPRequestHandler):
    beat = "2026-11-22T01:00:00+00:00"

    def _answer(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        if self.path == "/api/v2/monitor/health":
            self._answer(
                200,
                {
                    "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": self.beat},
                    "triggerer": {"status": "unhealthy", "latest_triggerer_heartbeat": self.beat},
                    "dag_processor": {"status": None, "latest_dag_processor_heartbeat": None},
                },
            )
        elif self.headers.get("Authorization") != "Bearer good":
            self._answer(401, {"detail": "Not authenticated"})
        elif "/logs/" in self.path:
            assert "run%2B1/taskInstances/load/logs/2?" in self.path
            self._answer(200, FAILED_LOG)
        elif self.path == "/api/v2/dags/known":
            self._answer(200, {"dag_id": "known", "is_paused": True})
        else:
            self._answer(404, {"detail": "no such Dag"})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if sent == {"username": "admin", "password": "right"}:
            self._answer(201, {"access_token": "good"})
        else:
            self._answer(401, {"detail": "Invalid credentials"})

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Airflow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_wrong_password_is_said(url: str) -> None:
    with pytest.raises(RuntimeFault, match="refuses user 'admin': 401"):
        AirflowApi(url, "admin", "wrong")


def test_an_unknown_dag_is_none_and_other_refusals_are_faults(url: str) -> None:
    api = AirflowApi(url, "admin", "right")
    assert api.dag("unknown") is None
    assert (api.dag("known") or {})["is_paused"] is True
    with pytest.raises(RuntimeFault, match="404"):
        api.tasks("known", "r1")


def test_the_tail_of_a_failed_tasks_log_holds_the_error_and_its_place(url: str) -> None:
    task = {"dag_id": "known", "dag_run_id": "run+1", "task_id": "load", "try_number": 2, "map_index": -1}
    text = AirflowApi(url, "admin", "right").log_tail(task, lines=4)
    assert "12 rows read" in text
    assert "ControlTotalsError: 12 <> 13" in text
    assert "load.py:7 in tie" in text
    assert "source details" not in text


def test_health_is_of_the_process_that_runs_now(url: str) -> None:
    health = AirflowHealth(int(url.rsplit(":", 1)[1]))
    beat = 1795309200.0  # the stand-in's heartbeat, 2026-11-22T01:00:00Z
    assert health.api_server(0) is True
    assert health.component("scheduler")(beat - 1) is True
    assert health.component("scheduler")(beat + 1) is False, "a heartbeat of its dead predecessor"
    assert health.component("triggerer")(beat - 1) is False
    assert health.component("dag_processor")(beat - 1) is False


def test_an_answer_of_the_dead_predecessor_is_not_believed() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Airflow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    health = AirflowHealth(server.server_port)
    assert health.api_server(time.time()) is True
    server.shutdown()
    server.server_close()
    assert health.api_server(0) is True, "within two seconds nobody is asked again"
    assert health.api_server(time.time()) is False, "unless it was started since"


def test_while_the_api_server_is_down_nothing_is_known_of_the_others() -> None:
    health = AirflowHealth(free_port())
    assert health.api_server(0) is False
    assert health.component("scheduler")(0) is None


def test_only_this_machine_is_asked_and_silence_is_said() -> None:
    with pytest.raises(ValueError, match="not on this machine"):
        ask("http://example.com/")
    with pytest.raises(NoAnswer):
        ask(f"http://127.0.0.1:{free_port()}/", timeout=1)
