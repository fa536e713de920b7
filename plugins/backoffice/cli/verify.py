"""``verify-audit``: does the audit log prove itself?"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from backoffice.cli.ledger_access import add_ledger_option, connect
from backoffice.domain.checkpoint import CheckpointError, VerifyingKey
from backoffice.runtime.errors import RuntimeFault

if TYPE_CHECKING:
    from backoffice.domain.audit.log import AuditLog
    from backoffice.hooks.audit_verification import Examined, Outside


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "verify-audit",
        help="prove that the audit log is the one that was signed; exit code 1 when a check failed",
    )
    parser.add_argument(
        "--anchors",
        metavar="FOLDER",
        type=Path,
        action="append",
        default=[],
        help="a folder in which checkpoints were laid down outside the ledger; may be given several times. "
        "Without it that of the local installation is read",
    )
    parser.add_argument(
        "--key",
        metavar="LINE|FILE",
        type=_keys,
        action="append",
        default=[],
        dest="keys",
        help="a public key that you trust, or a file of them, one a line; may be given several times",
    )
    parser.add_argument(
        "--since-checkpoint",
        action="store_true",
        help="read only what came after the last good verification",
    )
    parser.add_argument(
        "--state",
        metavar="FILE",
        type=Path,
        help="where it is kept how far the last good verification came (default: beside the checkpoints)",
    )
    parser.add_argument(
        "--longest-wait",
        metavar="MINUTES",
        type=float,
        default=15.0,
        help="for how long a record may wait for its checkpoint (default: 15)",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--export", metavar="FILE", type=Path, help="write the log to a file instead of verifying it"
    )
    parser.add_argument(
        "--from", metavar="FILE", type=Path, dest="source", help="verify such a file, without a database"
    )
    add_ledger_option(parser)
    parser.set_defaults(run=_run)


def _keys(given: str) -> list[VerifyingKey]:
    try:
        path = Path(given)
        lines = path.read_text(encoding="utf-8").split() if path.is_file() else [given]
        return [VerifyingKey.parse(line) for line in lines]
    except (OSError, UnicodeDecodeError, CheckpointError) as error:
        raise argparse.ArgumentTypeError(f"{error}") from None


def _run(arguments: argparse.Namespace) -> int:
    wrong = _wrong_use(arguments)
    if wrong:
        print(f"backoffice verify-audit: {wrong}", file=sys.stderr)
        return 2
    with _opened(arguments) as log:
        if arguments.export is not None:
            return _export(log, arguments.export)
        from backoffice.hooks.audit_verification import examine

        examined = examine(log, _outside(arguments), incremental=arguments.since_checkpoint)
    _tell(examined, as_json=arguments.json)
    return 0 if examined.verification.ok else 1


def _wrong_use(arguments: argparse.Namespace) -> str | None:
    if arguments.source is not None and (arguments.export is not None or arguments.dsn is not None):
        return "--from reads a file; it takes neither --export nor --dsn-file"
    if arguments.source is not None and not arguments.source.is_file():
        return f"{arguments.source} is no file"
    if arguments.longest_wait < 0:
        return "--longest-wait is a number of minutes"
    return None


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[AuditLog]:
    """Give the log of an export or of a ledger; what goes wrong on the way is told in one line."""
    if arguments.source is not None:
        from backoffice.domain.audit.export import ExportedAuditLog, ExportError

        try:
            yield ExportedAuditLog(lambda: _lines_of(arguments.source))
        except ExportError as error:
            raise RuntimeFault(f"{arguments.source} is no whole export: {error}") from None
        return
    _name_airflows_home()
    from backoffice.hooks.audit_log import LedgerAuditLog

    with connect(arguments) as connection:
        try:
            yield LedgerAuditLog(connection, arguments.longest_wait * 60)
        except psycopg.Error as error:
            raise RuntimeFault(f"the ledger refuses: {str(error).splitlines()[0]}") from error


def _lines_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as lines:
        yield from lines


def _name_airflows_home() -> None:
    """Settings read Airflow's configuration: let it be the installation's, not one made up in a home."""
    if "AIRFLOW_HOME" in os.environ:
        return
    from backoffice.runtime.home import find_home

    os.environ["AIRFLOW_HOME"] = str(find_home().airflow)


def _outside(arguments: argparse.Namespace) -> Outside:
    from backoffice.hooks.audit_verification import Outside

    folders, asked = arguments.anchors, bool(arguments.anchors)
    if not asked and arguments.dsn is None and arguments.source is None:
        from backoffice.runtime.home import find_home

        folders = [find_home().anchors]
    keys = [key for given in arguments.keys for key in given]
    return Outside(folders, asked, keys, arguments.state)


def _export(log: AuditLog, file: Path) -> int:
    from backoffice.domain.audit.export import export_lines

    beside = file.with_name(f"{file.name}.part")
    try:
        with beside.open("wb") as stream:
            stream.writelines(export_lines(log))
        os.replace(beside, file)
    except OSError as error:
        raise RuntimeFault(f"{file} cannot be written: {type(error).__name__}") from None
    finally:
        beside.unlink(missing_ok=True)
    print(f"{file}: {file.stat().st_size:,} bytes")
    return 0


def _tell(examined: Examined, *, as_json: bool) -> None:
    from backoffice.domain.audit.findings import lines

    if as_json:
        told = {**examined.verification.as_dict(), "remarks": examined.remarks}
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    print("\n".join([*examined.remarks, *lines(examined.verification)]))
