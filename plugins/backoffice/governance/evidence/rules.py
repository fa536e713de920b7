"""What the installed texts and the tolerances were at a moment, by the record of their changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from backoffice import settings

Connection = psycopg.Connection[tuple[Any, ...]]
Row = Mapping[str, str | None]

_TOLERANCE = (
    *("code", "entity", "category", "supplier_id", "item", "po_number"),
    *("po_line_key", "up_pct", "up_abs", "combine", "effective_from", "effective_to"),
)


class Rules:
    """Tells the texts behind the hashes that a decision names.

    :param connection: As any role that may read the log.
    """

    def __init__(self, connection: Connection) -> None:
        self._records: dict[str, list[Mapping[str, Any]]] = {}
        for subject, body in connection.execute(settings.sql("evidence/list_rule_records")):
            self._records.setdefault(subject, []).append(json.loads(body))

    def texts(self, sha256: str, at: str) -> bytes | None:
        """Return name and hash of each installed text at that moment, if that is what the hash is of."""
        rows = self._rows("setting:ops.installed_text", at)
        return _checked(sorted(f"{row['name']} {row['sha256']}" for row in rows), sha256)

    def tolerances(
        self, sha256: str, at: str, name: str, own_suppliers: Iterable[str], own_orders: Iterable[str]
    ) -> bytes | None:
        """Return the lines of a tolerance set at that moment, if that is what the hash is of.

        Nothing is returned where a line names a supplier or an order that is not one of these.
        """
        rows = [row for row in self._rows("setting:ledger.tolerance", at) if row.get("tolerance_set") == name]
        suppliers, orders = {None, *own_suppliers}, {None, *own_orders}
        if any(row["supplier_id"] not in suppliers or row["po_number"] not in orders for row in rows):
            return None
        lines = [
            "|".join("-" if row[field] is None else str(row[field]) for field in _TOLERANCE) for row in rows
        ]
        return _checked(sorted(lines), sha256)

    def _rows(self, subject: str, at: str) -> list[Row]:
        """Return the rows of a table at a moment, as the record of its changes tells them."""
        rows: list[Row] = []
        for said in self._records.get(subject, ()):
            if str(said.get("at")) > at:
                break
            if said.get("step") == "on record":
                rows = list(said["rows"])
            elif said.get("step") == "table emptied":
                rows = []
            else:
                if said.get("before") is not None and said["before"] in rows:
                    rows.remove(said["before"])
                if said.get("after") is not None:
                    rows.append(said["after"])
        return rows


def _checked(lines: list[str], sha256: str) -> bytes | None:
    """Return the lines if they have the hash; in the order of their code points, as the ledger sorts them."""
    content = "\n".join(lines).encode("utf-8")
    return content if hashlib.sha256(content).hexdigest() == sha256 else None
