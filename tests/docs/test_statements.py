"""The SQL in the documents runs as the role that they name."""

from __future__ import annotations

import pytest
from tests.docs.pages import PROJECT, all_pages, blocks, page

pytestmark = pytest.mark.integration

AS_OWNER = (
    "docs/how-to/run-on-an-existing-airflow.md",
    "docs/how-to/change-a-tolerance-or-policy.md",
    "docs/how-to/change-who-may-do-what.md",
    "docs/reference/extract-profiles.md",
)
AS_AUDITOR = (
    "docs/how-to/runbook-invoice-reconciliation.md",
    "docs/how-to/back-up-and-restore.md",
    "docs/how-to/rotate-the-signing-key.md",
    "docs/how-to/upgrade.md",
)


def test_every_page_with_sql_is_tested() -> None:
    with_sql = {
        str(path.relative_to(PROJECT))
        for path in all_pages()
        if blocks(path.read_text(encoding="utf-8"), "sql")
    }
    assert with_sql == {*AS_OWNER, *AS_AUDITOR}


@pytest.mark.parametrize("name", AS_OWNER)
def test_what_an_administrator_enters_is_taken(name, ledger) -> None:
    with ledger.connect("migrator") as connection:
        connection.execute("SET ROLE backoffice_owner")
        for statement in blocks(page(name), "sql"):
            connection.execute(statement)


@pytest.mark.parametrize("name", AS_AUDITOR)
def test_what_an_operator_asks_is_answered(name, ledger) -> None:
    with ledger.connect("auditor") as connection:
        for statement in blocks(page(name), "sql"):
            connection.execute(statement).fetchall()


def test_a_policy_is_activated_as_described(ledger) -> None:
    """The call in the how-to, with the shipped text as the next version."""
    text = page("include/policies/invoice_reconciliation/approve_invoice.yaml").replace(
        "version: 3\n", "version: 4\n"
    )
    [line] = [line.strip() for line in page(AS_OWNER[1]).splitlines() if "ledger.activate_policy" in line]
    with ledger.connect("migrator") as connection:
        connection.execute("SET ROLE backoffice_owner")
        connection.execute(line.replace(":'text'", "%s"), (text,))
        active = connection.execute(
            "SELECT version, content FROM ledger.active_policy WHERE policy_id = 'approve_invoice'"
        ).fetchall()
    assert active == [(4, text)]
