"""Samples: the same everywhere, of a population that ties, with who was who then."""

from __future__ import annotations

import hashlib
import json
import time
import tracemalloc
from datetime import date
from decimal import Decimal

import pytest
from tests.governance.evidence.conftest import reading
from tests.governance.evidence.test_tampered import edit, forged
from tests.sealing import seal

from backoffice.domain.evidence.archive import read_archive
from backoffice.domain.evidence.check import POPULATION
from backoffice.domain.evidence.contents import PACK
from backoffice.domain.evidence.sampling import read_items, totals, write_items
from backoffice.domain.period import Period
from backoffice.governance.evidence.pack import EvidencePack, pack_sample
from backoffice.governance.evidence.population import TIED_TO, read_population

pytestmark = pytest.mark.integration
ALWAYS = Period("all", date(2000, 1, 1), date(9000, 12, 31))
NEVER = Period("2001", date(2001, 1, 1), date(2001, 12, 31))


def sample(
    connection, name: str, size: int = 3, seed: str = "auditor 7", period: Period = ALWAYS
) -> EvidencePack:
    """Draw a sample."""
    return pack_sample(connection, read_population(connection, name, period), period, size, seed)


@pytest.mark.parametrize("name", TIED_TO)
def test_every_population_ties_and_its_sample_proves_itself(auditor, name) -> None:
    population = read_population(auditor, name, ALWAYS)
    assert population.items
    assert population.ties, (population.totals, population.control)
    pack = sample(auditor, name)
    assert pack.outcome.broken == ()
    assert pack.outcome.records > 0
    assert sample(auditor, name).data == pack.data
    files = read_archive(pack.data)
    assert len(read_items(files["population/population.csv"])) == len(population.items)
    about = json.loads(files[PACK])["listed_not_signed"]["sample"]
    assert {row["person_id"] for row in about["authority"]} >= {"p-buyer", "p-manager"}
    assert about["totals"] == about["control"]
    page = files["summary.html"].decode()
    for shown in (
        "The population ties.",
        "Conflicts of duties in the period (listed, not signed)",
        "auditor 7",
        "p-manager",
    ):
        assert shown in page


def test_the_sample_is_drawn_by_a_rule_that_anybody_can_follow(auditor) -> None:
    keys = [item.key for item in read_population(auditor, "postings", ALWAYS).items]
    by_hand = sorted(keys, key=lambda key: hashlib.sha256(b"auditor 7\n" + key.encode()).hexdigest())
    pack = sample(auditor, "postings", 4)
    about = json.loads(read_archive(pack.data)[PACK])
    drawn = [json.loads(read_archive(pack.data)[name])["ref"] for name in about["items"]]
    assert drawn == by_hand[:4]
    other = json.loads(read_archive(sample(auditor, "postings", 4, "another seed").data)[PACK])
    assert other["listed_not_signed"]["sample"]["seed"] == "another seed"
    assert len(json.loads(read_archive(sample(auditor, "postings", 999).data)[PACK])["items"]) == len(keys)


def test_the_postings_are_those_of_the_journal(auditor) -> None:
    totals = read_population(auditor, "postings", ALWAYS).totals
    [(entries, debit, credit)] = auditor.execute(
        "SELECT count(DISTINCT entry_id), sum(debit), sum(credit) FROM ledger.journal_line"
    ).fetchall()
    assert totals == {"EUR": {"items": str(entries), "amount": f"{debit:.2f}"}}
    assert debit == credit


def test_a_period_without_anything_has_an_empty_population_that_ties(auditor) -> None:
    for name in ("postings", "payments", "decisions", "policy-changes"):
        population = read_population(auditor, name, NEVER)
        assert (population.items, population.ties) == ((), True)
        assert sample(auditor, name, period=NEVER).outcome.broken == ()


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("postings", "UPDATE ledger.journal_line SET ledger_debit = ledger_debit + 1 WHERE debit > 0"),
        ("payments", "UPDATE ledger.payment_proposal SET amount = amount + 1"),
        ("payments", "DELETE FROM ledger.open_item"),
        ("decisions", "DELETE FROM ledger.decision WHERE decision_id = (SELECT max(decision_id) FROM ledger.decision)"),
        ("decisions", "DELETE FROM audit.record WHERE kind = 'human'"),
        ("policy-changes", "UPDATE ledger.policy_version SET machine_limit = machine_limit + 1"),
        ("access", "UPDATE review.authority SET amount_limit = amount_limit + 1 WHERE person_id = 'p-buyer'"),
        ("access", "DELETE FROM review.authority WHERE person_id = 'p-buyer'"),
        ("access", "INSERT INTO review.authority VALUES ('p-buyer', 'ap_clerk', '*', '*', 1, 'EUR', '2020-01-01')"),
    ],
)  # fmt: skip
def test_what_was_changed_past_its_record_does_not_tie(sealed, name, statement) -> None:
    with sealed.connect("admin") as connection:
        connection.execute("SET session_replication_role = replica")
        for table in (
            "ledger.journal_line",
            "ledger.decision",
            "ledger.policy_version",
            "audit.record",
            "review.authority",
        ):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        assert read_population(connection, name, ALWAYS).ties
        connection.execute(statement)
        population = read_population(connection, name, ALWAYS)
        assert not population.ties, population.control
        assert not pack_sample(connection, population, ALWAYS, 0, "s").outcome.valid
        connection.rollback()


def test_authority_that_was_given_and_taken_is_in_the_population(ledger, tmp_path) -> None:
    with ledger.connect("migrator") as connection:
        connection.execute("SET ROLE backoffice_owner")
        connection.execute(
            "INSERT INTO review.authority VALUES ('p-buyer', 'ap_clerk', '*', '*', 700, 'EUR', '2020-01-01')"
        )
        connection.commit()
        connection.execute("SET ROLE backoffice_owner")
        connection.execute("DELETE FROM review.authority WHERE amount_limit = 700")
    seal(ledger, tmp_path)
    with reading(ledger) as auditor:
        population = read_population(auditor, "access", ALWAYS)
        assert [item.amount for item in population.items if "ap_clerk" in item.key and "p-buyer" in item.key] == ["700.00"]  # fmt: skip
        assert population.ties
        assert pack_sample(auditor, population, ALWAYS, 99, "s").outcome.broken == ()


def test_a_sample_that_was_drawn_otherwise_is_refused(auditor) -> None:
    pack = sample(auditor, "postings")

    def told(change) -> str:
        return "\n".join(forged(pack, change).broken)

    assert "are not those that the seed draws" in told(
        lambda files: edit(
            files, PACK, lambda about: about["listed_not_signed"]["sample"].update(seed="better")
        )
    )
    assert "are not those that the seed draws" in told(
        lambda files: edit(files, PACK, lambda about: about["items"].reverse())
    )

    def leave_out(files) -> None:
        rows = files["population/population.csv"].decode().splitlines(keepends=True)
        files["population/population.csv"] = "".join([*rows[:1], *rows[2:]]).encode()

    assert "its totals are not those that the pack states" in told(leave_out)

    def reword(files) -> None:
        files["population/population.csv"] += b"\n"

    assert "population.csv" in told(reword) or "pack.json" in told(reword)


def test_ten_thousand_postings_take_seconds_and_little_memory(ledger, tmp_path) -> None:
    """The whole population is listed and tied; only what was drawn is read in full."""
    with ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE ledger.journal_line DISABLE TRIGGER USER")
        connection.execute("ALTER TABLE ledger.journal_entry DISABLE TRIGGER USER")
        connection.execute(
            """
            WITH booked AS (
              INSERT INTO ledger.journal_entry (entity, business_key, event, posting_date, period)
              SELECT '1000', 'receipt/1000/GR-' || k || '/1', 'goods_receipt', '2026-11-20', '2026-11' FROM generate_series(1, 10000) AS k RETURNING entry_id
            )
            INSERT INTO ledger.journal_line (entry_id, line_no, account, debit, credit, currency, ledger_debit, ledger_credit, purpose)
            SELECT b.entry_id, s.no, a.account, CASE s.no WHEN 1 THEN 10 ELSE 0 END, CASE s.no WHEN 2 THEN 10 ELSE 0 END, 'EUR',
                   CASE s.no WHEN 1 THEN 10 ELSE 0 END, CASE s.no WHEN 2 THEN 10 ELSE 0 END, 'goods received'
            FROM booked b CROSS JOIN generate_series(1, 2) AS s(no) CROSS JOIN LATERAL (SELECT min(x.account) AS account FROM ledger.account x) a"""
        )
        connection.execute(
            "SELECT audit.append_many('effect', array_agg('receipt:1000/GR-' || k || '/1'), array_agg(audit.object('effect', audit.text('journal entry'), "
            "'business_key', audit.text('receipt/1000/GR-' || k || '/1'), 'event', audit.text('goods_receipt'), 'posting_date', audit.text('2026-11-20')))) "
            "FROM generate_series(1, 10000) AS k"
        )
        connection.execute(
            "INSERT INTO purchasing.receipt_line (entity, receipt_number, receipt_line, po_number, po_line_key, quantity, value_known, received_at, content_hash, load_id) "
            "SELECT '1000', 'GR-' || k, '1', 'PO', '1', 1, false, now(), sha256(k::text::bytea), 0 FROM generate_series(1, 10000) AS k"
        )
        connection.execute(
            "UPDATE ledger.journal_entry e SET receipt_line_id = r.receipt_line_id FROM purchasing.receipt_line r "
            "WHERE e.business_key = 'receipt/1000/' || r.receipt_number || '/1'"
        )
    seal(ledger, tmp_path)
    with reading(ledger) as auditor:
        tracemalloc.start()
        began = time.perf_counter()
        population = read_population(auditor, "postings", ALWAYS)
        pack = pack_sample(auditor, population, ALWAYS, 25, "s")
        took, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert pack.outcome.broken == ()
    assert pack.outcome.records == 25
    assert population.totals == {"EUR": {"items": "10000", "amount": str(Decimal("100000.00"))}}
    print(
        f"10,000 postings, 25 drawn: {took:.1f} s, {peak / 2**20:.0f} MB, pack {len(pack.data) / 2**10:.0f} kB"
    )
    assert took < 30
    assert peak < 100 * 2**20


@pytest.mark.parametrize("name", TIED_TO)
def test_a_population_that_says_another_amount_of_a_drawn_item_than_its_records_is_refused(
    auditor, name
) -> None:
    """Totals, control totals, sums and page are made to fit."""
    pack = sample(auditor, name, 999)
    assert pack.outcome.valid

    def change(files: dict[str, bytes]) -> None:
        items = read_items(files[POPULATION])
        place = next(place for place, item in enumerate(items) if item.amount)
        items[place] = items[place]._replace(amount="123456.78")
        files[POPULATION] = write_items(items)
        told = totals(items)
        edit(
            files, PACK, lambda about: about["listed_not_signed"]["sample"].update(totals=told, control=told)
        )

    [told] = forged(pack, change).broken
    assert "has another amount there than in its signed records" in told
