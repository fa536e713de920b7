"""``include/`` holds what the product uses, all of it, and nothing else: SQL, suites, policies, profiles, reference data."""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.dags.conftest import PROJECT

from backoffice.domain.decision_table import load_policy
from backoffice.migrations import REFERENCE, SANDBOX
from backoffice.operators.gate_suites import read_suite
from backoffice.operators.ingest_extract import shipped_profile
from backoffice.operators.quality_gate import QualityGateOperator

INCLUDE = PROJECT / "include"
PACKAGE = PROJECT / "plugins" / "backoffice"
ROUTINES = PACKAGE / "migrations" / "routines"
SUITES = {path.stem for path in (INCLUDE / "expectations").glob("*.json")}
POLICIES = sorted((INCLUDE / "policies").glob("*/*.yaml"))
INCLUDED = re.compile(r"\{\{ include: ([a-z_/]+) \}\}")
# loaded on the first install only: what was removed since must not come back
LOADED_ONCE = {"tolerances": "ledger.tolerance"}
# read by the pages that show them, into no table
SENTENCES = {"hypotheses", "fitting_reasons"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the package but the sandbox, which knows nothing of ``include``."""
    for path in PACKAGE.rglob("*.py"):
        if "sandbox" not in path.relative_to(PACKAGE).parts:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def statements_named_in_code() -> set[str]:
    """Return what is asked of ``settings.sql`` and ``settings.statement``, and of the gate's shorthand for ``gate/...``."""
    named = set()
    for path, tree in modules():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
            function = (
                call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            )
            argument = call.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                if function in ("sql", "statement"):
                    named.add(argument.value)
                if function == "_statement" and path.stem.startswith("gate_"):
                    named.add(f"gate/{argument.value}")
    return named


def statements_put_together(shipped: set[str]) -> set[str]:
    """Return the statements whose name code passes on: whole, or as a text with a part that is filled in."""
    named = set()
    for _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= {node.value} & shipped
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                parts = (
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"[a-z_]+"
                    for part in node.values
                )
                pattern = re.compile("".join(parts))
                named |= {
                    name for name in shipped if "/" in str(node.values[0].value) and pattern.fullmatch(name)
                }
    return named


def statements_included() -> set[str]:
    """Return what routines take in, directly or through another statement."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in [*ROUTINES.glob("*.sql"), *(INCLUDE / "sql").rglob("*.sql")]
    ]
    return {name for text in texts for name in INCLUDED.findall(text)}


def conditions_of_suites() -> set[str]:
    """Return the row conditions that expectations name."""
    documents = [
        json.loads((INCLUDE / "expectations" / f"{name}.json").read_text(encoding="utf-8")) for name in SUITES
    ]
    return {
        f"checks/{Path(entry['meta']['condition']).stem}"
        for document in documents
        for entry in document["expectations"]
        if "condition" in entry["meta"]
    }


def test_every_statement_is_used_and_every_used_one_is_there():
    shipped = {
        str(path.relative_to(INCLUDE / "sql").with_suffix("")) for path in (INCLUDE / "sql").rglob("*.sql")
    }
    controls = {f"controls/{path.stem}" for path in (INCLUDE / "controls").glob("*.yaml")}
    used = statements_named_in_code() | statements_included() | conditions_of_suites() | controls
    assert len(used) > 50
    assert used - shipped == set(), "named, but not shipped"
    assert shipped - used - statements_put_together(shipped) == set(), "shipped, but used by nothing"


def test_every_suite_is_read_by_a_gate(dag_bag):
    gates = [
        task for dag in dag_bag.dags.values() for task in dag.tasks if isinstance(task, QualityGateOperator)
    ]
    assert {name for gate in gates for name in gate.suites} == SUITES
    for name in SUITES:
        suite = read_suite(name)
        assert suite.name == name
        assert len(suite.checks) > 3


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_policy_loads_and_is_asked_for(path):
    policy = load_policy(path.read_text(encoding="utf-8"), source=str(path))
    assert policy.policy_id == path.stem
    # what is about the cases of every process belongs to none
    assert path.parent.name == "review" or (PACKAGE / "processes" / path.parent.name).is_dir()
    constants = {
        node.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert policy.policy_id in constants


def test_every_policy_asked_for_is_shipped():
    asked = {
        node.value.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and any(getattr(target, "id", "") == "POLICY_ID" for target in node.targets)
    }
    assert asked
    assert asked == {path.stem for path in POLICIES}


@pytest.mark.parametrize(
    "path", sorted((INCLUDE / "reference" / "extract_profiles").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_extract_profile_can_be_read(path):
    assert shipped_profile(path.stem).name == path.stem


def reference_tables() -> dict[str, str]:
    """Return where the rows of each reference file go."""
    company = {f"sandbox/{name}": table for name, table, _ in SANDBOX}
    return {name: table for name, table, _ in REFERENCE} | company | LOADED_ONCE


def files_named_in_code() -> set[str]:
    """Return the lists of reference data that code opens by their name."""
    return {
        node.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".csv")
    }


def reference_rows(name: str) -> list[dict[str, str]]:
    with (INCLUDE / "reference" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_reference_file_is_used():
    folder = INCLUDE / "reference"
    documents = [
        json.loads((INCLUDE / "expectations" / f"{name}.json").read_text(encoding="utf-8")) for name in SUITES
    ]
    lists = {
        Path(source["file"]).stem
        for document in documents
        for source in document["meta"].get("parameters", {}).values()
    }
    shipped = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.csv")}
    assert shipped == reference_tables().keys() | lists | SENTENCES
    assert files_named_in_code() >= {f"{name}.csv" for name in SENTENCES}


@pytest.mark.integration
def test_reference_data_is_in_a_new_ledger_row_by_row(ledger: Any):
    """Each row of each file is found again by all of its columns; an empty cell is NULL."""
    with ledger.connect("auditor") as connection:
        for name, table in reference_tables().items():
            rows = reference_rows(name)
            assert rows
            assert [row for row in rows if not found(connection, table, row)] == [], name
        chosen = connection.execute(
            "SELECT value FROM ledger.setting WHERE name = 'tolerance_set'"
        ).fetchone()
    assert chosen in {(row["tolerance_set"],) for row in reference_rows("tolerances")}


def found(connection: Any, table: str, row: dict[str, str]) -> bool:
    conditions = " AND ".join(f"{column} IS NOT DISTINCT FROM %s" for column in row)
    values = [value or None for value in row.values()]
    [count] = connection.execute(f"SELECT count(*) FROM {table} WHERE {conditions}", values).fetchone()
    return bool(count)
