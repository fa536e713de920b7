"""When a load may not go on: nothing of it is recorded, and the error says why and where the result is."""

from __future__ import annotations

import json

import pytest
from tests.integration.quality_gate.rows import SECRET, sound
from tests.integration.quality_gate.staging import DAG, findings, load_state

from backoffice.exceptions import ConfigurationError, QualityGateError

pytestmark = pytest.mark.integration


def add_check(include, suite, expectation, kwargs, condition):
    """Add a check to a suite in a test's own copy of ``include/``."""
    path = include / "expectations" / f"{suite}.json"
    document = json.loads(path.read_text())
    meta = {"check_id": "added", "severity": "warn", "reason": "x", "field": "name", "condition": "added.sql"}
    document["expectations"].append({"type": expectation, "kwargs": kwargs, "meta": meta})
    path.write_text(json.dumps(document))
    (include / "sql" / "checks" / "added.sql").write_text(condition)


def test_stop_refuses_the_load_and_records_nothing(gate, stager, ledger, gates):
    """A document that lost lines on the way stops its load; error and page name the reason."""
    rows = [{**sound("invoices", stager.today), "line_count": 2, "currency": "EUX"}]
    load = stager.stage("invoices", rows)
    with pytest.raises(QualityGateError) as refusal:
        gate("invoices")
    assert "invoices.lines_lost" in str(refusal.value)
    assert f"/backoffice/gates/{DAG}/night-1/invoices/" in str(refusal.value)
    assert findings(ledger) == []
    assert load_state(ledger, load) == ("read", None)
    assert "lines_lost" in (gates / DAG / "night-1" / "invoices" / "index.html").read_text()


def test_stop_on_the_load_as_a_whole(gate, stager, own_include):
    """An expectation on the whole load stops it as well."""
    path = own_include / "expectations" / "suppliers.json"
    suite = json.loads(path.read_text())
    [limit] = [one for one in suite["expectations"] if one["meta"]["check_id"] == "too_many_rows"]
    limit["kwargs"]["max_value"] = 1
    path.write_text(json.dumps(suite))
    base = sound("suppliers", stager.today)
    stager.stage("suppliers", [base, {**base, "supplier_id": "2"}])
    with pytest.raises(QualityGateError, match=r"suppliers\.too_many_rows: .* \(found: 2\)"):
        gate("suppliers")


def test_refusal_of_one_source_leaves_the_other_gated(gate, stager, ledger, own_include):
    """What is wrong with one source does not undo the other; the task fails all the same."""
    add_check(own_include, "suppliers", "expect_column_values_to_not_be_null", {"column": "name"}, "false")
    base = sound("suppliers", stager.today)
    good = stager.stage("suppliers", [base], source="erp")
    bad = stager.stage("suppliers", [{**base, "supplier_id": "2", "name": None}], source="other")
    with pytest.raises(QualityGateError, match=f"load {bad} from other"):
        gate("suppliers")
    assert (load_state(ledger, good)[0], load_state(ledger, bad)[0]) == ("gated", "read")


def test_counts_that_differ_refuse_the_load(gate, stager, ledger, own_include):
    """A condition that selects other rows than the expectation counts decides nothing."""
    (own_include / "sql" / "checks" / "currency_unknown.sql").write_text("currency = 'never'\n")
    load = stager.stage("suppliers", [{**sound("suppliers", stager.today), "currency": "EUX"}])
    with pytest.raises(QualityGateError, match="counts 1 rows, the ledger 0"):
        gate("suppliers")
    assert findings(ledger) == []
    assert load_state(ledger, load)[0] == "read"


def test_null_that_only_great_expectations_lets_pass(gate, stager, own_include):
    """Most expectations pass over NULL; a condition that does not is noticed."""
    (own_include / "sql" / "checks" / "currency_unknown.sql").write_text("currency IS DISTINCT FROM 'EUR'\n")
    stager.stage("suppliers", [{**sound("suppliers", stager.today), "currency": None}])
    with pytest.raises(QualityGateError, match="counts 0 rows, the ledger 1"):
        gate("suppliers")


def test_expectation_that_cannot_be_judged_refuses_the_load(gate, stager, ledger, own_include, gates, capfd):
    """An error inside a judgement is no pass, and the value that caused it is shown nowhere."""
    kwargs = {"column": "name", "min_value": 0}
    add_check(own_include, "suppliers", "expect_column_values_to_be_between", kwargs, "false")
    load = stager.stage("suppliers", [{**sound("suppliers", stager.today), "name": SECRET}])
    with pytest.raises(QualityGateError, match=r"suppliers\.added could not be judged") as refusal:
        gate("suppliers")
    pages = "".join(file.read_text() for file in gates.rglob("*.html"))
    assert "could not be judged" in pages
    assert SECRET not in pages + "".join(capfd.readouterr()) + str(refusal.value)
    assert load_state(ledger, load)[0] == "read"


def test_condition_that_cannot_be_applied_refuses_the_load(gate, stager, ledger, own_include, capfd):
    """The same for the ledger's own count: fail closed, and no value in the error or behind it."""
    add_check(own_include, "suppliers", "unexpected_rows_expectation", {}, "name::numeric > 0")
    load = stager.stage("suppliers", [{**sound("suppliers", stager.today), "name": SECRET}])
    with pytest.raises(
        QualityGateError, match=r"cannot be applied.*InvalidTextRepresentation 22P02"
    ) as refusal:
        gate("suppliers")
    assert refusal.value.__context__ is None
    assert SECRET not in str(refusal.value) + "".join(capfd.readouterr())
    assert load_state(ledger, load)[0] == "read"


def test_clear_finds_its_own_findings(gate, stager, ledger):
    """Run again, the gate ends where it ended; once the load is accepted it does nothing at all."""
    base = sound("suppliers", stager.today)
    load = stager.stage("suppliers", [base, {**base, "supplier_id": "2", "currency": "EUX"}])
    first, before = gate("suppliers"), findings(ledger)
    assert gate("suppliers") == first
    assert findings(ledger) == before
    stager.accept()
    assert gate("suppliers") == {"dataset": "suppliers", "loads": [], "page": first["page"]}
    assert load_state(ledger, load)[0] == "accepted"


def test_gate_cleared_after_the_facts_changed_judges_anew(gate, stager, ledger):
    """A receipt whose order came in meanwhile loses its finding; none that no longer holds stays."""
    receipts = stager.stage("receipts", [sound("receipts", stager.today)], source="warehouse")
    gate("receipts")
    assert [one.check for one in findings(ledger)] == ["order_not_yet_known"]
    stager.stage("orders", [sound("orders", stager.today)])
    gate("receipts")
    assert findings(ledger) == []
    assert load_state(ledger, receipts)[0] == "gated"


def test_refusal_takes_back_an_earlier_pass(gate, stager, ledger, own_include):
    """A load that passed once and is refused now is not accepted on the strength of the earlier pass."""
    base = sound("suppliers", stager.today)
    load = stager.stage("suppliers", [base, {**base, "supplier_id": "2", "currency": "EUX"}])
    gate("suppliers")
    add_check(own_include, "suppliers", "expect_column_values_to_not_be_null", {"column": "name"}, "true")
    with pytest.raises(QualityGateError, match="counts 0 rows, the ledger 2"):
        gate("suppliers")
    assert load_state(ledger, load) == ("read", None)
    assert findings(ledger) == []


def test_reading_again_takes_the_new_load_alone(gate, stager, ledger):
    """A load that was read again supersedes the first; the gate looks at the second only."""
    base = sound("suppliers", stager.today)
    stager.stage("suppliers", [{**base, "currency": "EUX"}])
    second = stager.stage("suppliers", [base])
    assert [load["load_id"] for load in gate("suppliers")["loads"]] == [second]
    assert findings(ledger) == []


def test_run_without_a_load_is_refused(gate, stager):
    """Nothing read is not nothing wrong."""
    stager.open_run()
    with pytest.raises(QualityGateError, match="no load; clear the task that reads orders"):
        gate("orders")


def test_unknown_suite_is_a_configuration_error(gate, stager):
    """A gate names only what is shipped."""
    stager.stage("suppliers", [])
    with pytest.raises(ConfigurationError, match="not shipped"):
        gate("suppliers", suites=["supplier"])
