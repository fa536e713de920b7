"""The part of a pack's page that shows what the ledger's tables say, which no signature covers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backoffice.domain.evidence.contents import Item, Pack
from backoffice.domain.evidence.heading import CALLED, heading, witness_of
from backoffice.domain.evidence.markup import Html, listing, pairs, table, tag

_DOCUMENT = {
    "kind": "Kind",
    "number": "Number",
    "date": "Date",
    "due_date": "Due",
    "entity": "Company",
    "supplier_id": "Supplier",
    "supplier": "Supplier's name",
    "seller": "Name on the document",
    "net": "Net",
    "tax": "Tax",
    "gross": "Gross",
    "payable": "Payable",
    "currency": "Currency",
    "received_at": "Received (UTC)",
    "source": "Source",
    "filename": "File name",
    "state": "State now",
    "payment_block": "Blocked for payment now",
    "content_sha256": "Content, SHA-256",
    "original_sha256": "Original, SHA-256",
    "findings": "Why it was quarantined",
}
_TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "lines": (
        "Lines of the document",
        {
            "line": "Line",
            "description": "Description",
            "order": "Order",
            "quantity": "Quantity",
            "uom": "Unit",
            "unit_price": "Unit price",
            "net": "Net",
        },
    ),
    "orders": (
        "Its order lines, in each version that was accepted",
        {
            "order": "Order",
            "version": "Version",
            "quantity": "Quantity",
            "uom": "Unit",
            "unit_price": "Unit price",
            "currency": "Currency",
            "created_by": "Created by",
            "source": "Source",
            "accepted_at": "Accepted (UTC)",
            "content_sha256": "Content, SHA-256",
        },
    ),
    "receipts": (
        "Receipts on these order lines",
        {
            "receipt": "Receipt",
            "order": "Order",
            "quantity": "Quantity",
            "value": "Value",
            "received_at": "Received (UTC)",
            "receiver": "Received by",
            "source": "Source",
            "accepted_at": "Accepted (UTC)",
            "content_sha256": "Content, SHA-256",
        },
    ),
    "suppliers": (
        "Supplier, in each version that was accepted",
        {
            "supplier_id": "Supplier",
            "version": "Version",
            "name": "Name",
            "iban": "IBAN",
            "blocked": "Blocked",
            "source": "Source",
            "accepted_at": "Accepted (UTC)",
            "content_sha256": "Content, SHA-256",
        },
    ),
    "entries": (
        "Journal entries",
        {
            "entry": "Entry",
            "business_key": "Key",
            "event": "Event",
            "posting_date": "Posting date",
            "period": "Period",
            "reverses": "Reverses",
        },
    ),
    "payments": (
        "Payment proposals",
        {
            "payment": "Proposal",
            "amount": "Amount",
            "currency": "Currency",
            "pay_on": "Pay on",
            "state": "State now",
            "decision": "Rests on decision",
        },
    ),
    "cases": (
        "Cases",
        {
            "case": "Case",
            "role": "Role",
            "title": "Title",
            "state": "State now",
            "opened_at": "Opened (UTC)",
            "closed_at": "Closed (UTC)",
        },
    ),
    "acts": (
        "What people did about this version of the policy",
        {
            "at": "At (UTC)",
            "act": "Act",
            "person_id": "Person",
            "reason": "Reason",
        },
    ),
    "authority": (
        "Authority of the persons who acted",
        {
            "person_id": "Person",
            "role": "Role",
            "process": "Process",
            "entity": "Company",
            "amount_limit": "Limit",
            "currency": "Currency",
            "effective_from": "From",
            "effective_to": "To",
            "known_from": "Recorded (UTC)",
            "granted_by": "Entered by",
            "known_until": "Ended (UTC)",
        },
    ),
    "runs": (
        "Runs",
        {
            "run": "Run",
            "process": "Process",
            "business_date": "Business day",
            "started_at": "Began (UTC)",
            "package_version": "Package",
        },
    ),
}
_AUTHORITY = {
    **_TABLES["authority"][1],
    "person": "Name",
    "begins_in_period": "Begins in the period",
    "ends_in_period": "Ends in the period",
}
_CONFLICT = {
    "conflict": "Conflict",
    "breach": "A rule was broken",
    "ref": "About",
    "person_id": "Person",
    "person": "Name",
    "one_side": "On one side",
    "other_side": "On the other",
    "at": "At (UTC)",
    "amount": "Amount",
    "currency": "Currency",
}


def document(item: Item) -> Iterator[Html]:
    """Yield what the ledger calls it, and what it says of the document that no record says."""
    said = item.listed.get("document") or {}
    rows = [(name, said.get(key)) for key, name in _DOCUMENT.items()]
    yield pairs([("Known to the ledger as", item.listed.get("called")), *rows])


def basis(item: Item) -> Iterator[Html]:
    """Yield what it rests on, a table each; of rows that records know only what they do not say."""
    for key, (title, names) in _TABLES.items():
        rows: Sequence[Mapping[str, Any]] = item.listed.get(key) or ()
        if rows:
            yield tag("h4", title)
            yield listing(rows, names)


def sample(pack: Pack) -> Iterator[Html]:
    """Yield what a sample was drawn from, and who was who then."""
    drawn_from = pack.sample
    if not drawn_from:
        return
    yield tag("h2", "The population and the sample, listed, not signed")
    yield tag(
        "p",
        f"Population: {CALLED.get(drawn_from['population'], drawn_from['population'])}, "
        f"{drawn_from['first_day']} to {drawn_from['last_day']}. The check program adds it up, draws the "
        "sample again, and compares the amounts of what was drawn with signed records. That the population "
        "is whole no pack can prove; the count and sum of the other side are as listed.",
    )
    names = sorted(drawn_from["totals"])
    yield table(
        ["Currency", "Items", "Amount", drawn_from["tied_to"] + ": items", "amount"],
        (
            [
                name or "without amount",
                *_total(drawn_from["totals"], name),
                *_total(drawn_from["control"], name),
            ]
            for name in names
        ),
    )
    yield tag("p", "The population ties." if drawn_from["ties"] else "THE POPULATION DOES NOT TIE.")
    yield tag(
        "p",
        f"Drawn: {len(pack.items)} of {drawn_from['size']} asked for, with the seed ",
        tag("code", drawn_from["seed"]),
        ". The item with the smallest SHA-256 of seed, line feed and key comes first. "
        "The whole population is in population/population.csv.",
    )
    yield table(
        ["Place", "Key", "What"],
        ([place, one.ref, heading(one, witness_of(pack, one))] for place, one in enumerate(pack.items, 1)),
    )
    yield from _people(drawn_from)


def _total(totals: Mapping[str, Any], name: str) -> list[object]:
    found = totals.get(name) or {}
    return [found.get("items", "0"), found.get("amount", "")]


def _people(sample: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("h3", "Who had which authority when (listed, not signed)")
    yield listing(sample.get("authority") or (), _AUTHORITY)
    conflicts = sample.get("conflicts") or ()
    yield tag("h3", f"Conflicts of duties in the period (listed, not signed): {len(conflicts)}")
    if conflicts:
        yield listing(conflicts, _CONFLICT)
