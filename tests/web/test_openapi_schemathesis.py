"""Requests drawn by schemathesis from the OpenAPI description, over HTTP and with Airflow's own log-in tokens.

No answer is an error of ours, and none has a status, a type or a body that the description does not name; what breaks
the description is refused, and nothing is answered without a log-in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import schemathesis
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.revoked_token import RevokedToken  # noqa: TID251 - to keep Airflow's code from asking its database
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.conftest import cloned_ledger
from tests.web.books import Books, write_books
from tests.web.host import serve

from backoffice.web.application import create_app
from backoffice.web.rate import ALLOWED, Allowance, Buckets

pytestmark = pytest.mark.integration
SCHEMA = schemathesis.openapi.from_dict(create_app(lambda: "").openapi())
OPERATIONS = [one.ok() for one in SCHEMA.get_all_operations()]
# a cursor of no page, a day that has passed, a case that is not there: well formed, and refused all the same
NOT_OURS = [positive_data_acceptance]


@pytest.fixture(scope="module")
def books_and_address(postgres, ledger_template, airflow_without_its_database) -> Iterator[tuple[Books, str]]:
    """The application with Airflow's own check of log-ins, on a ledger of its own."""
    with cloned_ledger(postgres, ledger_template) as ledger, pytest.MonkeyPatch.context() as patch:
        patch.setattr(RevokedToken, "is_revoked", staticmethod(lambda jti: False))
        with ledger.connect("admin") as connection:
            books = write_books(connection)
        app = create_app(lambda: ledger.dsn("web"))
        app.state.rates = Buckets(dict.fromkeys(ALLOWED, Allowance(1_000_000, 1_000.0)))
        host = FastAPI()
        host.mount("/backoffice", app)
        with serve(host) as base:
            yield books, f"{base}/backoffice"
        app.state.ledger.close()


@pytest.fixture(scope="module")
def log_ins(books_and_address) -> dict[str, str]:
    """Tokens as Airflow signs them."""
    return {
        name: get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role="viewer"))
        for name in ("manager", "clerk")
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_one_that_is_described(operation, books_and_address, log_ins, statuses):
    books, address = books_and_address
    there = {
        "dag_id": books.dag_id,
        "run_id": books.airflow_run_id,
        "policy_id": "approve_invoice",
        "case_id": books.price,
    }
    known = {one.name: there[one.name] for one in operation.path_parameters if one.name in there}

    @given(case=cases(operation, known), user=st.sampled_from(sorted(log_ins)))
    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case, user):
        # an address with a line break reaches nothing that is mounted: the server around answers it
        assume(not any("\n" in str(value) for value in case.path_parameters.values()))
        response = case.call(base_url=address, headers={"Authorization": f"Bearer {log_ins[user]}"})
        statuses[response.status_code] += 1
        case.validate_response(response, excluded_checks=NOT_OURS)

    ask()


def cases(operation: APIOperation, known: dict[str, object]) -> st.SearchStrategy[Case]:
    """Requests that keep the description and requests that break it; of things that are there, too, which are hardly ever drawn."""
    kinds = [operation.as_strategy(GenerationMode.POSITIVE)]
    if known:
        kinds.append(operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known))
    if operation.query or operation.body:
        kinds.append(operation.as_strategy(GenerationMode.NEGATIVE))
    return st.one_of(kinds)


@pytest.fixture(scope="module")
def statuses() -> Iterator[Counter[int]]:
    """How often each status was answered: the requests were of every kind."""
    seen: Counter[int] = Counter()
    yield seen
    assert {200, 404, 409, 422} <= seen.keys(), seen
    assert sum(seen.values()) > 300, seen
