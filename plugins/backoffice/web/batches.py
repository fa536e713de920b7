"""A batch that waits for its signature, as the pages and the API read it, and taking entries out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backoffice.settings import sql
from backoffice.web import cases
from backoffice.web.auth import Person
from backoffice.web.database import Connection, fetch_all
from backoffice.web.problems import Problem

ENTRIES_PER_PAGE = 50


@dataclass(frozen=True)
class EntryPage:
    """Some entries of a batch in their order.

    :param after: The last entry of this page, where more follow; None on the last page.
    """

    entries: list[dict[str, Any]]
    after: int | None


def read_entries(
    connection: Connection, person: Person, record: cases.CaseRecord, *, after: int, most: int
) -> EntryPage:
    """Return the entries after one, each with what has changed about it since the batch was put together.

    :raises Problem: 404, the case is no batch.
    """
    case_id = record.case["case_id"]
    if record.case["subject_kind"] != cases.BATCH:
        raise Problem(404, f"Case {case_id} is no batch.")
    rows = fetch_all(
        connection,
        sql("review/list_batch_items"),
        {"case_id": case_id, "person_id": person.person_id, "after": after, "most": most + 1},
    )
    now = {change.line: change.now for change in record.changed_just_now or []}
    shown = [{**row, "changed": now.get(str(row["item_no"]))} for row in rows[:most]]
    return EntryPage(shown, shown[-1]["item_no"] if len(rows) > most else None)
