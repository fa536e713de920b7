"""A log-in that sees the inbox and nothing else: every address of the real API server, and Airflow's own checks.

The API server is Airflow's own application with all its routes; only its database is missing, which no refused request
reaches.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator

import pytest
from airflow.api_fastapi import app as airflow_app
from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dag import DagModel  # noqa: TID251 - to keep Airflow's code from asking its database
from airflow.models.revoked_token import RevokedToken  # noqa: TID251 - the same
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import Mount

from backoffice.web.inbox_only import InboxOnly, inbox_only_roles, middlewares
from backoffice.web.mount import application

REVIEWER = SimpleAuthManagerUser(username="buyer", role="reviewer")
# All that the inbox needs of Airflow: to log in and to log out.
REACHABLE = {("GET", "/api/v2/auth/login"), ("GET", "/api/v2/auth/logout")}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "MENU")


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseAuthManager]:
    """The auth manager of the local installation, as the API server makes it."""
    with pytest.MonkeyPatch.context() as patch:
        passwords = tmp_path_factory.mktemp("log-ins") / "passwords.json"
        for name, value in {
            "CORE__AUTH_MANAGER": "backoffice.runtime.auth_manager.PeopleAuthManager",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,buyer:reviewer",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "BACKOFFICE__PEOPLE_JWT_SECRET": "people-" * 10,
            "BACKOFFICE__INBOX_ONLY_ROLES": "reviewer",
            "API_AUTH__JWT_SECRET": "tasks-" * 12,
        }.items():
            patch.setenv(f"AIRFLOW__{name}", value)
        patch.setattr(DagModel, "get_team_name", staticmethod(lambda dag_id: None))
        patch.setattr(RevokedToken, "is_revoked", staticmethod(lambda jti: False))
        before = airflow_app._AuthManagerState.instance
        yield airflow_app.create_auth_manager()
        airflow_app._AuthManagerState.instance = before


@pytest.fixture(scope="module")
def server(manager: BaseAuthManager) -> FastAPI:
    """Airflow's API server with all its routes, and our middleware where the plugin puts it."""
    app = airflow_app.create_app()
    if not any(
        item.cls is InboxOnly for item in app.user_middleware
    ):  # the plugin was imported without the role
        (ours,) = middlewares()
        app.add_middleware(ours["middleware"], **ours["kwargs"])
    if not any(getattr(route, "path", "") == "/backoffice" for route in app.routes):
        app.router.routes.insert(0, Mount("/backoffice", application))
    return app


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Return every method and address of an application and of what is mounted in it."""
    found = []
    for route in app.routes:
        if isinstance(route, APIRoute):
            found += [(method, route.path) for method in sorted(route.methods)]
        elif isinstance(route, Mount):
            inner = getattr(route.app, "routes", None)
            found += (
                [(m, route.path + p) for m, p in routes_of(route.app)]
                if inner
                else [("GET", route.path + "/x")]
            )
        else:
            found += [(method, route.path) for method in sorted(getattr(route, "methods", None) or ("GET",))]
    return found


def client(
    server: FastAPI, manager: BaseAuthManager, user: SimpleAuthManagerUser, *, cookie: bool
) -> TestClient:
    token = manager.generate_jwt(user)
    opened = TestClient(server, follow_redirects=False, raise_server_exceptions=False)
    if cookie:
        opened.cookies.set("_token", token)
    else:
        opened.headers["Authorization"] = f"Bearer {token}"
    return opened


@pytest.mark.parametrize("cookie", [True, False], ids=["cookie", "token"])
def test_every_address_of_airflow_is_closed(server: FastAPI, manager: BaseAuthManager, cookie: bool) -> None:
    reviewer = client(server, manager, REVIEWER, cookie=cookie)
    routes = [route for route in routes_of(server) if not route[1].startswith(("/auth", "/backoffice"))]
    assert sum(path.startswith(("/api/v2", "/ui")) for _, path in routes) > 150, (
        "Airflow's routes were not found"
    )
    open_ones = []
    for method, path in routes:
        address = re.sub(r"\{[^}]*\}", "1", path)
        answer = reviewer.request(method, address)
        if address == "/":
            assert (answer.status_code, answer.headers["location"]) == (307, "/backoffice/cases")
        elif answer.status_code != 403:
            open_ones.append((method, path))
    assert set(open_ones) == REACHABLE


@pytest.mark.parametrize(
    "address",
    ["/home", "/dags", "/dags/x/runs/y/tasks/z", "/connections", "/docs", "/redoc", "/openapi.json", "/health",
     "/plugin/backoffice", "/backoffice/../api/v2/dags", "//api/v2/version", "/authx", "/backofficex",
     "/execution/health", "/static/index.html", "/api/v2/auth/login/", "/api/v2/monitor/health"],
)  # fmt: skip
def test_neither_pages_nor_odd_spellings_are_open(
    server: FastAPI, manager: BaseAuthManager, address: str
) -> None:
    answer = client(server, manager, REVIEWER, cookie=True).get(f"http://testserver{address}")
    assert answer.status_code == 403
    assert "sees the back office and nothing else" in answer.text


def test_logging_in_ends_in_the_inbox(server: FastAPI, manager: BaseAuthManager) -> None:
    """Airflow's log-in page leads to / where no address was asked for."""
    answer = client(server, manager, REVIEWER, cookie=True).get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/backoffice/cases")


@pytest.mark.parametrize(
    ("wanted", "status"),
    [("/backoffice/cases/7", 307), ("/backoffice/cases?mine=true", 307), ("//evil.example/x", 400),
     ("https://evil.example/backoffice/cases", 400), ("https:\\\\evil.example", 400), ("javascript:alert(1)", 400)],
)  # fmt: skip
def test_the_way_back_after_the_log_in_is_kept_and_leads_nowhere_else(
    server: FastAPI, wanted: str, status: int
) -> None:
    answer = TestClient(server, follow_redirects=False).get("/api/v2/auth/login", params={"next": wanted})
    assert answer.status_code == status
    if status == 307:
        assert "evil" not in answer.headers["location"]
        assert answer.headers["location"].endswith(f"next={_quoted(wanted)}")


def _quoted(text: str) -> str:
    from urllib.parse import quote_plus

    return quote_plus(text)


def test_others_pass(server: FastAPI, manager: BaseAuthManager) -> None:
    admin = SimpleAuthManagerUser(username="admin", role="admin")
    assert client(server, manager, admin, cookie=False).get("/api/v2/version").status_code == 200
    assert TestClient(server).get("/api/v2/version").status_code == 200, "health checks have no log-in"
    assert TestClient(server).get("/api/v2/dags").status_code == 401
    forged = TestClient(server, headers={"Authorization": "Bearer x.y.z"})
    assert forged.get("/api/v2/dags").status_code == 403


def test_the_pages_of_the_back_office_are_reached(server: FastAPI, manager: BaseAuthManager) -> None:
    """They ask who it is for themselves; a style sheet needs no ledger."""
    answer = client(server, manager, REVIEWER, cookie=True).get("/backoffice/static/theme.js")
    assert answer.status_code == 200


def test_airflows_own_checks_say_no_as_well(manager: BaseAuthManager) -> None:
    """The second wall: also without the middleware such a log-in may do nothing."""
    checks = [
        (name, check) for name, check in inspect.getmembers(manager, callable) if name.startswith("is_authorized_")
    ]  # fmt: skip
    assert len(checks) > 8
    asked = 0
    for (name, check), method in itertools.product(checks, METHODS):
        wanted = inspect.signature(check).parameters
        given = {"method": method, "resource_name": "anything", "assigned_users": set(), "user": REVIEWER}
        for view in AccessView if "access_view" in wanted else (None,):
            values = {key: value for key, value in {**given, "access_view": view}.items() if key in wanted}
            assert check(**values) is False, (name, values)
            asked += 1
    assert asked > 60
    assert manager.filter_authorized_menu_items(["anything"], user=REVIEWER) == []  # type: ignore[list-item]


def test_a_log_in_with_another_role_as_well_is_not_confined(monkeypatch: pytest.MonkeyPatch) -> None:
    """FAB gives a log-in several roles; Airflow's own checks then decide by the others."""
    from backoffice.web import auth

    async def two_roles(scope: object) -> frozenset[str]:
        return frozenset({"reviewer", "viewer"})

    async def inner(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"through"})  # type: ignore[operator]

    monkeypatch.setattr(auth, "roles_of_login", two_roles)
    assert TestClient(InboxOnly(inner, {"reviewer"})).get("/home").text == "through"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("configured", "roles"), [("", set()), (" , ", set()), ("Reviewer, buyer", {"reviewer", "buyer"})]
)
def test_roles_are_read_from_the_setting(
    monkeypatch: pytest.MonkeyPatch, configured: str, roles: set[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__BACKOFFICE__INBOX_ONLY_ROLES", configured)
    assert inbox_only_roles() == roles
    assert bool(middlewares()) == bool(roles)
