"""``up``, ``down``, ``status``: the local installation."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from backoffice.runtime.home import Home, find_home


def register(subparsers: Any) -> None:
    """Add the commands."""
    up = subparsers.add_parser(
        "up", help="start Postgres, the sandbox company and Airflow, and keep them running"
    )
    up.add_argument(
        "--detach", action="store_true", help="run in the background; return when everything is well"
    )
    up.set_defaults(run=_up)
    down = subparsers.add_parser("down", help="stop everything of this installation, whatever state it is in")
    down.set_defaults(run=_down)
    status = subparsers.add_parser("status", help="show what runs; exit code 0 when everything is well")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.set_defaults(run=_status)


def _up(arguments: argparse.Namespace) -> int:
    from backoffice.runtime.lifecycle import bring_up, supervise

    home = find_home()
    if not arguments.detach:
        return supervise(home)
    bring_up(home, _progress(time.monotonic()))
    return _status(argparse.Namespace(json=False))


def _down(_: argparse.Namespace) -> int:
    from backoffice.runtime.lifecycle import bring_down

    left = bring_down(find_home(), _progress(time.monotonic()))
    if left:
        print(f"still there: {left}", file=sys.stderr)
        return 1
    print("nothing runs")
    return 0


def _progress(began: float) -> Any:
    def tell(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)

    return tell


def _status(arguments: argparse.Namespace) -> int:
    from backoffice.runtime.lifecycle import leftovers, look

    home = find_home()
    running = look(home)
    strays = [process.pid for process in leftovers(home)]
    if arguments.json:
        said = running.said if running.alive and running.said else {}
        print(
            json.dumps(
                {
                    **said,
                    "running": running.alive,
                    "well": running.well,
                    "strays": strays,
                    "log_ins": _log_ins(home),
                }
            )
        )
        return 0 if running.well else 1
    if not running.alive:
        print("nothing runs; start it with `backoffice up`")
        if strays:
            print(f"but processes of an earlier start are left: {strays}; end them with `backoffice down`")
        return 1
    for service in running.services:
        print(_line(service))
    if running.said:
        print(f"\npages    {running.said.get('url')}")
        print("log-ins  " + "  ".join(f"{user} / {password}" for user, password in _log_ins(home).items()))
    print("\neverything is well" if running.well else "\nNOT everything is well")
    return 0 if running.well else 1


def _line(service: dict[str, Any]) -> str:
    pid = f"process {service['pid']}" if service["pid"] else ""
    restarts = f"restarted {service['restarts']}x" if service["restarts"] else ""
    line = f"{service['name']:<18}{service['state']:<13}{pid:<17}{restarts}".rstrip()
    if service["state"] in ("failing", "backing off"):
        line += f"\n    {service['problem'] or 'it ended'}; log: {service['log']}"
    return line


def _log_ins(home: Home) -> dict[str, str]:
    from backoffice.runtime.secret_store import load_secrets

    return load_secrets(home).users if home.secrets_file.exists() else {}
