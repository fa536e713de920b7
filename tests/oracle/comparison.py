"""What the product made of a loaded book, and where that differs from the oracle's verdict."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tests.oracle.book import Book, Invoice, InvoiceLine
from tests.oracle.judge import BLOCKS_POSTING, Verdicts
from tests.oracle.loader import Connection, Loaded

Holds = dict[str, tuple[str, Decimal | None]]


@dataclass(frozen=True)
class Outcome:
    """Open holds by document and by line (code to effect and measured value), and the state of each line."""

    documents: dict[str, Holds]
    lines: dict[tuple[str, int], Holds]
    states: dict[tuple[str, int], str]


def read_outcome(connection: Connection, loaded: Loaded) -> Outcome:
    """Read the open holds and line states of the loaded documents."""
    outcome = Outcome({}, {}, {})
    holds = connection.execute(
        "SELECT invoice_id, invoice_line_id, code, effect, measured FROM ledger.hold"
        " WHERE released_at IS NULL AND invoice_id = ANY (%s)",
        [list(loaded.invoices)],
    )
    for invoice_id, line_id, code, effect, measured in holds:
        if line_id is None:
            outcome.documents.setdefault(loaded.invoices[invoice_id], {})[code] = (effect, measured)
        else:
            outcome.lines.setdefault(loaded.lines[line_id], {})[code] = (effect, measured)
    states = connection.execute(
        "SELECT invoice_line_id, state FROM ledger.line_state WHERE invoice_line_id = ANY (%s)",
        [list(loaded.lines)],
    )
    for line_id, state in states:
        outcome.states[loaded.lines[line_id]] = state
    return outcome


def compare(book: Book, expected: Verdicts, outcome: Outcome) -> list[str]:
    """Say in words where the product and the oracle differ."""
    differences = []
    for invoice in book.invoices:
        found = outcome.documents.get(invoice.ref, {})
        wanted = expected.documents.get(invoice.ref, frozenset())
        effects = {code: "B" if code in BLOCKS_POSTING else "P" for code in wanted}
        differences += _differing_codes(invoice.ref, effects, found)
        for line in invoice.lines:
            differences += _compare_line(invoice, line, expected, outcome)
    return differences


def _compare_line(invoice: Invoice, line: InvoiceLine, expected: Verdicts, outcome: Outcome) -> list[str]:
    key = (invoice.ref, line.position)
    found = outcome.lines.get(key, {})
    if invoice.rejected:
        return _differing_codes(f"{key} (rejected)", {}, found)
    verdict = expected.lines[key]
    effects = {code: "B" if code in verdict.blocking else "P" for code in verdict.codes}
    differences = _differing_codes(str(key), effects, found)
    if outcome.states.get(key) != verdict.state:
        differences.append(f"{key}: oracle {verdict.state}, product {outcome.states.get(key)}")
    for code, measured in verdict.measured.items():
        if code in found and not _same_measure(measured, found[code][1]):
            differences.append(f"{key} {code}: oracle measures {measured}, product {found[code][1]}")
    return differences


def _same_measure(oracle: Fraction, product: Decimal | None) -> bool:
    """What the product stores for display may have been divided and cut (a third); verdicts never are."""
    return product is not None and abs(Fraction(product) - oracle) < Fraction(1, 10**9)


def _differing_codes(name: str, wanted: dict[str, str], found: Holds) -> list[str]:
    differences = [f"{name}: oracle alone says {code}" for code in sorted(wanted.keys() - found.keys())]
    differences += [f"{name}: product alone says {code}" for code in sorted(found.keys() - wanted.keys())]
    differences += [
        f"{name} {code}: oracle says effect {wanted[code]}, product {found[code][0]}"
        for code in sorted(wanted.keys() & found.keys())
        if wanted[code] != found[code][0]
    ]
    return differences
