"""Every planted fault of a policy is found, with its kind, rule and cell; the sound policy has none."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from backoffice.domain.decision_table import Finding, Kind, PolicyError, examine_policy, load_policy

SOUND = """\
policy: pay_claim
title: Which claims are paid
version: 4
owner: Head of claims
effective_from: 2026-01-01
effective_to: 2026-12-31
hit_policy: first
machine_limit: 5000.00 EUR
authorities: [machine, manager, director]
inputs:
  amount: {type: money, currency: EUR, min: 0.00}
  deductible: {type: money, currency: EUR, authority: indifferent, reason: it lowers what is paid}
  days_open: {type: number, step: 1, min: 0, nullable: true, unit: days}
  reported_on: {type: date, optional: true}
  kind: {type: code, values: [car, home, travel]}
  suspicious: {type: flag}
  documents: {type: codes, values: [report, invoice, photo]}
outcomes:
  pay: {authority: machine}
  ask: {authority: manager}
  wait: {authority: none}
  review: {authority: director, safe: true}
rules:
  - id: suspicion
    when: {suspicious: true}
    then: review
  - id: papers
    when: {documents: "not(x)"}
    then: wait
  - id: large
    when: {amount: "> 5000.00", kind: "car, home"}
    then: ask
  - id: large_travel
    when: {amount: "> 5000.00", kind: travel}
    then: review
  - id: small
    when: {amount: "[0.00..5000.00]"}
    then: pay
default:
  then: review
examples:
  - given: {amount: 5000.00, deductible: 0.00 EUR, days_open: null, kind: car, suspicious: false, documents: [report, invoice]}
    expect: pay
    rule: small
  - given: {amount: 5000.01, deductible: 0.00 EUR, days_open: 3, kind: car, suspicious: false, documents: [report]}
    expect: ask
  - given: {amount: 1.00, deductible: 0.00 EUR, days_open: 3, reported_on: 2026-05-01, kind: car, suspicious: false, documents: []}
    expect: wait
  - given: {amount: 1.00, deductible: 0.00 EUR, days_open: 3, kind: car, suspicious: true, documents: []}
    expect: review
""".replace('"not(x)"', "contains none (report)")

LARGE = '  - id: large\n    when: {amount: "> 5000.00", kind: "car, home"}\n    then: ask\n'
LAST = '  - id: small\n    when: {amount: "[0.00..5000.00]"}\n    then: pay\n'

# what is planted: old, new; what is found: kind, rule, cell
PLANTED = [
    # syntax
    ("title: Which claims are paid", "title: [", Kind.SYNTAX, "", ""),
    ("version: 4", "version: 4\nversion: 4", Kind.SYNTAX, "", ""),
    ("owner: Head of claims", "owner: &x Head of claims", Kind.SYNTAX, "", ""),
    ("owner: Head of claims", "owner: !!str Head of claims", Kind.SYNTAX, "", ""),
    ("default:\n", "---\ndefault:\n", Kind.SYNTAX, "", ""),
    ('amount: "> 5000.00", kind: travel', 'amount: "< < 5000.00", kind: travel', Kind.SYNTAX, "rule large_travel", "amount"),
    ('amount: "> 5000.00", kind: travel', 'amount: "5000.00", kind: travel', Kind.SYNTAX, "rule large_travel", "amount"),
    ('amount: "[0.00..5000.00]"', 'amount: "[0.00-5000.00]"', Kind.SYNTAX, "rule small", "amount"),
    ('amount: "[0.00..5000.00]"', 'amount: "<= 5e3"', Kind.SYNTAX, "rule small", "amount"),
    ('amount: "[0.00..5000.00]"', 'amount: "<= amount"', Kind.SYNTAX, "rule small", "amount"),
    ("documents: contains none (report)", "documents: none (report)", Kind.SYNTAX, "rule papers", "documents"),
    ("documents: contains none (report)", 'documents: "empty,"', Kind.SYNTAX, "rule papers", "documents"),
    ("version: 4", "version: '4'", Kind.SYNTAX, "version", ""),
    ("policy: pay_claim", "policy: Pay_Claim", Kind.SYNTAX, "policy", ""),
    ("machine_limit: 5000.00 EUR", "machine_limit: 5000.00 EUR # at most", Kind.SYNTAX, "machine_limit", ""),
    ("effective_from: 2026-01-01", 'effective_from: "2026-01-01"', Kind.SYNTAX, "effective_from", ""),
    ("effective_from: 2026-01-01", "effective_from: 2026-01-01 # new year", Kind.SYNTAX, "effective_from", ""),
    ("effective_from: 2026-01-01", "'effective_from': 2026-01-01", Kind.SYNTAX, "effective_from", ""),
    ("effective_to: 2026-12-31", "effective_to: null", Kind.SYNTAX, "effective_to", ""),
    ("effective_to: 2026-12-31", "effective_to:", Kind.SYNTAX, "effective_to", ""),
    # what the ledger reads line by line is not what the text says as a whole
    ("title: Which claims are paid", 'title: "Which\nmachine_limit: 90000.00 EUR\n"\n? "machine_limit"\n: 5000.00 EUR', Kind.SYNTAX, "machine_limit", ""),
    ("machine_limit: 5000.00 EUR\n", '? "machine_limit"\n: 5000.00 EUR\n"title": "\nmachine_limit: 90000.00 EUR\n"\n', Kind.SYNTAX, "machine_limit", ""),
    ("version: 4\n", '? "version"\n: 4\n"x": "\nversion: 5\n"\n', Kind.SYNTAX, "version", ""),
    ("policy: pay_claim\n", '? "policy"\n: pay_claim\n"x": "\npolicy: pay_bonus\n"\n', Kind.SYNTAX, "policy", ""),
    ("effective_to: 2026-12-31\n", '"x": "\neffective_to: 2027-12-31\n"\n', Kind.SYNTAX, "effective_to", ""),
    ("effective_from: 2026-01-01\n", '? effective_from\n: 2030-01-01\n"x": "\neffective_from: 2026-01-01\n"\n', Kind.SYNTAX, "effective_from", ""),
    # types and shapes
    ("version: 4", "version: four", Kind.TYPE, "version", ""),
    ("suspicious: true}\n    then: review\n  - id: papers", "suspicious: yes}\n    then: review\n  - id: papers", Kind.TYPE, "rule suspicion", "suspicious"),
    ("kind: travel}", "kind: [travel]}", Kind.TYPE, "rule large_travel", "kind"),
    ("kind: travel}", 'kind: "null"}', Kind.TYPE, "rule large_travel", "kind"),
    ("kind: travel}", "kind: missing}", Kind.TYPE, "rule large_travel", "kind"),
    ("suspicious: {type: flag}", "suspicious: {type: boolean}", Kind.TYPE, "input suspicious", "type"),
    ("suspicious: {type: flag}", "suspicious: {type: flag, values: [a]}", Kind.TYPE, "input suspicious", "values"),
    ("suspicious: {type: flag}", "suspicious: flag", Kind.TYPE, "input suspicious", ""),
    ("values: [car, home, travel]", "values: car", Kind.TYPE, "input kind", "values"),
    ("values: [car, home, travel]", "values: [car, home, travel, true]", Kind.TYPE, "input kind", "values"),
    ("step: 1, min: 0", "step: 0, min: 0", Kind.TYPE, "input days_open", "step"),
    ("step: 1, min: 0", "step: 1, min: 0, max: -1", Kind.TYPE, "input days_open", "max"),
    ("    when: {suspicious: true}\n", "    when: [suspicious]\n", Kind.TYPE, "rule suspicion", "when"),
    ("default:\n  then: review\n", "default: review\n", Kind.TYPE, "default", ""),
    # names
    ("owner: Head of claims", "owner: Head of claims\nowned_by: me", Kind.NAME, "", "owned_by"),
    ("    then: pay\n", "    then: pay\n    because: so\n", Kind.NAME, "rule small", "because"),
    ("hit_policy: first", "hit_policy: last", Kind.NAME, "hit_policy", ""),
    ('amount: "> 5000.00", kind: travel', 'amuont: "> 5000.00", kind: travel', Kind.NAME, "rule large_travel", "amuont"),
    ("kind: travel}", "kind: travle}", Kind.NAME, "rule large_travel", "kind"),
    ("documents: contains none (report)", "documents: contains none (reprot)", Kind.NAME, "rule papers", "documents"),
    ("    then: pay\n", "    then: paid\n", Kind.NAME, "rule small", "then"),
    ("  pay: {authority: machine}", "  pay: {authority: robot}", Kind.NAME, "outcomes", "pay"),
    ("  pay: {authority: machine}", "  pay: {authority: machine, sure: true}", Kind.NAME, "outcomes", "pay"),
    ("  - id: large_travel\n", "  - id: large\n", Kind.NAME, "rule large", "id"),
    ("  - id: large_travel\n", "  - id: default\n", Kind.NAME, "rule default", ""),
    ("    then: pay\n", "    then: pay\n    priority: 1\n", Kind.NAME, "rule small", "priority"),
    ("authorities: [machine, manager, director]", "authorities: [manager, machine, director]", Kind.NAME, "authorities", ""),
    ("reported_on: 2026-05-01, kind", "reported: 2026-05-01, kind", Kind.NAME, "example 3", "reported"),
    ("    expect: ask\n", "    expect: asked\n", Kind.NAME, "example 2", "expect"),
    # gaps
    (LAST, "", Kind.GAP, "rules", ""),
    ("[0.00..5000.00]", "[0.00..5000.00)", Kind.GAP, "rules", ""),
    ("[0.00..5000.00]", "(0.00..5000.00]", Kind.GAP, "rules", ""),
    ('"car, home"', "car", Kind.GAP, "rules", ""),
    ('{amount: "[0.00..5000.00]"}', '{amount: "[0.00..5000.00]", days_open: not null}', Kind.GAP, "rules", ""),
    ('{amount: "[0.00..5000.00]"}', '{amount: "[0.00..5000.00]", reported_on: ">= 2026-01-01, missing"}', Kind.GAP, "rules", ""),
    # shadows
    ('{amount: "[0.00..5000.00]"}', '{amount: "[5000.00..0.00]"}', Kind.SHADOW, "rule small", "amount"),
    ('{amount: "[0.00..5000.00]"}', '{amount: "(4999.99..5000.00)"}', Kind.SHADOW, "rule small", "amount"),
    ('{amount: "[0.00..5000.00]"}', '{amount: "< 0.00"}', Kind.SHADOW, "rule small", "amount"),
    ("kind: travel}", 'kind: "not(car, home, travel)"}', Kind.SHADOW, "rule large_travel", "kind"),
    (LARGE, LARGE + '  - id: larger\n    when: {amount: "> 9000.00", kind: car}\n    then: ask\n', Kind.SHADOW, "rule larger", ""),
    ("default:\n", "  - id: rest\n    then: review\ndefault:\n", Kind.SHADOW, "rule rest", ""),
    # outcomes
    ("  wait: {authority: none}\n", "  wait: {authority: none}\n  hold: {authority: none}\n", Kind.UNREACHABLE, "outcomes", "hold"),
    ("default:\n  then: review", "default:\n  then: pay", Kind.DEFAULT, "default", "then"),
    ("default:\n  then: review", "default:\n  then: ask", Kind.DEFAULT, "default", "then"),
    ("default:\n  then: review", "default:\n  then: wait", Kind.DEFAULT, "default", "then"),
    ("  pay: {authority: machine}", "  pay: {authority: machine, safe: true}", Kind.DEFAULT, "outcomes", "safe"),
    # outcomes on which processes act, said to need somebody else
    ("  wait: {authority: none}", "  wait: {authority: manager}", Kind.MEANING, "outcomes", "wait"),
    ("  review: {authority: director, safe: true}", "  review: {authority: machine}", Kind.MEANING, "outcomes", "review"),
    ("  review: {authority: director, safe: true}", "  review: {authority: none, safe: true}", Kind.MEANING, "outcomes", "review"),
    ("    when: {suspicious: true}\n    then: review\n", "    when: {suspicious: true}\n    then: review\n    authority: machine\n", Kind.MEANING, "rule suspicion", "authority"),
    # authority and limit
    (LARGE, '  - id: large\n    when: {amount: "> 5000.00", kind: "car, home"}\n    then: pay\n', Kind.LIMIT, "rule large", "amount"),
    ("machine_limit: 5000.00 EUR", "machine_limit: 4999.99 EUR", Kind.LIMIT, "rule small", "amount"),
    ("machine_limit: 5000.00 EUR", "machine_limit: 5000.00 USD", Kind.LIMIT, "machine_limit", "amount"),
    ("currency: EUR, min: 0.00}", "currency: EUR, min: 0.00, nullable: true}", Kind.GAP, "rules", ""),
    ("    then: pay\n", "    then: pay\n    authority: director\n", Kind.AUTHORITY, "rule large", "amount"),
    ("authority: indifferent, reason: it lowers what is paid", "authority: indifferent", Kind.AUTHORITY, "input deductible", "authority"),
    # money
    ('amount: "[0.00..5000.00]"', 'amount: "[0.00..5000.001]"', Kind.MONEY, "rule small", "amount"),
    ('amount: "> 5000.00", kind: travel', 'amount: "> 5000.00 USD", kind: travel', Kind.MONEY, "rule large_travel", "amount"),
    ("amount: {type: money, currency: EUR,", "amount: {type: money,", Kind.MONEY, "input amount", "currency"),
    ("amount: {type: money, currency: EUR,", "amount: {type: money, currency: eur,", Kind.MONEY, "input amount", "currency"),
    ("min: 0.00}", "min: 0.001}", Kind.MONEY, "input amount", "min"),
    ("machine_limit: 5000.00 EUR", "machine_limit: 5000.00", Kind.MONEY, "machine_limit", ""),
    ("step: 1, min: 0, nullable: true, unit: days}", "step: 1, min: 0, nullable: true, unit: whole Eur}", Kind.MONEY, "input days_open", "unit"),
    ("step: 1, min: 0, nullable: true, unit: days}", "step: 1, min: 0, nullable: true, unit: thousand €}", Kind.MONEY, "input days_open", "unit"),
    # a number that does not say what it counts is taken for an amount
    ("amount: {type: money, currency: EUR, min: 0.00}", "amount: {type: number, step: 0.01, min: 0.00, max: 90000}\n  more: {type: number}", Kind.LIMIT, "rule small", "more"),
    ("step: 1, min: 0, nullable: true, unit: days}", "step: 1, min: 0, nullable: true}", Kind.LIMIT, "rule small", "days_open"),
    ("step: 1, min: 0, nullable: true, unit: days}", "step: 1, min: 0, nullable: true, authority: indifferent}", Kind.AUTHORITY, "input days_open", "authority"),
    # days
    ("effective_to: 2026-12-31", "effective_to: 2025-12-31", Kind.DATES, "effective_to", ""),
    ("effective_from: 2026-01-01", "effective_from: 2026-13-01", Kind.DATES, "effective_from", ""),
    # examples
    ("    expect: ask\n", "    expect: pay\n", Kind.EXAMPLE, "example 2", "expect"),
    ("    rule: small\n", "    rule: large\n", Kind.EXAMPLE, "example 1", "expect"),
]  # fmt: skip

# what looks like a fault, and is none
HARMLESS = [
    ("nullable: true, unit: days}", "nullable: true, authority: indifferent, reason: time costs nothing}"),
    ("nullable: true, unit: days}", "nullable: true, unit: working days of eureka}"),
    ("[0.00..5000.00]", "[0.00..5000.000]"),
    ('{amount: "[0.00..5000.00]"}', '{amount: "-"}'),
    ('{amount: "[0.00..5000.00]"}', "{}"),
    ('    when: {amount: "[0.00..5000.00]"}\n', ""),
    ('{amount: "[0.00..5000.00]"}', '{amount: "< 5000.00, = 5000.00"}'),
    ('"car, home"', '"not(travel)"'),
    ('{amount: "[0.00..5000.00]"}', '{amount: "[0.00..5000.00]", days_open: "null, not null"}'),
    (
        "  - id: papers\n",
        '  - id: rebate\n    when: {deductible: "<= -10.00"}\n    then: review\n  - id: papers\n',
    ),
    ("effective_to: 2026-12-31\n", ""),
]


def found(text: str) -> Sequence[Finding]:
    return examine_policy(text, "mine.yaml").findings


def test_the_sound_policy_has_no_finding() -> None:
    assert [str(one) for one in found(SOUND)] == []
    assert load_policy(SOUND).policy_id == "pay_claim"


@pytest.mark.parametrize(("old", "new"), HARMLESS)
def test_what_only_looks_like_a_fault_is_none(old: str, new: str) -> None:
    assert old in SOUND
    assert [str(one) for one in found(SOUND.replace(old, new, 1))] == []


def test_a_lower_authority_for_more_is_found_unless_the_input_is_indifferent() -> None:
    rebate = '  - id: rebate\n    when: {deductible: "<= -10.00"}\n    then: review\n  - id: papers\n'
    text = SOUND.replace("  - id: papers\n", rebate).replace(
        ", authority: indifferent, reason: it lowers what is paid", ""
    )
    falling = [one for one in found(text) if one.kind is Kind.AUTHORITY]
    assert {(one.rule, one.cell) for one in falling} == {
        ("rule large", "deductible"),
        ("rule small", "deductible"),
    }
    assert (
        "-9.99 EUR needs manager, but the smaller -10.00 EUR needs director by rule rebate"
        in falling[0].problem
    )


def test_an_unknown_amount_is_not_decided_by_the_machine() -> None:
    text = SOUND.replace("min: 0.00}", "min: 0.00, optional: true}").replace(
        '"[0.00..5000.00]"', '"[0.00..5000.00], missing"'
    )
    assert [(one.kind, one.rule, one.cell) for one in found(text)] == [(Kind.LIMIT, "rule small", "amount")]


def test_all_faults_are_told_at_once() -> None:
    text = (
        SOUND.replace(LAST, "")
        .replace("expect: ask", "expect: wait")
        .replace("title: Which claims are paid\n", "")
    )
    with pytest.raises(PolicyError) as refusal:
        load_policy(text, "mine.yaml")
    assert {Kind.TYPE, Kind.GAP, Kind.UNREACHABLE, Kind.EXAMPLE} <= {
        one.kind for one in refusal.value.findings
    }
    assert len(str(refusal.value).splitlines()) == len(refusal.value.findings)
    assert "no rule covers amount = 5000.00 EUR, deductible = 0.00 EUR" in str(refusal.value)


def test_there_are_at_least_forty_faults() -> None:
    assert len(PLANTED) >= 70
    assert {kind for _, _, kind, _, _ in PLANTED} == set(Kind) - {Kind.OVERLAP, Kind.SIZE}


@pytest.mark.parametrize(("old", "new", "kind", "rule", "cell"), PLANTED, ids=range(len(PLANTED)))
def test_a_planted_fault_is_found_where_it_is(old: str, new: str, kind: Kind, rule: str, cell: str) -> None:
    assert old in SOUND
    findings = found(SOUND.replace(old, new, 1))
    places = [(one.kind, one.rule, one.cell) for one in findings]
    assert (kind, rule, cell) in places, [str(one) for one in findings]
    for one in findings:
        assert one.file == "mine.yaml"
        assert one.problem
        assert one.remedy


APPROVING = (
    SOUND.replace("pay:", "approve:")
    .replace("then: pay", "then: approve")
    .replace("expect: pay", "expect: approve")
)


def test_only_the_machine_approves() -> None:
    """The ledger books what is called ``approve`` and frees it for payment, whoever is said to be needed for that."""
    assert [str(one) for one in found(APPROVING)] == []
    for needed in ("none", "manager"):
        text = APPROVING.replace("approve: {authority: machine}", f"approve: {{authority: {needed}}}")
        assert (Kind.MEANING, "outcomes", "approve") in {
            (one.kind, one.rule, one.cell) for one in found(text)
        }
    text = APPROVING.replace("    then: approve\n", "    then: approve\n    authority: manager\n")
    places = [(one.kind, one.rule, one.cell, one.value) for one in found(text)]
    assert places == [(Kind.MEANING, "rule small", "authority", "manager")]


# -- the other hit policies ------------------------------------------------------------------------------------------

DUTIES = """\
policy: duties
title: Duties
version: 1
owner: Head of tax
effective_from: 2026-01-01
hit_policy: HIT
machine_limit: 0.00 EUR
inputs:
  country: {type: code, values: [DE, FR, NO]}
  weight: {type: number, step: 1, min: 0}
outcomes: [wait, review]
rules:
  - {id: heavy, when: {weight: "> 10"}, then: review, priority: 2}
  - {id: light, when: {weight: "<= 10"}, then: wait, priority: 1}
  - {id: abroad, when: {country: "FR, NO"}, then: THEN, priority: LEVEL}
default: {then: review}
examples:
  - {given: {country: DE, weight: 5}, expect: wait}
  - {given: {country: DE, weight: 50}, expect: review}
"""


def duties(hit_policy: str, then: str, level: int = 2) -> str:
    text = DUTIES.replace("HIT", hit_policy).replace("THEN", then).replace("LEVEL", str(level))
    return (
        text
        if hit_policy == "priority"
        else "".join(
            part.split(", priority")[0] + "}\n" if ", priority" in part else part
            for part in text.splitlines(keepends=True)
        )
    )


@pytest.mark.parametrize(
    ("hit_policy", "then", "level", "places"),
    [
        ("unique", "review", 0, [(Kind.OVERLAP, "rule abroad"), (Kind.OVERLAP, "rule abroad")]),
        ("any", "review", 0, [(Kind.OVERLAP, "rule abroad")]),
        ("any", "wait", 0, [(Kind.OVERLAP, "rule abroad")]),
        ("priority", "wait", 2, [(Kind.OVERLAP, "rule abroad")]),
        ("priority", "review", 2, []),
        ("priority", "wait", 3, []),
        ("priority", "wait", 0, [(Kind.SHADOW, "rule abroad")]),
        ("collect", "review", 0, []),
        ("first", "review", 0, [(Kind.SHADOW, "rule abroad")]),
    ],
)
def test_each_hit_policy_has_its_own_faults(
    hit_policy: str, then: str, level: int, places: list[tuple[Kind, str]]
) -> None:
    assert [(one.kind, one.rule) for one in found(duties(hit_policy, then, level))] == places


def test_codes_are_never_taken_for_booleans() -> None:
    policy = load_policy(duties("collect", "review"))
    decision = policy.decide({"country": "NO", "weight": 3})
    assert (decision.outcome, decision.rules, decision.outcomes) == (
        "review",
        ("light", "abroad"),
        ("wait", "review"),
    )


def test_a_table_too_large_to_prove_is_refused_and_does_not_hang() -> None:
    """Twenty inputs, nineteen codes, a rule for each two inputs with the same code: only counting proves it whole."""
    codes = [f"c{number}" for number in range(19)]
    inputs = "".join(f"  x{number}: {{type: code, values: [{', '.join(codes)}]}}\n" for number in range(20))
    rules = "".join(
        f"  - {{id: r{one}_{two}_{code}, when: {{x{one}: {code}, x{two}: {code}}}, then: review}}\n"
        for one in range(20)
        for two in range(one + 1, 20)
        for code in codes
    )
    text = (
        DUTIES.replace("HIT", "collect").split("inputs:")[0]
        + f"inputs:\n{inputs}outcomes: [review]\nrules:\n{rules}default: {{then: review}}\nexamples: []\n"
    )
    started = time.process_time()
    assert [one.kind for one in found(text)] == [Kind.SIZE, Kind.EXAMPLE]
    assert time.process_time() - started < 60


def test_lists_that_tell_too_many_codes_apart_are_refused() -> None:
    codes = ", ".join(f"c{number}" for number in range(14))
    rules = "".join(
        f"  - {{id: r{number}, when: {{tags: contains any (c{number})}}, then: wait}}\n"
        for number in range(14)
    )
    text = (
        DUTIES.replace("HIT", "first").split("inputs:")[0]
        + f"inputs:\n  tags: {{type: codes, values: [{codes}]}}\noutcomes: [wait]\nrules:\n{rules}  - {{id: rest, then: wait}}\ndefault: {{then: wait}}\nexamples: []\n"
    )
    assert Kind.SIZE in {one.kind for one in found(text)}


@pytest.mark.parametrize("size", [1_000])
def test_a_thousand_rules_over_six_inputs_load_within_seconds(size: int) -> None:
    bands = [f"[{number * 100}.00..{number * 100 + 100}.00)" for number in range(9)] + [">= 900.00"]
    rules = "".join(
        f'  - {{id: r{number}, when: {{a: k{number % 10}, b: k{number // 10 % 10}, amount: "{bands[number // 100]}"}}, then: {"wait" if number < 500 else "review"}}}\n'
        for number in range(size)
    )
    codes = ", ".join(f"k{number}" for number in range(10))
    text = DUTIES.replace("HIT", "unique").split("inputs:")[0] + (
        f"inputs:\n  a: {{type: code, values: [{codes}]}}\n  b: {{type: code, values: [{codes}]}}\n"
        "  amount: {type: money, currency: EUR, min: 0.00}\n  days: {type: number}\n  fast: {type: flag}\n  on: {type: date}\n"
        f"outcomes: [wait, review]\nrules:\n{rules}default: {{then: review}}\nexamples:\n"
        "  - {given: {a: k0, b: k0, amount: 0.00 EUR, days: 1, fast: true, on: 2026-01-01}, expect: wait}\n"
        "  - {given: {a: k0, b: k0, amount: 999.00 EUR, days: 1, fast: true, on: 2026-01-01}, expect: review}\n"
    )
    started = time.process_time()
    policy = load_policy(text)
    assert time.process_time() - started < 5
    assert len(policy.rules) == size
