"""``doctor``: examine the local installation."""

from __future__ import annotations

import argparse
import os
from typing import Any

from backoffice.runtime.home import find_home


def register(subparsers: Any) -> None:
    """Add the command."""
    doctor = subparsers.add_parser(
        "doctor", help="examine the installation; exit code 1 when something is bad"
    )
    doctor.set_defaults(run=_doctor)


def _doctor(_: argparse.Namespace) -> int:
    from backoffice.runtime.doctor import examine

    home = find_home()
    os.environ.setdefault("AIRFLOW_HOME", str(home.airflow))
    bad = 0
    for finding in examine(home):
        print(f"{'ok ' if finding.ok else 'BAD'}  {finding.name:<32}{finding.seen}")
        if not finding.ok:
            bad += 1
            print(f"     {'':<32}-> {finding.advice}")
    print(f"\n{bad} bad" if bad else "\nall good")
    return 1 if bad else 0
