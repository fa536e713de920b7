"""Profiles are read strictly: what is misspelt is refused, with the place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from backoffice.domain.extract_profile import ProfileError
from backoffice.domain.extract_profile_text import read_profile

SHIPPED = sorted(
    (Path(__file__).resolve().parents[2] / "include" / "reference" / "extract_profiles").glob("*.yaml")
)
TEXT = (SHIPPED[0].parent / "sap_mm_amounts.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_profile_is_readable_and_named_like_its_file(path: Path):
    profile = read_profile(path.read_text(encoding="utf-8"))
    assert profile.name == path.stem
    assert re.fullmatch(rf"{profile.name}/{profile.version} sha256:[0-9a-f]{{16}}", profile.label)


def test_label_changes_with_the_text():
    assert read_profile(TEXT).label != read_profile(TEXT + "\n# a word\n").label


def without(*path: Any) -> Callable[[Any], None]:
    def edit(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        del content[path[-1]]

    return edit


def put(value: Any, *path: Any) -> Callable[[Any], None]:
    def edit(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (without("version"), "missing ['version']"),
        (put(1, "speed"), "unknown ['speed']"),
        (put("Mars/Olympus", "time_zone"), "time_zone 'Mars/Olympus' is not known"),
        (put("../etc", "time_zone"), "time_zone"),
        (put("one", "version"), "version is no whole number"),
        (put([], "tables"), "tables is no mapping"),
        (put("x", "tables", "lfa1", "colour"), "tables.lfa1: missing [], unknown ['colour']"),
        (put("../lfa1.csv", "tables", "lfa1", "file"), "is no file name"),
        (put(["LIFNR", "LIFNR"], "tables", "lfa1", "columns"), "no different column names"),
        (put(['a"; DROP TABLE x; --'], "tables", "lfa1", "columns"), "no different column names"),
        (put(["NOPE"], "tables", "lfa1", "key"), "key names columns that are not read: ['NOPE']"),
        (put("payments", "tables", "lfa1", "left_over"), "left_over must be one of"),
        (
            put({"file": "a.csv", "columns": ["A"], "left_over": "orders"}, "tables", "Bad Name"),
            "table's name",
        ),
        (put("payments", "records", 0, "dataset"), "records[0].dataset must be one of"),
        (put("nothing", "records", 0, "rows"), "records[0].rows names no table"),
        (put({"value": "x"}, "records", 0, "fields", "colour"), "'colour' is no field of suppliers"),
        (put("lfa1.NOPE", "records", 0, "fields", "name"), "'lfa1.NOPE' is no column that is read"),
        (put("ekko.BUKRS", "records", 0, "fields", "name"), "of a table that is not joined here"),
        (put({"value": 3}, "records", 1, "fields", "version"), "numbers are written as text"),
        (put({"magic": "x"}, "records", 1, "fields", "version"), "no way to make a field"),
        (put({"occurrence": True}, "records", 1, "fields", "version"), "no way to make a field"),
        (
            put({"value": "1", "signed": True}, "records", 1, "fields", "version"),
            "signed needs true and the record's signs",
        ),
        (put("many", "records", 1, "join", 0, "rows"), "rows must be one, pair or first"),
        (put({"BUKRS": "ekpo.EBELN"}, "records", 1, "join", 0, "match"), "found by the key of ekko"),
        (put({"EBELN": "rbkp.BELNR"}, "records", 1, "join", 0, "match"), "not joined here"),
        (put("ekpo", "records", 1, "join", 0, "table"), "ekpo is joined twice"),
        (put({"GJAHR": {"is": ["1"]}}, "records", 2, "where"), "missing ['not'], unknown ['is']"),
        (put({"VGABE": [1]}, "records", 2, "where"), "codes are written in quotes"),
        (put({"NOPE": ["1"]}, "records", 2, "where"), "is no column that is read"),
        (put(["101"], "records", 2, "signs", "minus"), "cannot both add and take away"),
        (put("colour", "records", 2, "control"), "'colour' is no field of receipts"),
        (put(["NOPE"], "records", 3, "occurrence"), "is no column that is read"),
        (without("records", 4, "lines"), "invoices and only invoices have lines"),
        (put({"BELNR": "BELNR"}, "records", 4, "lines", "of"), "must name the key of rbkp"),
        (put([{"table": "nope", "where": {}, "reason": "x"}], "not_used_rows"), "names no table"),
        (put({"a b.csv": "x"}, "not_used_files"), "is no file name"),
        (put({"a.csv": ""}, "not_used_files"), "is no text"),
    ],
)
def test_misspelt_profile_is_refused(edit: Callable[[Any], None], message: str):
    content = yaml.safe_load(TEXT)
    edit(content)
    with pytest.raises(ProfileError, match=re.escape(message)):
        read_profile(yaml.safe_dump(content))


@pytest.mark.parametrize(
    "text", ["", "- a", "a: [", "!!python/object/apply:os.system ['true']", "profile: x"]
)
def test_text_that_is_no_profile_is_refused(text: str):
    with pytest.raises(ProfileError):
        read_profile(text)
