"""What a decision says: why, why not each other rule, what would flip it, and its record."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.domain.decision_table.applying import applied
from tests.domain.decision_table.test_planted_faults import SOUND

from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.decision_table import (
    Money,
    Policy,
    UnknownInput,
    examine_policy,
    given_by,
    load_policy,
)

PROJECT = Path(__file__).parents[3]
SHIPPED = (PROJECT / "include/policies/invoice_reconciliation/approve_invoice.yaml").read_text(
    encoding="utf-8"
)
POLICIES = {"pay_claim": load_policy(SOUND), "approve_invoice": load_policy(SHIPPED)}
CLAIM: dict[str, Any] = {
    "amount": Money(Decimal("4000.00"), "EUR"),
    "deductible": Money(Decimal(0), "EUR"),
    "days_open": 3,
    "kind": "car",
    "suspicious": False,
    "documents": ["report"],
}


def pay_claim(**changed: object) -> Any:
    return POLICIES["pay_claim"].decide({**CLAIM, **changed})


def drawn(policy: Policy, chance: random.Random) -> dict[str, Any]:
    """Draw a case, most of them usable."""
    values: dict[str, Any] = {
        "amount": Money(Decimal(chance.randint(0, 2_000_000)) / 100, "EUR"),
        "gross_amount": Money(Decimal(chance.randint(0, 20_000_000)) / 100, "EUR"),
        "deductible": Money(Decimal(chance.randint(-1000, 1000)), "EUR"),
        "days_open": chance.choice([None, 0, 5]),
        "reported_on": date(2026, chance.randint(1, 12), 3),
        "kind": chance.choice(["car", "home", "travel"]),
        "suspicious": chance.random() < 0.3,
        "documents": chance.sample(["report", "invoice", "photo"], chance.randint(0, 3)),
        "match_state": chance.choice(["matched", "waiting_receipt", "waiting_source", "held"]),
        "receipt": chance.choice(["not_missed", "missed", "not_delivered"]),
        "sources_delivered": chance.random() < 0.7,
        "business_days_waited": chance.randint(0, 8),
        "days_until_due": chance.choice([None, -3, 5, 6, 40]),
    }
    given = {name: value for name, value in values.items() if name in policy.inputs}
    if "reported_on" in given and chance.random() < 0.3:
        del given["reported_on"]
    return given


def test_each_other_rule_says_which_cell_failed_first() -> None:
    decision = pay_claim()
    assert (decision.outcome, decision.rule, decision.authority) == ("pay", "small", "machine")
    assert decision.why_not == (
        ("suspicion", "suspicious true"),
        ("papers", "documents contains none (report)"),
        ("large", "amount > 5000.00"),
        ("large_travel", "amount > 5000.00"),
    )


def test_a_rule_behind_the_one_that_decided_says_so() -> None:
    decision = pay_claim(suspicious=True)
    assert (decision.outcome, decision.rule) == ("review", "suspicion")
    assert ("small", "an earlier rule decided") in decision.why_not
    assert ("large", "amount > 5000.00") in decision.why_not


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({}, "Rule small decides pay, which needs machine, because amount is 4000.00 EUR; it would be ask with amount 5000.01 EUR."),
        ({"amount": Money(Decimal("5000.01"), "EUR")}, "Rule large decides ask, which needs manager, because amount is 5000.01 EUR and kind is car; it would be pay with amount 5000.00 EUR."),
        ({"documents": []}, "Rule papers decides wait, because documents is empty; it would be review with suspicious true."),
        ({"kind": None}, "The default decides review, which needs director, because kind must not be null."),
        ({"amount": Money(Decimal(1), "CHF")}, "The default decides review, which needs director, because amount is 1 CHF; this policy decides amounts in EUR."),
    ],
)  # fmt: skip
def test_one_plain_sentence_says_what_was_decided(changed: dict[str, Any], sentence: str) -> None:
    assert pay_claim(**changed).sentence == sentence


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"amount": Decimal(1)}, "amount is 1, an amount without its currency"),
        ({"amount": Money(Decimal("NaN"), "EUR")}, "amount is NaN, which is no number"),
        ({"amount": Money(Decimal("1E+99"), "EUR")}, "amount is 1E+99, which has too many digits"),
        (
            {"amount": Money(1.5, "EUR")},
            "amount is 1.5; numbers are Decimal, integer or text, never binary fractions",
        ),
        ({"amount": Money(Decimal("-0.01"), "EUR")}, "amount is -0.01 EUR, below its least 0.00 EUR"),
        (
            {"days_open": True},
            "days_open is true; numbers are Decimal, integer or text, never binary fractions",
        ),
        ({"days_open": "1e3"}, "days_open is '1e3', which is no number"),
        ({"days_open": 10**400}, "days_open is a number of more than 60 digits, which is no number"),
        (
            {"reported_on": datetime(2026, 1, 1, tzinfo=UTC)},
            "reported_on is 2026-01-01T00:00:00+00:00, which is no date such as 2026-11-22",
        ),
        ({"reported_on": "2026-02-30"}, "reported_on is '2026-02-30', which is no date such as 2026-11-22"),
        ({"reported_on": None}, "reported_on must not be null"),
        ({"kind": "boat"}, "kind is 'boat', not one of car, home, travel"),
        ({"kind": ["car"]}, "kind is a list, not one of car, home, travel"),
        ({"suspicious": 1}, "suspicious is 1, not true or false"),
        ({"suspicious": "true"}, "suspicious is 'true', not true or false"),
        ({"documents": "report"}, "documents is 'report', not a list of codes"),
        ({"documents": ["report", "x", []]}, "documents has 'x', a list, not among invoice, photo, report"),
        ({"documents": object()}, "documents is a object, not a list of codes"),
    ],
)
def test_with_an_input_that_cannot_be_used_the_default_decides(changed: dict[str, Any], fault: str) -> None:
    decision = pay_claim(**changed)
    assert (decision.outcome, decision.rule, decision.faults) == ("review", "default", (fault,))
    assert decision.nearest is None
    assert decision.why_not == ()
    assert given_by(decision.record()).keys() == {**CLAIM, **changed}.keys()


def test_missing_and_null_are_told_apart() -> None:
    given = {name: value for name, value in CLAIM.items() if name != "kind"}
    decision = POLICIES["pay_claim"].decide(given)
    assert decision.faults == ("kind is missing",)
    record = pay_claim(days_open=None).record()
    assert record["inputs"]["days_open"] == {"type": "number", "state": "null"}
    assert record["inputs"]["reported_on"] == {"type": "date", "state": "missing"}


@pytest.mark.parametrize(
    ("amount", "outcome"),
    [("4999.99", "pay"), ("5000.00", "pay"), ("5000", "pay"), ("5000.01", "ask"), ("4999.9999999999999999999", "pay"), ("5000.0000000000000000001", "ask")],
)  # fmt: skip
def test_money_is_compared_exactly(amount: str, outcome: str) -> None:
    assert pay_claim(amount=Money(Decimal(amount), "EUR")).outcome == outcome


@pytest.mark.parametrize("name", POLICIES)
def test_the_nearest_change_flips_the_outcome_in_a_thousand_cases(name: str) -> None:
    policy, chance = POLICIES[name], random.Random(7)
    for _ in range(1_000):
        given = drawn(policy, chance)
        decision = policy.decide(given)
        nearest = decision.nearest
        assert nearest is not None
        flipped = policy.decide(applied(nearest, given, policy.inputs))
        assert flipped.outcome == nearest.outcome != decision.outcome
        assert (flipped.rule, flipped.authority, flipped.faults) == (nearest.rule, nearest.authority, ())


def test_the_smallest_change_is_taken() -> None:
    """Amounts are compared by their relative change: a cent beside the limit is nearer than another code."""
    near = pay_claim(amount=Money(Decimal("4999.00"), "EUR")).nearest
    assert near is not None
    assert [(one.input, one.after) for one in near.changes] == [("amount", Decimal("5000.01"))]
    changes = pay_claim(documents=[], suspicious=True).nearest.changes
    assert [(one.input, one.after) for one in changes] == [("suspicious", False)]


@pytest.mark.parametrize("name", POLICIES)
def test_a_record_is_plain_and_decides_again_to_the_same_bytes(name: str) -> None:
    policy, chance = POLICIES[name], random.Random(3)
    for number in range(500):
        given = drawn(policy, chance)
        if number % 5 == 0:
            given[chance.choice(list(given))] = chance.choice(
                [None, 1.5, "?", Decimal("NaN"), object(), [object()]]
            )
        record = policy.decide(given).record()
        assert_plain(record)
        again = policy.decide(given_by(json.loads(json.dumps(record)))).record()
        assert canonical_bytes(again) == canonical_bytes(record)


def assert_plain(value: object) -> None:
    assert type(value) in (str, bool, type(None), list, dict)
    for one in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        assert_plain(one)


def test_a_record_does_not_depend_on_order_spelling_or_what_was_decided_before() -> None:
    fresh = load_policy(SOUND)
    given = {**CLAIM, "documents": ["photo", "report"], "days_open": Decimal("3.0")}
    turned = dict(reversed({**CLAIM, "documents": ("report", "photo", "photo"), "days_open": "3"}.items()))
    turned["amount"] = Money(Decimal("4000"), "EUR")
    assert canonical_bytes(fresh.decide(given).record()) == canonical_bytes(
        POLICIES["pay_claim"].decide(turned).record()
    )


def test_a_list_changed_after_the_decision_changes_nothing() -> None:
    documents = ["report"]
    decision = pay_claim(documents=documents)
    before = canonical_bytes(decision.record())
    documents.clear()
    assert canonical_bytes(decision.record()) == before


def test_lists_that_cannot_be_used_are_recorded_alike() -> None:
    records = [
        pay_claim(documents=given).record() for given in (["x", "y"], ("y", "x"), {"x", "y"}, frozenset("xy"))
    ]
    assert len({canonical_bytes(record) for record in records}) == 1
    assert records[0]["inputs"]["documents"]["unusable"] == "a list"


def test_a_record_changed_by_its_reader_changes_no_other() -> None:
    first = pay_claim().record()
    before = canonical_bytes(first)
    first["why_not"].clear()
    first["inputs"].clear()
    first["policy"].clear()
    assert canonical_bytes(pay_claim().record()) == before


def test_a_record_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    program = (
        "import sys; from backoffice.domain.decision_table import load_policy, given_by; import json;"
        "from backoffice.domain.canonical import content_hash;"
        "policy = load_policy(open(sys.argv[1]).read()); given = given_by(json.load(open(sys.argv[2])));"
        "print(content_hash(policy.decide(given).record()).hex())"
    )
    (tmp_path / "policy.yaml").write_text(SOUND, encoding="utf-8")
    (tmp_path / "record.json").write_text(
        json.dumps(pay_claim(documents=["photo", "x"]).record()), encoding="utf-8"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "policy.yaml"), str(tmp_path / "record.json")],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(PROJECT / "plugins")},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_the_record_of_a_case_is_what_it_always_was() -> None:
    """Records are compared years later: this one must not change while the policy's text does not."""
    record = pay_claim(amount=Money(Decimal("5000.01"), "EUR"), documents=["report", "photo"]).record()
    assert record == {
        "policy": {"policy_id": "pay_claim", "version": "4", "sha256": POLICIES["pay_claim"].sha256},
        "outcome": "ask",
        "outcomes": ["ask"],
        "rule": "large",
        "rules": ["large"],
        "authority": "manager",
        "inputs": {
            "amount": {"type": "money", "amount": "5000.01", "currency": "EUR"},
            "deductible": {"type": "money", "amount": "0", "currency": "EUR"},
            "days_open": {"type": "number", "value": "3"},
            "reported_on": {"type": "date", "state": "missing"},
            "kind": {"type": "code", "value": "car"},
            "suspicious": {"type": "flag", "value": False},
            "documents": {"type": "codes", "value": ["report", "photo"]},
        },
        "why": "",
        "why_not": [
            {"rule": "suspicion", "input": "suspicious", "cell": "true"},
            {"rule": "papers", "input": "documents", "cell": "contains none (report)"},
            {"rule": "large_travel", "input": "kind", "cell": "travel"},
            {"rule": "small", "input": "amount", "cell": "[0.00..5000.00]"},
        ],
        "nearest": {
            "outcome": "pay",
            "rule": "small",
            "authority": "machine",
            "changes": [{"input": "amount", "from": "5000.01 EUR", "to": "5000.00 EUR"}],
        },
        "not_yet": [],
        "faults": [],
        "sentence": "Rule large decides ask, which needs manager, because amount is 5000.01 EUR and kind is car; "
        "it would be pay with amount 5000.00 EUR.",
    }  # fmt: skip


def wide(rules: str) -> Policy:
    names = [f"x{number}" for number in range(30)]
    inputs = "".join(f"  {name}: {{type: flag}}\n" for name in names)
    head = SOUND.split("inputs:")[0].replace("[machine, manager, director]", "[machine, person]")
    text = f"{head}inputs:\n{inputs}outcomes: [wait, review]\nrules:\n{rules}default: {{then: review}}\nexamples: []\n"
    policy = examine_policy(text).policy
    assert policy is not None
    return policy


def test_a_change_of_many_inputs_is_found() -> None:
    cells = ", ".join(f"x{number}: true" for number in range(30))
    policy = wide(f"  - {{id: all, when: {{{cells}}}, then: wait}}\n  - {{id: rest, then: review}}\n")
    given = {f"x{number}": number % 3 == 0 for number in range(30)}
    nearest = policy.decide(given).nearest
    assert nearest is not None
    assert len(nearest.changes) == 20
    assert policy.decide(applied(nearest, given, policy.inputs)).outcome == "wait"


def test_where_the_fewest_cannot_be_found_in_time_another_change_is() -> None:
    """Of thirty flags fifteen pairs must differ before the last rule is asked."""
    pairs = "".join(
        f"  - {{id: p{number}_{side}, when: {{x{number}: {side}, x{number + 15}: {side}}}, then: review}}\n"
        for number in range(15)
        for side in ("true", "false")
    )
    policy = wide(f"{pairs}  - {{id: rest, then: wait}}\n")
    given = dict.fromkeys(policy.inputs, False)
    nearest = policy.decide(given).nearest
    assert nearest is not None
    assert len(nearest.changes) == 15
    assert policy.decide(applied(nearest, given, policy.inputs)).outcome == "wait"


def test_where_no_other_outcome_can_be_reached_there_is_no_change() -> None:
    policy = wide("  - {id: rest, then: review}\n")
    assert policy.decide(dict.fromkeys(policy.inputs, True)).nearest is None


def test_a_misspelt_input_is_refused_with_the_one_that_was_meant() -> None:
    """reported_on is optional: misspelt it would be taken for missing, and another rule could decide."""
    with pytest.raises(
        UnknownInput, match="pay_claim version 4 has no input reportd_on; did you mean reported_on"
    ):
        POLICIES["pay_claim"].decide(CLAIM | {"reportd_on": date(2026, 5, 1)})
    with pytest.raises(UnknownInput, match="no input a, b; use one of amount"):
        POLICIES["pay_claim"].decide({"a": None, "b": None})
