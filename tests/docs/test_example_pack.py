"""The evidence pack in the repository: the README's lines check it, in a Python without the product."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from tests.clean_python import clean_python, run
from tests.docs.pages import PROJECT, blocks, page, section

from backoffice.domain.evidence.archive import read_archive, write_archive, write_sums
from backoffice.domain.evidence.check import check_archive, programs
from backoffice.domain.evidence.contents import read_pack
from backoffice.domain.evidence.summary import write_page

EXAMPLE = PROJECT / "docs" / "example" / "evidence.zip"
HEADING = "Check evidence without the product"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean_python(tmp_path_factory.mktemp("clean") / "venv")


def test_that_python_has_cryptography_and_not_the_product(python, tmp_path) -> None:
    assert run(python, "-c", "import cryptography", cwd=tmp_path).returncode == 0
    for name in ("backoffice", "airflow", "psycopg", "orjson", "pip"):
        assert "ModuleNotFoundError" in run(python, "-c", f"import {name}", cwd=tmp_path).stderr


def test_the_readmes_lines_do_what_it_says(python, tmp_path) -> None:
    """Valid; and after the change, broken at the record that it names."""
    text = section(page("README.md"), HEADING)
    check, change = blocks(text, "sh")
    (tmp_path / "docs" / "example").mkdir(parents=True)
    shutil.copy(EXAMPLE, tmp_path / "docs" / "example")
    path = {"PATH": f"{python.parent}:/usr/bin:/bin"}
    said = subprocess.run(
        ["sh", "-c", check], cwd=tmp_path, env=path, capture_output=True, text=True, check=True
    ).stdout
    assert re.match(
        r"valid: \d+ records, checkpoint \d+:[0-9a-f]{16}, signed by [0-9a-f]{8}\npack [0-9a-f]{64}\n", said
    )
    assert not [one for one in (tmp_path / "evidence-example").rglob("*") if one.suffix == ".pyc"]
    after = subprocess.run(
        ["sh", "-c", change], cwd=tmp_path, env=path, capture_output=True, text=True, check=False
    )
    assert after.returncode == 1
    assert re.search(r"`(broken at record \d+)`", text)[1] in after.stdout


def test_the_command_refuses_a_pack_that_was_changed_anywhere(python, tmp_path) -> None:
    """A sample of bytes through the real command; every byte is tried elsewhere, without starting it each time."""
    trusted = tmp_path / "trusted"
    assert run(python, "-m", "zipfile", "-e", EXAMPLE, trusted, cwd=tmp_path).returncode == 0
    data = EXAMPLE.read_bytes()
    pack = tmp_path / "pack.zip"
    for place in (0, 14, 29, 40, len(data) // 3, len(data) // 2, len(data) - 60, len(data) - 1):
        changed = bytearray(data)
        changed[place] ^= 1
        pack.write_bytes(changed)
        refused = run(python, trusted / "verify.py", pack, cwd=tmp_path)
        assert (refused.returncode, refused.stderr) == (1, ""), place
        assert refused.stdout.startswith("broken")
    pack.write_bytes(data)
    assert run(python, trusted / "verify.py", pack, cwd=tmp_path).returncode == 0


def test_keys_and_anchors_from_outside(python, tmp_path) -> None:
    trusted = tmp_path / "trusted"
    run(python, "-m", "zipfile", "-e", EXAMPLE, trusted, cwd=tmp_path)
    files = read_archive(EXAMPLE.read_bytes())
    line = json.loads(files["log/log.json"])["keys"][0]["line"]
    keys, anchor = tmp_path / "log.keys", tmp_path / "log.jsonl"
    keys.write_text(f"# of the log\n{line}\n", encoding="utf-8")
    anchor.write_text(
        json.dumps({"note": files["log/checkpoint.txt"].decode(), "at": "now"}) + "\n", encoding="utf-8"
    )
    for key in (line, keys):
        good = run(python, "verify.py", "--key", key, "--anchor", anchor, cwd=trusted)
        assert good.returncode == 0, good.stdout + good.stderr
        assert "came with the pack" not in good.stdout
        assert "stands in the anchor" in good.stdout
    assert run(python, "verify.py", "--key", "no key", cwd=trusted).returncode == 2
    assert run(python, "verify.py", "nowhere.zip", cwd=trusted).returncode == 2
    assert run(python, "verify.py", tmp_path, cwd=trusted).returncode == 2
    (trusted / "extra.txt").write_text("x", encoding="utf-8")
    extra = run(python, "verify.py", cwd=trusted)
    assert extra.stdout == "broken: file extra.txt: it is not the file that SHA256SUMS lists\n"


def test_the_example_is_of_this_version() -> None:
    """Its check program is the one that is shipped: `python docs/example/make_evidence.py` makes it anew."""
    data = EXAMPLE.read_bytes()
    assert check_archive(data).broken == ()
    assert len(data) < 300_000
    files = read_archive(data)
    for name, content in programs().items():
        assert files[name] == content, f"{name} changed since the example was made"


@pytest.mark.parametrize("name", ["original_sha256", "content_sha256", "gross", "supplier_id"])
def test_the_example_made_anew_about_another_document_is_refused(name) -> None:
    """Page and sums fit again; the signed records do not."""
    files = dict(read_archive(EXAMPLE.read_bytes()))
    item = json.loads(files["items/0001.json"])
    assert item["signed"]["document"][name]
    item["signed"]["document"][name] = "7" * 64
    files["items/0001.json"] = json.dumps(item, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"
    files["summary.html"] = write_page(read_pack(files))
    files["SHA256SUMS"] = write_sums(files)
    broken = check_archive(write_archive(files)).broken
    assert any(
        re.search(f"broken at record \\d+: {name} is .*, the ledger lists 7777", line) for line in broken
    ), broken


@pytest.mark.integration
def test_the_example_can_be_made_again(monkeypatch) -> None:
    """From nothing, by the sandbox company's nights; what was recorded is what the shipped one records."""
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    made = read_archive(script().make())
    shipped = read_archive(EXAMPLE.read_bytes())
    assert made.keys() - shipped.keys() <= {name for name in made if name.startswith("rules/")}
    assert told(made) == told(shipped)


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_evidence", EXAMPLE.with_name("make_evidence.py"))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(files: dict[str, bytes]) -> list[tuple[str, str]]:
    """What each record is, and when."""
    records = [json.loads(content) for name, content in sorted(files.items()) if name.startswith("records/")]
    return [(one["_record"][0], one["at"]) for one in records]
