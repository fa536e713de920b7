"""``python stand_in_company.py STATE_FOLDER``: the real supervisor over small stand-ins for its services.

Stand-ins show how processes are started, found and ended. That Airflow itself behaves, only the drills show.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from backoffice.runtime.home import INSTANCE_VARIABLE, SERVICE_VARIABLE, Home, Ports
from backoffice.runtime.lifecycle import supervise
from backoffice.runtime.secret_store import Secrets
from backoffice.runtime.service import Child, CommandChild, Service
from backoffice.runtime.watch import RestartPolicy

# Starts a worker in a session of its own that ignores the request to end, as a task's child process may.
PARENT = """
import signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"],
    start_new_session=True)
time.sleep(600)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
STEADY = "import time; time.sleep(600)"
BROKEN = "import sys; print('the reason it is broken'); sys.exit(3)"
ONCE = "import time; time.sleep(0.3)"


def build(home: Home, secrets: Secrets, ports: Ports) -> list[Child]:
    def child(
        name: str, code: str, *, grace: float = 1, needs: tuple[str, ...] = (), once: bool = False
    ) -> Child:
        marks = {INSTANCE_VARIABLE: home.mark(secrets.instance), SERVICE_VARIABLE: name}
        service = Service(
            name=name,
            argv=(sys.executable, "-c", code),
            env={"PATH": os.environ["PATH"], **marks},
            log=home.log(name),
            needs=needs,
            once=once,
            grace=grace,
            restart=RestartPolicy(first_delay=0.1, longest_delay=0.2, start_limit=3, failing_delay=60),
        )
        return CommandChild(service)

    children = [
        child("first", ONCE, once=True),
        child("parent", PARENT, needs=("first",)),
        child("stubborn", STUBBORN),
        child("steady", STEADY),
    ]
    if os.environ.get("STAND_IN_BROKEN"):
        children.append(child("broken", BROKEN))
    return children


if __name__ == "__main__":
    raise SystemExit(supervise(Home(Path(sys.argv[1]), Path(sys.argv[1]).parent), build, grace=0.5))
