"""The inbox's filters, orders and pages, and one answer to several cases."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import lxml.html
import pytest
from pydantic import ValidationError
from tests.web.books import Books

from backoffice.web.inbox_query import CaseQuery, read_cursor, read_typed, write_cursor
from backoffice.web.inbox_search import folded
from backoffice.web.problems import Problem

SORTS = ("due", "amount", "age", "priority")
KEY = {"Idempotency-Key": "0123456789"}


def listed(client, **query) -> list[int]:
    response = client.get("/api/v1/cases", params=query)
    assert response.status_code == 200, response.text
    return [case["case_id"] for case in response.json()["cases"]]


def paged(client, most: int, **query) -> list[int]:
    address, found = f"/api/v1/cases?limit={most}", []
    for name, value in query.items():
        address += f"&{name}={value}"
    while address:
        body = client.get(address).json()
        found += [case["case_id"] for case in body["cases"]]
        address = body["next"]
    return found


def evidence(client, *case_ids: int) -> list[dict]:
    cases = {case["case_id"]: case for case in client.get("/api/v1/cases?state=all").json()["cases"]}
    return [
        {
            "case_id": case_id,
            "evidence_hash": cases[case_id]["evidence_hash"] if case_id in cases else "0" * 64,
        }
        for case_id in case_ids
    ]


def bulk(client, cases: list[dict], action="accept", code="approved", key=KEY, reason="as agreed"):
    body = {"action": action, "reason_code": code, "reason": reason, "cases": cases}
    return client.post("/api/v1/cases/answers", json=body, headers=key)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("most", [1, 2, 5])
def test_every_order_pages_through_all_cases_once(sort, most, look, standing_books):
    whole = listed(look("clerk"), sort=sort, state="all")
    assert len(whole) == len(set(whole)) == 6
    assert paged(look("clerk"), most, sort=sort, state="all") == whole


def test_each_order_is_what_it_is_called(look, standing_books: Books):
    books = standing_books
    assert listed(look("clerk"), sort="amount")[0] == books.large
    assert listed(look("clerk"), sort="amount")[-1] == books.quarantined, "an unknown amount comes last"
    assert listed(look("clerk"))[0] == books.received, "past due comes first"
    assert listed(look("clerk"))[-1] in (books.large, books.quarantined), "what is never due comes last"


def test_priority_comes_before_the_due_date(login, books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.case SET priority = 1 WHERE case_id = %s", (books.large,))
    assert listed(login("clerk"), sort="priority")[0] == books.large
    case = login("clerk").get("/api/v1/cases?sort=priority").json()["cases"][0]
    assert (case["priority"], case["status"]) == (1, "open")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"supplier": "s-2"}, ["duplicate"]),
        ({"supplier": "metall"}, ["price", "received", "large", "own_order"]),
        ({"amount_from": "1200", "amount_to": "1320"}, ["price", "received"]),
        ({"amount_from": "90000.01"}, []),
        ({"due": "none"}, []),
        ({"role": "buyer"}, ["price", "own_order"]),
        ({"code": "QUARANTINE"}, ["quarantined"]),
        ({"process": "payment_run"}, []),
        ({"older_than": "1"}, []),
        ({"q": "RE-1004 nordwind"}, ["large"]),
        ({"q": "nordwind RE-1004"}, ["large"]),
        ({"q": "100% _"}, []),
        ({"q": "4500000101"}, ["price", "received"]),
        ({"q": "re1004"}, ["large"]),
        ({"q": "re 1004"}, ["large"]),
        ({"q": "Nórdwind RE-1004"}, ["large"]),
        ({"q": "1320"}, ["price"]),
        ({"q": "1,320.00"}, ["price"]),
        ({"q": "1.320,00"}, ["price"]),
        ({"q": "90000.00"}, ["large"]),
        ({"supplier": "NÖRDWIND"}, ["price", "received", "large", "own_order"]),
        ({"state": "claimed"}, []),
        ({"state": "unclaimed", "supplier": "S-2"}, ["duplicate"]),
        ({"state": "settled"}, []),
        ({"q": ""}, ["price", "received", "duplicate", "large", "own_order", "quarantined"]),
    ],
)
def test_filters(query, names, look, standing_books):
    assert sorted(listed(look("clerk"), **query)) == sorted(getattr(standing_books, name) for name in names)


def test_search_finds_receipts_umlauts_and_the_case_by_its_number(login, books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute(
            """INSERT INTO purchasing.receipt_line (entity, receipt_number, receipt_line, order_line_id, po_number, po_line_key, quantity, value_known, received_at, content_hash, load_id)
               SELECT o.entity, 'WE-77 34/5', '1', o.order_line_id, o.po_number, o.po_line_key, 90, false, '2026-11-20T08:00:00Z', '\\x07', o.load_id
               FROM purchasing.order_line o WHERE o.po_number = '4500000101'"""
        )
        connection.execute(
            """UPDATE review.case SET handover = jsonb_set(handover, '{supplier,name}', '"Söhne & Große KG"'), amount = 34 WHERE case_id = %s""",
            (books.price,),
        )
    clerk = login("clerk")
    for typed in ("we77345", "WE-77", "sohne", "soehne", "SÖHNE", "grosse", "große", "34"):
        assert listed(clerk, q=typed) == [books.price], typed
    for typed in (f"case {books.large}", f"Case #{books.large}", f"#{books.large}"):
        assert listed(clerk, q=typed) == [books.large], typed
    assert listed(clerk, q=str(books.large)) == [books.large], "no number that nobody sees is searched for it"


@pytest.mark.parametrize(
    "text",
    [
        "Söhne",
        "ÅÉÎØŁ",
        "Straße",
        "Æsop Œuvre",
        "\ufb01ne \u2460",
        "\u0418\u0440\u0438\u043d\u0430",
        "\u0130stanbul \u0131",
        "50 % _ \\",
    ],
)
def test_what_is_asked_for_is_folded_as_the_ledger_folds(text, ledger):
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT review.folded(%s)", (text,)).fetchone() == (folded(text),)


def test_due_filters_look_at_the_day(login, books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.case SET opened_at = now() - interval '3 days' WHERE case_id = %s", (books.price,)
        )
        # when a case is due follows from when it was opened and paid; here it is said
        connection.execute("ALTER TABLE review.case DISABLE TRIGGER timed_anew")
        for case_id, days in ((books.price, -1), (books.large, 7), (books.received, 8)):
            connection.execute(
                "UPDATE review.case SET due_at = (CURRENT_DATE + %s::integer)::timestamp AT TIME ZONE 'UTC' WHERE case_id = %s",
                (days, case_id),
            )
    assert books.price in listed(login("clerk"), due="past")
    assert books.large not in listed(login("clerk"), due="past")
    assert books.large in listed(login("clerk"), due="week")
    assert books.received not in listed(login("clerk"), due="week")
    assert listed(login("clerk"), older_than=3) == [books.price]
    assert listed(login("clerk"), sort="age")[0] == books.price


def test_a_case_somebody_was_only_reminded_of_is_not_escalated(login, books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.case SET escalation_level = 1")
        connection.execute(
            "UPDATE review.case SET escalation_level = 2, escalated_role = 'ap_manager' WHERE case_id = %s",
            (books.large,),
        )
    assert listed(login("clerk"), state="escalated") == [books.large]


def test_a_claimed_case_is_its_claimers(login, books, ledger):
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.case SET claimed_by = 'p-clerk', claimed_at = now() WHERE case_id = %s",
            (books.price,),
        )
    assert books.price in listed(login("clerk"), mine="true")
    assert listed(login("clerk"), state="claimed") == [books.price]
    case = next(
        one for one in login("clerk").get("/api/v1/cases").json()["cases"] if one["case_id"] == books.price
    )
    assert case["status"] == "claimed"
    assert case["claimer"]
    assert login("clerk").get("/api/v1/cases/counts").json()["mine"] == 4


def test_the_counts_are_those_of_the_list(look, standing_books):
    counts = look("clerk").get("/api/v1/cases/counts").json()
    assert counts["waiting"] == len(listed(look("clerk"))) == sum(counts["roles"].values())
    assert counts["mine"] == len(listed(look("clerk"), mine="true"))
    assert counts["processes"] == {"invoice_reconciliation": 6}
    for role, number in counts["roles"].items():
        assert len(listed(look("clerk"), role=role)) == number


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "bm9uZQ",
        "W10",
        "e30",
        "WyJkdWUiXQ",
        "a" * 300,
        "WyJkdWUiLCAibmFuIiwgMV0",
        "WyJhbW91bnQiLCAiTmFOIiwgMV0",
        "WyJhbW91bnQiLCAiMWUyMDAwMDAiLCAiMSJd",
        "é",
    ],
)
def test_a_cursor_that_is_not_ours_is_refused_in_words(cursor, sort, look, standing_books):
    response = look("clerk").get("/api/v1/cases", params={"cursor": cursor, "sort": sort})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "cursor"


def test_a_cursor_of_another_order_is_refused():
    row = {
        "inbox_due": datetime(2026, 1, 1, tzinfo=UTC),
        "case_id": 3,
        "amount": None,
        "opened_at": None,
        "priority": 2,
    }
    assert read_cursor("due", write_cursor("due", row))["after_1"] == 3
    for sort, other in itertools.permutations(("due", "amount", "priority"), 2):
        with pytest.raises(Problem):
            read_cursor(other, write_cursor(sort, row))


def test_what_cannot_be_read_is_told_at_its_field_and_kept(look, standing_books):
    response = look("clerk").get("/cases?mine=false&amount_from=12,50&older_than=soon&q=nordwind&due=")
    assert response.status_code == 200
    page = lxml.html.document_fromstring(response.text)
    assert page.xpath("//input[@name='amount_from']/@value") == ["12,50"]
    assert page.xpath("//input[@name='amount_from']/@aria-invalid") == ["true"]
    assert "A number is needed" in page.get_element_by_id("error-amount_from").text_content()
    assert "A number is needed" in page.get_element_by_id("error-older_than").text_content()
    assert len(page.xpath("//tr[@data-case]")) == 4, "the other filters still count"
    assert look("clerk").get("/api/v1/cases?amount_from=12,50").status_code == 422


def test_typed_filters_leave_out_only_what_is_wrong():
    read = read_typed({"sort": "nothing", "q": "  x ", "amount_to": "5", "mine": "perhaps"})
    assert (read.query.sort, read.query.q, str(read.query.amount_to), read.query.mine) == (
        "due",
        "x",
        "5",
        False,
    )
    assert set(read.errors) == {"sort", "mine"}
    with pytest.raises(ValidationError):
        CaseQuery.model_validate({"q": "a\x00b"})


def test_one_answer_to_several_cases_leaves_out_and_names_what_may_not_be_decided(login, books, ledger):
    client = login("clerk")
    chosen = evidence(client, books.duplicate, books.price, books.large, 99_999)
    checked = client.post("/api/v1/cases/answers/check", json={"action": "reject", "cases": chosen}).json()
    assert checked["ready"] == [books.duplicate]
    why = {one["case_id"]: one["why_not"] for one in checked["left_out"]}
    assert "no authority as buyer" in why[books.price]
    assert "no authority as accounts payable clerk for 90,000.00 EUR" in why[books.large]
    assert "no case 99999" in why[99_999]
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT count(*) FROM review.answer").fetchone() == (0,), "a look wrote"

    done = bulk(client, chosen, "reject", "duplicate")
    assert done.status_code == 200, done.text
    assert [one["case_id"] for one in done.json()["taken"]] == [books.duplicate]
    left_out = {one["case_id"]: one for one in done.json()["left_out"]}
    assert set(left_out) == {books.price, books.large, 99_999}
    assert "RE-1001" in left_out[books.price]["title"]
    assert left_out[99_999]["title"] == ""
    assert bulk(client, chosen, "reject", "duplicate").json() == done.json(), (
        "the same key does nothing again"
    )
    with ledger.connect("admin") as connection:
        assert connection.execute("SELECT case_id, reason_code FROM review.answer").fetchall() == [
            (books.duplicate, "duplicate")
        ]


def test_one_answer_to_several_cases_is_refused_on_other_facts(login, books):
    chosen = [{"case_id": books.duplicate, "evidence_hash": "ab" * 32}]
    client = login("clerk")
    checked = client.post("/api/v1/cases/answers/check", json={"action": "reject", "cases": chosen}).json()
    assert "facts changed" in checked["left_out"][0]["why_not"]
    done = bulk(client, chosen, "reject", "duplicate").json()
    assert done["taken"] == []
    assert "changed since they were shown" in done["left_out"][0]["why_not"]


def test_one_answer_to_several_cases_checks_action_and_reason_for_each(login, books):
    client = login("clerk")
    chosen = evidence(client, books.duplicate, books.quarantined)
    done = bulk(client, chosen, "reject", "duplicate").json()
    assert [one["case_id"] for one in done["taken"]] == [books.duplicate]
    assert done["left_out"][0]["why_not"] == (
        "This case offers Ask the supplier again, Read again, Discard; not Reject."
    )
    done = bulk(client, chosen, "discard", "approved", {"Idempotency-Key": "another-one"}).json()
    assert done["taken"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"cases": []},
        {"cases": [{"case_id": 1, "evidence_hash": "0" * 64}] * 2},
        {"cases": [{"case_id": n, "evidence_hash": "0" * 64} for n in range(1, 102)]},
        {"cases": [{"case_id": 0, "evidence_hash": "0" * 64}]},
        {"cases": [{"case_id": 1, "evidence_hash": "no"}]},
        {"reason": "a\x00b"},
        {"reason": "x"},
        {"action": "approve"},
        {"extra": 1},
    ],
)
def test_an_answer_to_several_cases_has_a_form(change, look, standing_books):
    body = {
        "action": "accept",
        "reason_code": "approved",
        "reason": "as agreed",
        "cases": [{"case_id": standing_books.price, "evidence_hash": "0" * 64}],
    }
    response = look("clerk").post("/api/v1/cases/answers", json={**body, **change}, headers=KEY)
    assert response.status_code == 422
    assert response.json()["errors"]
    assert look("clerk").post("/api/v1/cases/answers", json=body).status_code == 422, "a key is needed"


STANDS_IN = """INSERT INTO review.substitute (person_id, substitute_id, role, process, entity, from_day, to_day, when_absent)
  VALUES ('p-buyer', 'p-clerk', {role}, {process}, {entity}, '{since}', '{until}', {when_absent})"""
STAND_IN = {
    "role": "'*'",
    "process": "'*'",
    "entity": "'*'",
    "since": "2026-11-01",
    "until": "2026-12-31",
    "when_absent": "false",
}


@pytest.mark.parametrize(
    ("what", "changed", "away", "sees"),
    [
        ("always", {}, False, {"price", "received", "own_order"}),
        ("while away", {"when_absent": "true"}, True, {"price", "received", "own_order"}),
        ("not away", {"when_absent": "true"}, False, set()),
        ("on other days", {"since": "2026-12-01"}, False, set()),
        ("one role", {"role": "'receiver'"}, False, {"received"}),
        ("another process", {"process": "'payment_run'"}, False, set()),
        ("this process", {"process": "'invoice_reconciliation'"}, False, {"price", "received", "own_order"}),
        ("another company", {"entity": "'2000'"}, False, set()),
    ],
)
def test_mine_takes_in_the_queues_of_those_for_whom_i_stand_in_today(
    login, books, ledger, what, changed, away, sees
):
    own = {"duplicate", "large", "quarantined"}
    client = login("clerk")
    with ledger.connect("admin") as connection:
        # Clara is named in nothing here
        connection.execute(
            "UPDATE review.case SET candidate_person = NULL WHERE candidate_person = 'p-clerk'"
        )
        connection.execute("DELETE FROM review.authority WHERE person_id = 'p-clerk' AND role <> 'ap_clerk'")
    before = set(listed(client, mine="true"))
    assert before == {getattr(books, name) for name in own}
    with ledger.connect("admin") as connection:
        connection.execute(STANDS_IN.format(**{**STAND_IN, **changed}))
        if away:
            connection.execute(
                "INSERT INTO review.absence (person_id, from_day, to_day) VALUES ('p-buyer', '2026-11-15', '2026-11-25')"
            )
    assert set(listed(client, mine="true")) - before == {getattr(books, name) for name in sees}, what
    assert client.get("/api/v1/cases/counts").json()["mine"] == len(own | sees)
    assert f"For me ({len(own | sees)})" in client.get("/cases?mine=true").text


def test_a_case_of_a_person_by_name_is_mine_while_i_stand_in_for_them(login, books, ledger):
    """Who is named in a document and holds no role for it any more still has a substitute."""
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.case SET candidate_person = 'p-anna-brandt' WHERE case_id = %s", (books.price,)
        )
        connection.execute(STANDS_IN.format(**STAND_IN).replace("'p-buyer'", "'p-anna-brandt'"))
    assert books.price in listed(login("clerk"), mine="true")
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.substitute SET role = 'receiver'")
    assert books.price not in listed(login("clerk"), mine="true")
