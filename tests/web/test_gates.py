"""Pages of the gates: what is in the gate's folder, and nothing else on the machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.domain.gate_address import gate_folder, gate_url
from backoffice.web.gates import find_gate_file
from backoffice.web.problems import Problem

RUN = "scheduled__2026-11-22T03:00:00+00:00"
DAG = "invoice_reconciliation"


@pytest.fixture
def root(tmp_path, monkeypatch):
    gates = tmp_path / "gates"
    folder = gates / gate_folder(DAG, RUN, "invoices")
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<h1>Gate</h1>")
    (folder / "gate.css").write_text("h1 { color: red }")
    (folder / ".hidden.html").write_text("hidden")
    (folder / "data.bin").write_text("bytes")
    (tmp_path / "secret.html").write_text("SECRET CONTENT")
    (gates / "outside.html").write_text("SECRET CONTENT")
    (folder / "link.html").symlink_to(tmp_path / "secret.html")
    (gates / gate_folder(DAG, RUN, "linked")).symlink_to(tmp_path)
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__GATE_DIR", str(gates))
    return gates


def test_a_page_is_served_without_any_power(root, look):
    response = look("viewer").get(gate_url(DAG, RUN, "invoices").removeprefix("/backoffice"))
    assert response.text == "<h1>Gate</h1>"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "script" not in policy
    assert "unsafe" not in policy
    assert "sandbox allow-same-origin" in policy


def test_the_address_without_a_slash_leads_to_the_page(root, look):
    response = look("viewer").get(f"/gates/{DAG}/{RUN}/invoices")
    assert response.status_code == 307
    assert response.headers["location"].endswith("/invoices/")


def test_the_style_sheet_beside_it_is_served(root, look):
    response = look("viewer").get(f"/gates/{DAG}/{RUN}/invoices/gate.css")
    assert response.headers["content-type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        f"/gates/{DAG}/{RUN}/invoices/../../../outside.html",
        f"/gates/{DAG}/{RUN}/invoices/..%2f..%2f..%2foutside.html",
        f"/gates/{DAG}/{RUN}/invoices/%2e%2e/%2e%2e/%2e%2e/outside.html",
        f"/gates/{DAG}/{RUN}/invoices//etc/passwd",
        f"/gates/{DAG}/{RUN}/invoices/%2fetc%2fpasswd",
        f"/gates/{DAG}/{RUN}/invoices/link.html",
        f"/gates/{DAG}/{RUN}/invoices/.hidden.html",
        f"/gates/{DAG}/{RUN}/invoices/data.bin",
        f"/gates/{DAG}/{RUN}/invoices/index.html%00.css",
        f"/gates/{DAG}/{RUN}/linked/secret.html",
        f"/gates/{DAG}/{RUN}/%2e%2e/index.html",
        f"/gates/{DAG}/%2e%2e/%2e%2e/secret.html",
        "/gates/%2e%2e/%2e%2e/%2e%2e/secret.html",
        "/gates/.../x/y/index.html",
        f"/gates/{DAG}/{RUN}/suppliers/",
    ],
)
def test_nothing_outside_the_folder_of_the_gate_is_served(path, root, look):
    response = look("admin").get(path)
    assert response.status_code in (404, 307), response.text
    assert "SECRET" not in response.text


@given(
    parts=st.tuples(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=60))
)
def test_no_words_lead_anywhere_else(tmp_path_factory, parts):
    folder = tmp_path_factory.getbasetemp() / "gate_search"
    folder.mkdir(exist_ok=True)
    (folder / "outside.html").write_text("SECRET CONTENT")
    try:
        found = find_gate_file(folder / "gates", *parts)
    except Problem as problem:
        assert problem.status == 404  # noqa: PT017
    else:
        raise AssertionError(f"{parts} found {found}")


def test_without_pages_there_is_a_plain_answer(look, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__GATE_DIR", str(tmp_path / "never made"))
    response = look("viewer").get(f"/gates/{DAG}/{RUN}/invoices/")
    assert response.status_code == 404
    assert "no page of the" in response.text
