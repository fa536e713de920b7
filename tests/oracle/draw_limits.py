"""Random limits, several scopes of which apply to the same order line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.oracle.book import OrderLine, Tolerance, shipped_tolerances
from tests.oracle.draw_masters import rarely

BUSINESS_DATE = date(2026, 3, 10)
ALWAYS = (date(2000, 1, 1), None)
PERIODS = (
    ALWAYS,
    (BUSINESS_DATE, BUSINESS_DATE),
    (date(2026, 3, 11), None),
    (date(2000, 1, 1), date(2026, 3, 9)),
)
PERCENT = [None, *map(Decimal, ("0", "2", "5", "20"))]
LIMITED = ["PRICE", "QTY_ORD", "QTY_REC", "PRICE", "AMT_REC", "NO_RECEIPT", "CREDIT_EXCESS"]
ABSOLUTE = [None, *map(Decimal, ("0", "0.0001", "10", "50", "1000"))]


def scopes_of(order_line: OrderLine) -> list[dict[str, str]]:
    """Return the scopes that a limit for this order line can have, the least specific first."""
    supplier = {"supplier_id": order_line.supplier_id}
    scopes = [{}, {"entity": order_line.entity}, supplier]
    if order_line.category is not None:
        scopes.append({"category": order_line.category})
    if order_line.item is not None:
        scopes.append({**supplier, "item": order_line.item})
    scopes.append({"po_number": order_line.po_number, "po_line": order_line.po_line})
    return scopes


@st.composite
def draw_limits(draw: DrawFn, order_line: OrderLine) -> list[Tolerance]:
    """One to four limits of one code for one order line, some of them for another day."""
    code = draw(st.sampled_from(LIMITED))
    scopes = draw(st.lists(st.sampled_from(scopes_of(order_line)), min_size=1, max_size=4))
    limits = []
    for scope in scopes:
        first, last = draw(st.sampled_from(PERIODS)) if draw(rarely(5)) else ALWAYS
        limits.append(
            Tolerance(
                code=code,
                up_pct=draw(st.sampled_from(PERCENT)),
                up_abs=draw(st.sampled_from(ABSOLUTE)),
                combine=draw(st.sampled_from([None, "lenient", "strictest"])),
                effective_from=first,
                effective_to=last,
                **scope,
            )
        )
    return limits


@st.composite
def draw_tolerances(draw: DrawFn, order_lines: tuple[OrderLine, ...]) -> tuple[Tolerance, ...]:
    """The shipped limits and those drawn; of one code and scope only one row on any day."""
    limits: list[Tolerance] = []
    for _ in range(draw(st.integers(0, 2))):
        limits += draw(draw_limits(draw(st.sampled_from(order_lines))))
    by_scope: dict[tuple[object, ...], Tolerance] = {}
    for row in [*limits, *shipped_tolerances()]:
        scope = (row.entity, row.category, row.supplier_id, row.item, row.po_number, row.po_line)
        today = row.effective_from <= BUSINESS_DATE and row.effective_to in (None, BUSINESS_DATE)
        by_scope.setdefault((row.code, today, *scope), row)
    return tuple(by_scope.values())
