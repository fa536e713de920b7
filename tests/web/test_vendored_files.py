"""Files of others are what they say they are."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import backoffice.web

FOLDER = Path(backoffice.web.__file__).parent / "static" / "vendor"


def test_each_vendored_file_has_the_hash_version_and_licence_that_stand_beside_it():
    said = dict(
        re.findall(
            r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", (FOLDER / "README.md").read_text(), re.MULTILINE
        )
    )
    files = {path.name for path in FOLDER.iterdir()} - {"README.md"}
    assert files == set(said) | {"htmx.LICENSE"}
    for name, digest in said.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name
    assert 'version:"2.0.10"' in (FOLDER / "htmx.min.js").read_text()
    assert (FOLDER / "htmx.LICENSE").read_text().startswith("Zero-Clause BSD")


def test_the_pages_switch_off_what_their_policy_forbids():
    base = (FOLDER.parents[1] / "templates" / "base.html").read_text()
    for setting in (
        '"allowEval":false',
        '"includeIndicatorStyles":false',
        '"selfRequestsOnly":true',
        '"historyCacheSize":0',
    ):
        assert setting in base
