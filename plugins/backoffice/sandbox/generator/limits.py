"""The limits that planted values stand just below, on and just above.

They are written here once, as plain numbers, and come from nowhere else: a change of the product's
tolerances must show up as a disagreement with these labels, never move both at once.
"""

from decimal import Decimal

STEP = Decimal("0.01")
"""How far below or above a limit a planted value lies, in the unit of the limit."""

PRICE_PERCENT = Decimal("2")
"""A unit price may lie this many percent of the ordered price above it."""

PRICE_AMOUNT = Decimal("50.00")
"""A line may cost this much more than at the ordered price, in the currency of the books."""

QUANTITY = Decimal("0")
"""Nothing may be billed beyond what was ordered or received."""

NO_RECEIPT_AMOUNT = Decimal("0")
"""Value at the ordered price that may be billed while nothing was received."""

LINE_ARITHMETIC = Decimal("0.02")
"""A line's net amount may differ this much from quantity times printed price."""

TOTAL_ARITHMETIC = Decimal("0")
"""A document's payable amount may not differ at all from its lines and tax."""

TAX_PER_CATEGORY = Decimal("0.01")
"""Printed tax of one category may differ this much from taxable amount times rate."""

CREDIT = Decimal("0")
"""Nothing may be credited beyond what was billed and not yet credited."""

WAITING_BUSINESS_DAYS = 3
"""Monday to Friday: so many days after its arrival an invoice may still wait for its goods."""

DUE_SOON_CALENDAR_DAYS = 5
"""An invoice due within so many calendar days of the anchor no longer waits."""

FUTURE_CALENDAR_DAYS = 1
"""A document dated more than this many calendar days after the anchor is not believed."""
