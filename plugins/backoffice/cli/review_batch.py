"""``review batch list``, ``show`` and ``take-out``: batches that wait for a signature.

``review decide`` signs or refuses one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

from backoffice.cli.review_client import ReviewClient, WrongUse

Act = Callable[[ReviewClient, argparse.Namespace], int]
Table = Callable[[tuple[str, ...], Sequence[tuple[str, ...]]], str]


def register(
    commands: Any, positive: Callable[[str], int], table: Table, epilog: str
) -> list[tuple[Any, Act]]:
    """Add the commands; return each with what it does.

    :param table: Lays rows out under their headings.
    """
    batch = commands.add_parser("batch", help="look at batches that wait for a signature", epilog=epilog)
    parts = batch.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = parts.add_parser("list", help="list the batches that wait", epilog=epilog)
    listing.add_argument("--limit", type=positive, default=50, help="most batches to list; default 50")

    show = parts.add_parser("show", help="show the control totals and the entries of a batch", epilog=epilog)
    show.add_argument("case", type=positive, metavar="CASE")
    show.add_argument("--limit", type=positive, default=50, help="most entries to show; default 50")

    out = parts.add_parser(
        "take-out", help="hold entries back; each becomes a case of its own", epilog=epilog
    )
    out.add_argument("case", type=positive, metavar="CASE")
    out.add_argument("items", type=positive, nargs="+", metavar="ENTRY", help="number of an entry")
    out.add_argument("--reason", required=True, help="why, in your own words")

    def shown(client: ReviewClient, arguments: argparse.Namespace) -> int:
        return _show(client, arguments, table)

    def listed(client: ReviewClient, arguments: argparse.Namespace) -> int:
        return _list(client, arguments, table)

    return [(listing, listed), (show, shown), (out, _take_out)]


def _list(client: ReviewClient, arguments: argparse.Namespace, table: Table) -> int:
    found, more = client.pages("/cases?code=BATCH&limit=200", "cases", arguments.limit)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    if not found:
        print("no batch waits")
        return 0
    rows = [
        (str(case["case_id"]), case["status"].replace("_", " "), case["role"], case["title"])
        for case in found
    ]
    print(table(("case", "state", "role", "batch"), rows))
    if more:
        print(f"there are more than {len(found)}; raise --limit")
    return 0


def _show(client: ReviewClient, arguments: argparse.Namespace, table: Table) -> int:
    address = f"/cases/{arguments.case}/entries?limit={min(arguments.limit, 200)}"
    batch = client.get(address)
    entries, more = client.pages(address, "entries", arguments.limit)
    if arguments.json:
        print(json.dumps({**batch, "entries": entries}, indent=2))
        return 0
    print(f"Batch {batch['batch_id']}, case {arguments.case}")
    print(_totals(batch))
    rows = [
        (
            str(entry["item_no"]),
            entry["name"],
            entry["supplier"] or "-",
            f"{entry['amount']} {entry['currency']}",
            entry["changed"] or entry["state"].replace("_", " "),
        )
        for entry in entries
    ]
    print(table(("entry", "document", "supplier", "amount", "state"), rows))
    if more:
        print(f"there are more than {len(entries)} entries; raise --limit")
    return 0


def _take_out(client: ReviewClient, arguments: argparse.Namespace) -> int:
    """Take out of exactly the batch as it stands now, and say what is left to sign for."""
    if len(set(arguments.items)) != len(arguments.items):
        raise WrongUse("an entry is named twice")
    batch = client.get(f"/cases/{arguments.case}/entries?limit=1")
    body = {"items": arguments.items, "reason": arguments.reason, "evidence_hash": batch["evidence_hash"]}
    told = client.post(f"/cases/{arguments.case}/entries/taken-out", body)
    if arguments.json:
        print(json.dumps(told, indent=2))
        return 0
    print(f"taken out: {len(arguments.items)}; nothing is signed by this")
    print(_totals(told))
    return 0


def _totals(batch: dict[str, Any]) -> str:
    parts = [f"{total['items']} entries, {total['amount']} {total['currency']}" for total in batch["totals"]]
    taken_out = f" ({batch['taken_out']} taken out)" if batch["taken_out"] else ""
    return f"to be signed for: {'; '.join(parts)}{taken_out}"
