"""The order of work is changed by two people, on the page and over the API, and ranks from then on."""

from __future__ import annotations

import pytest
from tests.web.books import Books
from tests.web.test_policies_api import act, check, propose

from backoffice import settings
from backoffice.operators.case_keeping import prioritise_cases, something_is_due

PROCESS = "invoice_reconciliation"
SHIPPED = (settings.include_dir() / "policies" / "review" / "case_priority.yaml").read_text(encoding="utf-8")
# two weeks before the day of payment instead of one
CHANGED = SHIPPED.replace("version: 2\n", "version: 3\n").replace(
    'days_until_due: "<= 7"', 'days_until_due: "<= 14"'
)


@pytest.fixture
def keep(ledger):
    """What the housekeeping does with priorities; returns how many changed."""

    def call() -> int:
        with ledger.connect("app") as app:
            changed = prioritise_cases(app, None, PROCESS)
            app.commit()
            assert not something_is_due(app, PROCESS)
            return changed

    return call


def ranks(client, books: Books) -> dict[int, int]:
    cases = client.get("/api/v1/cases?sort=priority").json()["cases"]
    assert [one["priority"] for one in cases] == sorted(one["priority"] for one in cases)
    return {one["case_id"]: one["priority"] for one in cases}


def test_two_people_change_the_order_of_work_and_it_counts_the_same_day(login, ledger, books, keep) -> None:
    clerk, manager = login("clerk"), login("manager")
    keep()
    assert ranks(manager, books)[books.price] == 3
    assert "case_priority" in manager.get("/policies/case_priority/propose").text
    checked = check(clerk, CHANGED)
    assert checked.status_code == 200, checked.text
    assert (checked.json()["process"], checked.json()["version"]) == ("review", 3)
    told = propose(clerk, CHANGED).json()
    assert act(clerk, told, "approve").status_code == 403
    assert keep() == 0
    assert ranks(manager, books)[books.price] == 3, "proposed is not approved"
    assert act(manager, told, "approve").json()["state"] == "active"
    with ledger.connect("app") as app:
        assert something_is_due(app, PROCESS), "the housekeeping finds that another version is active"
    assert keep() >= 1
    assert ranks(manager, books)[books.price] == 2
    assert keep() == 0
    with ledger.connect("auditor") as auditor:
        ruled = auditor.execute(
            "SELECT convert_from(body, 'UTF8')::jsonb ->> 'rule' FROM audit.record WHERE subject = %s AND convert_from(body, 'UTF8')::jsonb ->> 'taken' = 'prioritised'",
            (f"case:{books.price}",),
        ).fetchall()
    assert ruled == [("case_priority 3/payment_day_soon",)]


def test_a_version_for_a_later_day_ranks_from_that_day_on(login, ledger, books, keep) -> None:
    told = propose(login("clerk"), CHANGED, effective_from="2026-11-22").json()
    assert act(login("manager"), told, "approve").json()["state"] == "approved"
    seen = []
    for day in ("2026-11-20", "2026-11-21", "2026-11-22"):
        with ledger.connect("admin") as owner:
            owner.execute("UPDATE ops.simulated_clock SET business_date = %s", (day,))
        keep()
        seen.append(ranks(login("manager"), books)[books.price])
    assert seen == [3, 3, 2]


def test_a_text_that_the_ledger_could_not_rank_by_is_refused_before_it_is_stored(login, books) -> None:
    for text in (
        CHANGED.replace("  - id: usual\n    then: normal\n", "  - id: usual\n    then: normal # now\n"),
        CHANGED.replace("why: Nothing makes it more urgent than others.", "why: 'Nothing'"),
        CHANGED.replace("  low: {authority: none}", "  low: {authority: none}\n  never: {authority: none}").replace("    then: low\n", "    then: never\n").replace("expect: low", "expect: never"),
    ):  # fmt: skip
        for answer in (check(login("clerk"), text), propose(login("clerk"), text)):
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["field"] == "content"
    assert login("clerk").get("/api/v1/policies").json()["proposals"] == []
