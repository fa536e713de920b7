"""``replay``: perform the machine's decisions again and compare the bytes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import psycopg

from backoffice.cli.ledger_access import add_ledger_option, connect
from backoffice.runtime.errors import RuntimeFault

if TYPE_CHECKING:
    from backoffice.domain.decision_record import Difference
    from backoffice.governance.replay import Replay, Replayed

_EPILOG = """
REF is an invoice (its number, SUPPLIER/NUMBER, invoice:ID, or the SHA-256 of its content), a journal entry
(entry:ID or its business key), a payment proposal (payment:ID), a case (case:ID) or a policy change
(policy:ID@VERSION). Exit codes: 0 every decision gives the same bytes, 1 one does not or
is missing where one must be, 2 wrong use. A receipt and a document in quarantine have no machine decision: 0.
"""


def register(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "replay",
        help="perform the machine's decisions again from their records and compare the bytes",
        epilog=_EPILOG,
    )
    parser.add_argument("ref", nargs="?", metavar="REF", help="whose decisions, see below")
    parser.add_argument(
        "--run",
        metavar="RUN",
        dest="of_run",
        help="all decisions of a run: its number or its run id in Airflow",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object per decision; of none, one with an empty list",
    )
    add_ledger_option(parser)
    parser.set_defaults(run=_replay)


def _replay(arguments: argparse.Namespace) -> int:
    """Find what is meant, perform, print; every trouble becomes a sentence and an exit code."""
    if (arguments.ref is None) == (arguments.of_run is None):
        print("backoffice replay: name either a REF or a run (--run RUN)", file=sys.stderr)
        return 2
    _without_airflows_home()
    from backoffice.governance.references import ReferenceProblem

    try:
        with connect(arguments) as connection:
            return _perform(connection, arguments)
    except ReferenceProblem as problem:
        print(f"backoffice replay: {problem}", file=sys.stderr)
        return 2
    except psycopg.Error as error:
        raise RuntimeFault(f"the ledger could not be read: {type(error).__name__}: {error}") from None


def _without_airflows_home() -> None:
    """The package reads Airflow's configuration: let none be made up in the user's home for that."""
    from backoffice.runtime.home import find_home

    os.environ.setdefault("AIRFLOW_HOME", str(find_home().airflow))


def _perform(connection: psycopg.Connection[tuple[Any, ...]], arguments: argparse.Namespace) -> int:
    from backoffice.governance.references import resolve, resolve_run
    from backoffice.governance.replay import Replay

    replay = Replay(connection)
    if arguments.of_run is not None:
        run_id = resolve_run(connection, arguments.of_run)
        return _report(replay.of_run(run_id), f"run {run_id}", arguments.json, every=False)
    reference = resolve(connection, arguments.ref)
    if reference.policy is not None:
        return _report_policy(replay, *reference.policy, as_json=arguments.json)
    decided = reference.must_be_decided
    return _report(
        replay.of_reference(reference), reference.title, arguments.json, every=True, decided=decided
    )


def _report(found: Iterable[Replayed], title: str, as_json: bool, every: bool, decided: bool = False) -> int:
    """Print each decision, or of many only those that are not the same, and how many there were.

    :param decided: At least one must be there.
    """
    counted: Counter[str] = Counter()
    bad = 0
    for one in found:
        counted[one.verdict.value] += 1
        bad += not one.good
        if as_json:
            print(json.dumps(_plain(one), ensure_ascii=False))
        elif every or not one.good:
            _print(one)
    if not counted:
        return _report_none(title, as_json, decided)
    if as_json:
        return 1 if bad else 0
    numbers = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counted.items()))
    print(f"{title}: {counted.total()} decisions performed again: {numbers}")
    return 1 if bad else 0


def _report_none(title: str, as_json: bool, decided: bool) -> int:
    missing = " and there has to be one: it was booked, proposed for payment or asked of people"
    note = f"no machine decision stands behind it{missing if decided else ''}"
    print(
        json.dumps({"of": title, "decisions": [], "note": note}, ensure_ascii=False)
        if as_json
        else f"{title}: {note}"
    )
    return 1 if decided else 0


def _print(one: Replayed) -> None:
    said = f"decision {one.decision_id} on {one.title}: {one.outcome} by {one.policy} rule {one.rule}"
    print(f"{said}: {one.verdict.value}")
    for difference in one.differences:
        _print_difference(difference)
    for remark in one.remarks:
        print(f"    note: {remark}")


def _print_difference(difference: Difference) -> None:
    print(f"    {difference.path or 'record'}")
    print(f"        recorded: {_shown(difference.recorded)}")
    print(f"        now:      {_shown(difference.now)}")


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(one: Replayed) -> dict[str, Any]:
    return {
        "decision_id": one.decision_id,
        "subject": one.subject,
        "outcome": one.outcome,
        "rule": one.rule,
        "policy": one.policy,
        "verdict": one.verdict.value,
        "good": one.good,
        "differences": [_plain_difference(difference) for difference in one.differences],
        "remarks": list(one.remarks),
    }


def _plain_difference(difference: Difference) -> dict[str, object]:
    return {"path": difference.path, "recorded": difference.recorded, "now": difference.now}


def _report_policy(replay: Replay, policy_id: str, version: int, *, as_json: bool) -> int:
    found = replay.of_policy(policy_id, version)
    verdict = "different" if found else "proven again"
    if as_json:
        plain = [_plain_difference(one) for one in found]
        print(json.dumps({"policy": f"{policy_id}@{version}", "verdict": verdict, "differences": plain}))
        return 1 if found else 0
    print(f"policy {policy_id} version {version}: {verdict}" + ("" if found else ", examples included"))
    for difference in found:
        _print_difference(difference)
    return 1 if found else 0
