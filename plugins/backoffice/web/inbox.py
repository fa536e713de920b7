"""The inbox as the pages and the API read it: one page of cases, and how many wait where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backoffice.settings import sql
from backoffice.web.auth import Person
from backoffice.web.database import Connection, fetch_all
from backoffice.web.inbox_query import CaseQuery, Readable, StoodIn, compose, mine, write_cursor


@dataclass(frozen=True)
class CasePage:
    """Some cases and where the next ones begin."""

    cases: list[dict[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True)
class OpenCounts:
    """How many cases wait for a person.

    :param roles: Role, number of cases.
    :param processes: Process, number of cases.
    """

    waiting: int
    mine: int
    roles: dict[str, int]
    processes: dict[str, int]


def find_readable(connection: Connection, person: Person) -> Readable:
    """Return of which companies and processes this person may see cases; the ledger decides."""
    rows = fetch_all(connection, sql("review/list_readable"), {"person_id": person.person_id})
    seen = [row for row in rows if row["readable"]]
    return Readable([row["process"] for row in seen], [row["entity"] for row in seen], len(seen) == len(rows))


def find_stood_in(connection: Connection, person: Person, readable: Readable) -> StoodIn:
    """Return whose queues this person looks after today; the ledger says for whom they stand in."""
    rows = [
        {**row, "process": process}
        for row in fetch_all(connection, sql("review/list_queues_stood_in"), {"person_id": person.person_id})
        for process in sorted(set(readable.processes))
        if row["process"] in ("*", process)
    ]
    columns = ("person_id", "scope", "role", "process", "entity")
    return StoodIn(*([row[name] for row in rows] for name in columns))


def list_cases(
    connection: Connection, person: Person, query: CaseQuery, *, cursor: str | None, most: int
) -> CasePage:
    """Return the cases that match and that this person may see, in the order asked for.

    Reads by index, one page; so the first of a hundred thousand costs what the first of ten does.
    """
    readable = find_readable(connection, person)
    stood_in = find_stood_in(connection, person, readable)
    parts, values = compose(query, person, readable, stood_in, cursor)
    statement = sql("review/list_cases").format(**parts)
    rows = fetch_all(connection, statement, {**values, "most": most + 1})
    shown = rows[:most]
    return CasePage(shown, write_cursor(query.sort, shown[-1]) if len(rows) > most else None)


def count_open(connection: Connection, person: Person) -> OpenCounts:
    """Return how many cases that this person may see wait for anybody and for them, by role and process."""
    readable = find_readable(connection, person)
    stood_in = find_stood_in(connection, person, readable)
    rows = fetch_all(
        connection,
        sql("review/count_open_cases").format(mine=mine(stood_in)),
        {
            "person_id": person.person_id,
            "roles": list(person.roles),
            **vars(readable),
            **vars(stood_in),
        },
    )
    return OpenCounts(
        waiting=sum(row["cases"] for row in rows),
        mine=sum(row["mine"] for row in rows),
        roles=_added_up(rows, "role"),
        processes=_added_up(rows, "process"),
    )


def list_codes(connection: Connection, person: Person) -> list[dict[str, Any]]:
    """Return the codes that waiting cases carry which this person may see, with their titles."""
    return fetch_all(connection, sql("review/list_open_codes"), vars(find_readable(connection, person)))


def _added_up(rows: list[dict[str, Any]], name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row[name]] = found.get(row[name], 0) + row["cases"]
    return found
