"""The labels: complete, on both sides of every limit, in the promised shares, and true."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import orjson
import pytest
from lxml import etree
from tests.sandbox.plain_reading import judge

from backoffice.sandbox.__main__ import main
from backoffice.sandbox.generator import Company, generate, label_record
from backoffice.sandbox.generator.plants import ALL

ANCHOR = date(2026, 3, 18)
SUNDAY = date(2026, 3, 15)
CODES = {
    "QTY_ORD", "QTY_REC", "NO_RECEIPT", "PRICE", "PO_MISSING", "PO_NOT_FOUND", "SUPPLIER_MISMATCH",
    "CURRENCY_DIFF", "LINE_ARITH", "TOTAL_ARITH", "TAX_TOTAL", "UOM_UNMAPPED", "LINE_UNMATCHED",
    "PO_NOT_APPROVED", "PO_CLOSED", "CREDIT_EXCESS", "DUP_EXACT", "DUP_LIKELY",
}  # fmt: skip


def _documents(company: Company) -> list:
    return [label for label in company.labels if label.line is None]


@pytest.mark.parametrize("mix", ["clean", "realistic"])
@pytest.mark.parametrize(
    ("seed", "size", "anchor"), [(1, 300, ANCHOR), (2, 120, SUNDAY), (3, 800, date(2026, 1, 2))]
)
def test_a_second_plain_judgement_agrees_with_every_label(seed: int, size: int, anchor: date, mix: str):
    """So nothing planted has a consequence elsewhere that its label does not name."""
    company = generate(seed, size, mix, anchor)
    planted = {
        (label.message_id, label.line): (list(label.expected_codes), label.expected_outcome)
        for label in company.labels
    }
    judged = judge(company)
    differing = {key: (planted.get(key), judged.get(key)) for key in planted | judged}
    assert {key: pair for key, pair in differing.items() if pair[0] != pair[1]} == {}


def test_every_document_and_every_line_has_one_label(company: Company):
    labelled = defaultdict(list)
    for label in company.labels:
        labelled[label.message_id].append(label)
    assert set(labelled) == {document.message_id for document in company.documents}
    for document in company.documents:
        about, *lines = labelled[document.message_id]
        assert about.line is None
        assert about.expected_outcome is not None
        assert {label.sha256 for label in labelled[document.message_id]} == {document.sha256}
        if about.expected_outcome in ("quarantined", "already_known"):
            assert lines == []
            assert about.faults
        else:
            root = etree.fromstring(document.content)
            printed = root.xpath("*[local-name()='InvoiceLine' or local-name()='CreditNoteLine']")
            numbers = [line.findtext("{*}ID") for line in printed]
            assert [label.line for label in lines] == numbers
            assert all(label.expected_outcome is None for label in lines)
            assert about.invoice_number == root.findtext("{*}ID")
            assert (
                about.kind == {"Invoice": "invoice", "CreditNote": "credit_note"}[etree.QName(root).localname]
            )


def test_outcome_and_codes_fit_together(company: Company):
    codes = defaultdict(set)
    for label in company.labels:
        codes[label.message_id].update(label.expected_codes)
    for label in _documents(company):
        found = codes[label.message_id]
        assert {"approve": found == set(), "wait": found == {"NO_RECEIPT"}, "review": bool(found)}.get(
            label.expected_outcome, found == set()
        )


def test_labels_say_what_arrived_when(company: Company):
    receipts = defaultdict(list)
    for receipt in company.receipts:
        receipts[f"{receipt.po_number}/{receipt.po_line}"].append(receipt.updated_at)
    for label in company.labels:
        moments = [arrival.at for arrival in label.arrived]
        assert moments == sorted(moments)
        if label.line is not None:
            orders = [arrival for arrival in label.arrived if arrival.what == "order"]
            goods = [arrival.at for arrival in label.arrived if arrival.what not in ("order", "order_change")]
            assert len(orders) == 1
            assert goods == sorted(receipts[orders[0].reference])
        else:
            assert [arrival.what for arrival in label.arrived] == ["document"]


@pytest.mark.parametrize("mix", ["clean", "realistic"])
@pytest.mark.parametrize("size", [300, 450])
@pytest.mark.parametrize("seed", [1, 2])
def test_values_lie_on_both_sides_of_every_limit(seed: int, size: int, mix: str):
    company = generate(seed, size, mix, ANCHOR)
    sides = defaultdict(set)
    for label in company.labels:
        for fault in label.faults:
            if fault.limit is not None:
                sides[fault.name, fault.limit, fault.unit].add(fault.distance)
    cent = {"-0.01", "0.00", "0.01"}
    assert sides["PRICE", "2", "percent"] >= cent
    assert sides["PRICE", "50", "amount"] >= cent
    assert sides["QTY_ORD", "0", "quantity"] >= cent
    assert sides["QTY_REC", "0", "quantity"] >= cent
    assert sides["LINE_ARITH", "0.02", "amount"] >= cent
    assert sides["TAX_TOTAL", "0.01", "amount"] >= cent
    assert sides["CREDIT_EXCESS", "0", "quantity"] >= cent
    assert sides["TOTAL_ARITH", "0", "amount"] >= {"0.00", "0.01"}
    assert sides["NO_RECEIPT", "0", "amount"] >= {"0", "0.01"}
    assert sides["NO_RECEIPT_DAYS", "3", "business_days"] >= {"0", "1"}
    assert sides["NO_RECEIPT_DUE", "5", "calendar_days"] >= {"-1", "0", "1"}
    assert {code for label in company.labels for code in label.expected_codes} == CODES


def test_a_large_company_tells_every_story():
    told = {label.scenario for label in generate(1, 2000, "realistic", ANCHOR).labels}
    assert told == {plant.name for plant in ALL}
    assert len(ALL) == len(told)


def test_the_side_of_a_limit_decides(company: Company):
    """Beyond a limit there is a code, on and below it there is none of that name."""
    for label in company.labels:
        for fault in label.faults:
            if fault.limit is not None and not fault.name.startswith("NO_RECEIPT_"):
                assert (fault.name in label.expected_codes) == (fault.side == "above")


def test_some_lines_and_documents_have_two_faults(company: Company):
    lines = [label.expected_codes for label in company.labels if label.line is not None]
    assert any(set(codes) >= {"PRICE", "QTY_ORD"} for codes in lines)
    several = generate(1, 800, "realistic", ANCHOR)
    documents = [label.expected_codes for label in _documents(several)]
    assert any(set(codes) == {"TAX_TOTAL", "TOTAL_ARITH"} for codes in documents)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [100, 300, 2000])
def test_realistic_mix_is_half_touchless_and_a_fifth_waits(seed: int, size: int):
    outcomes = Counter(
        label.expected_outcome for label in _documents(generate(seed, size, "realistic", ANCHOR))
    )
    assert 0.25 <= outcomes["approve"] / size <= 0.65
    assert 0.17 <= outcomes["wait"] / size <= 0.23
    assert outcomes["review"] / size >= 0.2
    assert outcomes["quarantined"] > 0
    assert outcomes["already_known"] > 0


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [100, 300, 2000])
def test_clean_mix_has_nine_clean_lines_of_ten(seed: int, size: int):
    company = generate(seed, size, "clean", ANCHOR)
    held = {label.message_id for label in _documents(company) if label.expected_codes}
    lines = [label for label in company.labels if label.line is not None]
    clean = [label for label in lines if not label.expected_codes and label.message_id not in held]
    assert 0.86 <= len(clean) / len(lines) <= 0.94


def test_command_writes_the_labels_as_json_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "labels.jsonl"
    options = ["--seed", "9", "--size", "60", "--mix", "clean", "--anchor", "2026-03-18", "--out", str(out)]
    assert main(["labels", *options]) == 0
    assert "60 documents" in capsys.readouterr().out
    written = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    company = generate(9, 60, "clean", ANCHOR)
    assert written == [orjson.loads(orjson.dumps(label_record(label))) for label in company.labels]
    assert {record["expected_outcome"] for record in written if record["line"]} == {None}
