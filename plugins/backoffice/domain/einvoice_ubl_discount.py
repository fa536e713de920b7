"""The discount for paying early, from the payment terms of a UBL document (BT-20).

EN 16931 has no field of its own for it. Two ways are read: UBL's settlement discount (percent, and the end
of its period), and the lines that XRechnung prescribes inside the note:
``#SKONTO#TAGE=14#PROZENT=2.00#``, days from the document's own date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from backoffice.domain.einvoice_reader import Group
from backoffice.domain.einvoice_terms import RATE, TermReader
from backoffice.domain.einvoice_ubl_plan import PAYMENT_TERMS
from backoffice.domain.typed_value import Day

FIELD = "BT-20 discount"
_PERCENT = "cbc:SettlementDiscountPercent"
_END = "cac:SettlementPeriod/cbc:EndDate"
_LINE = re.compile(
    r"#SKONTO#TAGE=([0-9]{1,3})#PROZENT=([0-9]{1,2}\.[0-9]{2})#(BASISBETRAG=-?[0-9]+\.[0-9]{2}#)?"
)
Discount = tuple[date, Decimal]


def read_discount(
    reader: TermReader, document: Group, issued: date | None
) -> tuple[date | None, Decimal | None]:
    """Return the last day of the discount and its percentage; of several the one that ends first.

    What looks like a discount and cannot be read as one is noted in ``reader``.

    :param issued: The document's own date, from which days are counted.
    """
    offered = [
        one
        for terms in document.groups.get(PAYMENT_TERMS, [])
        for one in (*_of_settlement(reader, terms), *_of_note(reader, terms, issued))
    ]
    return min(offered, default=(None, None))


def _of_settlement(reader: TermReader, terms: Group) -> Iterator[Discount]:
    percent: Decimal | None = reader.read(terms, _PERCENT, FIELD, RATE)
    until: date | None = reader.read(terms, _END, FIELD, Day())
    if percent is not None and until is not None:
        yield until, percent
    elif percent is not None and not terms.leaves.get(_END):
        reader.flag(FIELD, "a percentage without the day until which it is given", f"{percent:f}")


def _of_note(reader: TermReader, terms: Group, issued: date | None) -> Iterator[Discount]:
    for note in terms.leaves.get("cbc:Note", []):
        for line in note.text.splitlines():
            if not line.strip().upper().startswith("#SKONTO"):
                continue
            found = _LINE.fullmatch(line.strip())
            if found is None:
                reader.flag(FIELD, "not written as #SKONTO#TAGE=14#PROZENT=2.00#", line.strip())
            elif issued is not None:  # a missing date is a defect of its own
                yield from _from_days(reader, issued, int(found[1]), Decimal(found[2]), line.strip())


def _from_days(
    reader: TermReader, issued: date, days: int, percent: Decimal, line: str
) -> Iterator[Discount]:
    try:
        yield issued + timedelta(days=days), percent
    except OverflowError:
        reader.flag(FIELD, "ends after the last day of the calendar", line)
