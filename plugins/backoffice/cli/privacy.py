"""``privacy``: erase a person, hold, purge: over the REST API, with one's own log-in, by two persons."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from typing import Any

from backoffice.cli.review import positive, table
from backoffice.cli.review_client import PATIENT, Refused, ReviewClient, WrongUse, connect

_BASES = ("no_longer_needed", "consent_withdrawn", "objection", "unlawful", "legal_obligation")
_SCOPES = ("everything", "class", "subject", "entity", "person")
_STATES = ("open", "carried_out", "declined")
_EPILOG = """
You act as yourself, with the role data_protection_officer. Log in as for `backoffice review`: by
BACKOFFICE_TOKEN, else by --user (or BACKOFFICE_USER) and a password. Do not name the person in --reason.
Exit codes: 0 good, 1 refused or not there, 2 wrong use.
"""


def register(subparsers: Any) -> None:
    """Add the commands."""
    privacy = subparsers.add_parser(
        "privacy", help="erase persons, place and lift legal holds, purge old records", epilog=_EPILOG
    )
    commands = privacy.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = commands.add_parser("list", help="list requests, holds and how long what is kept")
    listing.add_argument("--state", choices=_STATES, help="only requests in this state")
    listing.add_argument("--lifted", action="store_true", help="also holds that were lifted")

    hold = commands.add_parser("hold", help="place a legal hold; it stands at once")
    hold.add_argument("scope_kind", choices=_SCOPES, metavar="KIND", help=", ".join(_SCOPES))
    hold.add_argument("scope", nargs="?", help="which one; nothing for everything")

    erase = commands.add_parser("erase", help="ask that a person is erased; another person approves")
    erase.add_argument("person", metavar="PERSON", help="id of the person in the ledger")
    erase.add_argument("--basis", required=True, choices=_BASES, help="the ground, GDPR art. 17 (1)")

    lift = commands.add_parser("lift", help="ask that a hold is lifted; another person approves")
    lift.add_argument("hold", type=positive, metavar="HOLD")

    purge = commands.add_parser("purge", help="ask that old records are purged; another person approves")
    purge.add_argument("record_class", metavar="CLASS")
    purge.add_argument("--before", required=True, type=_day, metavar="DAY", help="records from before it")

    approve = commands.add_parser("approve", help="approve what another person asked for: it is done at once")
    decline = commands.add_parser("decline", help="decline what was asked for")
    for command in (approve, decline):
        command.add_argument("request", type=positive, metavar="REQUEST")

    acts = (
        (hold, _hold),
        (erase, _erase),
        (lift, _lift),
        (purge, _purge),
        (approve, _approve),
        (decline, _decline),
    )
    for command, run in ((listing, _list), *acts):
        if command is not listing:
            command.add_argument("--reason", required=True, help="why, in your own words")
        command.add_argument("--user", help="log in as this user")
        command.add_argument("--json", action="store_true", help="print the API's own answer")
        command.set_defaults(run=lambda arguments, act=run: _guarded(act, arguments))


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day of the form 2026-12-31") from None


def _guarded(act: Any, arguments: argparse.Namespace) -> int:
    """Run a command and turn what can go wrong into a sentence and an exit code."""
    try:
        with connect(arguments.user) as client:
            act(client, arguments)
            return 0
    except (WrongUse, Refused) as error:
        print(f"backoffice privacy: {error}", file=sys.stderr)
        return 2 if isinstance(error, WrongUse) else 1


def _list(client: ReviewClient, arguments: argparse.Namespace) -> None:
    state = f"?state={arguments.state}" if arguments.state else ""
    found = {
        **client.get(f"/privacy/requests{state}"),
        **client.get(f"/privacy/holds?lifted={str(arguments.lifted).lower()}"),
        **client.get("/privacy/retention"),
    }
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    requests = [
        (
            str(one["request_id"]),
            one["state"],
            one["act"],
            _target(one),
            one["requested_by"],
            one["answered_by"] or "-",
        )
        for one in found["requests"]
    ]
    print(table(("request", "state", "act", "of", "asked by", "answered by"), requests), end="\n\n")
    holds = [
        (str(one["hold_id"]), one["scope_kind"], one["scope"] or "-", one["placed_by"], one["reason"])
        for one in found["holds"]
    ]
    print(table(("hold", "kind", "of", "placed by", "reason"), holds), end="\n\n")
    kept = [
        (
            one["record_class"],
            str(one["years"] or "for ever"),
            one["counted_from"].replace("_", " "),
            one["basis"],
        )
        for one in found["classes"]
    ]
    print(table(("class", "years", "from", "ground"), kept))


def _target(request: dict[str, Any]) -> str:
    if request["act"] == "purge_records":
        return f"{request['record_class']} before {request['before']}"
    return str(request["person_id"] or f"hold {request['hold_id']}")


def _hold(client: ReviewClient, arguments: argparse.Namespace) -> None:
    body = {"scope_kind": arguments.scope_kind, "scope": arguments.scope, "reason": arguments.reason}
    placed = client.post("/privacy/holds", body)
    _say(arguments, placed, f"hold {placed['hold_id']} stands; two persons lift it")


def _erase(client: ReviewClient, arguments: argparse.Namespace) -> None:
    _ask(client, arguments, {"act": "erase_person", "person_id": arguments.person, "basis": arguments.basis})


def _lift(client: ReviewClient, arguments: argparse.Namespace) -> None:
    _ask(client, arguments, {"act": "lift_hold", "hold_id": arguments.hold})


def _purge(client: ReviewClient, arguments: argparse.Namespace) -> None:
    target = {"record_class": arguments.record_class, "before": arguments.before}
    _ask(client, arguments, {"act": "purge_records", **target})


def _ask(client: ReviewClient, arguments: argparse.Namespace, body: dict[str, Any]) -> None:
    asked = client.post("/privacy/requests", {**body, "reason": arguments.reason}, PATIENT)
    _say(arguments, asked, f"request {asked['request_id']} waits for another person; nothing was done yet")


def _approve(client: ReviewClient, arguments: argparse.Namespace) -> None:
    done = _answer(client, arguments, "approve")
    _say(
        arguments,
        done,
        f"request {arguments.request} is carried out: {json.dumps(done['result'], sort_keys=True)}",
    )


def _decline(client: ReviewClient, arguments: argparse.Namespace) -> None:
    _say(arguments, _answer(client, arguments, "decline"), f"request {arguments.request} is declined")


def _answer(client: ReviewClient, arguments: argparse.Namespace, answer: str) -> Any:
    body = {"answer": answer, "reason": arguments.reason}
    return client.post(f"/privacy/requests/{arguments.request}/answers", body, PATIENT)


def _say(arguments: argparse.Namespace, answer: Any, sentence: str) -> None:
    print(json.dumps(answer, indent=2) if arguments.json else sentence)
