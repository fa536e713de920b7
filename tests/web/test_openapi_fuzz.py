"""Requests drawn from the API's own description, right and wrong ones: none is answered by an error of ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.web.application import create_app

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**70),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "\x00",
            "'",
            "%",
            "NaN",
            "Infinity",
            "-1",
            "1e999",
            "9" * 400,
            "\ud83d\ude00",
            "null",
            "../..",
            "2026-02-30",
        ]
    ),
    st.lists(st.text(max_size=5), max_size=3),
)
API = create_app(lambda: "").openapi()
FILES = (
    b"",
    b"%PDF-1.7\n%%EOF\n",
    b"\x89PNG\r\n\x1a\n",
    b"<a/>",
    b"plain words\n",
    b"\xff\xfe\x00",
    b"PK\x03\x04",
)
OPERATIONS = [
    (path, method, operation)
    for path, operations in API["paths"].items()
    for method, operation in operations.items()
]


def fitting(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values that a schema allows, as far as its types, bounds and choices say."""
    if "$ref" in schema:
        return fitting(API["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], depth)
    if "anyOf" in schema:
        return st.one_of(*(fitting(one, depth) for one in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    made = OF_TYPE.get(schema.get("type", ""))
    return made(schema, depth) if made and depth < 4 else ANYTHING


def of_integer(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    lowest = schema.get("minimum", 0)
    return st.integers(lowest, schema.get("maximum", lowest + 50))


def of_string(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "[0-9a-fA-F]{64}" in schema.get("pattern", ""):
        return st.binary(min_size=32, max_size=32).map(bytes.hex)
    return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 20), 60))


def of_array(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    items = fitting(schema.get("items", {}), depth + 1)
    return st.lists(items, min_size=schema.get("minItems", 0), max_size=3)


def of_object(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    properties = schema.get("properties", {})
    return st.fixed_dictionaries({name: fitting(one, depth + 1) for name, one in properties.items()})


OF_TYPE = {
    "integer": of_integer,
    "boolean": lambda schema, depth: st.booleans(),
    "number": lambda schema, depth: st.decimals(0, 10**9, places=2).map(str),
    "string": of_string,
    "array": of_array,
    "object": of_object,
}


def sometimes_wrong(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.one_of(fitting(schema), fitting(schema), ANYTHING)


def broken(body: Any, draw: Any) -> Any:
    """Leave out, add or spoil something."""
    if isinstance(body, dict) and body and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(body)))
        changed = {**body, name: draw(ANYTHING)}
        if draw(st.booleans()):
            del changed[name]
        return {**changed, **({"unheard_of": 1} if draw(st.booleans()) else {})}
    return body


def header_text(value: object) -> str:
    return "".join(letter for letter in str(value) if " " < letter < "\x7f") or "0"


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=[f"{method} {path}" for path, method, _ in OPERATIONS]
)
def test_no_request_is_answered_by_an_error_of_ours(path, method, operation, login, books):
    client, statuses = login("manager"), set()
    known = {
        "dag_id": books.dag_id,
        "run_id": books.airflow_run_id,
        "policy_id": "approve_invoice",
    }

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def ask(data):
        address, query, headers = path, {}, {}
        for parameter in operation.get("parameters", []):
            value = data.draw(sometimes_wrong(parameter["schema"]), label=parameter["name"])
            if parameter["in"] == "path" and parameter["name"] in known and data.draw(st.booleans()):
                value = known[parameter["name"]]
            if parameter["in"] == "path":
                # 422 or 404: what the drawn facts never are is a case that can be decided
                text = str(value).replace("/", "").replace("\\", "") or "0"
                address = address.replace("{" + parameter["name"] + "}", text)
            elif parameter["in"] == "query" and data.draw(st.booleans()):
                query[parameter["name"]] = str(value).encode("utf-8", "replace").decode()
            elif parameter["in"] == "header" and data.draw(st.integers(0, 9)):
                headers[parameter["name"]] = header_text(value) + "-12345678"
        kinds = operation.get("requestBody", {}).get("content", {})
        body: Any = None
        content: bytes | None = None
        if "application/json" in kinds:
            body = broken(data.draw(fitting(kinds["application/json"]["schema"])), data.draw)
            content = json.dumps(body).encode("utf-8", "replace")
        elif kinds:  # the body is a file
            body = content = data.draw(st.one_of(st.binary(max_size=60), st.sampled_from(FILES)))
        headers["Content-Type"] = next(iter(kinds), "application/json")
        response = client.request(
            method.upper(), quoted(address), params=query, content=content, headers=headers
        )
        statuses.add(response.status_code)
        assert response.status_code < 500, (address, query, body, response.text)
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json"
            assert set(response.json()) >= {"type", "title", "status", "detail"}

    ask()
    assert statuses - {404}, "every drawn address was wrong"


def quoted(address: str) -> str:
    return quote(address.encode("utf-8", "replace").decode(), safe="/")


def test_every_write_asks_for_an_idempotency_key():
    without = {"/api/v1/cases/answers/check", "/api/v1/policies/proposals/check"}  # write nothing
    for path, method, operation in OPERATIONS:
        if method == "get" or path in without:
            continue
        required = {one["name"].lower() for one in operation.get("parameters", []) if one.get("required")}
        assert "idempotency-key" in required, f"{method} {path}"


def test_every_operation_says_which_errors_it_has():
    for path, method, operation in OPERATIONS:
        assert {"401", "403", "404", "422", "503"} <= set(operation["responses"]), f"{method} {path}"
        assert operation["summary"]
