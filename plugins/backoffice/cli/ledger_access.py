"""How commands that only read reach the ledger: as the auditor, here or on a server of one's own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import psycopg

from backoffice.runtime.errors import RuntimeFault

Connection = psycopg.Connection[tuple[Any, ...]]


def add_ledger_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--dsn-file`` to a command that reads the ledger."""
    parser.add_argument(
        "--dsn-file",
        metavar="FILE",
        type=dsn_in,
        dest="dsn",
        help="a file with the ledger's DSN, as backoffice_auditor; - reads it from standard input. "
        "Without it the ledger of the local installation is meant",
    )


def dsn_in(file: str) -> str:
    """Return the DSN that the file holds; what the file says is in no message."""
    try:
        dsn = (sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"cannot be read: {type(error).__name__}") from None
    if not dsn:
        raise argparse.ArgumentTypeError("holds no DSN")
    return dsn


def connect(arguments: argparse.Namespace) -> Connection:
    """Open a connection that sees one state of the ledger and can change nothing.

    :raises RuntimeFault: The ledger does not answer, or nothing was ever started here.
    """
    dsn = arguments.dsn
    if dsn is None:
        from backoffice.runtime.home import find_home
        from backoffice.runtime.ledger_database import ledger_dsn

        dsn = ledger_dsn(find_home(), "backoffice_auditor")
    try:
        connection = psycopg.connect(dsn, connect_timeout=10)
    except psycopg.Error as error:
        raise RuntimeFault(f"the ledger does not answer: {type(error).__name__}") from None
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection
