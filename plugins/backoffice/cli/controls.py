"""``controls``: test every control over a period, or print the catalogue."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.cli.ledger_access import add_ledger_option, connect
from backoffice.runtime.errors import RuntimeFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backoffice.governance.controls.catalogue import Control


def register(subparsers: Any) -> None:
    """Add the command."""
    controls = subparsers.add_parser(
        "controls",
        help="test the controls over a period; exit code 1 when there are exceptions",
        description="Test every control of the catalogue over every item of a period. "
        "Exit codes: 0 no exceptions, 1 exceptions or a test that could not be performed, 2 wrong use.",
    )
    what = controls.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--period",
        metavar="P",
        help="2026, 2026-Q4, 2026-11, 2026-11-01..2026-11-20 or the name of a fiscal period",
    )
    what.add_argument(
        "--catalogue", action="store_true", help="print the catalogue as docs/reference/controls.md and end"
    )
    controls.add_argument(
        "--control",
        metavar="ID",
        action="append",
        default=[],
        help="test this one; may be given several times",
    )
    controls.add_argument("--json", action="store_true", help="print all findings as JSON")
    controls.add_argument("--html", metavar="FILE", type=Path, help="also write a page to read and to file")
    add_ledger_option(controls)
    controls.set_defaults(run=_run, wrong_use=controls.error)


def _run(arguments: argparse.Namespace) -> int:
    from backoffice.exceptions import ConfigurationError
    from backoffice.governance.controls.catalogue import load_catalogue
    from backoffice.governance.controls.writing import as_document

    try:
        controls = load_catalogue()
    except ConfigurationError as error:
        raise RuntimeFault(f"the catalogue of controls cannot be used: {error}") from error
    if arguments.catalogue:
        print(as_document(controls), end="")
        return 0
    chosen = [control for control in controls if not arguments.control or control.id in arguments.control]
    known = [control.id for control in controls]
    if unknown := sorted(set(arguments.control) - set(known)):
        arguments.wrong_use(f"there is no control {', '.join(unknown)}; there are {', '.join(known)}")
    return _examine(arguments, chosen)


def _examine(arguments: argparse.Namespace, controls: Sequence[Control]) -> int:
    import psycopg

    from backoffice.governance.controls.examine import examine
    from backoffice.governance.controls.writing import as_data, as_page, as_text
    from backoffice.governance.periods import UnknownPeriodError, find_period

    at = datetime.now(UTC)
    with connect(arguments) as connection:
        try:
            period = find_period(connection, arguments.period)
        except UnknownPeriodError as error:
            arguments.wrong_use(str(error))
        except psycopg.Error as error:
            raise RuntimeFault(
                f"the ledger does not say its fiscal periods: {type(error).__name__}"
            ) from None
        results = examine(connection, controls, period)
    if arguments.html is not None:
        try:
            arguments.html.write_text(as_page(period, results, at), encoding="utf-8")
        except OSError as error:
            raise RuntimeFault(f"{arguments.html} cannot be written: {error.strerror}") from error
    if arguments.json:
        print(json.dumps(as_data(period, results, at), indent=2, ensure_ascii=False))
    else:
        print("\n".join(as_text(period, results)))
    return 0 if all(result.good for result in results) else 1
