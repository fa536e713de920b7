"""``policy list``, ``policy activate``: change a policy by two people, over the REST API.

Whoever calls it acts as themselves, with their own log-in; the ledger decides what they may do. One person
proposes a text, another approves it; neither can do both.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from backoffice.cli.review_client import Refused, ReviewClient, WrongUse, connect

_EPILOG = """
The API is found by BACKOFFICE_URL, else by the running local installation. Log in by BACKOFFICE_TOKEN, else
by
--user (or BACKOFFICE_USER) and a password that is asked for (or BACKOFFICE_PASSWORD, for scripts).
Exit codes: 0 good, 1 refused or not there, 2 wrong use.
"""
_MOST_SHOWN = 20
_ENDS = {"approve": "approves", "refuse": "refuses", "withdraw": "withdraws, as who proposed it,"}


def add_to(policy_subparsers: Any) -> None:
    """Add the commands below ``policy``."""
    listing = policy_subparsers.add_parser(
        "list", help="list policies, their versions and proposed changes", epilog=_EPILOG
    )
    activate = policy_subparsers.add_parser(
        "activate",
        help="propose a text as the next version, or approve what another person proposed",
        epilog=_EPILOG,
    )
    what = activate.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", metavar="FILE", help="the text to propose")
    for end, does in _ENDS.items():
        what.add_argument(f"--{end}", type=_number, metavar="PROPOSAL", help=f"{does} this proposal")
    activate.add_argument("--reason", required=True, help="why, in your own words")
    activate.add_argument(
        "--effective-from",
        type=_day,
        metavar="DATE",
        help="with FILE: business day from which it decides, as 2026-12-01; default: the first day possible",
    )
    for command, run in ((listing, _list), (activate, _activate)):
        command.add_argument("--user", help="log in as this user")
        command.add_argument("--json", action="store_true", help="print the API's own answer")
        command.set_defaults(run=lambda arguments, act=run: _guarded(act, arguments))


def _number(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a proposal")
    return value


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-12-01") from None


def _guarded(act: Callable[[ReviewClient, argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run a command and turn what can go wrong into a sentence and an exit code."""
    try:
        _check_use(arguments)
        with connect(arguments.user) as client:
            return act(client, arguments)
    except WrongUse as error:
        print(f"backoffice policy: {error}", file=sys.stderr)
        return 2
    except Refused as error:
        print(f"backoffice policy: {error}", file=sys.stderr)
        return 1


def _check_use(arguments: argparse.Namespace) -> None:
    """Read the file before anybody is asked for a password."""
    if getattr(arguments, "file", None) is None:
        if getattr(arguments, "effective_from", None) is not None:
            raise WrongUse("--effective-from goes with FILE; a proposal has its day already")
        return
    try:
        # newlines as they are: the hash is of the text exactly as read
        arguments.content = Path(arguments.file).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{arguments.file} cannot be read: {error}") from error


def _list(client: ReviewClient, arguments: argparse.Namespace) -> int:
    found = client.get("/policies")
    print(json.dumps(found, indent=2) if arguments.json else _printable(_listing(found)))
    return 0


def _listing(found: dict[str, Any]) -> str:
    lines = [] if found["policies"] else ["there is no policy that you may see"]
    for policy in found["policies"]:
        lines.append(f"{policy['policy_id']} of {policy['process']}")
        for one in policy["versions"]:
            since = one["effective_from"] or f"{one['approved_at'][:10]} (its approval)"
            how = "entered by the owner: " if one["by_owner"] else ""
            lines.append(
                f"  version {one['version']}: {one['state']}, from {since}{_last_day(one)}, up to "
                f"{one['machine_limit']} {one['currency']}, {how}{one['approved_by']}, {one['sha256'][:12]}"
            )
    for one in found["proposals"]:
        lines.append(
            f"proposal {one['proposal_id']}: {one['policy_id']} version {one['version']}, {one['state']}, "
            f"from {one['effective_from']}, by {one['proposed_by']}; {_changes(one)}"
        )
    return "\n".join(lines)


def _last_day(version: dict[str, Any]) -> str:
    return f" to {version['effective_to']}" if version["effective_to"] else ""


def _activate(client: ReviewClient, arguments: argparse.Namespace) -> int:
    if arguments.file is not None:
        return _propose(client, arguments)
    for end in _ENDS:
        proposal_id = getattr(arguments, end)
        if proposal_id is not None:
            return _end(client, arguments, end, proposal_id)
    raise WrongUse("name a FILE, or a proposal to approve, refuse or withdraw")


def _propose(client: ReviewClient, arguments: argparse.Namespace) -> int:
    """Propose the text, show what it would change and what the second person runs."""
    body = {"content": arguments.content, "reason": arguments.reason}
    if arguments.effective_from:
        body["effective_from"] = arguments.effective_from
    told = client.post("/policies/proposals", body)
    if arguments.json:
        print(json.dumps(told, indent=2))
        return 0
    print(_printable(describe(client.get(f"/policies/proposals/{told['proposal_id']}"))))
    print(f"\nproposed as proposal {told['proposal_id']}: {told['next']} That person runs:\n")
    print(f'    backoffice policy activate --approve {told["proposal_id"]} --reason "..."')
    return 0


def _end(client: ReviewClient, arguments: argparse.Namespace, end: str, proposal_id: int) -> int:
    """Show the proposal, then act on exactly what was shown."""
    proposal = client.get(f"/policies/proposals/{proposal_id}")
    if not arguments.json:
        print(_printable(describe(proposal)))
        print()
    body = {"reason": arguments.reason}
    if end == "approve":
        body["impact_sha256"] = proposal["impact_sha256"]
    told = client.post(f"/policies/proposals/{proposal_id}/{end}", body)
    print(
        json.dumps(told, indent=2)
        if arguments.json
        else f"proposal {proposal_id} is {'approved' if end == 'approve' else told['state']}: {told['next']}"
    )
    return 0


def describe(proposal: dict[str, Any]) -> str:
    """Return a proposal with its difference and impact as plain text."""
    impact = proposal["impact"]
    lines = [
        f"Proposal {proposal['proposal_id']}: policy {proposal['policy_id']}, version {proposal['version']} "
        f"instead of {proposal['replaces_version']}, {proposal['state']}",
        f"  from business day {proposal['effective_from']}; the machine decides up to "
        f"{proposal['machine_limit']} {proposal['currency']}",
        f"  text {proposal['sha256']}",
        *[f"  {one['acted_at']} {one['person']}: {one['act']}: {one['reason']}" for one in proposal["acts"]],
        "",
        "Difference",
        *[f"  {line}" for line in proposal["difference"]],
        "",
        f"Impact: {_changes(impact)}",
        *[f"  {_move(move)}" for move in impact["moves"]],
        *[f"  by the default, because {fault['fault']}: {fault['count']}" for fault in impact["unusable"]],
        *[f"  not decided again: {form['count']}, because {form['fault']}" for form in impact["other_form"]],
        *[f"  {_flip(one)}" for one in impact["listed"][:_MOST_SHOWN]],
    ]
    if impact["changed"] > _MOST_SHOWN:
        lines.append("  ... the API lists up to 500")
    return "\n".join(lines)


def _move(move: dict[str, Any]) -> str:
    total = f"{move['amount']} {move['currency']}" if move["currency"] else "amounts not known"
    return f"{move['from']} becomes {move['to']}: {move['count']}, {total}"


def _flip(one: dict[str, Any]) -> str:
    amount = f"{one['amount']} {one['currency']}" if one["amount"] else "amount not known"
    what = f"{one['invoice'] or one['decision_id']} of {one['supplier'] or 'unknown supplier'}, {amount}"
    return f"{what}: {one['from']} ({one['from_rule']}) becomes {one['to']} ({one['to_rule']})"


def _changes(one: dict[str, Any]) -> str:
    if not one["decisions"]:
        return "no decision is recorded yet to try it on"
    return f"{one['changed']} of the last {one['decisions']} decisions come out otherwise"


def _printable(text: str) -> str:
    """Replace control characters, so that nobody's text can drive the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)
