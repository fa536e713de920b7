"""The repository speaks of the product alone, and of no one's machine."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import PROJECT

TOP = (
    "dags", "plugins", "include", "tests", "benchmarks", "docs", ".ci", "README.md", "CHANGELOG.md", "CONTRIBUTING.md",
    "Makefile", "pyproject.toml", "requirements.txt", "requirements-dev.txt", "requirements-bootstrap.txt",
)  # fmt: skip
_MACHINE = re.compile(r"(?<![\w.~-])/(?:home|Users|root|work|mnt|media)/[\w.-]")
_WORDS = re.compile(r"(?i:\bhelpers?\b|\bissue #)|\bTODO\b|\bFIXME\b")


def files() -> list[Path]:
    """Return the text files of the repository, this one left out."""
    found = []
    for name in TOP:
        path = PROJECT / name
        found += [path] if path.is_file() else path.rglob("*")
    kinds = {
        ".py",
        ".sql",
        ".md",
        ".yaml",
        ".yml",
        ".json",
        ".csv",
        ".html",
        ".css",
        ".js",
        ".toml",
        ".txt",
        ".svg",
        ".tmpl",
        "",
    }
    return [
        path
        for path in found
        if path.is_file() and path.suffix in kinds and "__pycache__" not in path.parts and ".hypothesis" not in path.parts
        and path != Path(__file__)
    ]  # fmt: skip


def test_no_path_of_a_machine_and_no_note_to_self() -> None:
    assert len(files()) > 200
    found = []
    for path in files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if _MACHINE.search(line) or _WORDS.search(line):
                found.append(f"{path.relative_to(PROJECT)}:{number}: {line.strip()[:120]}")
    assert found == []
