"""A small ledger with cases of every kind, written the way the night writes it: the ledger's own functions open them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import psycopg

PDF = b"%PDF-1.4 no invoice we can read"
HOSTILE = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Books:
    """Where the cases are.

    :param run_id: Ledger id of the run that opened them.
    """

    run_id: int
    price: int
    received: int
    duplicate: int
    large: int
    own_order: int
    quarantined: int
    dag_id: str = "invoice_reconciliation"
    airflow_run_id: str = "scheduled__2026-11-22T03:00:00+00:00"


def write_books(connection: psycopg.Connection) -> Books:
    """Write suppliers, orders, invoices and holds, then let the ledger open the cases. Needs a superuser."""
    run_id = _one(
        connection,
        "SELECT ops.open_run('invoice_reconciliation', %s, %s, false, %s, '0.1.0')",
        Books.dag_id,
        Books.airflow_run_id,
        json.dumps({"synthetic": True}),
    )
    load_id = _one(
        connection,
        """INSERT INTO intake.load (run_id, source, dataset, parser, state, received_count, accepted_count,
             quarantined_count, known_count, received_amount, accepted_amount, quarantined_amount, known_amount,
             received_unknown, accepted_unknown, quarantined_unknown, known_unknown, accepted_at)
           VALUES (%s, 'mailbox', 'invoices', 'ubl 1', 'accepted', 6, 5, 1, 0, 100, 90, 10, 0, 0, 0, 0, 0, now())
           RETURNING load_id""",
        run_id,
    )
    connection.execute(
        """INSERT INTO purchasing.supplier (supplier_id, name, supplier_group, blocked, content_hash, load_id)
           VALUES ('S-1', 'Nordwind Metallbau GmbH', 'S-1', false, '\\x01', %s), ('S-2', %s, 'S-2', false, '\\x02', %s)""",
        (load_id, f"Hostile {HOSTILE} & Sons", load_id),
    )
    connection.execute(
        """INSERT INTO review.identity (system, user_id, person_id)
           VALUES ('erp', 'BBUYER', 'p-buyer'), ('erp', 'MMANAGER', 'p-manager'), ('erp', 'SOMEONE', 'p-admin')"""
    )
    for number, created_by in (("4500000101", "SOMEONE"), ("4500000102", "MMANAGER")):
        connection.execute(
            """INSERT INTO purchasing.order_line (entity, po_number, po_line, supplier_id, currency, quantity, uom,
                 unit_price, match_type, gr_based, closed, approved, buyer, created_by, version, content_hash, load_id)
               VALUES ('1000', %s, '10', 'S-1', 'EUR', 100, 'EA', 10, 3, false, false, true, 'BBUYER', %s, 1, '\\x03', %s)""",
            (number, created_by, load_id),
        )
    price = _invoice(connection, load_id, run_id, "RE-1001", 1320, "S-1", "4500000101", "2026-12-02")
    _hold(
        connection,
        run_id,
        price,
        "PRICE",
        "P",
        100,
        50,
        "currency",
        line=True,
        facts={
            "net_amount": "1100",
            "quantity": "100",
            "order_uom": "EA",
            "order_price": "10",
            "price_base_quantity": "1",
            "reference_amount": "1000",
            "limit_pct": "2",
            "limit_abs": "50",
            "currency": "EUR",
            "po_number": "4500000101",
            "po_line": "10",
            "line_id": "1",
        },
    )
    received = _invoice(connection, load_id, run_id, "RE-1002", 1200, "S-1", "4500000101", "2026-11-20")
    _hold(
        connection,
        run_id,
        received,
        "QTY_REC",
        "P",
        10,
        0,
        "order unit",
        line=True,
        facts={
            "billed_after": "100",
            "order_uom": "EA",
            "ordered": "100",
            "received": "90",
            "quantity": "100",
            "limit_pct": "0",
            "order_price": "10",
            "currency": "EUR",
            "po_number": "4500000101",
            "po_line": "10",
            "line_id": "1",
        },
    )
    duplicate = _invoice(
        connection, load_id, run_id, f"RE-1003 {HOSTILE}", 119, "S-2", None, "2026-12-10", f"../{HOSTILE}.xml"
    )
    _hold(
        connection,
        run_id,
        duplicate,
        "DUP_EXACT",
        "B",
        None,
        None,
        None,
        facts={
            "other_number": "RE1003",
            "other_date": "2026-11-01",
            "other_gross": "119 EUR",
            "other_sha256": "ab" * 32,
        },
    )
    large = _invoice(connection, load_id, run_id, "RE-1004", 90000, "S-1", None, None)
    _hold(connection, run_id, large, "TOTAL_ARITH", "B", "0.01", 0, "currency", facts={"rules": "BR-CO-15"})
    _hold(
        connection,
        run_id,
        large,
        "DUP_LIKELY",
        "P",
        None,
        None,
        None,
        facts={
            "other_number": "RE-1O04",
            "other_date": "2026-11-02",
            "other_gross": "90000 EUR",
            "other_sha256": "cd" * 32,
        },
    )
    own_order = _invoice(connection, load_id, run_id, "RE-1005", 240, "S-1", "4500000102", "2026-12-05")
    _hold(
        connection,
        run_id,
        own_order,
        "QTY_ORD",
        "P",
        20,
        0,
        "order unit",
        line=True,
        facts={
            "billed_after": "120",
            "order_uom": "EA",
            "ordered": "100",
            "limit_pct": "0",
            "currency": "EUR",
        },
    )
    quarantined = _quarantine(connection, load_id)
    _one(connection, "SELECT opened FROM review.open_cases(%s)", run_id)
    _one(connection, "SELECT ops.write_report(%s)::text", run_id)
    case_of = dict(
        connection.execute(
            "SELECT subject_id, case_id FROM review.case WHERE subject_kind = 'invoice'"
        ).fetchall()
    )
    case_of_quarantine = _one(
        connection,
        "SELECT case_id FROM review.case WHERE subject_kind = 'quarantine' AND subject_id = %s",
        quarantined,
    )
    return Books(
        run_id,
        case_of[price],
        case_of[received],
        case_of[duplicate],
        case_of[large],
        case_of[own_order],
        case_of_quarantine,
    )


def _one(connection: psycopg.Connection, statement: str, *values: object) -> int:
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row[0]


def _invoice(
    connection: psycopg.Connection,
    load_id: int,
    run_id: int,
    number: str,
    gross: int,
    supplier: str,
    po_number: str | None,
    due: str | None,
    filename: str = "invoice.xml",
) -> int:
    content = f"<Invoice>{number}</Invoice>".encode()
    document_id = _one(
        connection,
        "INSERT INTO intake.document (sha256, content, media_type) VALUES (sha256(%s), %s, 'application/xml') RETURNING document_id",
        content,
        content,
    )
    connection.execute(
        """INSERT INTO intake.stage_invoice (load_id, row_no, content_hash, filename)
           VALUES (%s, %s, sha256(%s), %s)""",
        (load_id, document_id, content, filename),
    )
    invoice_id = _one(
        connection,
        """INSERT INTO purchasing.invoice (entity, document_id, content_hash, syntax, kind, invoice_number, invoice_date,
             due_date, currency, supplier_id, supplier_group, po_number, line_total, allowance_total, charge_total,
             net_total, tax_total, gross_total, prepaid_total, rounding_amount, payable_total, duplicates_evaluable,
             received_at, load_id)
           VALUES ('1000', %s, sha256(%s), 'ubl', 'invoice', %s, '2026-11-15', %s, 'EUR', %s, %s, %s, %s, 0, 0, %s, 0, %s,
             0, 0, %s, true, '2026-11-21T14:00:00Z', %s) RETURNING invoice_id""",
        document_id,
        content,
        number,
        due,
        supplier,
        supplier,
        po_number,
        gross,
        gross,
        gross,
        gross,
        load_id,
    )
    connection.execute(
        """INSERT INTO purchasing.invoice_line (invoice_id, position, line_id, po_number, po_line_key, order_line_id, quantity,
             uom, unit_price, price_base_quantity, net_amount, allowance_total, charge_total)
           SELECT %s, 1, '1', o.po_number, o.po_line_key, o.order_line_id, 100, 'EA', 11, 1, 1100, 0, 0
           FROM (SELECT 1) AS one LEFT JOIN purchasing.order_line o ON o.po_number = %s""",
        (invoice_id, po_number),
    )
    connection.execute(
        "INSERT INTO ledger.invoice_status (invoice_id, state, evaluated_run) VALUES (%s, 'held', %s)",
        (invoice_id, run_id),
    )
    connection.execute(
        """INSERT INTO ledger.decision (process, subject_kind, subject_id, subject_key, maker, outcome, rule, authority,
             evidence_hash, explanation, run_id)
           VALUES ('invoice_reconciliation', 'invoice', %s, %s, 'machine', 'review', 'held', 'machine', '\\x00', '{}', %s)""",
        (invoice_id, number, run_id),
    )
    return invoice_id


def _hold(
    connection: psycopg.Connection,
    run_id: int,
    invoice_id: int,
    code: str,
    effect: str,
    measured: object,
    limit: object,
    unit: str | None,
    *,
    facts: dict[str, str],
    line: bool = False,
) -> None:
    connection.execute(
        """INSERT INTO ledger.hold (invoice_id, invoice_line_id, code, effect, measured, limit_value, limit_unit, scope, facts,
             evidence_hash, rule_sha256, opened_run)
           SELECT %s, (SELECT l.invoice_line_id FROM purchasing.invoice_line l WHERE l.invoice_id = %s AND %s), %s, %s, %s, %s, %s,
             'default', %s, sha256(convert_to(%s, 'UTF8')), 'rule', %s""",
        (invoice_id, invoice_id, line, code, effect, measured, limit, unit, json.dumps(facts), code, run_id),
    )


def _quarantine(connection: psycopg.Connection, load_id: int) -> int:
    document_id = _one(
        connection,
        "INSERT INTO intake.document (sha256, content, media_type) VALUES (sha256(%s), %s, 'application/pdf') RETURNING document_id",
        PDF,
        PDF,
    )
    return _one(
        connection,
        """INSERT INTO intake.quarantine (load_id, source, dataset, row_no, document_id, content_hash, findings, row_content)
           VALUES (%s, 'mailbox', 'invoices', 99, %s, sha256(%s), %s, %s) RETURNING quarantine_id""",
        load_id,
        document_id,
        PDF,
        json.dumps(
            [
                {
                    "check_id": "readable",
                    "reason": "The document is no structured invoice",
                    "field": "content",
                    "value": HOSTILE,
                }
            ]
        ),
        json.dumps({"filename": "scan 2026‮fdp.exe", "received_at": "2026-11-21T15:00:00Z"}),
    )
