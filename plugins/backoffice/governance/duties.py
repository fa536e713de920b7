"""Who had which authority when, and who stood on two sides: what auditors ask besides the controls."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from backoffice import settings
from backoffice.domain.period import Period

Connection = psycopg.Connection[tuple[Any, ...]]


def authority_as_of(connection: Connection, period: Period) -> list[dict[str, Any]]:
    """Return every authority that counted on a day of the period, or was given or taken in it.

    Told from the record of changes, not from the table of now.

    :param connection: As the auditor.
    """
    return _rows(connection, settings.statement("governance/authority_as_of"), period)


def segregation_conflicts(connection: Connection, period: Period) -> list[dict[str, Any]]:
    """Return every conflict of duties of the period; ``breach`` says whether a rule was broken.

    :param connection: As the auditor.
    """
    return _rows(connection, settings.statement("governance/segregation_conflicts"), period)


def _rows(connection: Connection, statement: str, period: Period) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(statement, {"first_day": period.first_day, "last_day": period.last_day})
        return cursor.fetchall()
