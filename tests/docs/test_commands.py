"""Every command in the documents exists, and every command that exists is documented."""

from __future__ import annotations

import argparse
import re
import shlex
from importlib.util import find_spec

import pytest
from tests.docs.pages import PROJECT, all_pages, blocks, marked_table, page, spans, tables

from backoffice.cli import _parser

TARGETS = set(re.findall(r"^([a-z-]+):.*##", page("Makefile"), re.MULTILINE))
_PLACEHOLDERS = {"CASE": "1", "A": "accept", "C": "approved", "TEXT": "why", "DSN": "dsn"}


def command_lines(text: str) -> list[str]:
    """Return commands in backticks, in shell blocks and in indented blocks."""
    lines = [*spans(text), *(line for block in blocks(text, "sh") for line in block.splitlines())]
    lines += [line.strip() for line in re.findall(r"^ {4}.*$", text, re.MULTILINE)]
    return [line.split("  #")[0].strip() for line in lines]


def parsers(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> dict[tuple[str, ...], argparse.ArgumentParser]:
    """Return the parser of each command by its words."""
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                found |= parsers(child, (*path, name)) or {(*path, name): child}
    return found


COMMANDS = parsers(_parser())


@pytest.mark.parametrize("path", all_pages(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_commands_of_a_page_exist(path) -> None:
    unknown = []
    for line in command_lines(path.read_text(encoding="utf-8")):
        words = line.split()
        if words[:1] == ["make"] and len(words) > 1:
            unknown += [
                f"make {word}" for word in words[1:] if re.fullmatch("[a-z-]+", word) and word not in TARGETS
            ]
        elif words[:1] in (["backoffice"], [".venv/bin/backoffice"]) and len(words) > 1:
            named = [word.strip("`,") for word in words[1:3]]
            if (
                not any(tuple(named[: len(command)]) == command for command in COMMANDS)
                and named[0] != "review"
            ):
                unknown.append(line)
        elif "python -m backoffice." in line:
            module = re.search(r"-m (backoffice[\w.]*)", line)
            if module and find_spec(module[1]) is None:
                unknown.append(line)
    assert unknown == []


def test_commands_to_copy_are_understood() -> None:
    """What stands in the README to be typed is accepted by the command line as it stands."""
    typed = [
        line
        for block in blocks(page("README.md"), "sh")
        for line in block.splitlines()
        if "backoffice" in line
    ]
    typed += [
        line
        for line in command_lines(page("docs/how-to/decide-a-case.md"))
        if line.startswith(".venv/bin/backoffice ")
    ]
    assert len(typed) >= 4
    for line in typed:
        _parser().parse_args(shlex.split(line)[1:])


def test_every_command_and_option_is_documented() -> None:
    text = page("docs/reference/command-line.md")
    documented = [cell.replace("\\|", "|") for cell in tables(text)[0].column("command")]
    for words, parser in COMMANDS.items():
        line = next((cell for cell in documented if cell.startswith(f"`backoffice {' '.join(words)}")), None)
        assert line is not None, f"{words} is not documented"
        for action in parser._actions:
            for option in action.option_strings:
                assert option in ("-h", "--help") or option in text, f"{option} of {words} is not documented"


def test_every_make_target_is_documented() -> None:
    documented = marked_table(page("docs/reference/command-line.md"), "make targets").column("target")
    assert {cell.strip("`").removeprefix("make ") for cell in documented} == TARGETS
