"""What would be given after the nearest change: decided on, it must come out as the change says."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from backoffice.domain.decision_table import Input, Money, Nearest
from backoffice.domain.decision_table.values import MISSING


def applied(nearest: Nearest, given: Mapping[str, object], inputs: Mapping[str, Input]) -> dict[str, object]:
    """Return what would be given after the change."""
    changed = dict(given)
    for change in nearest.changes:
        currency = inputs[change.input].currency
        if change.after is MISSING:
            changed.pop(change.input, None)
        elif currency is not None and isinstance(change.after, Decimal):
            changed[change.input] = Money(change.after, currency)
        else:
            changed[change.input] = change.after
    return changed
