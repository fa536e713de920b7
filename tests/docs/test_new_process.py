"""``make new-process``: what it writes passes the product's own checks as it stands, and what it cannot do it refuses.

Everything happens in a copy of the repository. Processes under the shortest, an ordinary and the longest name are
written into it, because line lengths and the order of imports depend on the name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.pages import PROJECT, marked_table, page

ORDINARY = "overdue_items"
NAMES = ("fxa", ORDINARY, "intercompany_balances_and_their_netting")
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "var", "dist", "__pycache__", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"
)  # fmt: skip
# the documents' tests that a new Dag, page or file can fail; the others read nothing of it
CHECKS = [
    *("tests/processes", "tests/dags", "tests/docs/test_commands.py", "tests/docs/test_links.py"),
    *("tests/docs/test_readme.py", "tests/docs/test_reference.py", "tests/docs/test_statements.py"),
    "tests/docs/test_words.py",
]


def run(checkout: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a checkout whose package is that of the checkout."""
    return subprocess.run(
        command,
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout / "plugins"), "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``make`` with the interpreter of this test: nothing is installed."""
    stamps = [f"{sys.prefix}/{name}" for name in (".installed", ".installed-dev")]
    return run(
        checkout,
        *("make", "--no-print-directory", f"VENV={sys.prefix}", "-o", stamps[0], "-o", stamps[1], *arguments),
    )


def contents(checkout: Path) -> dict[str, bytes]:
    """Return every file of a checkout but caches."""
    return {
        str(path.relative_to(checkout)): path.read_bytes()
        for path in checkout.rglob("*")
        if path.is_file()
        and not {"__pycache__", ".mypy_cache", ".ruff_cache", ".import_linter_cache", ".pytest_cache"}
        & set(path.relative_to(checkout).parts)
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository."""
    copy = tmp_path_factory.mktemp("checkout") / "backoffice"
    shutil.copytree(PROJECT, copy, ignore=LEFT_OUT)
    return copy


@pytest.fixture(scope="module")
def before(checkout: Path) -> dict[str, bytes]:
    """The files of the copy before anything was written."""
    return contents(checkout)


@pytest.fixture(scope="module")
def written(checkout: Path, before: dict[str, bytes]) -> dict[str, str]:
    """What ``make new-process`` printed for each name."""
    printed = {}
    for name in NAMES:
        made = make(checkout, "new-process", f"NAME={name}")
        assert made.returncode == 0, made.stderr
        printed[name] = made.stdout
    return printed


def files_named(printed: str, heading: str) -> list[str]:
    """Return the files below a heading of what was printed."""
    found = re.search(rf"^{heading}:\n((?:  \S+\n)+)", printed, re.MULTILINE)
    assert found, printed
    return found[1].split()


# -- what is written -------------------------------------------------------------------------------------------------


def test_it_says_what_it_wrote_and_overwrites_nothing(checkout, before, written):
    new = {file for printed in written.values() for file in files_named(printed, "New")}
    entered = {file for printed in written.values() for file in files_named(printed, "Entered in")}
    after = contents(checkout)
    assert after.keys() - before.keys() == new
    assert {name for name, content in before.items() if after.get(name) != content} == entered
    for name in entered:  # lines are added, none is lost; the last one of a list gets a separator
        lost = set(before[name].decode().splitlines()) - set(after[name].decode().splitlines())
        assert len(lost) <= (name == "docs/README.md")


def test_the_guide_lists_what_is_written(written):
    guide = page("docs/how-to/write-your-own-process.md")
    listed = [cell.strip("`") for cell in marked_table(guide, "files of a new process").column("file")]
    hyphens = ORDINARY.replace("_", "-")
    assert [file.replace("<name>", ORDINARY).replace("<page>", hyphens) for file in listed] == files_named(
        written[ORDINARY], "New"
    )
    for file in files_named(written[ORDINARY], "Entered in"):
        assert file in guide or f"]({os.path.relpath(file, 'docs/how-to')}" in guide, file


def test_what_is_written_has_no_gap_left_to_fill_in(checkout, written):
    for file in files_named(written[ORDINARY], "New"):
        text = (checkout / file).read_text(encoding="utf-8")
        assert not re.search(r"\$\w|\bpass$|NotImplemented|\.\.\.$", text, re.MULTILINE), file


def test_style_types_and_imports_hold(checkout, written):
    linted = make(checkout, "lint")
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "4 kept, 0 broken" in linted.stdout


@pytest.mark.integration
def test_its_tests_and_those_of_dags_and_documents_pass(checkout, written, postgres):
    """The tests that were written are run for real, on databases that carry the new policies."""
    tested = run(
        checkout,
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA", *CHECKS),
        BACKOFFICE_TEST_ADMIN_DSN=postgres,
    )
    assert tested.returncode == 0, tested.stdout[-4000:] + tested.stderr[-2000:]
    for name in NAMES:
        passed = re.findall(
            rf"^PASSED tests/processes/{name}/test_decide\.py::(\w+)", tested.stdout, re.MULTILINE
        )
        assert {
            "test_a_run_lists_what_a_person_has_to_look_at",
            "test_run_again_it_finds_its_own_run_and_changes_nothing",
            "test_without_an_active_policy_nothing_is_decided",
        } <= set(passed)
        assert (
            f"PASSED tests/dags/test_dag_policies.py::test_retries_are_by_kind_of_error[{name}]"
            in tested.stdout
        )
    assert "SKIPPED" not in tested.stdout


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "a name is missing"),
        ("OverdueItems", "no name for a process"),
        ("overdue-items", "no name for a process"),
        ("overdue__items", "no name for a process"),
        ("overdue items", "no name for a process"),
        ("_overdue", "no name for a process"),
        ("2nd_reminder", "no name for a process"),
        ("../overdue", "no name for a process"),
        ("it's", "no name for a process"),
        ("überfällig", "no name for a process"),
        ("o" * 41, "no name for a process"),
        ("lambda", "a word of Python"),
        ("match", "a word of Python"),
        ("print", "a word of Python"),
        ("calendar", "would hide the module calendar"),
        ("airflow", "would hide the module airflow"),
        ("backoffice_plugin", "would hide the module backoffice_plugin"),
        ("tests", "would hide the module tests"),
        ("operators", "a name inside the package"),
        ("build_tasks", "a name inside the package"),
        ("invoice_reconciliation", "is there already"),
        ("backoffice_housekeeping", "dags/backoffice_housekeeping.py is there already"),
        ("intake", "include/sql/intake is there already"),
        ("decide_a_case", "docs/how-to/decide-a-case.md is there already"),
        ("housekeeping", "has a tag HOUSEKEEPING"),
        ("four_eyes", "has a tag FOUR_EYES"),
        (ORDINARY, "is there already"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_taken_is_refused_before_anything_is_written(checkout, written, name, reason):
    there = contents(checkout)
    refused = make(checkout, "new-process", f"NAME={name}")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith("new-process: ")
    assert reason in refused.stderr
    assert "Nothing was written." in refused.stderr
    assert contents(checkout) == there


def test_a_document_without_its_table_is_named_before_anything_is_written(checkout, written):
    readme = checkout / "dags" / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace("| Dag | schedule", "| Dag | when"), encoding="utf-8")
    try:
        there = contents(checkout)
        refused = make(checkout, "new-process", "NAME=another_one")
        assert refused.returncode == 2
        assert "dags/README.md has no place" in refused.stderr
        assert contents(checkout) == there
    finally:
        readme.write_text(text, encoding="utf-8")
