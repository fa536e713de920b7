"""Measuring of single persons: ``review measures``, ``review measure``, ``review answer-measure``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import date
from typing import Any

from backoffice.cli.printing import printable
from backoffice.cli.review_client import ReviewClient

Act = Callable[[ReviewClient, argparse.Namespace], int]


def register(commands: Any, positive: Callable[[str], int], epilog: str) -> list[tuple[Any, Act]]:
    """Add the commands; return each with what it does."""
    listing = commands.add_parser(
        "measures", help="show whether single persons are measured, and until when", epilog=epilog
    )
    ask = commands.add_parser(
        "measure", help="ask to measure single persons; another officer approves", epilog=epilog
    )
    ask.add_argument("--until", required=True, type=day, metavar="DAY", help="the last day, 2026-12-31")
    ask.add_argument("--reason", required=True)
    answer = commands.add_parser(
        "answer-measure", help="approve or decline what another officer asked, or end it", epilog=epilog
    )
    answer.add_argument("measure", type=positive, metavar="REQUEST")
    answer.add_argument("answer", choices=("approve", "decline", "end"))
    answer.add_argument("--reason", required=True)
    return [(listing, _list), (ask, _ask), (answer, _answer)]


def day(text: str) -> str:
    """Read a day.

    :raises argparse.ArgumentTypeError: It is none.
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day of the form 2026-12-31") from None


def _list(client: ReviewClient, arguments: argparse.Namespace) -> int:
    found = client.get("/oversight/measures")
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    until = found["measured_until"]
    if until:
        print(f"measured until {until}: {found['what']}; of {found['whom']}")
    else:
        print("single persons are not measured")
    for one in found["measures"]:
        by = [one["requested_by"], *(one[name] for name in ("answered_by", "ended_by") if one[name])]
        state = f"{one['state'].replace('_', ' ')}, until {one['until']}"
        print(printable(f"request {one['measure_id']}: {state}; {', '.join(by)}: {one['reason']}"))
    return 0


def _ask(client: ReviewClient, arguments: argparse.Namespace) -> int:
    body = {"until": arguments.until, "reason": arguments.reason}
    return _tell(client.post("/oversight/measures", body), arguments)


def _answer(client: ReviewClient, arguments: argparse.Namespace) -> int:
    body = {"answer": arguments.answer, "reason": arguments.reason}
    return _tell(client.post(f"/oversight/measures/{arguments.measure}/answers", body), arguments)


def _tell(told: dict[str, Any], arguments: argparse.Namespace) -> int:
    print(json.dumps(told, indent=2) if arguments.json else f"request {told['measure_id']}: {told['next']}")
    return 0
