"""The supervisor over stand-ins: what dies comes back, and nothing is left, however the end comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from backoffice.runtime import process_table
from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.home import INSTANCE_VARIABLE, Home
from backoffice.runtime.lifecycle import bring_down, leftovers, look
from backoffice.runtime.secret_store import load_secrets

pytestmark = pytest.mark.integration
COMPANY = Path(__file__).with_name("stand_in_company.py")


def wait_until(condition: Callable[[], Any], seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.05)


def processes(home: Home) -> list[psutil.Process]:
    return process_table.marked(INSTANCE_VARIABLE, home.mark(load_secrets(home).instance))


def service(home: Home, name: str) -> dict[str, Any]:
    return next((one for one in look(home).services if one["name"] == name), {})


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(home: Home, child_environment: dict[str, str]) -> Iterator[Start]:
    """Start a supervisor of the installation in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def begin(**extra: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(COMPANY), str(home.state)],
            env={**child_environment, **extra},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_what_dies_comes_back_and_its_own_children_go_with_it(home: Home, start: Start) -> None:
    start()
    wait_until(lambda: look(home).well and len(processes(home)) == 4)
    assert service(home, "first")["state"] == "done"
    old = service(home, "parent")["pid"]
    worker = next(process for process in processes(home) if process.ppid() == old)

    os.kill(old, signal.SIGKILL)

    wait_until(lambda: service(home, "parent")["pid"] not in (old, None) and look(home).well)
    assert service(home, "parent")["restarts"] == 1
    assert service(home, "parent")["last_exit"] == -signal.SIGKILL
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    wait_until(lambda: len(processes(home)) == 4)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_supervisor_stops_everything(
    home: Home, start: Start, number: signal.Signals
) -> None:
    """SIGINT is Ctrl-C, SIGHUP the terminal that is closed; stubborn processes and strays included."""
    supervisor = start()
    wait_until(lambda: look(home).well and len(processes(home)) == 4)
    supervisor.send_signal(number)
    output, _ = supervisor.communicate(timeout=20)
    assert supervisor.returncode == 0
    assert "everything is stopped" in output
    assert processes(home) == []
    assert not look(home).alive


def test_a_full_disk_ends_nothing_and_keeps_nothing_from_ending(home: Home, start: Start) -> None:
    """Nothing can be written any more: what dies still comes back, no old word is believed, and the end is in order."""
    supervisor = start()
    wait_until(lambda: look(home).well and len(processes(home)) == 4)
    steady = service(home, "steady")["pid"]
    psutil.Process(supervisor.pid).rlimit(psutil.RLIMIT_FSIZE, (0, 0))

    os.kill(steady, signal.SIGKILL)

    wait_until(lambda: len([one for one in processes(home) if one.pid != steady]) == 4)
    wait_until(lambda: not look(home).well)
    assert supervisor.poll() is None
    supervisor.send_signal(signal.SIGTERM)
    output, _ = supervisor.communicate(timeout=20)
    assert supervisor.returncode == 0
    assert "the status file cannot be written" in output
    assert "everything is stopped" in output
    assert processes(home) == []


def test_down_ends_the_supervisor_itself_before_it_says_so(home: Home, start: Start) -> None:
    supervisor = start()
    wait_until(lambda: look(home).well and len(processes(home)) == 4)
    assert bring_down(home, lambda text: None) == []
    assert supervisor.poll() == 0
    assert processes(home) == []


def test_a_stale_number_in_the_lock_file_is_nobodys_death(home: Home, start: Start) -> None:
    """The file names a bystander, who does not have it open; the one who has is not harmed either."""
    start()
    wait_until(lambda: look(home).well)
    bystander = subprocess.Popen(["sleep", "60"])
    home.supervisor_lock.write_text(str(bystander.pid))
    with pytest.raises(RuntimeFault, match="another process holds"):
        bring_down(home, lambda text: None, patience=1)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    supervisor = (look(home).said or {})["supervisor"]["pid"]
    home.supervisor_lock.write_text(str(supervisor))


def test_down_after_kill_9_of_the_supervisor_leaves_nothing(home: Home, start: Start) -> None:
    supervisor = start()
    wait_until(lambda: look(home).well and len(processes(home)) == 4)
    supervisor.kill()
    supervisor.communicate()
    assert not look(home).alive
    assert leftovers(home), "the stubborn one and the stray worker outlive their supervisor"
    assert bring_down(home, lambda text: None, grace=0.3) == []
    assert processes(home) == []


def test_up_after_kill_9_of_the_supervisor_begins_clean(home: Home, start: Start) -> None:
    supervisor = start()
    wait_until(lambda: look(home).well and len(processes(home)) == 4)
    before = {process.pid for process in processes(home)}
    supervisor.kill()
    supervisor.communicate()
    start()
    wait_until(lambda: look(home).well and len(processes(home)) == 4, seconds=25)
    assert not before & {process.pid for process in processes(home)}


def test_two_supervisors_never_share_a_folder(home: Home, start: Start) -> None:
    first = start()
    wait_until(lambda: look(home).well)
    second = start()
    output, _ = second.communicate(timeout=10)
    assert second.returncode == 0
    assert f"process {first.pid}" in output
    assert first.poll() is None


def test_down_kills_a_supervisor_that_does_not_listen(home: Home, start: Start) -> None:
    supervisor = start()
    wait_until(lambda: look(home).well)
    supervisor.send_signal(signal.SIGSTOP)
    assert bring_down(home, lambda text: None, patience=1, grace=0.3) == []
    assert supervisor.wait(5) == -signal.SIGKILL
    assert processes(home) == []


def test_a_service_that_cannot_start_is_failing_loudly_and_the_others_live(home: Home, start: Start) -> None:
    start(STAND_IN_BROKEN="1")
    wait_until(lambda: service(home, "broken").get("state") == "failing")
    assert service(home, "broken")["failures"] == 3
    assert service(home, "broken")["last_exit"] == 3
    assert "the reason it is broken" in Path(service(home, "broken")["log"]).read_text()
    assert service(home, "steady")["state"] == "healthy"
    assert not look(home).well


def test_a_copied_state_folder_does_not_stop_the_original(home: Home, start: Start) -> None:
    start()
    wait_until(lambda: look(home).well and len(processes(home)) == 4)
    copy = Home(home.state.with_name("copy"), home.project)
    copy.prepare()
    copy.secrets_file.write_text(home.secrets_file.read_text())
    assert bring_down(copy, lambda text: None) == []
    assert len(processes(home)) == 4
    assert look(home).well


def test_down_where_nothing_ever_ran_does_nothing(home: Home) -> None:
    said: list[str] = []
    assert bring_down(home, said.append) == []
    assert said == ["nothing was ever started here"]
    assert not home.state.exists()


def test_a_stale_status_file_is_not_believed(home: Home) -> None:
    home.prepare()
    home.supervisor_lock.write_text("1")
    home.status_file.write_text(json.dumps({"well": True, "services": [{"name": "api-server"}]}))
    assert not look(home).alive
    assert not look(home).well
