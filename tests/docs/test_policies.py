"""The page on policies: its policy can be used, its cells can be written, every kind of finding has its section."""

from __future__ import annotations

import re

import pytest
from tests.docs.pages import PROJECT, blocks, marked_table, page, section, spans, tables

from backoffice.domain.decision_table import Kind, examine_policy
from backoffice.domain.decision_table.cells import read_cell
from backoffice.domain.decision_table.input_reader import KEYS as INPUT_KEYS
from backoffice.domain.decision_table.inputs import TYPES, Input, Type
from backoffice.domain.decision_table.reader import KEYS
from backoffice.domain.decision_table.rule_reader import PLAIN_OUTCOMES, RULE_KEYS
from backoffice.domain.decision_table.table import HIT_POLICIES

PAGE = page("docs/reference/policies.md")
[WHOLE] = blocks(PAGE, "yaml")
COLUMNS: dict[str, Input] = {
    "money": Input("a", "money", currency="EUR", decimals=2, nullable=True, optional=True),
    "number": Input("a", "number", nullable=True, optional=True),
    "date": Input("a", "date"),
    "code": Input("a", "code", values=("car", "home", "travel")),
    "flag": Input("a", "flag"),
    "codes": Input("a", "codes", values=("report", "photo", "invoice")),
}


def test_the_whole_policy_can_be_used() -> None:
    assert [str(one) for one in examine_policy(WHOLE).findings] == []


@pytest.mark.parametrize("row", marked_table(PAGE, "cells").rows, ids=lambda row: row["cell"])
def test_a_cell_can_be_written(row: dict[str, str]) -> None:
    named = re.findall(r"\w+", row["for"])
    kinds = [kind for kind in COLUMNS if kind in named] or (
        ["number"] if "inputs" in named else list(COLUMNS)
    )
    [text] = spans(row["cell"])
    for kind in kinds:
        assert read_cell(COLUMNS[kind], text).text == text


def test_every_kind_of_finding_has_a_section_and_no_other() -> None:
    assert set(re.findall(r"^### (.+)$", PAGE, re.MULTILINE)) == {str(kind) for kind in Kind}


@pytest.mark.parametrize(
    ("heading", "column", "known"),
    [
        ("The file", "key", KEYS),
        ("Rules", "key", RULE_KEYS),
        ("Inputs", "type", frozenset[Type](TYPES)),
        ("Hit policies", "`hit_policy`", frozenset(HIT_POLICIES)),
    ],
)
def test_every_key_is_documented_and_no_other(heading: str, column: str, known: frozenset[str]) -> None:
    cells = tables(section(PAGE, heading))[0].column(column)
    assert {name for cell in cells for name in spans(cell)} == known


def test_every_key_of_an_input_and_every_bare_outcome_is_named() -> None:
    assert set(spans(section(PAGE, "Inputs"))) >= INPUT_KEYS - {"type"}
    assert set(spans(section(PAGE, "Outcomes"))) >= PLAIN_OUTCOMES.keys()


def test_the_changed_way_of_checking_is_the_command() -> None:
    text = (PROJECT / "docs/how-to/change-a-tolerance-or-policy.md").read_text(encoding="utf-8")
    assert "backoffice policy check my_policy.yaml" in text
