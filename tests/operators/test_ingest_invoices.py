"""E-invoices from mailbox and drop folder: every document is kept and staged, whatever it is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Ledger
from tests.domain.ubl_documents import LINE, credit_note, invoice
from tests.hooks.source_server import Answer, SourceServer, page

from backoffice.exceptions import ConfigurationError, ControlTotalsError, SourceUnavailableError
from backoffice.operators.ingest import IngestInvoicesOperator
from backoffice.operators.ingest_folder import IngestFolderOperator

Rows = Callable[..., list[dict[str, Any]]]
Contexts = Callable[..., dict[str, Any]]


class Mailbox:
    """Messages of the test source."""

    def __init__(self, server: SourceServer) -> None:
        self.server = server
        self.items: list[Any] = []
        server.answers["/mailbox/messages"] = lambda _: self.listed()
        self.control: dict[str, object] | None = None

    def listed(self) -> Answer:
        total = sum(
            item["size"]
            for item in self.items
            if isinstance(item, dict) and isinstance(item.get("size"), int)
        )
        return page(self.items, control=self.control or {"count": len(self.items), "amount": str(total)})

    def receive(self, content: bytes, **changes: object) -> None:
        number = len(self.items) + 1
        href = f"/mailbox/messages/M{number}/content"
        self.server.answers[href] = lambda _: Answer(content, headers={"Content-Type": "application/xml"})
        self.items.append(
            {
                "message_id": f"M{number}",
                "received_at": "2026-11-21T09:00:00Z",
                "filename": f"invoice{number}.xml",
                "media_type": "application/xml",
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "entity": "1000",
                "href": href,
                "updated_at": "2026-11-21T09:00:00Z",
                **changes,
            }
        )


@pytest.fixture
def mailbox(server: SourceServer) -> Mailbox:
    return Mailbox(server)


def operator() -> IngestInvoicesOperator:
    return IngestInvoicesOperator(
        task_id="ingest_invoices",
        endpoint="/mailbox/messages",
        source="mailbox",
        http_conn_id="test_source",
        process="invoice_reconciliation",
    )


def test_documents_are_kept_parsed_and_staged(mailbox: Mailbox, books: Ledger, context: Contexts, rows: Rows):
    mailbox.receive(invoice((LINE, LINE + LINE.replace(">1</cbc:ID>", ">2</cbc:ID>"))))
    mailbox.receive(credit_note())
    mailbox.receive(b"%PDF-1.7 scanned", media_type="application/pdf", filename="scan.pdf")
    mailbox.receive(b"", size=0)
    mailbox.receive(invoice((">10</cbc:Inv", ">x</cbc:Inv")))
    result = operator().execute(context())
    counts = {name: result[name] for name in ("dataset", "rows", "with_defects", "pages", "read_again")}
    assert counts == {"dataset": "invoices", "rows": 5, "with_defects": 3, "pages": 1, "read_again": 0}
    staged = rows("SELECT * FROM intake.stage_invoice ORDER BY row_no")
    first = staged[0]
    assert (first["message_id"], first["filename"], first["entity"]) == ("M1", "invoice1.xml", "1000")
    assert (first["syntax"], first["kind"], first["invoice_number"], first["line_count"]) == (
        "ubl-invoice",
        "invoice",
        "R-1",
        2,
    )
    assert (first["invoice_date"], first["gross_total"], first["control_amount"]) == (
        date(2026, 11, 1),
        119,
        119,
    )
    assert (first["received_at"], first["duplicates_evaluable"]) == (
        datetime(2026, 11, 21, 9, tzinfo=UTC),
        True,
    )
    assert [row["syntax"] for row in staged] == ["ubl-invoice", "ubl-credit-note", "pdf", None, "ubl-invoice"]
    assert [row["control_amount"] for row in staged] == [119, 119, None, None, 119]
    assert [bool(row["defects"]) for row in staged] == [False, False, True, True, False]
    kept = rows(
        "SELECT d.* FROM intake.stage_invoice s JOIN intake.document d USING (document_id) ORDER BY s.row_no"
    )
    assert bytes(kept[2]["content"]) == b"%PDF-1.7 scanned"
    assert [row["media_type"] for row in kept][2:4] == ["application/pdf", "application/xml"]
    assert [bytes(row["content_hash"]) for row in staged] == [bytes(row["sha256"]) for row in kept]
    lines = rows("SELECT * FROM intake.stage_invoice_line ORDER BY row_no")
    assert [(row["row_no"], row["invoice_row_no"], row["position"], row["line_id"]) for row in lines] == [
        (1, 1, 1, "1"),
        (2, 1, 2, "2"),
        (3, 2, 1, "1"),
        (4, 5, 1, "1"),
    ]
    assert lines[3]["defects"] == [
        {
            "field": "BT-129 quantity",
            "value": "x",
            "reason": "not a decimal number (digits with a dot for decimals, no exponent)",
        }
    ]
    assert [
        (row["invoice_row_no"], row["tax_amount"])
        for row in rows("SELECT * FROM intake.stage_invoice_tax ORDER BY row_no")
    ] == [(1, 19), (2, 19), (5, 19)]


def test_bad_messages_do_not_stop_the_good_ones(
    mailbox: Mailbox, books: Ledger, context: Contexts, rows: Rows
):
    mailbox.receive(invoice((">R-1<", ">R-3<")), href="/mailbox/gone")
    mailbox.receive(invoice((">R-1<", ">R-4<")), href="http://evil.example/x")
    mailbox.receive(invoice((">R-1<", ">R-5<")), href=None)
    mailbox.receive(invoice((">R-1<", ">R-6<")), size=10**12)
    mailbox.receive(
        invoice((">R-1<", ">R-7<")), message_id=None, received_at="2026-11-21", entity=["x"], filename="\x00"
    )
    mailbox.items.append("no message")
    mailbox.receive(invoice((">R-1<", ">R-9<")))
    mailbox.control = {"count": 7, "amount": None}
    assert operator().execute(context())["with_defects"] == 6
    staged = rows("SELECT * FROM intake.stage_invoice ORDER BY row_no")
    reasons = [" / ".join(f"{d['field']}: {d['reason']}" for d in row["defects"] or []) for row in staged]
    assert reasons[0] == "document: the source no longer has it (status 404)"
    assert "no path on the source's own host" in reasons[1]
    assert reasons[2] == "document: the message names no content"
    assert "not fetched: 1000000000000 bytes" in reasons[3]
    assert [d["field"] for d in staged[4]["defects"]] == ["received_at", "filename", "entity", "message_id"]
    assert "record: not an object" in reasons[5]
    assert (staged[6]["invoice_number"], staged[6]["defects"]) == ("R-9", None)
    assert [row["document_id"] is None for row in staged] == [True, True, True, True, False, True, False]
    assert len({bytes(row["content_hash"]) for row in staged}) == 7


@pytest.mark.parametrize("listed", [{"sha256": "00" * 32}, {"size": 7}])
def test_content_that_is_not_what_is_listed_keeps_nothing(
    mailbox: Mailbox,
    books: Ledger,
    context: Contexts,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
    listed: dict[str, Any],
):
    """The next run asks for it again: the watermark has not moved past it."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    mailbox.receive(invoice())
    mailbox.receive(invoice((">R-1<", ">R-2<")), **listed)
    mailbox.control = {"count": 2, "amount": None}
    with pytest.raises(SourceUnavailableError, match="the source lists"):
        operator().execute(context())
    assert rows("SELECT * FROM intake.load") == rows("SELECT * FROM intake.watermark") == []


def test_same_bytes_by_two_messages_are_kept_once(
    mailbox: Mailbox, books: Ledger, context: Contexts, rows: Rows
):
    mailbox.receive(invoice())
    mailbox.receive(invoice())
    operator().execute(context())
    staged = rows("SELECT document_id, content_hash FROM intake.stage_invoice")
    assert len(staged) == 2
    assert staged[0] == staged[1]


@pytest.mark.parametrize("control", [{"count": 2, "amount": None}, {"count": 1, "amount": "5"}])
def test_totals_that_do_not_tie_keep_nothing(
    mailbox: Mailbox, books: Ledger, context: Contexts, rows: Rows, control: dict[str, object]
):
    mailbox.receive(invoice())
    mailbox.control = control
    with pytest.raises(ControlTotalsError, match="does not tie"):
        operator().execute(context())
    assert rows("SELECT * FROM intake.document") == []


def test_mailbox_that_breaks_off_keeps_nothing(
    mailbox: Mailbox, books: Ledger, context: Contexts, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    mailbox.receive(invoice())
    mailbox.receive(invoice((">R-1<", ">R-2<")))
    mailbox.server.answers["/mailbox/messages/M2/content"] = lambda _: Answer(b"", 503)
    with pytest.raises(SourceUnavailableError):
        operator().execute(context())
    assert rows("SELECT * FROM intake.stage_invoice") == []


def test_many_documents_are_staged_in_batches(mailbox: Mailbox, books: Ledger, context: Contexts, rows: Rows):
    for number in range(450):
        mailbox.receive(invoice((">R-1<", f">R-{number}<")))
    assert operator().execute(context())["rows"] == 450
    counts = rows(
        """SELECT (SELECT count(*) FROM intake.stage_invoice) AS i,
                  (SELECT count(DISTINCT row_no) FROM intake.stage_invoice_line) AS l,
                  (SELECT count(DISTINCT invoice_row_no) FROM intake.stage_invoice_tax) AS t"""
    )
    assert counts == [{"i": 450, "l": 450, "t": 450}]


def quarantine(books: Ledger, load_id: int, row_no: int, state: str) -> None:
    """What the accept step and a person's decision leave behind, written directly."""
    with books.connect("admin") as connection:
        connection.execute(
            """INSERT INTO intake.quarantine
                 (load_id, source, dataset, row_no, document_id, content_hash, findings, row_content, state)
               SELECT load_id, 'mailbox', 'invoices', row_no, document_id, content_hash, '[]',
                      to_jsonb(s) - 'content_hash', %s
               FROM intake.stage_invoice s WHERE load_id = %s AND row_no = %s""",
            (state, load_id, row_no),
        )


def test_documents_to_be_read_again_are_staged_once_more(
    mailbox: Mailbox, books: Ledger, context: Contexts, rows: Rows
):
    mailbox.receive(invoice((">10</cbc:Inv", ">x</cbc:Inv")))
    mailbox.receive(b"%PDF-1.7 other")
    first = operator().execute(context())
    quarantine(books, first["load_id"], 1, "reread")
    quarantine(books, first["load_id"], 2, "open")
    mailbox.items.clear()
    second = operator().execute(context("manual__2"))
    assert (second["rows"], second["read_again"]) == (1, 1)
    [again] = rows("SELECT * FROM intake.stage_invoice WHERE load_id = %s", second["load_id"])
    [before] = rows("SELECT * FROM intake.stage_invoice WHERE load_id = %s AND row_no = 1", first["load_id"])
    assert {k: v for k, v in again.items() if k != "load_id"} == {
        k: v for k, v in before.items() if k != "load_id"
    }
    [load] = rows(
        "SELECT source_count, received_count FROM intake.load WHERE load_id = %s", second["load_id"]
    )
    assert load == {"source_count": 1, "received_count": 1}
    quarantine(books, second["load_id"], 1, "open")
    assert operator().execute(context("manual__3"))["read_again"] == 0


def folder_operator(folder: Path, **changes: Any) -> IngestFolderOperator:
    return IngestFolderOperator(
        task_id="ingest_folder", folder=str(folder), source="drop", entity="1000", process="p", **changes
    )


def test_drop_folder(tmp_path: Path, books: Ledger, context: Contexts, rows: Rows):
    folder = tmp_path / "drop"
    (folder / "done").mkdir(parents=True)
    (folder / "b.xml").write_bytes(invoice())
    (folder / "a.PDF").write_bytes(b"%PDF-1.7")
    (folder / "empty.xml").write_bytes(b"")
    (folder / ".hidden").write_bytes(b"x")
    (folder / "link.xml").symlink_to("/etc/passwd")
    os.utime(folder / "b.xml", (1763715600, 1763715600))
    os.mkfifo(folder / "pipe.xml")
    result = folder_operator(folder).execute(context())
    assert (result["rows"], result["with_defects"]) == (3, 2)
    assert result["not_used"] == [".hidden", "done", "link.xml", "pipe.xml"]
    staged = rows("SELECT * FROM intake.stage_invoice ORDER BY row_no")
    assert [row["filename"] for row in staged] == ["a.PDF", "b.xml", "empty.xml"]
    assert (staged[1]["message_id"], staged[1]["entity"], staged[1]["invoice_number"]) == (
        "drop/b.xml",
        "1000",
        "R-1",
    )
    assert staged[1]["received_at"] == datetime.fromtimestamp(1763715600, UTC)
    [load] = rows("SELECT advances_watermark, state, source_count FROM intake.load")
    assert load == {"advances_watermark": False, "state": "read", "source_count": 3}
    again = folder_operator(folder).execute(context("manual__2"))
    assert again["rows"] == 3
    hashes = rows("SELECT count(DISTINCT content_hash) AS n, count(*) AS all FROM intake.stage_invoice")
    assert hashes == [{"n": 3, "all": 6}]


def test_only_matching_names_are_documents(tmp_path: Path, books: Ledger, context: Contexts):
    (tmp_path / "a.xml").write_bytes(invoice())
    (tmp_path / "LICENSE").write_text("words")
    result = folder_operator(tmp_path, pattern="*.xml").execute(context())
    assert (result["rows"], result["not_used"]) == (1, ["LICENSE"])


def test_folder_that_is_none_is_refused(tmp_path: Path, books: Ledger, context: Contexts):
    with pytest.raises(ConfigurationError, match="is no folder"):
        folder_operator(tmp_path / "nowhere").execute(context())


def test_real_invoices_are_staged_as_parsed(shared_data: Path, books: Ledger, context: Contexts, rows: Rows):
    folder = shared_data / "reconciliation" / "xrechnung"
    result = folder_operator(folder, pattern="*.xml").execute(context())
    assert (result["rows"], result["with_defects"], result["not_used"]) == (38, 0, ["LICENSE"])
    hashes = {
        bytes(row["content_hash"]).hex() for row in rows("SELECT content_hash FROM intake.stage_invoice")
    }
    assert hashes == {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.xml")}


def test_result_is_small_and_plain(mailbox: Mailbox, books: Ledger, context: Contexts):
    mailbox.receive(invoice())
    assert len(json.dumps(operator().execute(context()))) < 500
