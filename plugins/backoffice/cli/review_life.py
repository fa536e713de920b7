"""The life of a case on the command line: ``review claim``, ``ask``, ``comment`` and their sisters."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backoffice.cli.printing import printable
from backoffice.cli.review_client import ReviewClient, WrongUse

Act = Callable[[ReviewClient, argparse.Namespace], int]


def register(commands: Any, positive: Callable[[str], int], epilog: str) -> list[tuple[Any, Act]]:
    """Add the commands; return each with what it does."""

    def command(name: str, text: str, act: Act, *, case: bool = True) -> Any:
        made = commands.add_parser(name, help=text, epilog=epilog)
        if case:
            made.add_argument("case", type=positive, metavar="CASE")
        added.append((made, act))
        return made

    added: list[tuple[Any, Act]] = []
    command("claim", "take a case, so that nobody else works on it", _claim)
    release = command("release", "give a case back to the queue", _release)
    release.add_argument("--reason", default="", help="why; needed to take it from another")
    reassign = command("reassign", "hand a case to another person", _reassign)
    reassign.add_argument(
        "--to", required=True, metavar="PERSON", help="id of the person, for example p-clerk"
    )
    reassign.add_argument("--reason", required=True)
    ask = command("ask", "ask for information; the clock of the case stands until it is there", _ask)
    ask.add_argument(
        "--whom",
        required=True,
        help="requester, buyer, receiver, supplier, or a colleague as person:ID",
    )
    ask.add_argument("--question", required=True)
    inform = command("inform", "give the information that a case waits for", _inform)
    inform.add_argument("--information", required=True)
    comment = command("comment", "say something about a case", _comment)
    comment.add_argument("--text", required=True)
    attach = command("attach", "put a file to a case", _attach)
    attach.add_argument("file", type=Path, metavar="FILE")
    command("questions", "list the questions that wait for your answer", _questions, case=False)
    return added


def _claim(client: ReviewClient, arguments: argparse.Namespace) -> int:
    return _send(client, arguments, "claim", None)


def _release(client: ReviewClient, arguments: argparse.Namespace) -> int:
    return _send(client, arguments, "release", {"reason": arguments.reason})


def _reassign(client: ReviewClient, arguments: argparse.Namespace) -> int:
    return _send(client, arguments, "reassign", {"to_person": arguments.to, "reason": arguments.reason})


def _ask(client: ReviewClient, arguments: argparse.Namespace) -> int:
    return _send(client, arguments, "questions", {"whom": arguments.whom, "question": arguments.question})


def _inform(client: ReviewClient, arguments: argparse.Namespace) -> int:
    return _send(client, arguments, "information", {"information": arguments.information})


def _comment(client: ReviewClient, arguments: argparse.Namespace) -> int:
    return _send(client, arguments, "comments", {"comment": arguments.text})


def _attach(client: ReviewClient, arguments: argparse.Namespace) -> int:
    try:
        content = arguments.file.read_bytes()
    except OSError as error:
        raise WrongUse(f"{arguments.file} cannot be read: {error.strerror}") from error
    address = f"/cases/{arguments.case}/attachments?filename={quote(arguments.file.name, safe='')}"
    return _tell(client.post_file(address, content), arguments)


def _questions(client: ReviewClient, arguments: argparse.Namespace) -> int:
    found = client.get("/questions")["questions"]
    if arguments.json:
        print(json.dumps(found, indent=2))
    elif not found:
        print("no question waits for you")
    else:
        for one in found:
            print(printable(f"case {one['case_id']}: {one['asked_by']} asks: {one['question']}"))
            print(printable(f"  {one['title']}"))
            print(f"  backoffice review inform {one['case_id']} --information ...")
    return 0


def _send(client: ReviewClient, arguments: argparse.Namespace, name: str, body: dict[str, str] | None) -> int:
    return _tell(client.post(f"/cases/{arguments.case}/{name}", body), arguments)


def _tell(answer: dict[str, Any], arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(json.dumps(answer, indent=2))
        return 0
    who = f"; {answer['claimed_by_name']} has it" if answer["claimed_by_name"] else ""
    print(printable(f"case {answer['case_id']} is {answer['status'].replace('_', ' ')}{who}"))
    return 0
