"""A catalogue with a fault is refused, with file and field; the page of the documentation is the catalogue."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backoffice.exceptions import ConfigurationError
from backoffice.governance.controls.catalogue import load_catalogue
from backoffice.governance.controls.writing import as_document

PROJECT = Path(__file__).resolve().parents[3]
NAME = "duplicates"


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """A copy of the product's include folder, to spoil."""
    for part in ("controls", "sql/controls", "sql/governance"):
        shutil.copytree(PROJECT / "include" / part, tmp_path / part)
    return tmp_path


def edit(old: str, new: str) -> Callable[[Path], None]:
    def change(include: Path) -> None:
        path = include / "controls" / f"{NAME}.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def write(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda include: (include / name).write_bytes(content) and None


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a field is missing": (edit("owner: Head of accounts payable\n", ""), "missing or unknown: owner"),
    "a field is unknown": (edit("owner:", "owners:"), "missing or unknown: owner, owners"),
    "a field stands twice": (edit("owner:", "kind: preventive\nowner:"), "twice"),
    "a text is empty": (edit("owner: Head of accounts payable", "owner: ''"), "owner must be a text"),
    "a text is a number": (edit("owner: Head of accounts payable", "owner: 7"), "owner must be a text, not 7"),
    "the kind is neither": (edit("kind: preventive", "kind: corrective"), "preventive, detective"),
    "the id is another": (edit("id: duplicates", "id: duplicate"), "must be the file's name"),
    "there are no exceptions": (edit("exceptions:\n", "exceptions: {}\nnotices:\n"), "exceptions must say"),
    "exceptions are a list": (edit("exceptions:\n", "exceptions: [a]\nnotices:\n"), "exceptions must say"),
    "an exception has an odd name": (edit("  booked_twice:", "  Booked-Twice:"), "'Booked-Twice'"),
    "an exception is never found": (edit("  booked_twice:", "  booked_thrice:"), "booked_thrice described"),
    "evidence is a text": (edit("evidence:\n  - ", "evidence: "), "evidence must be a list"),
    "it is no mapping": (write(f"controls/{NAME}.yaml", b"- a\n"), "a mapping of fields"),
    "it is no YAML": (write(f"controls/{NAME}.yaml", b"{"), "is no YAML"),
    "it is no text": (write(f"controls/{NAME}.yaml", b"\xff\xfe\x00"), "is no YAML"),
    "a tag asks for an object": (write(f"controls/{NAME}.yaml", b"!!python/object:os.system {}"), "is no YAML"),
    "the statement is missing": (lambda include: (include / "sql" / "controls" / f"{NAME}.sql").unlink(), "is missing"),
    "the statement takes in what is not there": (
        write(f"sql/controls/{NAME}.sql", b"{{ include: governance/nothing }}"),
        "nothing.sql is missing",
    ),
    "a statement belongs to no control": (write("sql/controls/left_over.sql", b"SELECT 1"), "left_over"),
    "there is no control at all": (lambda include: shutil.rmtree(include / "controls"), "holds no control"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_catalogue_with_a_fault_is_refused(include: Path, fault: str) -> None:
    spoil, said = FAULTS[fault]
    assert [control.id for control in load_catalogue(include)] == [control.id for control in load_catalogue()]
    spoil(include)
    with pytest.raises(ConfigurationError) as refused:
        load_catalogue(include)
    assert said in str(refused.value)
    assert str(include) in str(refused.value)


def test_the_page_of_the_documentation_is_the_catalogue() -> None:
    page = (PROJECT / "docs" / "reference" / "controls.md").read_text(encoding="utf-8")
    assert page == as_document(load_catalogue())


def test_every_control_is_whole() -> None:
    controls = load_catalogue()
    assert len(controls) == len({control.name for control in controls}) >= 8
    for control in controls:
        assert control.evidence
        assert "%(first_day)s" in control.statement
        assert "{{" not in control.statement
