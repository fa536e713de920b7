"""Entries of a night that exceed a total together are one batch before one person: nothing of it is booked until that person signs."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from tests.answering import decide, sealed
from tests.conftest import Ledger
from tests.integration.posting.desk import Desk

from backoffice import settings

pytestmark = pytest.mark.integration

PAYABLE = "Accounts payable"
CODES = {"accept": "totals_checked", "reject": "totals_wrong"}
TAKE_OUT = "SELECT review.take_out_of_batch(%s, 'airflow', %s, %s, %s, %s, %s, %s)"


def rule(desk: Desk, above: Any = 1000, **columns: Any) -> None:
    """Postings above this total need the signature of a controller; Max is one up to a million, Clara up to 2,000."""
    row = {
        "item_kind": "posting",
        "amount_above": above,
        "currency": "EUR",
        "role": "controller",
        **columns,
    }
    names = ", ".join(row)
    desk.admin.execute(
        f"INSERT INTO review.batch_rule ({names}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
    )
    for person, limit in (("p-manager", 1_000_000), ("p-clerk", 2_000)):
        desk.admin.execute(
            "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES (%s, 'controller', %s, 'EUR') ON CONFLICT DO NOTHING",
            (person, limit),
        )


def invoices(desk: Desk, *numbers: str, each: int = 10, **values: Any) -> None:
    """Invoices over 10 pieces at 10.00 each unless said otherwise: 120.00 with tax."""
    desk.books.order("PO-9", 1, 100_000, 10, match_type=2)
    for number in numbers:
        desk.books.invoice(number, [("PO-9", 1, each, 10)], **values)


def batch(desk: Desk, state: str = "open") -> dict[str, Any]:
    """The one batch case in a state."""
    cursor = desk.admin.execute(
        "SELECT case_id, subject_id, subject_key, role, amount, currency, title, evidence_hash, handover, state FROM review.case "
        "WHERE subject_kind = 'batch_signoff' AND state = %s",
        (state,),
    )
    [row] = cursor.fetchall()
    return dict(zip([column.name for column in cursor.description or ()], row, strict=True))


def sign(desk: Desk, user: str = "manager", action: str = "accept", **changed: Any) -> dict[str, Any]:
    case = batch(desk) if "evidence" not in changed else {**batch(desk), "evidence_hash": changed["evidence"]}
    return decide(
        desk.web, case, user, action, code=CODES[action],
        key=f"sign/{case['case_id']}/{user}/{bytes(case['evidence_hash']).hex()[:8]}", **changed,
    )  # fmt: skip


def take_out(
    desk: Desk, user: str, items: list[int], reason: str = "not ours", **changed: Any
) -> dict[str, Any]:
    case = batch(desk)
    row = desk.web.execute(
        TAKE_OUT,
        (
            changed.get("case", case["case_id"]), user, items, reason, changed.get("evidence", case["evidence_hash"]),
            changed.get("key", f"out/{user}/{items}"), sealed(desk.web, "airflow", user, reason),
        ),
    ).fetchone()  # fmt: skip
    assert row is not None
    return row[0]


def refused(state: str, call: Any, *given: Any, **changed: Any) -> str:
    with pytest.raises(psycopg.Error) as refusal:
        call(*given, **changed)
    assert refusal.value.sqlstate == state, refusal.value
    return str(refusal.value.diag.message_primary)


def items(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.rows("SELECT item_no, name, amount, state FROM review.batch_item ORDER BY batch_id, item_no")


def unmatched(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.rows(settings.statement("governance/find_unmatched_facts"))


def test_without_a_rule_nothing_waits(desk: Desk) -> None:
    invoices(desk, "R-1", "R-2", each=4000)
    desk.night()
    assert desk.balance(PAYABLE) == Decimal("-96000.00")
    assert desk.cases() == []


@pytest.mark.parametrize(("number", "booked"), [(2, True), (3, False)])
def test_up_to_the_total_the_machine_books_above_it_a_person_signs(
    desk: Desk, number: int, booked: bool
) -> None:
    """Three over 120.00 are 360.00; the limit is 240.00 and includes it."""
    rule(desk, 240)
    invoices(desk, *[f"R-{n}" for n in range(number)])
    desk.night()
    assert desk.balance(PAYABLE) == (Decimal("-240.00") if booked else 0)
    assert desk.cases() == ([] if booked else [("controller", "open")])
    assert desk.failed_checks() == []


def test_a_night_in_two_parts_is_no_way_around(desk: Desk) -> None:
    """What the same day booked without a signature counts: 240.00 before, 120.00 now."""
    rule(desk, 240)
    invoices(desk, "R-2", "R-1")
    desk.night()
    assert desk.balance(PAYABLE) == Decimal("-240.00")
    invoices(desk, "R-3")
    desk.night("night-2")
    case = batch(desk)
    assert (case["amount"], case["currency"], case["role"]) == (Decimal("120.00"), "EUR", "controller")
    desk.night("night-3")
    assert batch(desk)["case_id"] == case["case_id"], "it waits, and is not put before anybody twice"
    desk.admin.execute("UPDATE ops.simulated_clock SET business_date = '2026-11-23'")
    invoices(desk, "R-4")
    desk.night("night-4")
    assert desk.balance(PAYABLE) == Decimal("-360.00"), "another day begins at nothing"


def test_a_credit_note_takes_nothing_off_the_total(desk: Desk) -> None:
    rule(desk, 1000)
    invoices(desk, "R-1", each=50)
    desk.night()
    assert desk.balance(PAYABLE) == Decimal("-600.00")
    desk.books.credit_note("C-1", [("PO-9", 1, 40, 10)])
    desk.night("night-2")
    case = batch(desk)
    assert (case["amount"], case["handover"]["batch"]["totals"]) == (
        Decimal("480.00"),
        [{"currency": "EUR", "items": 1, "amount": "480"}],
    )
    assert desk.balance(PAYABLE) == Decimal("-600.00")


def test_signed_it_is_booked_on_the_machines_decisions(desk: Desk) -> None:
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(1, 11)])
    desk.night()
    case = batch(desk)
    assert case["title"] == "Batch 1: 10 entries, 1,200.00 EUR"
    assert [name for _, name, *_ in items(desk)] == [f"R-{n}" for n in (1, 10, 2, 3, 4, 5, 6, 7, 8, 9)]
    assert desk.report()["left_undone"] == [
        {"what": "approved, not booked", "reason": "waits for the signature under its batch", "count": 10, "amount": "1200", "currency": "EUR"}
    ]  # fmt: skip
    assert sign(desk)["state"] == "decided"
    desk.night("night-2")
    assert desk.balance(PAYABLE) == 0, "a signature books nothing by itself, and no night past it"
    assert desk.act() == {"booked": 1, "stale": 0}
    assert desk.balance(PAYABLE) == Decimal("-1200.00")
    assert {state for *_, state in items(desk)} == {"signed"}
    assert desk.rows(
        "SELECT DISTINCT d.maker FROM ledger.journal_entry e JOIN ledger.decision d USING (decision_id)"
    ) == [("machine",)]
    assert desk.cases() == [("controller", "settled")]
    assert desk.act() == {"booked": 0, "stale": 0}
    desk.night("night-3")
    assert desk.balance(PAYABLE) == Decimal("-1200.00")
    assert (desk.failed_checks(), unmatched(desk)) == ([], [])
    told = [
        json.loads(bytes(body))
        for (body,) in desk.rows(
            "SELECT body FROM audit.record WHERE starts_with(subject, 'batch:') OR strpos(convert_from(body, 'UTF8'), 'item of a batch') > 0 ORDER BY record_id"
        )
    ]
    assert [one.get("step", "signed") for one in told] == [
        "case opened",
        "signed",
        *["item of a batch"] * 10,
        "answer booked",
    ]
    assert (told[0]["items"], told[0]["totals"]) == (
        "10",
        [{"currency": "EUR", "items": "10", "amount": "1200"}],
    )


def test_authority_is_for_the_total_and_not_for_the_items(desk: Desk) -> None:
    """Clara may sign up to 2,000: each item is far below, the batch is not."""
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(20)])
    desk.night()
    assert (
        refused("BO403", sign, desk, "clerk") == "Clara Clerk has no authority as controller for 2,400.00 EUR"
    )
    assert "no authority as controller" in refused("BO403", sign, desk, "buyer")
    desk.admin.execute(
        "UPDATE review.authority SET amount_limit = 2400 WHERE person_id = 'p-clerk' AND role = 'controller'"
    )
    assert sign(desk, "clerk")["final"]


def test_two_people_where_a_rule_asks_for_two(desk: Desk) -> None:
    rule(desk)
    desk.admin.execute("UPDATE review.authority SET amount_limit = 5000 WHERE role = 'controller'")
    desk.admin.execute(
        "INSERT INTO review.quorum_rule (name, role, code, amount_from, currency, persons) VALUES ('large batches', 'controller', 'BATCH', 1000, 'EUR', 2)"
    )
    invoices(desk, *[f"R-{n}" for n in range(10)])
    desk.night()
    assert sign(desk, "manager")["state"] == "half_decided"
    case = batch(desk, "half_decided")
    assert desk.act()["booked"] == 0
    with pytest.raises(psycopg.Error, match="gave the first of two answers"):
        decide(desk.web, case, "manager", "accept", code=CODES["accept"], key="again")
    assert decide(desk.web, case, "clerk", "accept", code=CODES["accept"], key="second")["final"]
    desk.act()
    assert desk.balance(PAYABLE) == Decimal("-1200.00")


def test_what_is_taken_out_is_held_and_a_case_of_its_own(desk: Desk) -> None:
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(10)])
    desk.night()
    shown = batch(desk)["evidence_hash"]
    told = take_out(desk, "manager", [3, 4, 3])
    assert (told["items"], told["taken_out"], told["totals"]) == (
        8,
        2,
        [{"currency": "EUR", "items": 8, "amount": "960"}],
    )
    assert "something was taken out" in refused("BO409", take_out, desk, "manager", [5], evidence=shown)
    assert refused("BO409", sign, desk, evidence=shown).startswith("the facts of case"), (
        "totals are looked at again before signing"
    )
    assert take_out(desk, "manager", [3, 4, 3])["act_id"] == told["act_id"]
    desk.night("night-2")
    assert (desk.balance(PAYABLE), batch(desk)["amount"]) == (0, Decimal("960.00"))
    sign(desk)
    desk.act()
    assert desk.balance(PAYABLE) == Decimal("-960.00")
    assert sorted(desk.cases()) == [("ap_manager", "open"), ("ap_manager", "open"), ("controller", "settled")]
    assert desk.books.codes("R-2") == {"": ["TAKEN_OUT"]}
    desk.night("night-3")
    assert desk.books.status("R-2")[:2] == ("held", False)
    assert (desk.failed_checks(), unmatched(desk)) == ([], [])
    desk.says("ap_manager", "accept")
    desk.says("ap_manager", "reject")
    desk.act()
    desk.night("night-4")
    assert desk.balance(PAYABLE) == Decimal("-1080.00")
    assert [state for _, state in desk.cases() if state == "open"] == []
    assert {desk.books.status(f"R-{n}")[0] for n in (2, 3)} == {"matched", "rejected"}
    assert (desk.failed_checks(), unmatched(desk)) == ([], [])


def test_a_refused_batch_books_nothing_and_each_entry_is_a_case(desk: Desk) -> None:
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(10)])
    desk.night()
    sign(desk, action="reject")
    desk.night("night-2")
    assert desk.balance(PAYABLE) == 0
    assert desk.act() == {"booked": 1, "stale": 0}
    assert desk.cases().count(("ap_manager", "open")) == 10
    desk.night("night-3")
    assert desk.balance(PAYABLE) == 0
    assert (desk.failed_checks(), unmatched(desk)) == ([], [])


def test_what_cannot_be_taken_out(desk: Desk) -> None:
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(10)])
    desk.night()
    take_out(desk, "manager", [1])
    assert "taken out already: 1" in refused("BO422", take_out, desk, "manager", [1, 2])
    assert "refuse the batch instead" in refused("BO422", take_out, desk, "manager", list(range(2, 11)))
    assert "at least one" in refused("BO422", take_out, desk, "manager", [])
    assert "not in this batch" in refused("BO422", take_out, desk, "manager", [99])
    assert "in words" in refused("BO422", take_out, desk, "manager", [2], " ")
    assert "no authority as controller" in refused("BO403", take_out, desk, "buyer", [2])
    assert "other items" in refused("BO409", take_out, desk, "manager", [2], key="out/manager/[1]")
    sign(desk)
    desk.act()
    case = batch(desk, "settled")
    with pytest.raises(psycopg.Error, match="nothing left to do"):
        desk.web.execute(
            TAKE_OUT,
            (
                case["case_id"],
                "manager",
                [2],
                "late",
                case["evidence_hash"],
                "late",
                sealed(desk.web, "airflow", "manager", "late"),
            ),
        )


@pytest.mark.parametrize("happens", ["a hold", "a booking", "a rejection", "an order"])
def test_nobody_signs_for_what_changed(desk: Desk, happens: str) -> None:
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(10)])
    desk.night()
    desk.admin.execute({
        "a hold": "INSERT INTO ledger.hold (invoice_id, code, effect, facts, evidence_hash, rule_sha256, opened_run) SELECT invoice_id, 'PRICE', 'P', '{}', '\\x01', '', 1 FROM purchasing.invoice WHERE invoice_number = 'R-4'",
        "a booking": "UPDATE ledger.invoice_status SET booking_no = 77, payment_block = true WHERE invoice_id = (SELECT invoice_id FROM purchasing.invoice WHERE invoice_number = 'R-4')",
        "a rejection": "UPDATE ledger.invoice_status SET state = 'rejected' WHERE invoice_id = (SELECT invoice_id FROM purchasing.invoice WHERE invoice_number = 'R-4')",
        "an order": "INSERT INTO ledger.match_queue SELECT invoice_id FROM purchasing.invoice WHERE invoice_number = 'R-4' ON CONFLICT DO NOTHING",
    }[happens])  # fmt: skip
    told = {
        "a hold": "has other facts",
        "a booking": "is booked",
        "a rejection": "was rejected",
        "an order": "waits to be compared anew",
    }[happens]
    for action in CODES:
        assert f"entry 5 (R-4) {told}" in refused("BO409", sign, desk, "manager", action)
    take_out(desk, "manager", [5], "it changed")
    assert sign(desk)["final"], "without it the rest is what it was"


def test_what_changed_between_signature_and_booking_is_not_booked(desk: Desk) -> None:
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(10)])
    desk.night()
    sign(desk)
    desk.books.order("PO-9", 1, 100_000, 9, match_type=2, version=2)
    desk.books.open_run("night-2").match()
    desk.books.connection.commit()
    assert desk.act() == {"booked": 0, "stale": 1}
    assert (desk.balance(PAYABLE), desk.cases()[0]) == (0, ("controller", "open"))
    desk.night("night-3")
    assert desk.cases()[0] == ("controller", "superseded")
    assert (desk.balance(PAYABLE), unmatched(desk)) == (0, [])


def test_a_changed_batch_is_overtaken_by_the_next_night(desk: Desk) -> None:
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(10)])
    desk.night()
    first = batch(desk)
    desk.books.order("PO-9", 1, 100_000, 10, match_type=2, version=2, requester="erp-creator")
    invoices(desk, "R-X")
    desk.night("night-2")
    states = dict(desk.rows("SELECT subject_id, state FROM review.case WHERE subject_kind = 'batch_signoff'"))
    assert states[first["subject_id"]] == "superseded"
    assert batch(desk)["amount"] == Decimal("1320.00"), "what it held is in the next one"
    assert desk.balance(PAYABLE) == 0
    assert unmatched(desk) == []


def test_who_releases_a_hold_signs_for_no_batch(desk: Desk) -> None:
    """An entry to be booked with a payment block stands in a batch; its price is accepted meanwhile."""
    rule(desk, 0)
    desk.order(match_type=2)
    desk.books.invoice("R-1", [("PO-1", 1, 10, 20)])
    desk.night()
    assert sorted(desk.cases()) == [("buyer", "open"), ("controller", "open")]
    desk.says("buyer", "accept")
    desk.act()
    assert desk.balance(PAYABLE) == 0
    desk.night("night-2")
    assert (desk.balance(PAYABLE), batch(desk)["amount"]) == (0, Decimal("240.00"))
    sign(desk)
    desk.act()
    assert desk.balance(PAYABLE) == Decimal("-240.00")
    assert (desk.proposed(), desk.failed_checks(), unmatched(desk)) == ([Decimal("240.00")], [], [])


def test_time_never_signs(desk: Desk) -> None:
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(10)])
    desk.night()
    for _ in range(4):
        desk.admin.execute("UPDATE ops.simulated_clock SET ahead = ahead + interval '30 days'")
        desk.books.connection.execute(
            "SELECT * FROM review.keep_cases(%s, 'invoice_reconciliation')", (desk.books.run_id,)
        )
        desk.books.connection.commit()
        desk.act()
    assert (batch(desk)["state"], desk.balance(PAYABLE)) == ("open", 0)
    assert (
        desk.one("SELECT status FROM review.case_status WHERE case_id = %s", batch(desk)["case_id"])
        == "escalated"
    )


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("keyed", "keyed the document (entry R-4 of this batch); take it out, or another person signs"),
        ("created", "created an order of entry R-4 of this batch"),
        ("requested", "requested what was ordered"),
        ("started", "started the run that asks"),
        ("answered", "answered about the document (entry R-4 of this batch)"),
    ],
)
def test_nobody_signs_for_what_they_had_a_part_in(desk: Desk, part: str, says: str) -> None:
    rule(desk)
    desk.admin.execute("INSERT INTO review.identity VALUES ('erp', 'MAX', 'p-manager')")
    invoices(desk, *[f"R-{n}" for n in range(10) if n != 4])
    order = {"created": {"created_by": "MAX"}, "requested": {"requester": "MAX"}}.get(part, {})
    desk.books.order("PO-4", 1, 100, 10, match_type=2, **order)
    desk.books.invoice("R-4", [("PO-4", 1, 10, 10)], **({"keyed_by": "MAX"} if part == "keyed" else {}))
    if part == "started":
        desk.books.connection.commit()
        desk.admin.execute('UPDATE ops.run SET parameters = parameters || \'{"triggered_by": "p-manager"}\'')
    desk.night()
    if part == "answered":
        desk.admin.execute(
            "INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, evidence_hash, handover, state, closed_at) "
            "SELECT 'invoice_reconciliation', 'invoice', invoice_id, 'x', 'buyer', '1000', 'earlier', '\\x01', '{}', 'settled', now() FROM purchasing.invoice WHERE invoice_number = 'R-4'"
        )
        desk.admin.execute(
            "INSERT INTO review.answer (case_id, idempotency_key, person_id, principal, action, reason_code, reason, evidence_hash, final) "
            "SELECT case_id, 'earlier', 'p-manager', 'airflow:manager', 'accept', 'approved', 'fine', '\\x01', true FROM review.case WHERE title = 'earlier'"
        )
    assert says in refused("BO403", sign, desk)
    assert says in refused("BO403", sign, desk, "manager", "reject")
    if part != "started":
        number = next(number for number, name, *_ in items(desk) if name == "R-4")
        take_out(desk, "manager", [number], "mine")
        assert sign(desk)["final"], "without it there is nothing of theirs in it"


def test_another_currency_is_above_every_limit_and_needs_authority_in_it(desk: Desk) -> None:
    rule(desk, 10_000)
    desk.admin.execute("UPDATE review.batch_rule SET currency = 'USD'")
    invoices(desk, "R-1")
    desk.night()
    assert batch(desk)["amount"] == Decimal("120.00"), "120 EUR are above every limit in USD"
    # a second currency in the same batch, put there past the night: each total needs an authority of its own
    admin = desk.admin
    admin.execute("ALTER TABLE review.batch_item DISABLE TRIGGER kept")
    admin.execute(
        "INSERT INTO review.batch_item (batch_id, item_no, item_kind, subject_id, subject_key, name, amount, currency, evidence_hash) "
        "SELECT batch_id, 2, item_kind, -1, 'none', 'X', 500, 'USD', '\\x01' FROM review.batch_item"
    )
    may = "SELECT review.may_decide('p-manager', %s, 'accept')"
    assert (
        desk.one(may, batch(desk)["case_id"])
        == "Max Manager has no authority as controller for 120.00 EUR and 500.00 USD"
    )
    admin.execute(
        "INSERT INTO review.authority (person_id, role, amount_limit, currency, entity) VALUES ('p-manager', 'controller', 499.99, 'USD', '1000')"
    )
    assert "no authority" in desk.one(may, batch(desk)["case_id"])
    admin.execute("UPDATE review.authority SET amount_limit = 500 WHERE currency = 'USD'")
    assert desk.one(may, batch(desk)["case_id"]) is None


def test_the_machine_names_items_and_nothing_else(desk: Desk) -> None:
    invoices(desk, "R-1", "R-2")
    desk.books.match()
    desk.books.decide()
    desk.books.connection.commit()
    app, run = desk.books.connection, desk.books.run_id
    ids = [row[0] for row in desk.rows("SELECT invoice_id FROM purchasing.invoice ORDER BY 1")]
    opened = "SELECT review.open_batch(%s, %s, %s)"
    for state, kind, chosen in (
        ("BO422", "posting", ids),
        ("BO422", "payment", ids),
        ("BO422", "posting", []),
    ):
        with pytest.raises(psycopg.Error) as refusal:
            app.execute(opened, (run, kind, chosen))
        assert refusal.value.sqlstate == state
        app.rollback()
    rule(desk, 1_000_000)
    with pytest.raises(psycopg.Error, match="items that are there"):
        app.execute(opened, (run, "posting", [*ids, 999]))
    app.rollback()
    app.execute(opened, (run, "posting", ids))
    with pytest.raises(psycopg.Error, match="before a person already: R-1"):
        app.execute(opened, (run, "posting", ids[:1]))
    app.rollback()
    app.execute(opened, (run, "posting", ids))
    app.commit()
    desk.night("night-2")
    assert desk.balance(PAYABLE) == 0, "below the limit too: what is before a person waits for that person"
    with pytest.raises(psycopg.Error, match="permission denied"):
        desk.web.execute(opened, (run, "posting", ids))


def test_what_was_put_before_a_person_is_not_changed(desk: Desk) -> None:
    rule(desk, 0)
    invoices(desk, "R-1")
    desk.night()
    for statement in (
        "UPDATE review.batch_item SET amount = 1",
        "UPDATE review.batch_item SET evidence_hash = '\\x02'",
        "DELETE FROM review.batch_item",
        "TRUNCATE review.batch_item",
        "UPDATE review.batch SET role = 'buyer'",
        "DELETE FROM review.batch",
    ):
        refused("BO403", desk.admin.execute, statement)
    sign(desk)
    desk.act()
    refused("BO403", desk.admin.execute, "UPDATE review.batch_item SET state = 'asked'")


def test_a_dry_run_opens_nothing(desk: Desk) -> None:
    rule(desk, 0)
    invoices(desk, "R-1")
    desk.books.match()
    desk.books.decide()
    desk.books.connection.commit()
    desk.books.open_run("dry", dry_run=True)
    desk.books.connection.execute("SELECT ledger.post_entries(%s)", (desk.books.run_id,))
    with pytest.raises(psycopg.Error, match="dry run"):
        desk.books.connection.commit()
    assert desk.rows("SELECT FROM review.batch") == []


def test_a_taking_out_and_a_signature_at_once(desk: Desk, ledger: Ledger) -> None:
    """Whichever comes second is refused: nobody signs for totals that they did not see."""
    rule(desk)
    invoices(desk, *[f"R-{n}" for n in range(40)], each=3)
    desk.night()
    results: dict[str, str] = {}
    case = batch(desk)

    def run(name: str) -> None:
        with ledger.connect("web") as web:
            try:
                if name == "sign":
                    decide(web, case, "manager", "accept", code=CODES["accept"], key="race")
                else:
                    web.execute(
                        TAKE_OUT,
                        (
                            case["case_id"],
                            "manager",
                            [7],
                            "out",
                            case["evidence_hash"],
                            "race-out",
                            sealed(web, "airflow", "manager", "out"),
                        ),
                    )
                results[name] = "done"
            except psycopg.Error as error:
                results[name] = str(error.sqlstate)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("sign", "take out")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results.values()) == ["BO409", "done"]
    assert case["amount"] == Decimal("1440.00")
