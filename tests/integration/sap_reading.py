"""The SAP-shaped sample of BPI Challenge 2019 read a second time, for tests: the csv module, no product code.

It says what each row must become and what each invoice must be held for, from the raw tables alone. Values are Decimal,
in EUR. ``ground_truth_log.csv`` is read here and by nothing else.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path

ZERO = Decimal(0)
Row = dict[str, str]
Item = tuple[str, str]  # order number and item


@dataclass(frozen=True)
class Invoice:
    """One invoice of RBKP with its only line."""

    number: str
    day: str
    supplier: str
    item: Item
    value: Decimal


@dataclass(frozen=True)
class SapSample:
    """The tables of the sample in a folder."""

    folder: Path
    _read: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table."""
        if table not in self._read:
            with (self.folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
                self._read[table] = list(csv.DictReader(file))
        return self._read[table]

    @cached_property
    def items(self) -> list[Item]:
        """Every order item whose order exists."""
        orders = {row["EBELN"] for row in self.rows("ekko")}
        return [_item(row) for row in self.rows("ekpo") if row["EBELN"] in orders]

    # -- receipts ------------------------------------------------------------------------------------------------

    @cached_property
    def goods_receipts(self) -> list[Row]:
        """Rows of MSEG: goods whose value is known. The sample holds receipts only, neither returns nor reversals."""
        found = self.rows("mseg")
        assert {row["BWART"] for row in found} == {"101"}
        return found

    @cached_property
    def service_entries(self) -> list[Row]:
        """Rows of EKBE that received something without a material document: no number and no amount."""
        return [row for row in self.rows("ekbe") if row["VGABE"] == "1" and not row["BELNR"]]

    @cached_property
    def received(self) -> dict[Item, Decimal]:
        """The received value per item, as far as it is known."""
        return _summed((_item(row), Decimal(row["DMBTR"])) for row in self.goods_receipts)

    @cached_property
    def receipts(self) -> Counter[Item]:
        """How often something was received per item, whether its value is known or not."""
        return Counter(_item(row) for row in [*self.goods_receipts, *self.service_entries])

    # -- invoices ------------------------------------------------------------------------------------------------

    @cached_property
    def invoices(self) -> list[Invoice]:
        """The invoices in business order: by date, then by number."""
        headers = {(row["BELNR"], row["GJAHR"]): row for row in self.rows("rbkp")}
        found = []
        for line in self.rows("rseg"):
            header = headers.pop(
                (line["BELNR"], line["GJAHR"])
            )  # a second line of an invoice would fail here
            value = Decimal(line["WRBTR"])
            assert value == Decimal(header["RMWWR"])
            number = f"{line['BELNR']}/{line['GJAHR']}"
            found.append(Invoice(number, header["CPUDT"], header["LIFNR"], _item(line), value))
        assert not headers
        return sorted(found, key=lambda invoice: (invoice.day, invoice.number))

    @cached_property
    def billed(self) -> dict[Item, Decimal]:
        """The billed value per item."""
        return _summed((invoice.item, invoice.value) for invoice in self.invoices)

    def codes(self) -> dict[str, set[str]]:
        """Return the codes per invoice: what is billed so far against the known received value, nothing else.

        A service entry counts as something received, of unknown value: neither zero nor anything more.
        """
        so_far: dict[Item, Decimal] = defaultdict(Decimal)
        codes: dict[str, set[str]] = {}
        for invoice in self.invoices:
            so_far[invoice.item] += invoice.value
            if not self.receipts[invoice.item]:
                codes[invoice.number] = {"NO_RECEIPT"}
            elif so_far[invoice.item] > self.received.get(invoice.item, ZERO):
                codes[invoice.number] = {"AMT_REC"}
            else:
                codes[invoice.number] = set()
        return codes

    def verdicts(self) -> dict[Item, str]:
        """Return what becomes of each item: not billed, NO_RECEIPT, AMT_REC or approved."""
        verdicts = {}
        for item in self.items:
            billed, received = self.billed.get(item, ZERO), self.received.get(item, ZERO)
            if not billed:
                verdicts[item] = "not billed"
            elif not self.receipts[item]:
                verdicts[item] = "NO_RECEIPT"
            else:
                verdicts[item] = "AMT_REC" if billed > received else "approved"
        return verdicts

    # -- what really happened ------------------------------------------------------------------------------------

    @cached_property
    def history(self) -> dict[Item, list[tuple[str, str]]]:
        """Moment and activity of each item's events; a receipt comes before an invoice recorded at the same moment."""
        with (self.folder / "ground_truth_log.csv").open(encoding="utf-8", newline="") as file:
            events: dict[Item, list[tuple[str, str]]] = defaultdict(list)
            for row in csv.DictReader(file):
                number, _, item = row["case_id"].partition("_")
                events[number, item].append((row["timestamp"], row["activity"]))
        for listed in events.values():
            listed.sort(key=lambda event: (event[0], event[1] == "Record Invoice Receipt"))
        return dict(events)

    def _with(self, activity: str) -> set[Item]:
        return {item for item, events in self.history.items() if any(name == activity for _, name in events)}

    @property
    def blocked(self) -> set[Item]:
        """Items whose payment was blocked: a block was removed."""
        return self._with("Remove Payment Block")

    @property
    def paid_without_block(self) -> set[Item]:
        """Items that were paid and never blocked."""
        return self._with("Clear Invoice") - self.blocked

    def invoiced_before_receipt(self) -> set[Item]:
        """Return the items of which, at some moment, more invoices were recorded than goods receipts."""
        change = {
            "Record Invoice Receipt": 1,
            "Cancel Invoice Receipt": -1,
            "Record Goods Receipt": -1,
            "Cancel Goods Receipt": 1,
        }
        early = set()
        for item, events in self.history.items():
            ahead = 0
            for _, activity in events:
                ahead += change.get(activity, 0)
                if activity == "Record Invoice Receipt" and ahead > 0:
                    early.add(item)
        return early


def _item(row: Row) -> Item:
    return (row["EBELN"], row["EBELP"])


def _summed(values: Iterable[tuple[Item, Decimal]]) -> dict[Item, Decimal]:
    totals: dict[Item, Decimal] = defaultdict(Decimal)
    for item, value in values:
        totals[item] += value
    return dict(totals)
