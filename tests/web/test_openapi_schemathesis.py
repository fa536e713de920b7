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
from hypothesis import HealthCheck, Phase, assume, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.conftest import cloned_ledger
from tests.web.books import Books, write_books
from tests.web.host import serve

from backoffice.web.application import create_app
from backoffice.web.rate import ALLOWED, Allowance, Buckets

pytestmark = pytest.mark.integration
SCHEMA = schemathesis.openapi.from_dict(create_app(lambda: "").openapi())
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


@SCHEMA.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_described(case, books_and_address, log_ins, statuses):
    # an address with a line break reaches nothing that is mounted: the server around answers it
    assume(not any("\n" in str(value) for value in case.path_parameters.values()))
    books, address = books_and_address
    known = {
        "dag_id": books.dag_id,
        "run_id": books.airflow_run_id,
        "policy_id": "approve_invoice",
        "case_id": books.price,
    }
    if sum(statuses.values()) % 3 == 0:  # things that are there, too; what is drawn hardly ever is
        case.path_parameters = {
            **case.path_parameters,
            **{n: v for n, v in known.items() if n in case.path_parameters},
        }
    token = log_ins["manager" if sum(statuses.values()) % 2 else "clerk"]
    response = case.call(base_url=address, headers={"Authorization": f"Bearer {token}"})
    statuses[response.status_code] += 1
    case.validate_response(response, excluded_checks=NOT_OURS)


@pytest.fixture(scope="module")
def statuses() -> Iterator[Counter[int]]:
    """How often each status was answered: the requests were of every kind."""
    seen: Counter[int] = Counter()
    yield seen
    assert {200, 404, 409, 422} <= seen.keys(), seen
    assert sum(seen.values()) > 300, seen
