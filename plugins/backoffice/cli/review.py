"""``review list``, ``review show``, ``review decide``, and the life of a case: the inbox on the command line.

Whoever calls it acts as themselves, with their own log-in; the ledger decides what they may do.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from backoffice.cli import review_batch, review_life, review_oversight
from backoffice.cli.printing import printable
from backoffice.cli.review_client import Refused, ReviewClient, WrongUse, connect

_EPILOG = """
The API is found by BACKOFFICE_URL, else by the running local installation. Log in by BACKOFFICE_TOKEN, else
by
--user (or BACKOFFICE_USER) and a password that is asked for (or BACKOFFICE_PASSWORD, for scripts).
Exit codes: 0 good, 1 refused or not there, 2 wrong use.
"""
_STATES = ("open", "half_decided", "decided", "settled", "superseded", "all")
_ACTIONS = ("accept", "reject", "ask_again", "read_again", "discard")


def register(subparsers: Any) -> None:
    """Add the commands."""
    review = subparsers.add_parser(
        "review", help="list, read, take, ask about and decide the cases that wait for people", epilog=_EPILOG
    )
    commands = review.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = commands.add_parser("list", help="list cases, the most urgent first", epilog=_EPILOG)
    listing.add_argument("--state", choices=_STATES, default="open", help="default: open")
    listing.add_argument("--role", help="only cases of this role, for example ap_clerk")
    listing.add_argument("--code", help="only cases with this hold code, for example PRICE")
    listing.add_argument("--mine", action="store_true", help="only cases I am named in or whose role I have")
    listing.add_argument("--search", metavar="TEXT", help="supplier, invoice, order or case number")
    listing.add_argument("--limit", type=positive, default=50, help="most cases to list; default 50")

    show = commands.add_parser(
        "show", help="show one case with everything needed to decide it", epilog=_EPILOG
    )
    show.add_argument("case", type=positive, metavar="CASE")

    decide = commands.add_parser("decide", help="answer one case", epilog=_EPILOG)
    decide.add_argument("case", type=positive, metavar="CASE")
    decide.add_argument("--action", required=True, choices=_ACTIONS)
    decide.add_argument("--reason-code", required=True)
    decide.add_argument("--reason", required=True, help="why, in your own words")

    life = review_life.register(commands, positive, _EPILOG)
    batches = review_batch.register(commands, positive, table, _EPILOG)
    oversight = review_oversight.register(commands, positive, _EPILOG)
    for command, run in ((listing, _list), (show, _show), (decide, _decide), *life, *batches, *oversight):
        command.add_argument("--user", help="log in as this user")
        command.add_argument("--json", action="store_true", help="print the API's own answer")
        command.set_defaults(run=lambda arguments, act=run: _guarded(act, arguments))


def positive(text: str) -> int:
    """Read a number from 1."""
    value = int(text) if text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def _guarded(act: Any, arguments: argparse.Namespace) -> int:
    """Run a command and turn what can go wrong into a sentence and an exit code."""
    try:
        with connect(arguments.user) as client:
            return int(act(client, arguments))
    except WrongUse as error:
        print(f"backoffice review: {error}", file=sys.stderr)
        return 2
    except Refused as error:
        print(f"backoffice review: {error}", file=sys.stderr)
        return 1


def _list(client: ReviewClient, arguments: argparse.Namespace) -> int:
    query = {
        "state": arguments.state,
        "mine": str(arguments.mine).lower(),
        "limit": min(arguments.limit, 200),
    }
    for name, value in (("role", arguments.role), ("code", arguments.code), ("q", arguments.search)):
        if value:
            query[name] = value
    found, more = client.pages(f"/cases?{urlencode(query)}", "cases", arguments.limit)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    if not found:
        print("no case matches")
        return 0
    rows = [
        (
            str(case["case_id"]),
            case["state"],
            case["role"],
            case["due_date"] or "-",
            _amount(case["amount"], case["currency"]),
            ",".join(case["codes"]),
            ("synthetic data: " if case["synthetic"] else "") + case["title"],
        )
        for case in found
    ]
    print(table(("case", "state", "role", "due", "amount", "codes", "title"), rows))
    if more:
        print(f"there are more than {len(found)}; narrow the list or raise --limit")
    return 0


def _show(client: ReviewClient, arguments: argparse.Namespace) -> int:
    case = client.get(f"/cases/{arguments.case}")
    print(json.dumps(case, indent=2) if arguments.json else describe(case))
    return 0


def _decide(client: ReviewClient, arguments: argparse.Namespace) -> int:
    """Show the case, then send the answer bound to exactly the facts that were shown."""
    case = client.get(f"/cases/{arguments.case}")
    if not arguments.json:
        print(describe(case))
        print()
    answer = client.answer(
        arguments.case,
        {
            "action": arguments.action,
            "reason_code": arguments.reason_code,
            "reason": arguments.reason,
            "evidence_hash": case["evidence_hash"],
        },
    )
    print(
        json.dumps(answer, indent=2)
        if arguments.json
        else f"recorded as answer {answer['answer_id']}: {answer['next']}"
    )
    return 0


def describe(case: dict[str, Any]) -> str:
    """Return the hand-over of a case as plain text."""
    document, supplier = case["handover"].get("document") or {}, case["handover"].get("supplier") or {}
    number, dated = document.get("number") or "without a number", document.get("date") or "without a date"
    kind = _plain(document.get("kind") or "document")
    lines = [
        f"Case {case['case_id']}: {case['title']}",
        *(["  SYNTHETIC DATA of the sandbox company"] if case["synthetic"] else []),
        f"  {_plain(case['state'])}; decides: {case['candidate'] or _plain(case['role'])}; "
        f"due {case['due_date'] or 'not known'}{_discount(case)}",
        f"  {kind} {number}, {dated}, {_amount(case['amount'], case['currency'])}",
        f"  supplier {supplier.get('name') or 'not known'} {supplier.get('id') or ''}".rstrip(),
        "",
        "What happened",
        *[f"  {hold['code']}{_line(hold)}: {hold['sentence']}" for hold in case["holds"]],
        *[_finding(finding) for finding in case["handover"].get("findings") or []],
        "",
        "What can be done",
        *[text for action in case["actions"] for text in _action(action)],
    ]
    if case["answers"]:
        lines += ["", "Answers so far"]
        lines += [
            f"  {a['answered_at']} {a['person']}: {a['action']} ({a['reason_code']}) {a['reason']}"
            for a in case["answers"]
        ]
    if case["documents"]:
        lines += [
            "",
            "Originals",
            *[f"  {d['filename']} ({d['bytes']} bytes): {d['href']}" for d in case["documents"]],
        ]
    return "\n".join(printable(line) for line in lines)


def _discount(case: dict[str, Any]) -> str:
    if case["discount_date"] is None:
        return ""
    percent = f"{case['discount_percent']} % " if case["discount_percent"] is not None else ""
    return f"; discount {percent}until {case['discount_date']}"


def _plain(code: object) -> str:
    return str(code).replace("_", " ")


def _line(hold: dict[str, Any]) -> str:
    return f" on line {hold['line']}" if hold["line"] else ""


def _finding(finding: dict[str, Any]) -> str:
    value = f" = {finding['value']!r}" if finding.get("value") not in (None, "") else ""
    return f"  {finding.get('reason')}" + (f" ({finding['field']}{value})" if finding.get("field") else "")


def _action(action: dict[str, Any]) -> list[str]:
    second = " (needs a second person)" if action["needs_second_person"] else ""
    lines = [f"  {action['action']}{second}: {action['effect']}"]
    if action["allowed"]:
        lines.append(f"      reason codes: {', '.join(action['reason_codes'])}")
    else:
        lines.append(f"      not by you: {action['why_not']}")
    return lines


def _amount(amount: str | None, currency: str | None) -> str:
    return f"{amount} {currency or ''}".rstrip() if amount is not None else "amount not known"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows under their headings, with nothing in them that could drive the terminal."""
    cells = [head, *[tuple(printable(cell) for cell in row) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
