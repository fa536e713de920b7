"""Thirty cases with a known cause each, and the answers, to try whether a case can be decided from its page alone.

``python -m tests.seeded_cases --dsn DSN --answers FILE`` writes them into a ledger through a night of the ledger's own
functions (DSN: the application log-in of a sandbox ledger) and the answers into a file that who decides must not read.
Each cause comes three times, with other numbers and decoys: other items, other prices, faultless invoices before.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import psycopg
from tests.books import Books

CASES = 30
UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
NAMES = (
    "Nordwind",
    "Albrecht & Söhne",
    "Kleeblatt",
    "Hansa",
    "Iberia",
    "Lindqvist",
    "Moreau",
    "Petrov",
    "Rossi",
    "Zielinski",
)


@dataclass(frozen=True)
class SeededCase:
    """One case and its right answer.

    :param actions: What may be decided; the first is best.
    :param why: What on the page leads to it.
    """

    number: str
    cause: str
    actions: tuple[str, ...]
    why: str


class PaperBooks(Books):
    """Books whose invoices have an original document, as a mailbox would bring it."""

    def invoice(self, number: str, lines: Any, **values: Any) -> str:
        """Stage an invoice with its original."""
        sha = super().invoice(number, lines, **values)
        entry = self.pending["invoices"][-1]
        entry["row"]["document_id"] = self._keep(write_ubl(entry["row"], entry["lines"], entry["taxes"]))
        entry["row"]["filename"] = f"{number}.xml"
        return sha

    def _keep(self, content: bytes) -> int:
        return self._one(
            "INSERT INTO intake.document (sha256, content, media_type) VALUES (sha256(%s), %s, 'application/xml') RETURNING document_id",
            content,
            content,
        )


def write_ubl(head: dict[str, Any], lines: list[dict[str, Any]], taxes: list[dict[str, Any]]) -> bytes:
    """Write an invoice as UBL."""
    currency = head["currency"]

    def money(name: str, value: object) -> str:
        return f'<cbc:{name} currencyID="{currency}">{value}</cbc:{name}>'

    told = "".join(
        f'<cac:InvoiceLine><cbc:ID>{line["line_id"]}</cbc:ID><cbc:InvoicedQuantity unitCode="{line["uom"]}">{line["quantity"]}</cbc:InvoicedQuantity>'
        + money("LineExtensionAmount", line["net_amount"])
        + f"<cac:OrderLineReference><cbc:LineID>{line['po_line']}</cbc:LineID><cac:OrderReference><cbc:ID>{line['po_number']}</cbc:ID></cac:OrderReference></cac:OrderLineReference>"
        + f"<cac:Item><cbc:Name>{escape(line.get('description') or 'Goods')}</cbc:Name><cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>{line['tax_rate']}</cbc:Percent></cac:ClassifiedTaxCategory></cac:Item>"
        + f"<cac:Price>{money('PriceAmount', line['unit_price'])}</cac:Price></cac:InvoiceLine>"
        for line in lines
    )
    tax = "".join(
        f"<cac:TaxSubtotal>{money('TaxableAmount', row['taxable_amount'])}{money('TaxAmount', row['tax_amount'])}<cac:TaxCategory><cbc:ID>{row['category']}</cbc:ID><cbc:Percent>{row['rate']}</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal>"
        for row in taxes
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Invoice xmlns="{UBL}Invoice-2" xmlns:cac="{UBL}CommonAggregateComponents-2" xmlns:cbc="{UBL}CommonBasicComponents-2">'
        f"<cbc:ID>{escape(head['invoice_number'])}</cbc:ID><cbc:IssueDate>{head['invoice_date']}</cbc:IssueDate><cbc:DueDate>{head['due_date']}</cbc:DueDate>"
        f"<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>"
        f"<cac:AccountingSupplierParty><cac:Party><cac:PartyIdentification><cbc:ID>{escape(head['seller_id'])}</cbc:ID></cac:PartyIdentification>"
        f"<cac:PartyLegalEntity><cbc:RegistrationName>{escape(head['seller_name'])}</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:AccountingSupplierParty>"
        f"<cac:AccountingCustomerParty><cac:Party><cac:PartyLegalEntity><cbc:RegistrationName>Sandbox company</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:AccountingCustomerParty>"
        f"<cac:TaxTotal>{money('TaxAmount', head['tax_total'])}{tax}</cac:TaxTotal><cac:LegalMonetaryTotal>{money('LineExtensionAmount', head['line_total'])}"
        f"{money('TaxExclusiveAmount', head['net_total'])}{money('TaxInclusiveAmount', head['gross_total'])}{money('PayableAmount', head['payable_total'])}</cac:LegalMonetaryTotal>{told}</Invoice>"
    ).encode()


class Storyteller:
    """Tells one story: a supplier of its own, decoys, and the invoice that will be held."""

    def __init__(self, books: Books, place: int, chance: random.Random, today: date) -> None:
        self.books, self.place, self.chance, self.today = books, place, chance, today
        self.supplier_id = f"SEED-{place:02}"
        self.name = f"{NAMES[place % len(NAMES)]} {chance.choice(('GmbH', 'AG', 'KG'))} {place}"
        self.po = f"47{place:08}"
        self.later: list[Callable[[], None]] = []
        self.cause: str | None = None
        self.number = f"SC-{place:03}{chance.randint(100, 999)}"
        books.supplier(self.supplier_id, name=self.name)

    def day(self, ago: int) -> date:
        """So many days ago."""
        return self.today - timedelta(days=ago)

    def order(self, line: int, quantity: Any, price: Any, **values: Any) -> None:
        """Order from this supplier."""
        common = {
            "supplier_id": self.supplier_id,
            "created_by": "anna.brandt",
            "buyer": "bilal.demir",
            "order_date": self.day(40),
            "description": f"Part {line} of {self.name}",
        }
        self.books.order(values.pop("po", self.po), line, quantity, price, **{**common, **values})

    def receive(self, line: int, quantity: Any, **values: Any) -> None:
        """Receive goods."""
        at = datetime.combine(self.day(values.pop("ago", 12)), time(9), UTC)
        self.books.receive(
            values.pop("po", self.po),
            line,
            quantity,
            f"WE-{self.place:02}{self.chance.randint(10_000, 99_999)}",
            received_at=at,
            **values,
        )

    def bill(self, lines: list[tuple[Any, ...]], number: str | None = None, **values: Any) -> None:
        """Send an invoice; lines are ``(line, quantity, price)`` and changes to the line."""
        issued = self.day(values.pop("ago", 8))
        given = {
            "seller_id": self.supplier_id, "seller_name": self.name, "invoice_date": issued, "due_date": issued + timedelta(days=45),
            "received_at": datetime.combine(issued + timedelta(days=1), time(8), UTC),
        }  # fmt: skip
        rows = [
            (values.get("po", self.po), line, quantity, price, *more)
            for line, quantity, price, *more in lines
        ]
        values.pop("po", None)
        self.books.invoice(number or self.number, rows, **{**given, **values})

    def decoy(self) -> None:
        """Faultless business before: another order, received and billed as ordered."""
        quantity, price, po = (
            self.chance.randint(5, 40),
            Decimal(self.chance.randint(300, 9000)) / 100,
            f"46{self.place:08}",
        )
        self.order(1, quantity, price, po=po, item=f"decoy-{self.place}")
        self.receive(1, quantity, po=po, ago=20)
        self.bill([(1, quantity, price)], f"{self.number}-A", po=po, ago=19)

    def price(self) -> Decimal:
        """A price that gives whole cents."""
        return Decimal(self.chance.randint(110, 490)) / 10


def _unit_factor(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    factor = (12, 100, 10)[turn]
    quantity, price = story.chance.randint(4, 9) * 5, Decimal(story.chance.randint(2, 9) * 12)
    story.order(1, quantity, price)
    story.receive(1, quantity)
    if turn == 2:
        story.bill([(1, quantity * factor, price)])
        story.cause = "multiple_billed"
        return ("reject",), f"quantity is {factor} times what was ordered and received, and so is the amount"
    story.bill([(1, quantity * factor, price / factor)])
    return ("accept",), f"quantity times {factor}, price divided by {factor}: the amount is as ordered"


def _older_price(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    quantity, price = story.chance.randint(20, 60), story.price()
    placed = datetime.combine(story.day(40), time(9), UTC)
    story.order(1, quantity, price + 2 + turn, updated_at=placed)
    changed = datetime.combine(story.day(20), time(9), UTC)
    story.later.append(lambda: story.order(1, quantity, price, version=2, updated_at=changed))
    story.receive(1, quantity)
    story.bill([(1, quantity, price + 2 + turn)])
    return (
        "reject",
    ), "billed at the price of version 1; version 2, of before delivery and invoice, is cheaper"


def _currency(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    quantity, price = story.chance.randint(20, 60), story.price()
    story.order(1, quantity, price)
    story.receive(1, quantity)
    story.bill([(1, quantity, price)], currency=("USD", "CHF", "GBP")[turn])
    return ("reject",), "the amounts are those of the order, the currency is not"


def _elsewhere(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    quantity, price = story.chance.randint(20, 60), story.price()
    story.order(1, quantity, price, item=f"part-{story.place}")
    story.order(2, quantity, price, item=f"part-{story.place}")
    part = quantity // 2 if turn == 2 else 0
    if part:
        story.receive(1, part)
    story.receive(2, quantity - part)
    story.bill([(1, quantity, price)], ago=8)
    return ("accept",), "the missing goods were booked on line 2, where nobody bills them"


def _charge(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    quantity, price, freight = (
        story.chance.randint(2, 6) * 10,
        story.price(),
        Decimal(story.chance.randint(6, 14) * 10),
    )
    story.order(1, quantity, price)
    story.order(2, 1, freight, item="FREIGHT", description="Freight and packing")
    story.receive(1, quantity)
    story.receive(2, 1)
    story.bill([(1, quantity, price + freight / quantity)])
    return ("accept",), "the difference is the freight that was ordered on line 2 and is not billed"


def _swapped(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    quantity, price = story.chance.randint(60, 90), story.chance.randint(11, 29)
    story.order(1, quantity, price)
    story.receive(1, quantity)
    story.bill([(1, price, quantity)])
    return ("accept",), "quantity and price are exchanged; the amount is as ordered"


def _partial(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    quantity, price = story.chance.randint(4, 9) * 10, story.price()
    story.order(1, quantity, price)
    story.receive(1, quantity // 2 + turn)
    story.bill([(1, quantity, price)])
    return ("reject",), "the rest of the delivery is still to come"


def _tax(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    quantity, price = story.chance.randint(4, 9) * 10, Decimal(story.chance.randint(10, 40))
    story.order(1, quantity, price)
    story.receive(1, quantity)
    story.bill([(1, quantity, price * Decimal("1.2"))])
    return ("reject",), "the net amount contains the tax"


def _repeated(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    quantity, price = story.chance.randint(20, 60), story.price()
    story.order(1, quantity * 2, price)
    story.receive(1, quantity * 2)
    story.bill([(1, quantity, price)], ago=15)
    spelled = (story.number, story.number.replace("-", " "), story.number.lower().replace("-", "/"))[turn]
    story.bill([(1, quantity, price)], spelled, ago=8)
    return ("reject",), "the same number and amount, booked before"


def _dearer(story: Storyteller, turn: int) -> tuple[tuple[str, ...], str]:
    quantity, price = story.chance.randint(20, 60), story.price()
    dearer = price + Decimal(story.chance.randint(2, 5)) + Decimal("0.37")
    story.order(1, quantity, price, item=f"part-{story.place}")
    story.receive(1, quantity)
    story.bill([(1, quantity, dearer)])
    return ("reject",), "only the price differs, and no order says so"


STORIES: tuple[tuple[str, Callable[[Storyteller, int], tuple[tuple[str, ...], str]]], ...] = (
    ("unit_factor", _unit_factor),
    ("older_order_price", _older_price),
    ("other_currency", _currency),
    ("receipt_elsewhere", _elsewhere),
    ("charge_in_price", _charge),
    ("swapped_values", _swapped),
    ("partial_delivery", _partial),
    ("tax_in_net", _tax),
    ("repeated_document", _repeated),
    ("dearer_price", _dearer),
)


def write_seeded_cases(connection: psycopg.Connection[Any], today: date, seed: int = 1) -> list[SeededCase]:
    """Write the cases through one night and return the answers, in the order of the document numbers."""
    books = PaperBooks(connection)
    books.open_run(f"seeded-cases-{seed}")
    chance = random.Random(seed)
    written = []
    places = [(name, tell, turn) for name, tell in STORIES for turn in range(CASES // len(STORIES))]
    chance.shuffle(places)
    later: list[Callable[[], None]] = []
    for place, (cause, tell, turn) in enumerate(places, 1):
        story = Storyteller(books, place, chance, today)
        story.decoy()
        held = len(books.pending["invoices"])
        actions, why = tell(story, turn)
        assert len(books.pending["invoices"]) > held
        later += story.later
        number = books.pending["invoices"][-1]["row"]["invoice_number"]
        written.append(SeededCase(number, story.cause or cause, actions, why))
    # what was ordered and received is known first; then the orders change and the invoices come
    invoices = books.pending.pop("invoices")
    books.accept()
    books.open_run(f"seeded-cases-{seed}-invoices")
    for change in later:
        change()
    books.pending["invoices"] = invoices
    books.night()
    connection.commit()
    return sorted(written, key=lambda case: case.number)


def main() -> int:
    """Write the cases into a ledger and the answers into a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--answers", required=True, type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with (
        psycopg.connect(given.dsn) as connection,
        given.answers.open("w", newline="", encoding="utf-8") as file,
    ):
        today = connection.execute("SELECT max(ops.business_date(entity)) FROM ops.entity").fetchone()[0]
        answers = write_seeded_cases(connection, today, given.seed)
        writer = csv.writer(file)
        writer.writerow(("case_id", "number", "role", "cause", "actions", "why"))
        for case in answers:
            rows = connection.execute(
                "SELECT c.case_id, c.role FROM review.case c WHERE c.state = 'open' AND c.handover #>> '{document,number}' = %s AND c.supplier_id LIKE 'SEED-%%' ORDER BY c.case_id DESC LIMIT 1",
                (case.number,),
            ).fetchall()
            writer.writerows(
                (case_id, case.number, role, case.cause, " or ".join(case.actions), case.why)
                for case_id, role in rows
            )
    print(f"{len(answers)} cases are open; the answers are in {given.answers}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
