"""Which documents repeat an earlier one of the same supplier group and kind."""

from __future__ import annotations

from tests.oracle.book import Book, Invoice


def number_key(number: str) -> str:
    """Return the number in upper case, letters and digits only, without leading zeros."""
    return "".join(character for character in number.upper() if character.isalnum()).lstrip("0")


def business_order(invoice: Invoice) -> tuple[int, int, str, str, str, bytes]:
    """Sort key: booked documents first, by booking number; then date, number, number as written, content."""
    if invoice.booking_no is not None:
        return (0, invoice.booking_no, "", "", "", b"")
    return (
        1,
        0,
        invoice.issued.isoformat(),
        number_key(invoice.number),
        invoice.number,
        invoice.content_hash,
    )


def duplicate_codes(book: Book) -> dict[str, str]:
    """Return DUP_EXACT or DUP_LIKELY by the ``ref`` of each document that repeats an earlier one."""
    codes = {}
    candidates = sorted(
        (invoice for invoice in book.invoices if invoice.duplicates_evaluable and not invoice.rejected),
        key=business_order,
    )
    for place, later in enumerate(candidates):
        earlier_ones = [
            earlier
            for earlier in candidates[:place]
            if (earlier.group, earlier.kind) == (later.group, later.kind)
        ]
        if any(is_exact(earlier, later) for earlier in earlier_ones):
            codes[later.ref] = "DUP_EXACT"
        elif any(is_likely(earlier, later) for earlier in earlier_ones):
            codes[later.ref] = "DUP_LIKELY"
    return codes


def is_exact(one: Invoice, other: Invoice) -> bool:
    """Same number, and the same gross amount or the same date."""
    key = number_key(one.number)
    return key != "" and key == number_key(other.number) and same_gross_or_date(one, other)


def is_likely(one: Invoice, other: Invoice) -> bool:
    """Same number, one that reads the same, or two neighbours swapped and the same gross or date."""
    keys = (number_key(one.number), number_key(other.number))
    if "" in keys:
        return False
    if keys[0] == keys[1] or reads_as(keys[0]) == reads_as(keys[1]) != "":
        return True
    return differ_by_one_swap(*keys) and same_gross_or_date(one, other)


def same_gross_or_date(one: Invoice, other: Invoice) -> bool:
    """Same gross amount or same document date."""
    return one.totals.gross == other.totals.gross or one.issued == other.issued


def reads_as(key: str) -> str:
    """Return the key with the letters that pass for digits read as digits: O as 0, I and L as 1.

    What then leads as a zero is dropped like any other: OO7 reads as 007, whose key is 7.
    """
    return key.replace("O", "0").replace("I", "1").replace("L", "1").lstrip("0")


def differ_by_one_swap(one: str, other: str) -> bool:
    """Say whether swapping one pair of neighbouring characters turns the one key into the other."""
    if one == other or len(one) != len(other):
        return False
    return any(one[:at] + one[at + 1] + one[at] + one[at + 2 :] == other for at in range(len(one) - 1))
