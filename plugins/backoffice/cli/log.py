"""``log list``, ``restore``, ``replace-key``, ``confirm``: acts about the audit log, over the REST API.

Each takes two log keepers, who act as themselves, with their own log-ins; the ledger decides what they may
do.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from backoffice.cli.review_client import Refused, ReviewClient, WrongUse, connect

_EPILOG = """
The API is found by BACKOFFICE_URL, else by the running local installation. Log in by BACKOFFICE_TOKEN, else
by --user (or BACKOFFICE_USER) and a password that is asked for (or BACKOFFICE_PASSWORD, for scripts).
Exit codes: 0 good, 1 refused or not there, 2 wrong use.
"""


def register(subparsers: Any) -> None:
    """Add the commands."""
    log = subparsers.add_parser(
        "log", help="record a restore, replace a lost signing key: two log keepers", epilog=_EPILOG
    )
    commands = log.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = commands.add_parser("list", help="list what was proposed about the log", epilog=_EPILOG)

    restore = commands.add_parser(
        "restore", help="say that a restore of the database gave up the end of the log", epilog=_EPILOG
    )
    restore.add_argument(
        "--checkpoint",
        required=True,
        type=_checkpoint,
        metavar="FILE",
        help="the checkpoint that was signed last: the sealer's file last-checkpoint, or an anchor's .jsonl, "
        "whose last line counts",
    )

    replace = commands.add_parser(
        "replace-key", help="name the signing key that takes the place of a lost one", epilog=_EPILOG
    )
    replace.add_argument(
        "--key", required=True, metavar="LINE", help="the public line that the sealer prints"
    )

    confirm = commands.add_parser("confirm", help="confirm what another log keeper proposed", epilog=_EPILOG)
    confirm.add_argument("proposal", type=_positive, metavar="PROPOSAL")

    for command, run in ((listing, _list), (restore, _restore), (replace, _replace), (confirm, _confirm)):
        if command is not listing:
            command.add_argument("--reason", required=True, help="why, in your own words")
        command.add_argument("--user", help="log in as this user")
        command.add_argument("--json", action="store_true", help="print the API's own answer")
        command.set_defaults(run=lambda arguments, act=run: _guarded(act, arguments))


def _positive(text: str) -> int:
    value = int(text) if text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def _checkpoint(file: str) -> str:
    """Return the signed note in a file: the file itself, or the last line of an anchor's."""
    try:
        text = Path(file).read_text(encoding="utf-8")
        if not text.lstrip().startswith("{"):
            return text
        return str(json.loads(text.strip().splitlines()[-1])["note"])
    except (OSError, UnicodeDecodeError, ValueError, KeyError) as error:
        raise argparse.ArgumentTypeError(f"holds no checkpoint: {type(error).__name__}") from None


def _guarded(act: Any, arguments: argparse.Namespace) -> int:
    """Run a command and turn what can go wrong into a sentence and an exit code."""
    try:
        with connect(arguments.user) as client:
            return int(act(client, arguments))
    except WrongUse as error:
        print(f"backoffice log: {error}", file=sys.stderr)
        return 2
    except Refused as error:
        print(f"backoffice log: {error}", file=sys.stderr)
        return 1


def _list(client: ReviewClient, arguments: argparse.Namespace) -> int:
    found = client.get("/log/proposals")["proposals"]
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    print("\n\n".join(describe(proposal) for proposal in found) or "nothing was proposed")
    return 0


def _restore(client: ReviewClient, arguments: argparse.Namespace) -> int:
    body = {"checkpoint": arguments.checkpoint, "reason": arguments.reason}
    return _told(client.post("/log/restores", body), arguments)


def _replace(client: ReviewClient, arguments: argparse.Namespace) -> int:
    return _told(client.post("/log/keys", {"key": arguments.key, "reason": arguments.reason}), arguments)


def _confirm(client: ReviewClient, arguments: argparse.Namespace) -> int:
    """Show the proposal, then confirm exactly what was shown."""
    found = client.get("/log/proposals")["proposals"]
    proposal = next((one for one in found if one["proposal_id"] == arguments.proposal), None)
    if proposal is None:
        raise Refused(f"there is no proposal {arguments.proposal}")
    if not arguments.json:
        print(describe(proposal), end="\n\n")
    body = {"digest": proposal["digest"], "reason": arguments.reason}
    return _told(client.post(f"/log/proposals/{arguments.proposal}/confirmation", body), arguments)


def _told(taken: dict[str, Any], arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(json.dumps(taken, indent=2))
        return 0
    print(describe(taken["proposal"]), end="\n\n")
    print(taken["next"])
    return 0


def describe(proposal: dict[str, Any]) -> str:
    """Return a proposal as plain text."""
    if proposal["act"] == "restore":
        what = [
            "Proposal {proposal_id}: a restore of the database gave up the end of the log",
            "  given up    {abandoned}",
            "  goes on at  {continued}",
        ]
    else:
        what = ["Proposal {proposal_id}: a new signing key for a lost one", "  key         {key}"]
    what += ["  proposed    {proposed_at} by {proposed_by}: {reason}"]
    if proposal["confirmed_by"]:
        what += ["  confirmed   {confirmed_at} by {confirmed_by}: {confirmed_reason}"]
    elif proposal["hindrance"]:
        what += ["  not confirmed, and cannot be any more: {hindrance}"]
    else:
        what += ["  waits for another log keeper"]
    text = "\n".join(line.format(**proposal) for line in what)
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)
