"""The generated company: repeatable, well-formed, arithmetically right unless planted otherwise."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from lxml import etree

from backoffice.sandbox.generator import Company, generate, label_record
from backoffice.sandbox.generator.days import Days
from backoffice.sandbox.generator.numbering import NumberRange, check_digit, respelled, swapped, without_zeros
from backoffice.sandbox.generator.suppliers import iban

PLUGINS = Path(__file__).parents[2] / "plugins"
ANCHOR = date(2026, 3, 18)

FINGERPRINT = """
import hashlib, sys
from datetime import date
from backoffice.sandbox.generator import generate, label_record
company = generate(5, 90, "realistic", date(2026, 3, 18))
digest = hashlib.sha256()
for document in company.documents:
    digest.update(document.content)
for part in (company.suppliers, company.order_lines, company.receipts):
    digest.update(repr(part).encode())
digest.update(repr([label_record(label) for label in company.labels]).encode())
sys.stdout.write(digest.hexdigest())
"""


def _fingerprint_in_another_process(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(PLUGINS), "PYTHONHASHSEED": hash_seed}
    result = subprocess.run(
        [sys.executable, "-c", FINGERPRINT], env=environment, capture_output=True, text=True, check=True
    )
    return result.stdout


def test_same_arguments_give_the_same_bytes_in_every_process():
    assert _fingerprint_in_another_process("1") == _fingerprint_in_another_process("2")


def test_another_seed_gives_another_company():
    one, other = generate(1, 60, "realistic", ANCHOR), generate(2, 60, "realistic", ANCHOR)
    assert not {document.sha256 for document in one.documents} & {
        document.sha256 for document in other.documents if document.size > 10
    }


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 24, 120])
@pytest.mark.parametrize("mix", ["clean", "realistic"])
def test_size_is_the_number_of_documents(size: int, mix: str):
    assert len(generate(3, size, mix, ANCHOR).documents) == size


def test_unknown_mix_and_negative_size_are_refused():
    with pytest.raises(ValueError, match="mix is one of"):
        generate(1, 10, "rosy", ANCHOR)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="-1"):
        generate(1, -1, "clean", ANCHOR)


@pytest.mark.parametrize("anchor", [ANCHOR, date(2026, 3, 14), date(2026, 1, 1), date(2024, 2, 29)])
def test_everything_became_visible_on_business_days_before_the_anchor(anchor: date):
    company = generate(4, 80, "realistic", anchor)
    end = datetime.combine(anchor, time(tzinfo=UTC))
    begin = end - timedelta(days=34)
    moments = [
        record.updated_at
        for part in (company.order_lines, company.receipts, company.documents)
        for record in part
    ]
    assert all(begin < moment < end for moment in moments)
    assert {moment.weekday() for moment in moments} == {0, 1, 2, 3, 4}
    assert all(supplier.updated_at < begin + timedelta(days=7) for supplier in company.suppliers)


def test_the_world_is_revealed_day_by_day(company: Company):
    for part in (company.order_lines, company.receipts, company.documents):
        assert len({record.updated_at.date() for record in part}) > 12
        assert list(part) == sorted(part, key=lambda record: record.updated_at)


def test_every_order_is_visible_before_its_receipts(company: Company):
    ordered = {line.key: line.updated_at for line in reversed(company.order_lines)}
    for receipt in company.receipts:
        assert ordered[receipt.po_number, receipt.po_line] < receipt.updated_at


def test_versions_of_an_order_line_follow_each_other(company: Company):
    versions = defaultdict(list)
    for line in company.order_lines:
        versions[line.key].append(line)
    changed = [lines for lines in versions.values() if len(lines) > 1]
    assert changed
    for lines in versions.values():
        assert [line.version for line in lines] == list(range(1, len(lines) + 1))
        assert [line.superseded_at for line in lines] == [line.updated_at for line in lines[1:]] + [None]


def test_company_has_variety(company: Company):
    lines = company.order_lines
    per_order = Counter(line.po_number for line in lines if line.version == 1)
    assert {min(per_order.values()), max(per_order.values())} == {1, 8}
    assert {line.match_type for line in lines} == {2, 3}
    assert {line.gr_based for line in lines} == {True, False}
    assert {"EA", "KGM", "HUR"} <= {line.uom for line in lines}
    assert {str(line.price_base_quantity) for line in lines} == {"1", "100"}
    assert {str(line.tax_rate) for line in lines} == {"0", "7", "19"}
    assert any(receipt.reverses for receipt in company.receipts)
    assert any(receipt.quantity < 0 and not receipt.reverses for receipt in company.receipts)
    assert len({supplier.vat_id for supplier in company.suppliers}) == len(company.suppliers) >= 24
    assert len({supplier.iban for supplier in company.suppliers}) == len(company.suppliers)
    assert sum(supplier.blocked for supplier in company.suppliers) == 1
    groups = Counter(supplier.supplier_group for supplier in company.suppliers if supplier.supplier_group)
    assert set(groups.values()) == {3}


def test_three_way_is_the_usual_match(company: Company):
    orders = {line.po_number: line for line in company.order_lines}.values()
    shares = Counter((line.match_type, line.gr_based) for line in orders)
    assert shares[3, False] > sum(shares.values()) / 2


def test_ibans_pass_their_check():
    assert iban("DE", "370400440532013000") == "DE89370400440532013000"  # the ISO registry's own example


def test_supplier_ibans_pass_their_check(company: Company):
    for supplier in company.suppliers:
        turned = supplier.iban[4:] + supplier.iban[:4]
        assert int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def test_ordinary_invoice_numbers_never_resemble_each_other():
    assert check_digit("572") == "4"
    for index in range(5):
        numbers = NumberRange(index)
        written = {numbers.next(2026) for _ in range(400)}
        assert len(written) == 400
        for number in written:
            for at in range(len(number) - 1):
                twin = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
                assert twin == number or twin not in written


def test_spellings_of_one_number():
    number = NumberRange(0).next(2026)
    assert number.startswith("AA-00000")
    assert respelled(number) == number.lower().replace("-", "/")
    assert without_zeros("0071-0020") == "71-0020"
    assert without_zeros(number) == number
    assert swapped("9001024") == "9001204"


def test_business_days_are_counted_from_the_anchor():
    days = Days(date(2026, 3, 19))  # a Thursday
    assert days[days.last] == date(2026, 3, 18)
    assert days.elapsed(days.waited(3)) == 3
    assert days[days.waited(3)] == date(2026, 3, 16)
    weekend = Days(date(2026, 3, 21))
    assert weekend[weekend.last] == date(2026, 3, 20)
    assert weekend.elapsed(weekend.last) == 0


def _texts(root: etree._Element, path: str) -> list[str]:
    steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
    return [element.text for element in root.xpath(steps)]


def _one(root: etree._Element, path: str) -> str:
    (text,) = _texts(root, path)
    return text


def test_documents_are_invoices_that_add_up_unless_planted_otherwise(company: Company):
    """Recomputed from the XML alone, in fractions, without the generator's own arithmetic."""
    labels = {label.message_id: label for label in company.labels if label.line is None}
    line_codes = defaultdict(set)
    for label in company.labels:
        line_codes[label.message_id].update(label.expected_codes)
    checked = Counter()
    for document in company.documents:
        if labels[document.message_id].expected_outcome == "quarantined":
            continue
        root = etree.fromstring(document.content)
        name = etree.QName(root).localname
        codes = line_codes[document.message_id]
        line_name = {"Invoice": "InvoiceLine", "CreditNote": "CreditNoteLine"}[name]
        code = _one(root, {"Invoice": "InvoiceTypeCode", "CreditNote": "CreditNoteTypeCode"}[name])
        assert code == {"Invoice": "380", "CreditNote": "381"}[name]
        assert root.tag == f"{{urn:oasis:names:specification:ubl:schema:xsd:{name}-2}}{name}"
        assert "Synthetic data" in _one(root, "Note")
        nets = [Fraction(text) for text in _texts(root, f"{line_name}/LineExtensionAmount")]
        taxes = [Fraction(text) for text in _texts(root, "TaxTotal/TaxSubtotal/TaxAmount")]
        payable = Fraction(_one(root, "LegalMonetaryTotal/PayableAmount"))
        assert Fraction(_one(root, "TaxTotal/TaxAmount")) == sum(taxes)
        assert (sum(nets) + sum(taxes) == payable) == ("TOTAL_ARITH" not in codes)
        assert sum(Fraction(text) for text in _texts(root, "TaxTotal/TaxSubtotal/TaxableAmount")) == sum(nets)
        if "LINE_ARITH" not in codes:
            for line in root.xpath(f"*[local-name()='{line_name}']"):
                _check_line(line)
        checked[name] += 1
    assert checked["Invoice"] > 200
    assert checked["CreditNote"] > 5


def _check_line(line: etree._Element) -> None:
    quantity = line.xpath("*[contains(local-name(), 'edQuantity')]")[0]
    assert quantity.get("unitCode")
    base = _texts(line, "Price/BaseQuantity") or ["1"]
    discount = sum((Fraction(text) for text in _texts(line, "AllowanceCharge/Amount")), Fraction(0))
    expected = (
        Fraction(quantity.text) * Fraction(_one(line, "Price/PriceAmount")) / Fraction(base[0]) - discount
    )
    assert abs(Fraction(_one(line, "LineExtensionAmount")) - expected) <= Fraction("0.02")


def test_receipt_based_invoices_name_their_receipt(company: Company):
    receipts = {receipt.receipt_number: receipt.po_number for receipt in company.receipts}
    based = {line.po_number for line in company.order_lines if line.gr_based}
    named = 0
    for document in company.documents:
        if b"<cac:ReceiptDocumentReference>" in document.content:
            root = etree.fromstring(document.content)
            po_number = _one(root, "OrderReference/ID")
            assert receipts[_one(root, "ReceiptDocumentReference/ID")] == po_number
            assert po_number in based
            named += 1
    assert named > 5


def test_documents_name_their_seller_and_account(company: Company):
    known = {supplier.vat_id: supplier for supplier in company.suppliers}
    strangers = 0
    for document in company.documents:
        if not document.content.startswith((b"<?xml", b"\xef\xbb\xbf")) or b"<!DOCTYPE" in document.content:
            continue
        try:
            root = etree.fromstring(document.content)
        except etree.XMLSyntaxError:
            continue
        party = "AccountingSupplierParty/Party"
        supplier = known.get(_one(root, f"{party}/PartyTaxScheme/CompanyID"))
        if supplier is None:
            strangers += 1
            continue
        assert _one(root, f"{party}/PartyLegalEntity/RegistrationName") == supplier.name
        assert _one(root, "PaymentMeans/PayeeFinancialAccount/ID") == supplier.iban
        assert _texts(root, f"{party}/PartyIdentification/ID") in ([], [supplier.supplier_id])
    assert strangers >= 1


def test_sizes_and_hashes_are_those_of_the_bytes(company: Company):
    for document in company.documents:
        assert document.size == len(document.content)
        assert document.sha256 == hashlib.sha256(document.content).hexdigest()


def test_only_known_documents_share_their_bytes(company: Company):
    outcomes = {label.message_id: label.expected_outcome for label in company.labels if label.line is None}
    seen = set()
    for document in company.documents:
        assert (document.sha256 in seen) == (outcomes[document.message_id] == "already_known")
        seen.add(document.sha256)


def test_ten_thousand_documents_take_seconds():
    begin = datetime.now(UTC)
    company = generate(1, 10_000, "realistic", ANCHOR)
    assert datetime.now(UTC) - begin < timedelta(seconds=20)
    assert len(company.documents) == 10_000
    assert len({label_record(label)["message_id"] for label in company.labels}) == 10_000
