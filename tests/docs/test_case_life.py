"""The page on the life of a case says what is shipped and what counts when nothing is set."""

from __future__ import annotations

import csv
import re

from tests.docs.pages import PROJECT, marked_table, page

ROUTINES = "plugins/backoffice/migrations/routines"
SQL = "".join(page(f"{ROUTINES}/{name}.sql") for name in ("73_case_state", "74_case_life", "77_case_keep"))


def test_the_shipped_chain_is_documented() -> None:
    with (PROJECT / "include" / "reference" / "escalation.csv").open(encoding="utf-8", newline="") as file:
        shipped = [list(row.values()) for row in csv.DictReader(file)]
    table = marked_table(page("docs/reference/case-life.md"), "escalation")
    assert [[value.strip("`") for value in row.values()] for row in table.rows] == shipped


def test_what_counts_when_nothing_is_set_is_documented() -> None:
    numbers = dict(re.findall(r"review\.setting\('(\w+)', (\d+)\)", SQL))
    types = re.search(r"s\.name = 'attachment_types'\), '([^']+)'", SQL)
    assert types is not None
    assert len(numbers) == 4
    table = marked_table(page("docs/reference/case-life.md"), "case settings")
    documented = {row["name"].strip("`"): row["counts when it is not set"].strip("`") for row in table.rows}
    assert documented == {**numbers, "attachment_types": types[1]}


def test_every_input_of_the_policy_is_documented() -> None:
    policy = page("include/policies/review/case_priority.yaml")
    inputs = re.findall(r"^  (\w+): \{type", policy, re.MULTILINE)
    assert len(inputs) == 6
    for name in inputs:
        assert f"| `{name}` |" in page("docs/reference/case-life.md")
