"""The command line ``backoffice``. Exit codes: 0 good, 1 the check failed, 2 wrong use, 130 Ctrl-C.

Each module of this package brings its commands by ``register(subparsers)``; a command sets ``run``, a
function of the parsed arguments that returns the exit code. Airflow is imported only by commands that need
it: ``status`` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence

from backoffice import __version__
from backoffice.runtime.errors import RuntimeFault

_GROUPS = (
    "local",
    "ledger",
    "doctor",
    "review",
    "policy",
    "verify",
    "replay",
    "evidence",
    "controls",
    "privacy",
    "log",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)  # ends the program with 2 on wrong use
    try:
        return int(arguments.run(arguments))
    except RuntimeFault as fault:
        print(f"backoffice: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # 128 and the number of SIGINT: what a shell says of an interrupted command
    except BrokenPipeError:  # `backoffice status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backoffice",
        description="Run and examine the back office. Exit codes: 0 good, 1 the check failed, 2 wrong use.",
    )
    parser.add_argument("--version", action="version", version=f"backoffice {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in _GROUPS:
        if importlib.util.find_spec(f"backoffice.cli.{group}") is not None:
            importlib.import_module(f"backoffice.cli.{group}").register(subparsers)
    return parser
