"""What a hold does and says, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from backoffice.domain.wording import UNKNOWN, number

EFFECTS = {
    "B": ("Blocks posting", "Parked: nothing is booked until this is settled."),
    "P": ("Blocks payment", "Booked, with a payment block until this is settled."),
    "W": ("Warning", "For information; it blocks nothing."),
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def sentence(template: str, values: Mapping[str, object]) -> str:
    """Fill the ``{names}`` of a hold's sentence; a value nobody recorded is said to be not known.

    Names only: no attribute, index or format is looked up, whatever the template or the values contain.
    """
    return _PLACEHOLDER.sub(lambda found: _as_text(values.get(found.group(1))), template)


def _as_text(value: object) -> str:
    return (
        number(value) if isinstance(value, Decimal | int) else str(UNKNOWN if value in (None, "") else value)
    )
