"""Decisions performed again give the same bytes, whatever happened since; what was changed is shown where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.books import Books
from tests.changing import INSTALLED
from tests.conftest import Ledger
from tests.docs.pages import page, spans
from tests.sealing import seal

from backoffice.cli import main
from backoffice.domain.canonical import canonical_bytes
from backoffice.governance.references import resolve, resolve_run
from backoffice.governance.replay import Replay, Replayed, Verdict

pytestmark = pytest.mark.integration

GUARDED = ("audit.record", "ledger.policy_version")


@pytest.fixture
def company(ledger: Ledger) -> Iterator[Books]:
    """Approved, waiting, held by price, beyond the machine's limit, in another currency than the policy's."""
    with ledger.connect("app") as app:
        books = Books(app).open_run()
        books.supplier()
        for line in (1, 2, 3, 4):
            books.order("PO-1", line, 100, 10)
        books.order("PO-1", 5, 1000, 1000)
        for line in (1, 2, 4):
            books.receive("PO-1", line, 100)
        books.receive("PO-1", 5, 1000)
        books.invoice("R-PAID", [("PO-1", 1, 10, 10)])
        books.invoice("R-PRICE", [("PO-1", 2, 100, 12)])
        books.invoice("R-WAITS", [("PO-1", 3, 10, 10)])
        books.invoice("R-BIG", [("PO-1", 5, 100, 1000)])
        books.invoice("R-CHF", [("PO-1", 4, 10, 10)], currency="CHF")
        books.night()
        app.commit()
        yield books


@pytest.fixture
def again(ledger: Ledger) -> Callable[[str], list[Replayed]]:
    """Perform the decisions behind a reference, as the auditor."""

    def perform(ref: str) -> list[Replayed]:
        with ledger.connect("auditor") as connection:
            return list(Replay(connection).of_reference(resolve(connection, ref)))

    return perform


def owner(ledger: Ledger, statement: str, *values: object) -> None:
    """Change what is append-only, as the database's owner with the triggers off."""
    with ledger.connect("admin") as connection:
        for table in GUARDED:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.execute(
            "ALTER TABLE ledger.policy_version DROP CONSTRAINT IF EXISTS version_text_is_hashed"
        )
        connection.execute(statement, values)


def body(connection: psycopg.Connection[Any], number: str) -> dict[str, Any]:
    """Return the latest decision record of an invoice."""
    row = connection.execute(
        "SELECT r.body FROM audit.record r JOIN purchasing.invoice i ON r.subject = 'invoice:' || encode(i.content_hash, 'hex') "
        "WHERE r.kind = 'decision' AND i.invoice_number = %s ORDER BY r.record_id DESC",
        (number,),
    ).fetchone()
    assert row is not None
    return json.loads(bytes(row[0]))


def rewrite(
    ledger: Ledger, number: str, change: Callable[[dict[str, Any]], None], *, leaf: bool = True
) -> None:
    """Rewrite a record as an owner would who knows its form: canonical, and the leaf with it."""
    with ledger.connect("admin") as connection:
        said = body(connection, number)
    change(said)
    owner(
        ledger,
        "UPDATE audit.record r SET body = %s"
        + (", leaf = sha256('\\x00'::bytea || %s)" if leaf else "")
        + " FROM purchasing.invoice i WHERE r.subject = 'invoice:' || encode(i.content_hash, 'hex') AND r.kind = 'decision' AND i.invoice_number = %s",
        *([canonical_bytes(said)] * (2 if leaf else 1)),
        number,
    )


def paths(found: list[Replayed]) -> list[str]:
    """Return where the records differ."""
    return [difference.path for one in found for difference in one.differences]


def test_every_decision_of_a_night_gives_the_same_bytes(company: Books, ledger: Ledger) -> None:
    with ledger.connect("auditor") as connection:
        found = list(Replay(connection).of_run(resolve_run(connection, "night-1")))
        outcomes = dict(
            connection.execute(
                "SELECT i.invoice_number, d.outcome FROM ledger.decision d JOIN purchasing.invoice i ON i.invoice_id = d.subject_id"
            ).fetchall()
        )
    assert outcomes == {
        "R-PAID": "approve",
        "R-PRICE": "review",
        "R-WAITS": "wait",
        "R-BIG": "review",
        "R-CHF": "review",
    }
    assert [paths([one]) for one in found if not one.good] == []
    assert all(one.good for one in found)


def test_a_record_holds_what_it_takes_to_decide_again(company: Books, ledger: Ledger) -> None:
    """Data with source and hash, rule with its hashes, outcome, authority, why, why not, run: all in canonical form."""
    with ledger.connect("auditor") as connection:
        raw = connection.execute("SELECT body FROM audit.record WHERE kind = 'decision'").fetchall()
        price, texts = (
            body(connection, "R-PRICE"),
            connection.execute("SELECT ops.installed_texts_sha256()").fetchone(),
        )
    with ledger.connect("admin") as connection:
        evidence = connection.execute(
            "SELECT encode(c.evidence_hash, 'hex') FROM purchasing.invoice i CROSS JOIN LATERAL ledger.evidence_of(ARRAY[i.invoice_id]) c WHERE i.invoice_number = 'R-PRICE'"
        ).fetchone()
    assert all(bytes(one) == canonical_bytes(json.loads(bytes(one))) for (one,) in raw)
    assert price["evidence_sha256"] == evidence[0]
    assert price["texts_sha256"] == texts[0]
    assert price["inputs"] == {
        "business_days_waited": "2", "days_until_due": "28", "gross_amount": {"amount": "1440", "currency": "EUR"},
        "match_state": "held", "receipt": "not_missed", "sources_delivered": True,
    }  # fmt: skip
    [hold] = price["holds"]
    assert (hold["code"], hold["measured"], hold["line"]) == ("PRICE", "200", "1")
    rules = price["decision"]["why_not"]
    assert rules["source_missing"] == ["match_state", "waiting_source"]
    assert price["rule"] not in rules
    assert {one["dataset"]: one["delivered"] for one in price["sources"]} == {
        "invoices": "this run", "orders": "this run", "receipts": "this run", "suppliers": "this run",
    }  # fmt: skip
    assert price["document"]["source"] == "books"
    fields = {*price, *price["decision"], *price["document"], *hold, *price["sources"][0]} - {"dataset"}
    assert fields - set(spans(page("docs/reference/audit-records.md"))) == set()
    for name in (
        "authority",
        "policy_id",
        "policy_version",
        "policy_sha256",
        "tolerance_set",
        "tolerances_sha256",
        "package_version",
        "run_id",
        "at",
    ):
        assert price[name], name


def test_facts_of_later_change_nothing(company: Books, ledger: Ledger, again) -> None:
    """Another order, another tolerance, another day, other sources: what was decided was decided on the record."""
    books = company
    books.open_run("night-2")
    books.order("PO-1", 2, 100, 12, version=2)
    books.receive("PO-1", 3, 100)
    books.night()
    books.connection.commit()
    with ledger.connect("admin") as admin:
        admin.execute("UPDATE ledger.tolerance SET up_abs = 99999, up_pct = 99")
        admin.execute("UPDATE ops.simulated_clock SET business_date = '2026-12-18'")
        admin.execute("UPDATE purchasing.supplier SET name = 'Another'")
    found = again("R-PRICE") + again("R-WAITS")
    assert [one.outcome for one in found] == ["review", "approve", "wait", "approve"]
    assert [one.verdict for one in found] == [Verdict.SAME] * 4, paths(found)


def test_an_entry_a_payment_and_a_case_lead_to_their_decisions(company: Books, ledger: Ledger, again) -> None:
    with ledger.connect("auditor") as connection:
        case = connection.execute(
            "SELECT case_id FROM review.\"case\" WHERE title LIKE 'R-PRICE%'"
        ).fetchone()
        payment = connection.execute("SELECT proposal_id FROM ledger.payment_proposal").fetchone()
        entry = connection.execute(
            "SELECT entry_id FROM ledger.journal_entry WHERE invoice_id IS NOT NULL ORDER BY entry_id"
        ).fetchone()
    for ref in (f"case:{case[0]}", f"payment:{payment[0]}", f"entry:{entry[0]}"):
        assert [one.verdict for one in again(ref)] == [Verdict.SAME], ref


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("inputs.gross_amount.amount", lambda said: said["inputs"]["gross_amount"].update(amount="1439")),
        ("inputs.business_days_waited", lambda said: said["inputs"].update(business_days_waited="1")),
        ("inputs.match_state", lambda said: said["inputs"].update(match_state="matched")),
        ("outcome", lambda said: said.update(outcome="approve")),
        ("rule", lambda said: said.update(rule="matched")),
        ("authority", lambda said: said.update(authority="machine up to 1 EUR")),
        ("decision.why", lambda said: said["decision"].update(why="Nobody remembers.")),
        ("decision.why_not.matched[1]", lambda said: said["decision"]["why_not"].update(matched=["match_state", "held"])),
        ("decision.sentence", lambda said: said["decision"].update(sentence="All is well.")),
        ("evidence_sha256", lambda said: said.update(evidence_sha256="0" * 64)),
        ("evidence_sha256", lambda said: said.update(facts=said["facts"].replace("held", "matched"))),
        ("holds[0].evidence_sha256", lambda said: said["holds"][0].update(measured="0.01")),
        ("holds[0].measured", lambda said: said["holds"][0].update(measured="0.01")),
        ("holds", lambda said: said["holds"][0].update(evidence_sha256="0" * 64)),
        ("invoice_sha256", lambda said: said.update(invoice_sha256="0" * 64)),
        ("document.load_id", lambda said: said["document"].update(load_id="99")),
        ("package_version", lambda said: said.update(package_version="99")),
        ("run_id", lambda said: said.update(run_id="99")),
        ("at", lambda said: said.update(at="2026-11-20T00:00:00.000000Z")),
        ("added", lambda said: said.update(added="x")),
        ("decision_id", lambda said: said.update(decision_id="x")),
    ],
)  # fmt: skip
def test_what_was_changed_in_a_record_is_shown_where_it_was(
    company: Books, ledger: Ledger, again, where: str, change
) -> None:
    """By the owner, triggers off, leaf and all: the report names the place."""
    rewrite(ledger, "R-PRICE", change)
    found = again("R-PRICE")
    assert where in paths(found)
    assert not any(one.good for one in found)


def test_bytes_that_are_not_canonical_and_a_leaf_of_before_are_told(
    company: Books, ledger: Ledger, again
) -> None:
    with ledger.connect("admin") as admin:
        said = body(admin, "R-PAID")
    spaced = json.dumps(said, sort_keys=True).encode()
    owner(
        ledger,
        "UPDATE audit.record r SET body = %s, leaf = sha256('\\x00'::bytea || %s) FROM purchasing.invoice i "
        "WHERE r.subject = 'invoice:' || encode(i.content_hash, 'hex') AND r.kind = 'decision' AND i.invoice_number = 'R-PAID'",
        spaced, spaced,
    )  # fmt: skip
    [one] = again("R-PAID")
    assert [difference.now for difference in one.differences] == ["in other bytes: not the canonical form"]
    rewrite(ledger, "R-WAITS", lambda said: said.update(tolerance_set="generous"), leaf=False)
    [one] = again("R-WAITS")
    assert "(of the body)" in str(one.differences[0].now)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"form":"2"}',
        b'{"form":"1"}',
        b'{"form":"2","inputs":[]}',
    ],
)
def test_a_record_that_cannot_be_read_is_no_proof(
    company: Books, ledger: Ledger, again, broken: bytes
) -> None:
    owner(
        ledger,
        "UPDATE audit.record r SET body = %s FROM purchasing.invoice i "
        "WHERE r.subject = 'invoice:' || encode(i.content_hash, 'hex') AND r.kind = 'decision' AND i.invoice_number = 'R-PAID'",
        broken,
    )  # fmt: skip
    assert not any(one.good for one in again("R-PAID"))


def test_a_decision_without_a_record_is_told(company: Books, ledger: Ledger, again) -> None:
    owner(ledger, "DELETE FROM audit.record WHERE kind = 'decision'")
    [one] = again("R-PAID")
    assert (one.verdict, one.good) == (Verdict.NOT_PERFORMED, False)


def test_a_forged_decision_shows(company: Books, ledger: Ledger, again) -> None:
    """The tasks' log-in records an approval that the policy does not give: the ledger wrote down its own inputs beside it."""
    books = company
    books.open_run("night-2")
    books.invoice("R-FORGED", [("PO-1", 2, 100, 12)])
    books.match()
    sha256, invoice = books.connection.execute(
        "SELECT (SELECT sha256 FROM ledger.active_policy WHERE policy_id = 'approve_invoice'), invoice_id FROM purchasing.invoice WHERE invoice_number = 'R-FORGED'"
    ).fetchone()
    books.connection.execute("SELECT ledger.decision_input(%s)", (books.run_id,))
    books.connection.execute(
        "SELECT ledger.record_machine_decisions(%s, 'approve_invoice', %s, %s::bigint[], %s::text[], %s::text[], %s::text[])",
        (
            books.run_id,
            sha256,
            [invoice],
            ["approve"],
            ["matched"],
            ['{"why":"forged","inputs":{"match_state":"matched"}}'],
        ),
    )
    books.connection.commit()
    [one] = again("R-FORGED")
    assert {"outcome", "rule", "decision.why"} <= set(paths([one]))
    assert one.verdict is Verdict.DIFFERENT


def test_a_changed_policy_text_is_a_wrong_hash(company: Books, ledger: Ledger, again, capsys) -> None:
    owner(ledger, "UPDATE ledger.policy_version SET content = replace(content, '> 3', '> 4')")
    [one] = again("R-PAID")
    assert one.verdict is Verdict.NOT_PERFORMED
    assert "the text was changed" in str(one.differences[0].now)
    owner(
        ledger, "UPDATE ledger.policy_version SET sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex')"
    )
    [one] = again("R-PAID")
    assert "the text was changed" in str(one.differences[0].now), "the record names the hash of before"


def test_a_text_that_would_be_refused_now_still_decides_as_it_did(
    company: Books, ledger: Ledger, again, monkeypatch
) -> None:
    """A proof that became stricter since takes nothing away from the decisions of before."""
    from backoffice.domain.decision_table import reader
    from backoffice.domain.decision_table.findings import Finding, Kind

    def stricter(table: object, file: str) -> list[Finding]:
        return [Finding(file, Kind.MEANING, "that is not allowed any more", "write it otherwise")]

    monkeypatch.setattr(reader, "other_meanings", stricter)
    [one] = again("R-PRICE")
    assert (one.verdict, one.differences) == (Verdict.SAME, ())
    assert "that is not allowed any more" in one.remarks[-1]
    with ledger.connect("auditor") as connection:
        [found] = Replay(connection).of_policy("approve_invoice", INSTALLED)
    assert (found.path, "this package refuses the text" in str(found.now)) == ("content", True)


def test_another_version_of_the_package_that_decides_alike_gives_the_same_bytes(
    company: Books, again, monkeypatch
) -> None:
    monkeypatch.setattr("backoffice.__version__", "99.0")
    assert [one.verdict for one in again("R-PRICE")] == [Verdict.SAME]


def test_another_version_of_the_package_that_says_it_otherwise_is_told(
    company: Books, again, monkeypatch
) -> None:
    """An upgrade that words or decides anything else than then does not pass."""
    from backoffice.domain import decision_record

    said = decision_record.reasons
    monkeypatch.setattr(
        decision_record, "reasons", lambda decision: said(decision) | {"sentence": "Said otherwise."}
    )
    [one] = again("R-PRICE")
    assert paths([one]) == ["decision.sentence"]


# -- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def run(ledger: Ledger, tmp_path, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run ``backoffice replay`` on this ledger; return exit code, output and errors."""
    dsn = tmp_path / "auditor.dsn"
    dsn.write_text(ledger.dsn("auditor"), encoding="utf-8")
    monkeypatch.setenv("BACKOFFICE_HOME", str(tmp_path / "var"))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["replay", *arguments, "--dsn-file", str(dsn)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_command_says_same_bytes(company: Books, run) -> None:
    code, out, _ = run("S1/R-PAID")
    assert code == 0
    assert "same bytes" in out
    code, out, _ = run("--run", "night-1")
    assert (code, "5 decisions performed again: 5 same bytes" in out) == (0, True)
    code, out, _ = run("policy:approve_invoice")
    assert (code, "proven again, examples included" in out) == (0, True)
    code, out, _ = run("receipt/1000/GR-1/1")
    assert (code, "no machine decision stands behind it" in out) == (0, True)


def test_the_command_shows_the_place_and_ends_with_1(company: Books, ledger: Ledger, run) -> None:
    rewrite(ledger, "R-PAID", lambda said: said["inputs"].update(business_days_waited="77"))
    for arguments in (("R-PAID",), ("--run", "night-1")):
        code, out, _ = run(*arguments)
        assert code == 1
        assert "inputs.business_days_waited" in out
        assert "recorded: 77" in out
    code, out, _ = run("R-PAID", "--json")
    said = json.loads(out)
    assert (code, said["good"], said["verdict"]) == (1, False, "different")
    owner(ledger, "UPDATE ledger.policy_version SET content = content || '#'")
    code, out, _ = run("policy:approve_invoice")
    assert (code, "the text was changed" in out) == (1, True)


def test_wrong_use_is_2(company: Books, run, capsys) -> None:
    code, _, err = run("no such thing")
    assert (code, "entry:ID" in err) == (2, True)
    assert run()[0] == 2
    assert run("R-PAID", "--run", "1")[0] == 2
    code, _, err = run("--run", "nonsense")
    assert (code, "run" in err) == (2, True)


OF_PAID = (
    "FROM audit.record r JOIN purchasing.invoice i ON r.subject = 'invoice:' || encode(i.content_hash, 'hex') "
    "LEFT JOIN audit.leaf l USING (record_id) WHERE r.kind = 'decision' AND i.invoice_number = 'R-PAID'"
)


def purge(ledger: Ledger, records: str = "1", digest: str | None = None) -> None:
    """Take the body of one decision, the only one of its block, with a record that says so."""
    said = (
        "audit.object('step', audit.text('records purged'), 'records', audit.text(%s), 'leaves_sha256', "
        "audit.text(coalesce(%s, (SELECT encode(sha256(sha256(r.leaf)), 'hex') " + OF_PAID + "))))"
    )
    with ledger.connect("admin") as connection:
        connection.execute(f"SELECT audit.append('erasure', 'log', {said})", (records, digest))
    owner(
        ledger,
        "INSERT INTO audit.purged SELECT l.leaf_index, (SELECT max(record_id) FROM audit.record WHERE kind = 'erasure') "
        + OF_PAID,
    )
    owner(
        ledger, "UPDATE audit.record SET body = NULL WHERE record_id IN (SELECT r.record_id " + OF_PAID + ")"
    )


def test_a_purged_record_is_said_to_be_purged(company: Books, ledger: Ledger, run, tmp_path) -> None:
    """Its body is gone lawfully: nothing is held against it, and nothing is said to be proven."""
    seal(ledger, tmp_path)
    purge(ledger)
    code, out, _ = run("R-PAID")
    assert (code, "purged" in out) == (0, True)


@pytest.mark.parametrize("how", ["no erasure", "another count", "another hash", "erasure changed"])
def test_a_body_that_no_erasure_accounts_for_is_missing(
    company: Books, ledger: Ledger, run, tmp_path, how
) -> None:
    seal(ledger, tmp_path)
    if how == "no erasure":
        owner(
            ledger,
            "UPDATE audit.record SET body = NULL WHERE record_id IN (SELECT r.record_id " + OF_PAID + ")",
        )
    else:
        purge(ledger, "2" if how == "another count" else "1", "00" * 32 if how == "another hash" else None)
    if how == "erasure changed":
        owner(ledger, "UPDATE audit.record SET leaf = sha256('x') WHERE kind = 'erasure'")
    code, out, _ = run("R-PAID")
    assert code == 1
    assert "the body is gone and no erasure accounts for it" in out


def test_where_no_machine_decided_that_is_said(company: Books, ledger: Ledger, run) -> None:
    """A receipt has no decision; what was booked about an invoice has one, and where it is gone it is missed."""
    with ledger.connect("auditor") as auditor:
        [(receipt,)] = auditor.execute(
            "SELECT min(entry_id) FROM ledger.journal_entry WHERE event = 'goods_receipt'"
        ).fetchall()
    code, out, _ = run(f"entry:{receipt}")
    assert (code, out.rstrip().endswith(": no machine decision stands behind it")) == (0, True)
    code, out, _ = run(f"entry:{receipt}", "--json")
    assert (code, json.loads(out)["decisions"]) == (0, [])
    with ledger.connect("admin") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("ALTER TABLE ledger.decision DISABLE TRIGGER USER")
        connection.execute("DELETE FROM ledger.decision")
    code, out, _ = run("R-PAID")
    assert (code, "and there has to be one" in out) == (1, True)
    code, out, _ = run("R-PAID", "--json")
    assert (code, json.loads(out)["decisions"]) == (1, [])


def test_a_ledger_that_does_not_answer_is_1(tmp_path, monkeypatch, capsys) -> None:
    dsn = tmp_path / "dsn"
    dsn.write_text("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2", encoding="utf-8")
    monkeypatch.setenv("BACKOFFICE_HOME", str(tmp_path / "var"))
    assert main(["replay", "R-1", "--dsn-file", str(dsn)]) == 1
    assert "does not answer" in capsys.readouterr().err


def test_a_decision_in_a_record_of_an_earlier_form_is_not_proven(
    company: Books, ledger: Ledger, again
) -> None:
    """What was recorded before records held their inputs says so; it does not pass."""
    old = canonical_bytes({"decision_id": "1", "outcome": "approve", "explanation": json.dumps({"why": "x"})})
    owner(
        ledger,
        "UPDATE audit.record SET body = %s, leaf = sha256('\\x00'::bytea || %s) WHERE kind = 'decision'",
        old,
        old,
    )
    [one] = again("R-PAID")
    assert (one.verdict, one.good) == (Verdict.NOT_PERFORMED, False)
    assert "form 1" in one.remarks[0]


def test_a_dry_run_leaves_no_decision_to_replay(company: Books, ledger: Ledger) -> None:
    with ledger.connect("app") as app:
        run_id = app.execute(
            "SELECT ops.open_run('invoice_reconciliation', 'invoice_reconciliation', 'dry', true, %s, '0')",
            (Jsonb({}),),
        ).fetchone()[0]
        app.commit()
    with ledger.connect("auditor") as connection:
        assert list(Replay(connection).of_run(run_id)) == []
