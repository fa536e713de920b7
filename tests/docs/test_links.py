"""Every link in the documents leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import PROJECT, all_pages, anchors, links


@pytest.mark.parametrize("path", all_pages(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_of_a_page_resolve(path: Path) -> None:
    broken = []
    for target in links(path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.is_relative_to(PROJECT) or not file.is_file():
            broken.append(f"{target}: no such file")
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            broken.append(f"{target}: no such heading")
    assert broken == []


def test_every_page_is_reachable_from_the_list_of_documents() -> None:
    seen: set[Path] = set()
    waiting = [PROJECT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".md" or not path.is_file():
            continue
        seen.add(path)
        for target in links(path.read_text(encoding="utf-8")):
            if not target.startswith("https://") and (name := target.partition("#")[0]):
                waiting.append((path.parent / name).resolve())
    assert sorted(set(all_pages()) - seen) == []
