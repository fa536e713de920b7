"""Whatever a file holds, reading it ends in a policy or in findings."""

from __future__ import annotations

import random
import time
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.domain.decision_table.random_tables import Drawn, tables
from tests.domain.decision_table.test_decision import POLICIES, SHIPPED, drawn
from tests.domain.decision_table.test_planted_faults import SOUND
from tests.domain.decision_table.test_proof_against_trying import given_values

from backoffice.domain.decision_table import Kind, Policy, examine_policy, load_policy
from backoffice.domain.decision_table.calendar import examine_versions

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
TOKENS = [*set(SOUND.replace("\n", " \n ").split(" ")), "\n", "  ", "- ", "[", "]", "{", "}", '"', "&a", "*a", "!x", "null", "%", "\x00", "\ud800", "ä", "\t", "#", "|", "---"]  # fmt: skip


@QUICK
@given(
    st.lists(st.tuples(st.integers(0, len(SOUND)), st.integers(0, 30), st.sampled_from(TOKENS)), max_size=4)
)
def test_a_damaged_policy_gives_findings_or_a_policy(damages: list[tuple[int, int, str]]) -> None:
    text = SOUND
    for start, length, token in damages:
        text = text[:start] + token + text[start + length :]
    examination = examine_policy(text, "damaged.yaml")
    assert examination.policy is not None or examination.findings


SHAPES = st.recursive(
    st.sampled_from(["1", "x", "null", "true", '"< 5"', "''", "EUR", "2026-01-01"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(st.sampled_from(["id", "when", "then", "type", "values", "given", "expect", "a"]), inner), max_size=3, unique_by=lambda pair: pair[0]).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=6,
)  # fmt: skip


@QUICK
@given(
    st.sampled_from(
        [
            "inputs",
            "outcomes",
            "authorities",
            "rules",
            "default",
            "examples",
            "hit_policy",
            "owner",
            "version",
            "machine_limit",
            "effective_to",
        ]
    ),
    SHAPES,
)
def test_any_shape_anywhere_gives_findings_or_a_policy(key: str, shape: str) -> None:
    lines, kept, skipping = SOUND.splitlines(), [], False
    for line in lines:
        if not line.startswith(" "):
            skipping = line.startswith(f"{key}:")
        if not skipping:
            kept.append(line)
    examination = examine_policy("\n".join([*kept, f"{key}: {shape}"]) + "\n", "shaped.yaml")
    assert examination.policy is not None or examination.findings


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the text is empty"),
        ("# nothing\n", "the text is empty"),
        ("- 1\n", "it is a list, not a mapping"),
        ("text", "it is 'text', not a mapping"),
        ("[" * 100_000, "nested more than 12 deep"),
        ("\n".join(" " * depth + "a:" for depth in range(500)), "nested more than 12 deep"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchor or alias"),
        ("policy: !!python/object/apply:os.system [x]\n", "uses the tag"),
        ("{[1]: 2}", "stands as a key"),
        ("a: 1\n--- \nb: 2\n", "a second document follows"),
        ("a: \x00", "not readable as YAML"),
        ("a: \ud800", "not readable as YAML"),
        ("a: b: c", "not readable as YAML"),
        ('a: "x\\0y"', "holds the character U+0000"),
        ('a: "x\\x07y"', "holds the character U+0007"),
        ("\ufeffpolicy: a", "byte order mark"),
        ("ä" * 2_000_001, "the text has 4000002 bytes"),
        ("x" * 4_000_001, "the text has 4000001 bytes"),
    ],
    ids=range(18),
)
def test_what_is_no_policy_is_said_to_be_none(text: str, problem: str) -> None:
    started = time.process_time()
    examination = examine_policy(text, "none.yaml")
    assert examination.policy is None
    assert problem in str(examination.findings[0])
    assert time.process_time() - started < 10


def test_numbers_stay_the_text_that_they_are() -> None:
    text = SOUND.replace("> 5000.00", "> 5000.0000000000000000").replace("[0.00..5000.00]", "[0..5e3]")
    assert {one.value for one in examine_policy(text).findings if one.kind is Kind.SYNTAX} == {"[0..5e3]"}
    assert load_policy(SOUND).table.axes[0].line.bounds[-1].as_tuple().digits == (5, 0, 0, 0, 0, 0)  # type: ignore[union-attr]


# -- an accepted policy has an outcome for everything ------------------------------------------------------------------


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables(catch_all=True))
def test_an_accepted_table_decides_every_case_by_a_rule(table: Drawn) -> None:
    examination = examine_policy(table.yaml())
    if {one.kind for one in examination.findings} & {Kind.GAP, Kind.OVERLAP}:
        return
    policy = examination.policy
    assert policy is not None
    for case in table.cases():
        decision = policy.decide(given_values(table, case))
        assert decision.rule != "default"
        assert decision.outcome in policy.outcomes
        assert decision.faults == ()


@pytest.mark.parametrize("name", POLICIES)
def test_a_real_policy_decides_every_usable_case_by_a_rule(name: str) -> None:
    policy, chance = POLICIES[name], random.Random(11)
    for _ in range(20_000):
        decision = policy.decide(drawn(policy, chance))
        assert decision.rule != "default"


# -- versions over time ------------------------------------------------------------------------------------------------


def version(number: int, begins: str, ends: str | None = None) -> tuple[str, Policy]:
    text = SOUND.replace("version: 4", f"version: {number}").replace(
        "effective_from: 2026-01-01", f"effective_from: {begins}"
    )
    text = text.replace("effective_to: 2026-12-31\n", f"effective_to: {ends}\n" if ends else "")
    return f"v{number}.yaml", load_policy(text)


@pytest.mark.parametrize(
    ("versions", "problems"),
    [
        ([version(1, "2026-01-01"), version(2, "2026-07-01")], []),
        ([version(2, "2026-07-01"), version(1, "2026-01-01", "2026-06-30")], []),
        ([version(1, "2026-01-01", "2026-06-29"), version(2, "2026-07-01")], ["no version decides from 2026-06-30 to 2026-06-30"]),
        ([version(1, "2026-01-01", "2026-07-02"), version(2, "2026-07-01")], ["both decide from 2026-07-01 to 2026-07-02"]),
        ([version(1, "2026-01-01"), version(2, "2026-01-01")], ["begin on the same day"]),
        ([version(2, "2026-01-01"), version(1, "2026-07-01")], ["numbers rise with days"]),
        ([version(1, "2026-01-01"), version(1, "2026-07-01")], ["numbers rise with days"]),
        ([version(1, "2026-01-01", "9999-12-31"), version(2, "2026-07-01")], []),
    ],
    ids=range(8),
)  # fmt: skip
def test_each_day_has_one_version(versions: list[tuple[str, Policy]], problems: list[str]) -> None:
    found = examine_versions([*versions, ("other.yaml", load_policy(SHIPPED))])
    assert len(found) == len(problems)
    for finding, problem in zip(found, problems, strict=True):
        assert finding.kind is Kind.DATES
        assert problem in finding.problem


def test_a_policy_knows_its_days() -> None:
    policy = load_policy(SOUND)
    assert (policy.effective_from, policy.effective_to) == (date(2026, 1, 1), date(2026, 12, 31))
