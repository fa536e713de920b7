"""Faulty policies of many kinds: each is refused, and the finding says where, what stands there, and what to do."""

from __future__ import annotations

import pytest
from tests.domain.decision_table.test_planted_faults import SOUND, duties

from backoffice.domain.decision_table import Finding, Kind, examine_policy
from backoffice.domain.decision_table.calendar import examine_versions
from backoffice.domain.decision_table.document import LONGEST


def found(text: str) -> tuple[Finding, ...]:
    return examine_policy(text, "hostile.yaml").findings


def swapped(old: str, new: str, text: str = SOUND) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


SMALL = 'amount: "[0.00..5000.00]"'
TRAVEL = 'amount: "> 5000.00", kind: travel'
COLLECT, PRIORITY, UNIQUE = (
    duties("collect", "review"),
    duties("priority", "review"),
    duties("unique", "review"),
)

# what is planted; what is found: kind, rule, cell, and words of the finding (problem, value or remedy)
HOSTILE: dict[str, tuple[str, Kind, str, str, str]] = {
    # money, percent, currencies
    "percent for an amount": (swapped(SMALL, 'amount: "<= 50 %"'), Kind.SYNTAX, "rule small", "amount", "'50 %'"),
    "currency before the amount": (swapped(SMALL, 'amount: "<= EUR 5000.00"'), Kind.MONEY, "rule small", "amount", "write the amount alone"),
    "currency in an interval": (swapped(SMALL, 'amount: "[0.00 EUR..5000.00 EUR]"'), Kind.SYNTAX, "rule small", "amount", "is no condition"),
    "sign of a currency": (swapped(SMALL, 'amount: "<= 5000.00€"'), Kind.SYNTAX, "rule small", "amount", "'5000.00€' is no money"),
    "limit in another currency than its amount": (swapped("5000.00 EUR", "5000.00 JPY"), Kind.LIMIT, "machine_limit", "amount", "the limit is in JPY"),
    "limit with thousands": (swapped("5000.00 EUR", "5,000.00 EUR"), Kind.SYNTAX, "machine_limit", "", "5,000.00 EUR"),
    "decimal comma": (swapped(SMALL, 'amount: "<= 5000,00"'), Kind.SYNTAX, "rule small", "amount", "decimals stand behind a point"),
    "thousands": (swapped(SMALL, 'amount: "<= 5,000.00"'), Kind.SYNTAX, "rule small", "amount", "'000.00' is no condition"),
    "a percentage declared as money": (swapped("deductible: {type: money, currency: EUR,", "deductible: {type: money, currency: '%',"), Kind.MONEY, "input deductible", "currency", "such as EUR"),
    # numbers
    "a huge exponent": (swapped(SMALL, 'amount: "<= 1e999999999"'), Kind.SYNTAX, "rule small", "amount", "1e999999999"),
    "a number of a thousand digits": (swapped(SMALL, f'amount: "<= {"9" * 1000}"'), Kind.SYNTAX, "rule small", "amount", "99999..."),
    "not a number": (swapped(SMALL, 'amount: "<= NaN"'), Kind.SYNTAX, "rule small", "amount", "'NaN'"),
    "octal digits": (swapped("version: 4", "version: 0o4"), Kind.SYNTAX, "version", "", "a whole number"),
    "an underscore in a number": (swapped(SMALL, 'amount: "<= 5_000.00"'), Kind.SYNTAX, "rule small", "amount", "5_000.00"),
    "digits of another script": (swapped(SMALL, 'amount: "<= \u0665\u0660\u0660\u0660"'), Kind.SYNTAX, "rule small", "amount", "is no money"),
    "a plus sign": (swapped(SMALL, 'amount: "<= +5000.00"'), Kind.SYNTAX, "rule small", "amount", "+5000.00"),
    "a time of day as a number": (swapped("when: {suspicious: true}", "when: {suspicious: true, days_open: 12:30}"), Kind.SYNTAX, "rule suspicion", "days_open", "'12:30'"),
    "versions below one": (swapped("version: 4", "version: 0"), Kind.TYPE, "version", "", "from 1"),
    "a version with decimals": (swapped("version: 4", "version: 4.0"), Kind.TYPE, "version", "", "whole number"),
    # days
    "a moment for a day": (swapped("effective_from: 2026-01-01", "effective_from: 2026-01-01T00:00:00Z"), Kind.DATES, "effective_from", "", "write it as 2026-11-22"),
    "a moment in a cell": (swapped("when: {suspicious: true}", 'when: {suspicious: true, reported_on: ">= 2026-01-01 12:00"}'), Kind.SYNTAX, "rule suspicion", "reported_on", "is no date"),
    "the thirtieth of February": (swapped("when: {suspicious: true}", 'when: {suspicious: true, reported_on: "= 2026-02-30"}'), Kind.SYNTAX, "rule suspicion", "reported_on", "2026-02-30"),
    "a day of an example that is none": (swapped("reported_on: 2026-05-01", "reported_on: 2026-5-1"), Kind.EXAMPLE, "example 3", "expect", "decides 'review' by rule default"),
    "a list of days": (swapped("when: {suspicious: true}", "when: {suspicious: true, reported_on: [2026-01-01, 2026-01-02]}"), Kind.TYPE, "rule suspicion", "reported_on", "it is a list"),
    # lists
    "a list within a list of codes": (swapped("[car, home, travel]", "[car, [home], travel]"), Kind.TYPE, "input kind", "values", "a list cannot be a code"),
    "a list within a list of an example": (swapped("documents: [report, invoice]", "documents: [report, [invoice]]"), Kind.EXAMPLE, "example 1", "expect", "by rule default"),
    "a condition within a condition": (swapped("contains none (report)", "contains none (contains any (report))"), Kind.NAME, "rule papers", "documents", "contains any (report)"),
    "a condition of two signs": (swapped("contains none (report)", '"contains any (report), contains most (report)"'), Kind.SYNTAX, "rule papers", "documents", "contains most (report)"),
    "no code in a condition": (swapped("contains none (report)", "contains none ()"), Kind.NAME, "rule papers", "documents", "'' is not among"),
    # ranges
    "a range reversed": (swapped(SMALL, 'amount: "[5000.00..0.00]"'), Kind.SHADOW, "rule small", "amount", "no value that can occur"),
    "open ends that touch": (swapped(SMALL, 'amount: "[0.00..2500.00), (2500.00..5000.00]"'), Kind.GAP, "rules", "", "amount = 2500.00 EUR"),
    "three ends": (swapped(SMALL, 'amount: "[0.00..1.00..5000.00]"'), Kind.SYNTAX, "rule small", "amount", "is no"),
    "a bracket of no other": (swapped(SMALL, 'amount: "[0.00..5000.00"'), Kind.SYNTAX, "rule small", "amount", "has no other"),
    "not with a number": (swapped(SMALL, 'amount: "not(5000.00)"'), Kind.SYNTAX, "rule small", "amount", "is no condition"),
    "an unquoted not with a comma": (swapped('"car, home"', "not(car, home)"), Kind.SYNTAX, "rule large", "kind", "quote a cell that has a comma"),
    "an unquoted comma": (swapped('kind: "car, home"', "kind: car, home"), Kind.NAME, "rule large", "home", "quote a text that has a comma"),
    "a dash among other words": (swapped('"car, home"', '"car, -"'), Kind.NAME, "rule large", "kind", "'-'"),
    "an empty cell": (swapped('"car, home"', "''"), Kind.SYNTAX, "rule large", "kind", "an alternative is empty"),
    "anything by no cell at all": (swapped("when: {suspicious: true}", "when: {suspicious: }"), Kind.TYPE, "rule suspicion", "suspicious", "the input is not nullable"),
    # spaces and characters that nobody sees
    "a no-break space in a cell": (swapped("> 5000.00", ">\u00a05000.00"), Kind.SYNTAX, "rule large", "amount", "U+00A0 NO-BREAK SPACE"),
    "a thin space in a number": (swapped("[0.00..5000.00]", "[0.00..5\u2009000.00]"), Kind.SYNTAX, "rule small", "amount", "U+2009 THIN SPACE"),
    "a zero-width space in a code": (swapped("[car, home, travel]", "[car, home, travel, ca\u200br]"), Kind.TYPE, "input kind", "values", "nobody sees"),
    "a no-break space in a name": (swapped("days_open: {", "days\u00a0open: {"), Kind.SYNTAX, "inputs", "", "no name of an input"),
    "a letter that turns the line": (swapped("kind: travel}", 'kind: "travel\u202e"}'), Kind.SYNTAX, "rule large_travel", "kind", "U+202E"),
    "a selector of variants in a code": (swapped("[car, home, travel]", "[car, home, travel, car\ufe0f]"), Kind.TYPE, "input kind", "values", "nobody sees"),
    "a filler in a cell": (swapped("kind: travel}", 'kind: "travel\u3164"}'), Kind.SYNTAX, "rule large_travel", "kind", "U+3164"),
    "codes that look the same": (swapped("[car, home, travel]", '[car, home, travel, "caf\u00e9", "cafe\u0301"]'), Kind.NAME, "input kind", "values", "look the same"),
    "a comment that turns its line": (swapped("version: 4\n", "version: 4\n# \u202e 00.000001 \u2066\n"), Kind.SYNTAX, "", "", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    "a title that turns the line": (swapped("title: Which claims", "title: \u2067 Which claims"), Kind.SYNTAX, "", "", "U+2067"),
    "a title that turns the line by an escape": (swapped("title: Which claims are paid", 'title: "\\u202e Which claims"'), Kind.SYNTAX, "", "", "U+202E"),
    "an owner that nobody sees": (swapped("owner: Head of claims", 'owner: "\u200b"'), Kind.TYPE, "owner", "", "write a text"),
    "an owner of blanks": (swapped("owner: Head of claims", "owner: '  '"), Kind.TYPE, "owner", "", "write a text"),
    "a byte order mark": ("\ufeff" + SOUND, Kind.SYNTAX, "", "", "byte order mark"),
    # YAML
    "an anchor and an alias": (swapped("kind: travel}", "kind: &k travel}"), Kind.SYNTAX, "", "", "anchor or alias"),
    "a merge key": (swapped("when: {suspicious: true}", "when: {<<: {suspicious: true}}"), Kind.NAME, "rule suspicion", "<<", "'<<' is no input"),
    "a tag": (swapped("version: 4", "version: !!int 4"), Kind.SYNTAX, "", "", "tag"),
    "a tag of Python": (swapped("version: 4", "version: !!python/object/new:os.system [ls]"), Kind.SYNTAX, "", "", "tag"),
    "a key twice in a rule": (swapped("kind: travel}", "kind: travel, kind: car}"), Kind.SYNTAX, "", "", "'kind' stands there twice"),
    "a tab that indents": (swapped("  - id: small", "\t- id: small"), Kind.SYNTAX, "", "", "not readable as YAML"),
    "a second document": (SOUND + "---\npolicy: other\n", Kind.SYNTAX, "", "", "second document"),
    "nothing": ("", Kind.SYNTAX, "", "", "the text is empty"),
    "an empty document": ("---\n...\n", Kind.TYPE, "", "", "not a mapping"),
    "bytes of a picture": (b"\x89PNG\r\n\x1a\n\x00\x00".decode("latin-1"), Kind.SYNTAX, "", "", "not readable as YAML"),
    "yes for true": (swapped("suspicious: true}", "suspicious: yes}"), Kind.TYPE, "rule suspicion", "suspicious", "write true, false"),
    "on for true": (swapped("nullable: true", "nullable: on"), Kind.TYPE, "input days_open", "nullable", "write true or false"),
    "no for false in an example": (swapped("kind: car, suspicious: false", "kind: car, suspicious: no"), Kind.EXAMPLE, "example 1", "expect", "by rule default"),
    "a list for the whole": ("- policy: a\n", Kind.TYPE, "", "", "it is a list"),
    "beyond the longest": (SOUND + "#" * LONGEST, Kind.SYNTAX, "", "", "split it"),
    # names
    "a misspelt key": (swapped("hit_policy: first", "hitpolicy: first"), Kind.NAME, "", "hitpolicy", "did you mean hit_policy?"),
    "a misspelt input": (swapped(TRAVEL, 'amuont: "> 5000.00", kind: travel'), Kind.NAME, "rule large_travel", "amuont", "did you mean amount?"),
    "a misspelt outcome": (swapped("then: ask", "then: aks"), Kind.NAME, "rule large", "then", "did you mean ask?"),
    "ids that differ in capitals alone": (swapped("- id: large_travel", "- id: Large"), Kind.NAME, "rule Large", "id", "only in capitals"),
    "inputs that differ in capitals alone": (swapped("  suspicious: {type: flag}", "  suspicious: {type: flag}\n  Kind: {type: flag}"), Kind.NAME, "inputs", "Kind", "only in capitals"),
    "an input named like a key of the ledger": (swapped("  kind: {", "  x y: {"), Kind.SYNTAX, "inputs", "", "begin with a letter"),
    "a code with a blank as not_yet": (swapped("    then: pay\n", "    then: pay\n    not_yet: [NO RECEIPT]\n"), Kind.SYNTAX, "rule small", "not_yet", "begin with a letter"),
    # hit policies
    "an aggregator that does not exist": (swapped("hit_policy: collect", "hit_policy: collect sum", COLLECT), Kind.NAME, "hit_policy", "", "use unique, first"),
    "priority without an order": (swapped(", priority: 1", "", PRIORITY), Kind.TYPE, "rule light", "priority", "missing"),
    "a priority below zero": (swapped("priority: 1", "priority: -1", PRIORITY), Kind.TYPE, "rule light", "priority", "'-1'"),
    "unique, and both take null": (swapped("min: 0}", "min: 0, nullable: true}", UNIQUE).replace('"> 10"', '"> 10, null"').replace('"<= 10"', '"<= 10, null"'), Kind.OVERLAP, "rule light", "", "weight = null"),
    "unique, and both take what is missing": (swapped("min: 0}", "min: 0, optional: true}", UNIQUE).replace('"> 10"', '"> 10, missing"').replace('"<= 10"', '"<= 10, missing"'), Kind.OVERLAP, "rule light", "", "weight = missing"),
    "collect from more to less authority": (swapped("outcomes: [wait, review]", "outcomes: [review, approve, wait]", COLLECT), Kind.AUTHORITY, "outcomes", "approve", "least to most"),
    "an outcome of collect that nothing gives": (swapped("outcomes: [wait, review]", "outcomes: [wait, hold, review]", COLLECT), Kind.UNREACHABLE, "outcomes", "hold", "add a rule"),
    "a default that approves": (swapped("default: {then: review}", "default: {then: approve}", swapped("outcomes: [wait, review]", "outcomes: [approve, wait, review]", COLLECT)), Kind.DEFAULT, "default", "then", "nobody acts"),
    "an example by another rule": (swapped("expect: ask", "expect: ask\n    rule: large_travel"), Kind.EXAMPLE, "example 2", "expect", "by rule large_travel"),
    "an example by a rule that is not there": (swapped("    rule: small\n", "    rule: smal\n"), Kind.EXAMPLE, "example 1", "expect", "by rule smal"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_faulty_policy_is_refused_where_it_is_with_what_to_do(name: str) -> None:
    text, kind, rule, cell, words = HOSTILE[name]
    findings = found(text)
    there = [one for one in findings if (one.kind, one.rule, one.cell) == (kind, rule, cell)]
    assert there, [str(one) for one in findings]
    assert any(words in f"{one.problem} {one.value!r} {one.remedy}" for one in there), [*map(str, there)]
    for one in findings:
        assert (one.file, bool(one.problem), bool(one.remedy)) == ("hostile.yaml", True, True)
        assert str(one).isprintable()
        assert len(str(one)) < 1_500


HARMLESS = {
    "a negative zero": swapped("[0.00..5000.00]", "[-0.00..5000.00]"),
    "ends that touch": swapped(SMALL, 'amount: "[0.00..2500.00], (2500.00..5000.00]"'),
    "lines of Windows": SOUND.replace("\n", "\r\n"),
    "a no-break space where people read": swapped("Which claims", "Which\u00a0claims"),
    "an outcome that is spelt like a word of YAML": SOUND.replace("wait", "no"),
    "a cell over two lines": swapped('kind: "car, home"', 'kind: "car,\n      home"'),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_hostile_is_read(name: str) -> None:
    assert [str(one) for one in found(HARMLESS[name])] == []


def test_one_shadowing_rule_stands_and_two_stand() -> None:
    one = found(
        swapped("default:\n", "  - id: rest\n    when: {suspicious: true}\n    then: review\ndefault:\n")
    )
    assert "is covered by suspicion, which stands before it" in one[0].problem
    two = found(swapped("default:\n", "  - id: rest\n    then: review\ndefault:\n"))
    assert two[0].problem.endswith("which stand before it")


@pytest.mark.parametrize(
    ("begins", "ends", "problem"),
    [
        ("2026-12-31", "2027-12-31", "both decide from 2026-12-31 to 2026-12-31"),
        ("2027-01-02", "2027-12-31", "no version decides from 2027-01-01 to 2027-01-01"),
        ("2026-01-01", "2026-06-30", "begin on the same day"),
        ("2027-01-01", "2027-12-31", ""),
    ],
)
def test_days_of_two_versions_that_overlap_or_leave_a_gap(begins: str, ends: str, problem: str) -> None:
    later = SOUND.replace("version: 4", "version: 5").replace("2026-12-31", ends, 1)
    later = later.replace("2026-01-01", begins, 1)
    policies = [(name, examine_policy(text).policy) for name, text in (("four", SOUND), ("five", later))]
    said = [one.problem for one in examine_versions((name, one) for name, one in policies if one is not None)]
    assert len(said) == bool(problem)
    assert all(problem in one for one in said)
