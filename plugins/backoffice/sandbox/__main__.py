"""Command line of the sandbox company: ``serve`` it over HTTP, or write its ``labels`` to a file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from backoffice.sandbox.generator.company import generate
from backoffice.sandbox.generator.labels import write_labels
from backoffice.sandbox.generator.model import Company

USER = "BACKOFFICE_SANDBOX_USER"
PASSWORD = "BACKOFFICE_SANDBOX_PASSWORD"  # noqa: S105 - the variable's name
WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 is good, 2 is wrong use."""
    options = _parser().parse_args(arguments)
    company = generate(options.seed, options.size, options.mix, options.anchor)
    return _labels(company, options.out) if options.command == "labels" else _serve(company, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backoffice.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the company over HTTP until stopped")
    labels = commands.add_parser("labels", help="write what was planted, as JSON lines")
    for command in (serve, labels):
        command.add_argument("--seed", type=int, default=7)
        command.add_argument("--size", type=int, default=120, help="documents that suppliers send")
        command.add_argument("--mix", choices=("clean", "realistic"), default="realistic")
        command.add_argument("--anchor", type=date.fromisoformat, default=datetime.now(UTC).date())
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=0, help="0 takes a free one")
    serve.add_argument("--clock", type=datetime.fromisoformat, help="moment at which the clock starts")
    labels.add_argument("--out", type=Path, required=True)
    return parser


def _labels(company: Company, out: Path) -> int:
    count = write_labels(company.labels, out)
    sys.stdout.write(f"{count} labels of {len(company.documents)} documents written to {out}\n")
    return 0


def _serve(company: Company, options: argparse.Namespace) -> int:
    # Imported here: writing labels needs no web server.
    from backoffice.sandbox.server import Credentials, SandboxClock, create_app
    from backoffice.sandbox.server.background import listening, server_for

    user, password = os.environ.get(USER, ""), os.environ.get(PASSWORD, "")
    if not user or not password:
        sys.stderr.write(f"{USER} and {PASSWORD} must be set: the sandbox company serves nobody unknown\n")
        return WRONG_USE
    try:
        clock = None if options.clock is None else SandboxClock(options.clock)
    except ValueError as error:
        sys.stderr.write(f"--clock: {error}\n")
        return WRONG_USE
    bound = listening(options.host, options.port)
    host, port = bound.getsockname()
    sys.stdout.write(
        f"sandbox company (seed {company.seed}, {company.size} documents, {company.mix}, "
        f"anchor {company.anchor}) at http://{host}:{port}\n"
    )
    sys.stdout.flush()
    server_for(create_app(company, Credentials(user, password), clock)).run(sockets=[bound])
    return 0


if __name__ == "__main__":
    sys.exit(main())
