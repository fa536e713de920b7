"""What runs, with what, in which order."""

from __future__ import annotations

import pytest

from backoffice.runtime.home import Home, choose_ports
from backoffice.runtime.secret_store import load_secrets
from backoffice.runtime.service import CommandChild, PostgresChild
from backoffice.runtime.services import build_children


@pytest.fixture
def children(home: Home, monkeypatch: pytest.MonkeyPatch) -> dict[str, CommandChild | PostgresChild]:
    monkeypatch.setenv("BACKOFFICE_SANDBOX_SEED", "11")
    return build(home)


def build(home: Home) -> dict[str, CommandChild | PostgresChild]:
    home.prepare()
    made = build_children(home, load_secrets(home), choose_ports(home))
    for child in made:
        if isinstance(child, PostgresChild):
            child.server.stop()  # lets go of its folder; it was never started
    return {child.name: child for child in made}  # type: ignore[misc]


Children = dict[str, CommandChild | PostgresChild]


def test_databases_come_before_airflow_and_the_scheduler_last(children: Children) -> None:
    assert children["postgres"].needs == ()
    for name in ("airflow-database", "ledger-database"):
        assert children[name].needs == ("postgres",)
        assert children[name].once
    for name in ("api-server", "dag-processor", "triggerer"):
        assert children[name].needs == ("postgres", "airflow-database", "ledger-database")
    assert "api-server" in children["scheduler"].needs
    assert children["sandbox"].needs == ()


def test_every_need_is_a_service(children: Children) -> None:
    for child in children.values():
        assert set(child.needs) <= set(children)


def test_a_server_of_somebody_else_is_not_started(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKOFFICE_ADMIN_DSN", "postgresql://boss:hush@127.0.0.1:5499/postgres")
    children = build(home)
    assert "postgres" not in children
    assert children["airflow-database"].needs == ()
    for child in children.values():
        assert isinstance(child, CommandChild)
        holds_superuser = "hush" in "".join(child.service.env.values())
        assert holds_superuser == child.once, "only the migrations may create roles and databases"


def test_the_company_stays_the_same_once_it_is_chosen(
    home: Home, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = children["sandbox"]
    assert isinstance(first, CommandChild)
    assert {"--seed=11", "--size=120", "--mix=realistic"} <= set(first.service.argv)
    assert any(word.startswith("--anchor=2") for word in first.service.argv)
    monkeypatch.setenv("BACKOFFICE_SANDBOX_SEED", "12")
    again = build(home)["sandbox"]
    assert isinstance(again, CommandChild)
    assert again.service.argv == first.service.argv
