"""The examples of the REST API's page, typed into a shell one after the other against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from tests.docs.pages import blocks, page, section
from tests.web.conftest import airflow_without_its_database, books, host
from tests.web.host import PASSWORD

__all__ = ["airflow_without_its_database", "books", "host"]
pytestmark = pytest.mark.integration


def test_the_examples_do_what_they_say(host, books, ledger) -> None:
    for program in ("curl", "jq"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    examples = blocks(section(page("docs/reference/rest-api.md"), "Examples"), "sh")
    assert len(examples) == 6
    script = "set -eu -o pipefail\n" + "\necho --\n".join(examples)
    environment = {**os.environ, "URL": host, "BACKOFFICE_PASSWORD": PASSWORD, "no_proxy": "127.0.0.1"}
    run = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    _, counted, following, answered, left_out, measured = run.stdout.split("--\n")
    assert counted.splitlines()[0] == "3"
    assert counted.splitlines()[1].startswith(f"{books.large} 90000.00 RE-1004")
    assert following == "1\n"
    assert answered.startswith("The answer is recorded.")
    assert "no authority as accounts payable clerk for 90,000.00 EUR" in left_out
    assert f"{books.large}: " in left_out
    assert measured.splitlines()[0].startswith("From now on single persons are measured")
    assert measured.splitlines()[1:] == ["Single persons are not measured any more.", "null"]
    with ledger.connect("admin") as connection:
        answers = connection.execute("SELECT case_id, idempotency_key FROM review.answer").fetchall()
    assert answers == [(books.duplicate, "example-0001")]
