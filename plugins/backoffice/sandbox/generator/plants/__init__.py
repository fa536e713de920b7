"""The stories that a company is made of, one module per kind."""

from backoffice.sandbox.generator.plants import (
    arithmetic,
    changes,
    clean,
    credits,
    duplicates,
    gates,
    pairs,
    price,
    quantity,
    receipts,
    unreadable,
)
from backoffice.sandbox.generator.plants.plant import Plant

ALL: tuple[Plant, ...] = (
    *clean.PLANTS,
    *changes.PLANTS,
    *quantity.PLANTS,
    *price.PLANTS,
    *receipts.PLANTS,
    *gates.PLANTS,
    *arithmetic.PLANTS,
    *credits.PLANTS,
    *duplicates.PLANTS,
    *pairs.PLANTS,
    *unreadable.PLANTS,
)

__all__ = ["ALL", "Plant"]
