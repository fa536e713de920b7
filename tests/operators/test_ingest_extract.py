"""A system's export as a profile reads it: every row of every table ends in exactly one place."""

from __future__ import annotations

import csv
import random
import shutil
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Ledger

from backoffice import settings
from backoffice.exceptions import ConfigurationError
from backoffice.operators.ingest_extract import IngestExtractOperator, shipped_profile

Rows = Callable[..., list[dict[str, Any]]]
Contexts = Callable[..., dict[str, Any]]

# A small company: two orders with three items, two goods receipts and one service entry, two invoices.
TABLES = {
    "lfa1": "LIFNR,NAME1\nV1,Bolts\nV2,Nuts\n",
    "ekko": "EBELN,BUKRS,LIFNR,BSART\n20,1000,V1,NB\n21,1000,V2,NB\n",
    "ekpo": "EBELN,WEBRE,EBELP,PSTYP\n20,X,00010,0\n20,,00020,0\n21,,00010,9\n",
    "ekbe": (
        "BELNR,CPUTM,EBELP,GJAHR,VGABE,BUDAT,CPUDT,EBELN\n"
        "50,081500,00010,2018,1,20180306,20180306,20\n"
        "51,081501,00020,2018,1,20180307,20180307,20\n"
        ",120000,00010,2018,1,20180308,20180308,21\n"
        "90,120000,00010,2018,2,20180308,20180308,20\n"
    ),
    "mkpf": "CPUDT,MJAHR,MBLNR,CPUTM\n20180306,2018,50,081500\n20180307,2018,51,081501\n",
    "mseg": (
        "MJAHR,MBLNR,BWART,EBELP,DMBTR,ZEILE,EBELN,MENGE\n"
        "2018,50,101,00010,100.50,1,20,1\n"
        "2018,51,102,00020,30,1,20,1\n"
    ),
    "rbkp": (
        "BELNR,LIFNR,GJAHR,CPUDT,RMWWR,CPUTM\n"
        "90,V1,2018,20180309,130.50,100000\n"
        "91,V2,2018,20180310,7,100000\n"
    ),
    "rseg": (
        "BELNR,WRBTR,BUZEI,EBELP,GJAHR,EBELN\n"
        "90,30,2,00020,2018,20\n"
        "90,100.50,1,00010,2018,20\n"
        "91,7,1,00010,2018,21\n"
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small company's export."""
    for name, text in TABLES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / f"{name}.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def add(folder: Path, name: str, line: str) -> None:
    with (folder / f"{name}.csv").open("a") as file:
        file.write(line + "\n")


def operator(folder: Path) -> IngestExtractOperator:
    return IngestExtractOperator(
        task_id="extract", profile="sap_mm_amounts", folder=str(folder), source="sap", process="p"
    )


def reasons(row: dict[str, Any]) -> list[str]:
    return [f"{defect['field']}: {defect['reason']}" for defect in row["defects"] or []]


def test_small_export(folder: Path, books: Ledger, context: Contexts, rows: Rows):
    (folder / "cdhdr.csv").write_text("x\n")
    (folder / "notes.txt").write_text("x")
    result = operator(folder).execute(context())
    assert {name: load["rows"] for name, load in result["loads"].items()} == {
        "suppliers": 2,
        "orders": 3,
        "receipts": 3,
        "invoices": 2,
    }
    assert all(load["with_defects"] == 0 for load in result["loads"].values())
    assert result["tables"]["ekbe.csv"] == {"rows": 4, "used": 3, "not_used": 1, "left_over": 0}
    assert result["tables"]["ekko.csv"] == {"rows": 2, "used": 2, "not_used": 0, "left_over": 0}
    assert result["not_used_files"] == {
        "cdhdr.csv": "change documents",
        "notes.txt": "not known to the profile",
    }
    assert result["profile"].startswith("sap_mm_amounts/2 sha256:")
    orders = rows("SELECT * FROM intake.stage_order_line ORDER BY po_number, po_line")
    assert [(row["po_number"], row["po_line"], row["supplier_id"], row["gr_based"]) for row in orders] == [
        ("20", "00010", "V1", True),
        ("20", "00020", "V1", False),
        ("21", "00010", "V2", False),
    ]
    assert {
        (row["entity"], row["amount_based"], row["match_type"], row["currency"], row["approved"])
        for row in orders
    } == {("1000", True, 3, "EUR", True)}
    assert {
        (row["quantity"], row["unit_price"], row["ordered_value"], row["control_amount"]) for row in orders
    } == {(None, None, None, None)}
    receipts = rows("SELECT * FROM intake.stage_receipt_line ORDER BY received_at")
    assert [
        (
            row["receipt_number"],
            row["receipt_line"],
            row["received_value"],
            row["value_known"],
            row["quantity"],
        )
        for row in receipts
    ] == [
        ("50/2018", "1", Decimal("100.50"), True, 1),
        ("51/2018", "1", Decimal(-30), True, -1),
        ("SE 21/00010 20180308 120000", "1", None, False, 1),
    ]
    assert [row["control_amount"] for row in receipts] == [Decimal("100.50"), -30, None]
    assert receipts[0]["received_at"].isoformat() == "2018-03-06T08:15:00+00:00"
    invoices = rows("SELECT * FROM intake.stage_invoice ORDER BY row_no")
    assert [
        (
            row["invoice_number"],
            row["entity"],
            row["seller_id"],
            row["gross_total"],
            row["tax_total"],
            row["duplicates_evaluable"],
        )
        for row in invoices
    ] == [("90/2018", "1000", "V1", Decimal("130.50"), 0, False), ("91/2018", "1000", "V2", 7, 0, False)]
    lines = rows("SELECT * FROM intake.stage_invoice_line ORDER BY row_no")
    assert [
        (row["invoice_row_no"], row["position"], row["line_id"], row["po_line"], row["net_amount"])
        for row in lines
    ] == [(1, 1, "1", "00010", Decimal("100.50")), (1, 2, "2", "00020", 30), (2, 1, "1", "00010", 7)]
    assert rows("SELECT * FROM intake.stage_invoice_tax") == []
    loads = rows("SELECT DISTINCT profile, advances_watermark, state, parser FROM intake.load")
    assert loads == [
        {
            "profile": result["profile"],
            "advances_watermark": False,
            "state": "read",
            "parser": "extract-csv/1",
        }
    ]
    kept = rows(
        """SELECT convert_from(d.content, 'UTF8') AS text
           FROM intake.stage_order_line JOIN intake.document d USING (document_id) LIMIT 1"""
    )
    assert kept[0]["text"] == TABLES["ekpo"]


def test_same_export_in_another_order_has_the_same_content(
    folder: Path, books: Ledger, context: Contexts, rows: Rows
):
    operator(folder).execute(context())
    shuffle = random.Random(1)
    for name in TABLES:
        path = folder / f"{name}.csv"
        header, *lines = path.read_text().splitlines()
        shuffle.shuffle(lines)
        path.write_text("\n".join([header, *lines]) + "\n")
    operator(folder).execute(context("manual__2"))
    for table in ("supplier", "order_line", "receipt_line", "invoice"):
        found = rows(
            f"""SELECT content_hash, count(DISTINCT load_id) AS loads, count(*) AS rows
                FROM intake.stage_{table} GROUP BY 1"""
        )
        assert {(row["loads"], row["rows"]) for row in found} == {(2, 2)}


def one(rows: Rows, table: str, condition: str) -> dict[str, Any]:
    [row] = rows(f"SELECT * FROM intake.stage_{table} WHERE {condition}")
    return row


@pytest.mark.parametrize(
    ("name", "old", "new", "table", "condition", "reason"),
    [
        (
            "ekpo",
            "20,X,00010,0",
            "29,X,00010,0",
            "order_line",
            "po_number = '29'",
            "ekko.csv: has no such row",
        ),
        (
            "mseg",
            "51,102",
            "51,999",
            "receipt_line",
            "receipt_number = '51/2018'",
            "received_value: mseg.BWART '999' is not declared: whether it adds or takes away is unknown",
        ),
        (
            "mseg",
            "100.50",
            "100,50",
            "receipt_line",
            "receipt_number = '50/2018'",
            "mseg.csv: has no such row",
        ),
        (
            "mseg",
            "100.50",
            '"100,50"',
            "receipt_line",
            "receipt_number = '50/2018'",
            "received_value: not a decimal number (digits with a dot for decimals, no exponent)",
        ),
        (
            "mseg",
            "100.50",
            "1e400",
            "receipt_line",
            "receipt_number = '50/2018'",
            "received_value: not a decimal number (digits with a dot for decimals, no exponent)",
        ),
        (
            "mseg",
            "100.50",
            "100.505",
            "receipt_line",
            "receipt_number = '50/2018'",
            "received_value: more than 2 decimals",
        ),
        (
            "mkpf",
            "20180306",
            "20181306",
            "receipt_line",
            "receipt_number = '50/2018'",
            "received_at: 20181306 081500 is no point in time",
        ),
        (
            "mkpf",
            "20180306",
            "6.3.2018",
            "receipt_line",
            "receipt_number = '50/2018'",
            "received_at: day '6.3.2018' is not of the form YYYYMMDD",
        ),
        (
            "ekbe",
            ",120000,",
            ",12:00,",
            "receipt_line",
            "receipt_number LIKE 'SE %%'",
            "received_at: time '12:00' is not of the form HHMMSS",
        ),
        (
            "ekbe",
            "51,081501,00020",
            "51,081501,00099",
            "receipt_line",
            "receipt_number = '51/2018'",
            "mseg.csv: has no such row",
        ),
        (
            "mkpf",
            "20180307,2018,51",
            "20180307,2018,59",
            "receipt_line",
            "receipt_number = '51/2018'",
            "mkpf.csv: has no such row",
        ),
        (
            "rbkp",
            "130.50",
            "x",
            "invoice",
            "invoice_number = '90/2018'",
            "line_total: not a decimal number (digits with a dot for decimals, no exponent)",
        ),
        (
            "rbkp",
            "90,V1",
            "99,V1",
            "invoice",
            "invoice_number = '99/2018'",
            "lines: the document has no line in the extract",
        ),
        (
            "rseg",
            "91,7,1,00010,2018,21",
            "91,7,1,00010,2018,28",
            "invoice_line",
            "po_number = '28'",
            "ekpo.csv: has no such row",
        ),
        (
            "lfa1",
            "V1,Bolts",
            "V1",
            "supplier",
            "supplier_id = 'V1'",
            "lfa1.csv: row 1: 1 columns, the header names 2",
        ),
    ],
)
def test_bad_row_is_staged_with_its_reason(
    folder: Path,
    books: Ledger,
    context: Contexts,
    rows: Rows,
    name: str,
    old: str,
    new: str,
    table: str,
    condition: str,
    reason: str,
):
    change(folder, name, old, new)
    operator(folder).execute(context())
    assert reason in reasons(one(rows, table, condition))


@pytest.mark.parametrize(
    ("name", "line", "table", "reason"),
    [
        ("ekko", "22,1000,V1,NB", "order_line", "ekko.csv: row 3 belongs to no record of this extract"),
        ("ekko", "20,2000,V2,NB", "order_line", "ekko.csv: row 3 repeats the key (EBELN) of an earlier row"),
        (
            "ekpo",
            "20,,00010,0",
            "order_line",
            "ekpo.csv: row 4 repeats the key (EBELN, EBELP) of an earlier row",
        ),
        ("lfa1", "V1,Other", "supplier", "lfa1.csv: row 3 repeats the key (LIFNR) of an earlier row"),
        (
            "mkpf",
            "20180306,2018,77,081500",
            "receipt_line",
            "mkpf.csv: row 3 belongs to no record of this extract",
        ),
        (
            "mseg",
            "2018,50,101,00010,5,2,20,1",
            "receipt_line",
            "mseg.csv: row 3 belongs to no record of this extract",
        ),
        (
            "ekbe",
            "50,081500,00010,2018,6,20180306,20180306,20",
            "receipt_line",
            "ekbe.csv: row 5 belongs to no record of this extract",
        ),
        ("rseg", "99,5,1,00010,2018,20", "invoice", "rseg.csv: row 4 belongs to no record of this extract"),
        (
            "rbkp",
            "90,V2,2018,20180309,1,100000",
            "invoice",
            "rbkp.csv: row 3 repeats the key (BELNR, GJAHR) of an earlier row",
        ),
    ],
)
def test_row_that_nothing_uses_is_staged_by_itself(
    folder: Path, books: Ledger, context: Contexts, rows: Rows, name: str, line: str, table: str, reason: str
):
    add(folder, name, line)
    result = operator(folder).execute(context())
    [row] = rows(f"SELECT * FROM intake.stage_{table} WHERE defects IS NOT NULL")
    assert reasons(row) == [reason]
    assert row["control_amount"] is None
    assert row["document_id"] is not None
    assert result["tables"][f"{name}.csv"]["left_over"] == 1
    counts = {dataset: load["rows"] for dataset, load in result["loads"].items()}
    assert sum(counts.values()) == 2 + 3 + 3 + 2 + 1


def test_several_receipts_of_one_document_are_paired_not_multiplied(
    folder: Path, books: Ledger, context: Contexts, rows: Rows
):
    add(folder, "ekbe", "50,081500,00010,2018,1,20180306,20180306,20")
    add(folder, "mseg", "2018,50,101,00010,5,2,20,1")
    operator(folder).execute(context())
    found = rows(
        """SELECT receipt_line, received_value FROM intake.stage_receipt_line
           WHERE receipt_number = '50/2018' ORDER BY 1"""
    )
    assert [tuple(row.values()) for row in found] == [("1", Decimal("100.50")), ("2", 5)]
    assert rows("SELECT * FROM intake.stage_receipt_line WHERE defects IS NOT NULL") == []


def test_identical_service_entries_are_numbered(folder: Path, books: Ledger, context: Contexts, rows: Rows):
    add(folder, "ekbe", ",120000,00010,2018,1,20180308,20180308,21")
    operator(folder).execute(context())
    found = rows(
        "SELECT receipt_number, receipt_line FROM intake.stage_receipt_line WHERE NOT value_known ORDER BY 2"
    )
    assert [tuple(row.values()) for row in found] == [
        ("SE 21/00010 20180308 120000", "1"),
        ("SE 21/00010 20180308 120000", "2"),
    ]


def test_hostile_files_lose_no_row(folder: Path, books: Ledger, context: Contexts, rows: Rows):
    with (folder / "lfa1.csv").open("ab") as file:
        file.write(
            b"V3,Gr\xfcn\nV4,a\x00b\n\nV5," + b"x" * 200_000 + b'\nV6,"open quote, and so on\nV7,never seen\n'
        )
    result = operator(folder).execute(context())
    named = {row["supplier_id"] or "-": reasons(row) for row in rows("SELECT * FROM intake.stage_supplier")}
    assert named["V1"] == []
    assert named["V3"] == ["lfa1.csv: row 3: holds bytes that are no UTF-8, or NUL"]
    assert named["V4"] == ["lfa1.csv: row 4: holds bytes that are no UTF-8, or NUL"]
    assert any("not readable as CSV" in reason for reason in named["-"])
    assert result["tables"]["lfa1.csv"]["rows"] == len(rows("SELECT * FROM intake.stage_supplier"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("lfa1", "LIFNR\nV1\n", "header of lfa1.csv must name once: NAME1"),
        ("lfa1", "", "must name once: LIFNR, NAME1"),
        ("lfa1", "LIFNR,NAME1,LIFNR\nV1,a,V2\n", "must name once: LIFNR"),
        ("lfa1", None, "has no lfa1.csv"),
    ],
)
def test_export_that_is_not_as_declared_is_refused(
    folder: Path, books: Ledger, context: Contexts, rows: Rows, name: str, text: str | None, message: str
):
    path = folder / f"{name}.csv"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        operator(folder).execute(context())
    assert rows("SELECT * FROM intake.load") == []


def test_byte_order_mark_and_line_ends_of_windows(folder: Path, books: Ledger, context: Contexts):
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    loads = operator(folder).execute(context())["loads"]
    assert {name: (load["rows"], load["with_defects"]) for name, load in loads.items()} == {
        "suppliers": (2, 0),
        "orders": (3, 0),
        "receipts": (3, 0),
        "invoices": (2, 0),
    }


def test_unknown_profile_and_folder(folder: Path, books: Ledger, context: Contexts):
    with pytest.raises(ConfigurationError, match="no extract profile 'nothing'"):
        shipped_profile("nothing")
    with pytest.raises(ConfigurationError, match="is no folder"):
        operator(folder / "nowhere").execute(context())


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_real_export_ties_to_an_independent_reading(
    shared_data: Path, books: Ledger, context: Contexts, rows: Rows
):
    """300 order items of a real company: every count and sum is made again from the files by plain csv."""
    folder = shared_data / "reconciliation" / "sap_sample"
    result = operator(folder).execute(context())
    data = {name: table(folder, name) for name in TABLES}
    goods = [row for row in data["ekbe"] if row["VGABE"] == "1" and row["BELNR"]]
    services = [row for row in data["ekbe"] if row["VGABE"] == "1" and not row["BELNR"]]
    assert {name: load["rows"] for name, load in result["loads"].items()} == {
        "suppliers": len(data["lfa1"]),
        "orders": len(data["ekpo"]),
        "receipts": len(goods) + len(services),
        "invoices": len(data["rbkp"]),
    }
    assert {load["with_defects"] for load in result["loads"].values()} == {0}
    for name, lines in data.items():
        account = result["tables"][f"{name}.csv"]
        assert account["rows"] == len(lines) == account["used"] + account["not_used"]
        assert account["not_used"] == (sum(row["VGABE"] == "2" for row in lines) if name == "ekbe" else 0)

    present = {path.name for path in folder.iterdir()}
    assert {f"{name}.csv" for name in TABLES} | set(result["not_used_files"]) == present
    assert "not known to the profile" not in result["not_used_files"].values()

    received: Counter[tuple[str, str]] = Counter()
    for row in data["mseg"]:
        received[row["EBELN"], row["EBELP"]] += Decimal(row["DMBTR"])  # type: ignore[assignment]
    found = rows(
        """SELECT po_number, po_line, sum(received_value) AS value,
                  count(*) FILTER (WHERE NOT value_known) AS unknown
           FROM intake.stage_receipt_line GROUP BY 1, 2"""
    )
    assert {
        (row["po_number"], row["po_line"]): row["value"] for row in found if row["value"] is not None
    } == received
    unknown = Counter((row["EBELN"], row["EBELP"]) for row in services)
    assert {(row["po_number"], row["po_line"]): row["unknown"] for row in found if row["unknown"]} == unknown
    assert rows("SELECT count(received_value) AS n FROM intake.stage_receipt_line WHERE NOT value_known") == [
        {"n": 0}
    ]
    numbers = rows(
        "SELECT count(DISTINCT (entity, receipt_number, receipt_line)) AS n FROM intake.stage_receipt_line"
    )
    assert numbers == [{"n": len(goods) + len(services)}]

    billed: Counter[tuple[str, str]] = Counter()
    for row in data["rseg"]:
        billed[row["EBELN"], row["EBELP"]] += Decimal(row["WRBTR"])  # type: ignore[assignment]
    lines = rows(
        "SELECT po_number, po_line, sum(net_amount) AS value FROM intake.stage_invoice_line GROUP BY 1, 2"
    )
    assert {(row["po_number"], row["po_line"]): row["value"] for row in lines} == billed
    headers = {
        f"{row['BELNR']}/{row['GJAHR']}": (Decimal(row["RMWWR"]), row["LIFNR"]) for row in data["rbkp"]
    }
    staged = rows("SELECT invoice_number, gross_total, seller_id FROM intake.stage_invoice")
    assert {row["invoice_number"]: (row["gross_total"], row["seller_id"]) for row in staged} == headers

    suppliers = {row["EBELN"]: row["LIFNR"] for row in data["ekko"]}
    orders = rows("SELECT po_number, po_line, supplier_id, gr_based FROM intake.stage_order_line")
    assert {(row["po_number"], row["po_line"], row["supplier_id"], row["gr_based"]) for row in orders} == {
        (row["EBELN"], row["EBELP"], suppliers[row["EBELN"]], row["WEBRE"] == "X") for row in data["ekpo"]
    }


def test_real_export_with_a_table_cut_short_still_accounts_for_every_row(
    tmp_path: Path, shared_data: Path, books: Ledger, context: Contexts
):
    folder = tmp_path / "cut"
    shutil.copytree(shared_data / "reconciliation" / "sap_sample", folder)
    (folder / "mkpf.csv").chmod(0o644)
    lines = (folder / "mkpf.csv").read_text().splitlines()
    (folder / "mkpf.csv").write_text("\n".join(lines[:-100]) + "\n")
    result = operator(folder).execute(context())
    assert result["loads"]["receipts"] | {"load_id": 0} == {"load_id": 0, "rows": 1567, "with_defects": 100}


QUANTITIES = """
profile: quantities
version: 3
title: SAP purchasing with quantities and prices
explanation: Items have quantity, price per price unit and currency; receipts are counted.
time_zone: Europe/Berlin
duplicates_evaluable: true
tables:
  items: {file: ekpo.csv, columns: [EBELN, EBELP, MENGE, MEINS, NETPR, PEINH, WAERS], key: [EBELN, EBELP], left_over: orders}
  moves: {file: mseg.csv, columns: [MBLNR, ZEILE, BWART, EBELN, EBELP, MENGE, DAY, TIME], key: [MBLNR, ZEILE], left_over: receipts}
records:
  - dataset: orders
    rows: items
    fields:
      entity: {value: "1000"}
      po_number: items.EBELN
      po_line: items.EBELP
      quantity: items.MENGE
      uom: items.MEINS
      unit_price: items.NETPR
      price_base_quantity: items.PEINH
      currency: items.WAERS
      match_type: {value: "3"}
      gr_based: {value: false}
  - dataset: receipts
    rows: moves
    join:
      - {table: items, match: {EBELN: moves.EBELN, EBELP: moves.EBELP}, rows: one, required: false}
    signs: {column: moves.BWART, plus: ["101"], minus: ["102"]}
    fields:
      entity: {value: "1000"}
      receipt_number: moves.MBLNR
      receipt_line: moves.ZEILE
      po_number: moves.EBELN
      po_line: moves.EBELP
      quantity: {column: moves.MENGE, signed: true}
      uom: items.MEINS
      received_at: {day: moves.DAY, time: moves.TIME}
"""


def test_another_export_is_another_profile(
    tmp_path: Path, books: Ledger, context: Contexts, rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    """Quantities and prices, other tables, another time zone: data only, no code."""
    include, folder = tmp_path / "include", tmp_path / "export"
    (include / "reference" / "extract_profiles").mkdir(parents=True)
    (include / "sql").symlink_to(settings.include_dir() / "sql")
    (include / "reference" / "extract_profiles" / "quantities.yaml").write_text(QUANTITIES)
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__INCLUDE_DIR", str(include))
    folder.mkdir()
    (folder / "ekpo.csv").write_text(
        "EBELN,EBELP,MENGE,MEINS,NETPR,PEINH,WAERS\n20,10,100,KGM,12.50,10,EUR\n"
    )
    (folder / "mseg.csv").write_text(
        "MBLNR,ZEILE,BWART,EBELN,EBELP,MENGE,DAY,TIME\n5,1,101,20,10,60.5,20180701,120000\n5,2,102,20,10,0.5,20180701,120000\n6,1,101,77,10,1,20180701,120000\n"
    )
    task = IngestExtractOperator(
        task_id="e", profile="quantities", folder=str(folder), source="sap", process="p"
    )
    result = task.execute(context())
    assert {name: (load["rows"], load["with_defects"]) for name, load in result["loads"].items()} == {
        "orders": (1, 0),
        "receipts": (3, 0),
    }
    [order] = rows("SELECT * FROM intake.stage_order_line")
    assert (order["quantity"], order["uom"], order["unit_price"], order["price_base_quantity"]) == (
        100,
        "KGM",
        Decimal("12.5"),
        10,
    )
    assert (order["control_amount"], order["amount_based"]) == (125, False)
    receipts = rows("SELECT * FROM intake.stage_receipt_line ORDER BY receipt_number, receipt_line")
    assert [(row["quantity"], row["control_amount"], row["uom"]) for row in receipts] == [
        (Decimal("60.5"), Decimal("60.5"), "KGM"),
        (Decimal("-0.5"), Decimal("-0.5"), "KGM"),
        (1, 1, None),
    ]
    assert receipts[0]["received_at"].isoformat() == "2018-07-01T10:00:00+00:00"
