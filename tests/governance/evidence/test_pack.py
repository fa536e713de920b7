"""A pack of each kind of thing: it proves itself, holds what belongs to it, and nobody else's data."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser

import pytest
from tests.answering import OPEN_CASES, decide, open_cases
from tests.books import Books
from tests.changing import NEXT, change, limited
from tests.governance.evidence.conftest import HOSTILE, ORIGINAL, names, reading
from tests.log_keeping import confirm, propose_lost_key
from tests.sealing import seal, sealer_config

from backoffice.domain.checkpoint import VerifyingKey, read_note
from backoffice.domain.evidence.archive import read_archive
from backoffice.domain.evidence.check import check_archive
from backoffice.domain.period import Period
from backoffice.governance.evidence.pack import NothingOnRecordError, pack_reference
from backoffice.governance.evidence.population import read_population
from backoffice.governance.references import UnknownReferenceError
from backoffice.runtime.sealer.lost_key import new_key
from backoffice.runtime.sealer.signing_key import KeyFile

pytestmark = pytest.mark.integration

KINDS = ("invoice", "answered", "rejected", "entry", "receipt", "reversal", "payment", "case", "policy")


def everything(files: dict[str, bytes]) -> str:
    """All that the pack says, its programs left out."""
    return "\n".join(
        content.decode("utf-8", "replace") for name, content in files.items() if not name.endswith(".py")
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_pack_of_each_kind_is_valid_and_the_same_each_time(auditor, kind) -> None:
    ref = names(auditor)[kind]
    pack = pack_reference(auditor, ref)
    assert (pack.outcome.broken, pack.outcome.waiting) == ((), ())
    assert pack.outcome.records > 0
    assert pack_reference(auditor, ref).data == pack.data


def test_the_pack_of_an_answered_invoice_holds_what_it_rests_on(pack) -> None:
    files = read_archive(pack.data)
    item = json.loads(files["items/0001.json"])
    said = [json.loads(files[f"records/{no:04d}.json"]) for no in item["records"]]
    told = [one.get("step") or one.get("effect") or one["_record"][0] for one in said]
    assert {"run opened", "load accepted", "decision", "human", "journal entry", "payment proposed"} <= set(
        told
    )
    assert {"answer booked", "payment block released", "case opened", "first used"} <= set(told)
    [decision, *_] = [one for one in said if one["_record"][0] == "decision"]
    assert f"rules/texts-{decision['texts_sha256'][:16]}.txt" in files
    assert f"rules/tolerances-{decision['tolerances_sha256'][:16]}.txt" in files
    assert "policies/approve_invoice-3.yaml" in files
    signed, unsigned = item["signed"], item["listed_not_signed"]
    assert unsigned["answers"][0]["reason"].startswith("looked at it")
    assert {one["role"] for one in unsigned["authority"]} >= {"buyer"}
    assert unsigned["document"]["number"] == "R-2"
    assert item["ref"] == f"invoice:{signed['document']['content_sha256']}" == item["subjects"][0]
    assert {"supplier_id", "gross", "currency", "received_at"} <= signed["document"].keys()
    assert not signed["document"].keys() & unsigned["document"].keys()
    page = files["summary.html"].decode()
    for shown in ("Price variance", "agreed_with_supplier", "Ben Buyer", "Why not otherwise", "limit_pct=2"):
        assert shown.lower() in page.lower()


def test_nobody_elses_data_is_in_it(auditor) -> None:
    """Other invoices of the same supplier and of others: neither number, amount, supplier nor hash."""
    others = auditor.execute(
        "SELECT invoice_number, gross_total, net_total, encode(content_hash, 'hex') FROM purchasing.invoice WHERE invoice_number <> 'R-001/7'"
    ).fetchall()
    text = everything(read_archive(pack_reference(auditor, "R-001/7").data))
    assert "R-001/7" in text
    assert len(others) == 3
    for number, gross, net, sha256 in others:
        assert number not in text
        assert sha256 not in text
        for amount in (gross, net):
            plain = f"{amount.normalize():f}"
            assert f'"{plain}"' not in text
            assert f">{plain}<" not in text
    for foreign in ("Somebody else", "PO-9", "GR-OTHER"):
        assert foreign not in text
    # two letters may stand in a signature by chance: as a word
    assert re.search(r"(?<![A-Za-z0-9+/])S9(?![A-Za-z0-9+/=])", text) is None


class Page(HTMLParser):
    """Collects tags, attributes and text, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_hostile_names_are_text_on_the_page(pack) -> None:
    page = Page()
    page.feed(read_archive(pack.data)["summary.html"].decode())
    assert page.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "h4", "p", "div", "code", "table", "thead", "tbody", "tr", "th", "td",
        "a", "ul", "li", "strong", "span",
    }  # fmt: skip
    assert {name for name, _ in page.attributes} <= {
        "lang",
        "name",
        "charset",
        "http-equiv",
        "content",
        "class",
        "href",
    }
    links = {value or "" for name, value in page.attributes if name == "href"}
    assert all(link.split("/")[0] in ("records", "policies", "rules", "documents") for link in links)
    shown = "".join(page.text)
    assert HOSTILE.replace("\u202e", "[U+202E]") in shown
    assert "\u202e" not in shown
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_an_original_of_its_own_is_in_the_pack_and_a_table_of_many_is_not(ledger, tmp_path) -> None:
    with ledger.connect("app") as app:
        books = Books(app).open_run()
        books.supplier()
        books.order("PO-1", 1, 100, 10)
        books.receive("PO-1", 1, 100)
        row = app.execute(
            "INSERT INTO intake.document (sha256, content, media_type) SELECT sha256(%(c)s), %(c)s, 'application/xml' RETURNING document_id, encode(sha256, 'hex')",
            {"c": ORIGINAL},
        )
        document, sha256 = row.fetchone()
        shared, other = app.execute(
            "INSERT INTO intake.document (sha256, content, media_type) SELECT sha256(%(c)s), %(c)s, 'text/csv' RETURNING document_id, encode(sha256, 'hex')",
            {"c": b"R-2;R-3;R-4"},
        ).fetchone()
        books.invoice("R-1", [("PO-1", 1, 10, 10)], document_id=document)
        books.pending["invoices"][-1]["row"]["content_hash"] = bytes.fromhex(sha256)
        books.invoice("R-2", [("PO-1", 1, 10, 10)], document_id=shared)
        books.night()
    seal(ledger, tmp_path)
    with reading(ledger) as auditor:
        own = pack_reference(auditor, "R-1")
        table = pack_reference(auditor, "R-2")
    assert own.outcome.valid
    assert read_archive(own.data)[f"documents/{sha256}.xml"] == ORIGINAL
    assert "<script>alert('original')" not in read_archive(own.data)["summary.html"].decode()
    assert table.outcome.valid
    assert not [name for name in read_archive(table.data) if name.startswith("documents/")]
    assert other in read_archive(table.data)["summary.html"].decode()
    assert "R-3" not in everything(read_archive(table.data))


def test_what_is_not_sealed_yet_is_said_and_nobody_is_asked(ledger, tmp_path) -> None:
    with ledger.connect("app") as app:
        books = Books(app).open_run()
        books.supplier()
        books.order("PO-1", 1, 100, 10)
        books.receive("PO-1", 1, 100)
        books.invoice("R-1", [("PO-1", 1, 10, 12)])
        books.night()
    with reading(ledger) as auditor:
        nothing = pack_reference(auditor, "R-1").outcome
    assert (nothing.broken, nothing.checkpoint) == ((), None)
    assert len(nothing.waiting) == nothing.records
    seal(ledger, tmp_path)
    with ledger.connect("web") as web:
        [case] = open_cases(web)
        decide(web, case, "buyer", "accept")
    with reading(ledger) as auditor:
        pack = pack_reference(auditor, "R-1")
        waiting = auditor.execute("SELECT count(*) FROM audit.waiting").fetchone()
    assert pack.outcome.broken == ()
    assert len(pack.outcome.waiting) == waiting[0] == 1
    assert "not sealed yet" in read_archive(pack.data)["summary.html"].decode()


def small_night(ledger) -> None:
    """One invoice that agrees, in the first run."""
    with ledger.connect("app") as app:
        books = Books(app).open_run()
        books.supplier()
        books.order("PO-1", 1, 100, 10)
        books.receive("PO-1", 1, 100)
        books.invoice("R-1", [("PO-1", 1, 10, 10)])
        books.night()


def another_run(ledger, name: str) -> None:
    """Something to seal that is about something else."""
    with ledger.connect("app") as app:
        Books(app).open_run(name)


def test_a_key_that_was_changed_is_vouched_for_by_the_one_before(ledger, tmp_path) -> None:
    """Valid under whichever of both keys one believes, and not under a third."""
    small_night(ledger)
    first = seal(ledger, tmp_path)
    KeyFile(sealer_config(ledger, tmp_path).key_file).prepare_rotation()
    another_run(ledger, "introduces")
    seal(ledger, tmp_path)
    another_run(ledger, "signed by the next")
    seal(ledger, tmp_path)
    with reading(ledger) as auditor:
        pack = pack_reference(auditor, "R-1")
        lines = [line for (line,) in auditor.execute("SELECT line FROM audit.sealing_key ORDER BY record_id")]
    old, new = map(VerifyingKey.parse, lines)
    assert pack.outcome.broken == ()
    assert read_note(first)[1][0][1] == old.key_id
    assert pack.outcome.key_id == new.key_id
    for believed in ([old], [new], [old, new]):
        assert check_archive(pack.data, believed).broken == ()
    refused = check_archive(pack.data, [VerifyingKey(old.name, bytes(range(32)))])
    assert "broken: file log/checkpoint.txt: no trusted key signed this checkpoint" in refused.broken


def test_a_key_for_a_lost_one_is_believed_from_outside_only(ledger, tmp_path) -> None:
    """Without any key from outside it is believed as all else in the pack, and the outcome names who vouched."""
    small_night(ledger)
    first = read_note(seal(ledger, tmp_path))[1][0][1]
    config = sealer_config(ledger, tmp_path)
    config.key_file.unlink()
    line = new_key(config)
    confirm(ledger, propose_lost_key(ledger, line))
    seal(ledger, tmp_path)
    with reading(ledger) as auditor:
        pack = pack_reference(auditor, "R-1")
        lines = [line for (line,) in auditor.execute("SELECT line FROM audit.sealing_key ORDER BY record_id")]
    old, new = map(VerifyingKey.parse, lines)
    assert (old.key_id, new.line()) == (first, line)
    assert (pack.outcome.broken, pack.outcome.key_id) == ((), new.key_id)
    assert any("took the place of a lost one by the word of" in note for note in pack.outcome.notes)
    assert check_archive(pack.data, [new]).broken == ()
    assert not check_archive(pack.data, [old]).valid


def test_a_document_in_quarantine_has_its_case_and_its_original(ledger, tmp_path) -> None:
    """It is no invoice yet: what was recorded of it stands under its hash. Two persons discard it."""
    with ledger.connect("app") as app, ledger.connect("web", autocommit=True) as web:
        books = Books(app).open_run()
        books.supplier()
        document, sha256 = app.execute(
            "INSERT INTO intake.document (sha256, content, media_type) SELECT sha256(%(c)s), %(c)s, 'application/pdf' RETURNING document_id, encode(sha256, 'hex')",
            {"c": ORIGINAL},
        ).fetchone()
        books.accept()
        books.invoice("ADVERT", [("PO-1", 1, 10, 10)], document_id=document, filename=HOSTILE)
        books.pending["invoices"][-1]["row"]["content_hash"] = bytes.fromhex(sha256)
        load = books.stage("invoices", gate=False)
        app.execute(
            "INSERT INTO intake.finding (load_id, dataset, row_no, check_id, severity, reason) VALUES (%s, 'invoices', 1, 'unreadable', 'quarantine', 'it is an advertisement')",
            (load,),
        )
        books._one("SELECT intake.mark_gated(%s, '{}')", load)
        books.night()
        app.commit()
        for user in ("clerk", "manager"):
            [case] = web.execute(
                "SELECT case_id FROM review.\"case\" WHERE state IN ('open', 'half_decided')"
            ).fetchall()
            [again] = [one for one in cases(web) if one["case_id"] == case[0]]
            decide(web, again, user, "discard")
        books._one("SELECT review.book_answers(%s, 'invoice_reconciliation')", books.run_id)
    seal(ledger, tmp_path)
    with reading(ledger) as auditor:
        by_case = pack_reference(auditor, f"case:{case[0]}")
        by_hash = pack_reference(auditor, sha256)
    files = read_archive(by_case.data)
    assert by_case.outcome.broken == ()
    assert by_hash.data == by_case.data
    assert files[f"documents/{sha256}.pdf"] == ORIGINAL
    page = files["summary.html"].decode()
    for shown in (
        "it is an advertisement",
        "a second person had to agree",
        "no: another person had to agree",
        "discard",
    ):
        assert shown in page
    assert "<script>" not in page


def test_an_entry_that_was_signed_for_in_a_batch_has_the_signature(ledger, tmp_path) -> None:
    """The pack of one entry brings who signed for the batch, over which totals; and of the other entries nothing."""
    with ledger.connect("admin") as owner:
        owner.execute("INSERT INTO review.batch_rule VALUES ('posting', '*', '*', 100, 'EUR', 'controller')")
        owner.execute(
            "INSERT INTO review.authority (person_id, role, amount_limit, currency) VALUES ('p-manager', 'controller', 9999, 'EUR')"
        )
    with ledger.connect("app") as app, ledger.connect("web", autocommit=True) as web:
        books = Books(app).open_run()
        books.supplier()
        books.order("PO-1", 1, 1000, 10, match_type=2)
        for number in ("ONE", "OTHER"):
            books.invoice(f"{number}-1", [("PO-1", 1, 13, 10)])
        books.night()
        app.commit()
        [case] = open_cases(web)
        decide(web, case, "manager", "accept", code="totals_checked", reason="looked at the totals")
        books._one("SELECT review.book_answers(%s, 'invoice_reconciliation')", books.run_id)
    seal(ledger, tmp_path)
    with reading(ledger) as auditor:
        of_entry = pack_reference(auditor, "ONE-1")
        of_batch = pack_reference(auditor, f"case:{case['case_id']}")
    assert (of_entry.outcome.broken, of_entry.outcome.waiting) == ((), ())
    assert (of_batch.outcome.broken, of_batch.outcome.waiting) == ((), ())
    for pack in (of_entry, of_batch):
        said = everything(read_archive(pack.data))
        for shown in (
            "totals_checked",
            "item of a batch" if pack is of_entry else "items_sha256",
            "batch:1",
            "p-manager",
        ):
            assert shown in said
    assert "OTHER-1" not in everything(read_archive(of_entry.data))


def cases(web) -> list[dict]:
    """Cases that somebody may answer, also those that wait for a second person."""
    statement = OPEN_CASES.replace("c.state = 'open'", "c.state IN ('open', 'half_decided')")
    cursor = web.execute(statement)
    return [dict(zip([column.name for column in cursor.description], row, strict=True)) for row in cursor]


def test_a_checkpoint_that_lies_nowhere_else_continues_one_that_does(ledger, tmp_path) -> None:
    small_night(ledger)
    anchored = seal(ledger, tmp_path)
    another_run(ledger, "not laid down")
    newest = seal(ledger, tmp_path, anchors=[])
    with reading(ledger) as auditor:
        pack = pack_reference(auditor, "R-1")
    [file] = (tmp_path / "anchors").glob("*.jsonl")
    laid_down = file.read_text(encoding="utf-8")
    assert anchored in [json.loads(line)["note"] for line in laid_down.splitlines()]
    short = read_note(anchored)[0].short
    assert pack.outcome.checkpoint == read_note(newest)[0].short
    assert any(short in note for note in pack.outcome.notes)
    found = check_archive(pack.data, anchor=laid_down)
    assert found.valid
    assert f"checkpoint {short} stands in the anchor" in found.notes
    assert not check_archive(pack.data, anchor="").valid


def test_a_record_whose_bytes_were_purged_still_proves_its_place(ledger, tmp_path) -> None:
    small_night(ledger)
    seal(ledger, tmp_path)
    with ledger.connect("admin") as connection:
        said = {
            "step": "records purged",
            "class": "decision",
            "before": "2020-01-01",
            "records": "1",
            "basis": "AO",
        }
        pairs = ", ".join(["%s, audit.text(%s)"] * len(said))
        values = [part for pair in said.items() for part in pair]
        connection.execute(f"SELECT audit.append('erasure', 'privacy:1', audit.object({pairs}))", values)
        [(leaf,)] = connection.execute(
            "INSERT INTO audit.purged SELECT l.leaf_index, (SELECT record_id FROM audit.record WHERE kind = 'erasure') "
            "FROM audit.leaf l JOIN audit.record r USING (record_id) WHERE r.kind = 'decision' RETURNING leaf_index"
        ).fetchall()
        connection.execute("UPDATE audit.record SET body = NULL WHERE kind = 'decision'")
    seal(ledger, tmp_path)
    with reading(ledger) as auditor:
        pack = pack_reference(auditor, "R-1")
    files = read_archive(pack.data)
    assert pack.outcome.broken == ()
    assert any("its bytes were purged" in note for note in pack.outcome.notes)
    [purged] = [one for one in json.loads(files["log/log.json"])["records"] if one["purged"]]
    assert (purged["kind"], purged["place"]) == ("decision", leaf)
    assert f"records/{purged['no']:04d}.json" not in files
    page = files["summary.html"].decode()
    assert "were purged from the log; its hash still has its place" in page
    assert "The bytes of 1 records of class decision from before 2020-01-01 were purged" in page


def test_a_silent_log_and_an_unknown_name_are_told_apart(auditor, sealed) -> None:
    with pytest.raises(UnknownReferenceError):
        pack_reference(auditor, "no such thing")
    with sealed.connect("admin") as connection:
        connection.execute("ALTER TABLE audit.record DISABLE TRIGGER USER")
        [(sha256,)] = connection.execute(
            "SELECT encode(content_hash, 'hex') FROM purchasing.invoice WHERE invoice_number = 'R-001/7'"
        ).fetchall()
        connection.execute("DELETE FROM audit.record WHERE subject = 'invoice:' || %s", (sha256,))
        with pytest.raises(NothingOnRecordError, match="the log holds no record about invoice:"):
            pack_reference(connection, "R-001/7")
        connection.rollback()


def test_a_policy_that_two_people_changed_shows_both_and_both_texts(ledger, tmp_path) -> None:
    with ledger.connect("web", autocommit=True) as web:
        change(web, limited(NEXT, "50000.00"))
    seal(ledger, tmp_path)
    with reading(ledger) as auditor:
        pack = pack_reference(auditor, f"policy:approve_invoice@{NEXT}")
        population = read_population(
            auditor, "policy-changes", Period("all", date(2000, 1, 1), date(9000, 1, 1))
        )
    files = read_archive(pack.data)
    assert pack.outcome.broken == ()
    assert {
        f"policies/approve_invoice-{NEXT - 1}.yaml",
        f"policies/approve_invoice-{NEXT}.yaml",
    } <= files.keys()
    page = files["summary.html"].decode()
    for shown in ("was proposed by p-", "was approved by p-", "What people did about this version", "50000"):
        assert shown in page
    assert (len(population.items), population.ties) == (3, True)
