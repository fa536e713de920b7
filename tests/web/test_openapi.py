"""What the API's own description promises of every operation."""

from __future__ import annotations

from backoffice.web.application import create_app

OPERATIONS = [
    (path, method, operation)
    for path, operations in create_app(lambda: "").openapi()["paths"].items()
    for method, operation in operations.items()
]


def test_every_write_asks_for_an_idempotency_key():
    without = {"/api/v1/cases/answers/check", "/api/v1/policies/proposals/check"}  # write nothing
    for path, method, operation in OPERATIONS:
        if method == "get" or path in without:
            continue
        required = {one["name"].lower() for one in operation.get("parameters", []) if one.get("required")}
        assert "idempotency-key" in required, f"{method} {path}"


def test_every_operation_says_which_errors_it_has():
    for path, method, operation in OPERATIONS:
        assert {"400", "401", "403", "404", "413", "422", "429", "503"} <= set(operation["responses"]), (
            f"{method} {path}"
        )
        assert operation["summary"]
