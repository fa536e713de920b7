"""``backoffice privacy``: the same two persons, the same refusals, by hand and by script."""

from __future__ import annotations

import argparse
import json
from datetime import date

import pytest
from tests.web.host import log_in

from backoffice.cli import privacy


def run(*argv: str) -> int:
    """Run one command the way the program does and return its exit code."""
    parser = argparse.ArgumentParser()
    privacy.register(parser.add_subparsers(required=True))
    try:
        arguments = parser.parse_args(["privacy", *argv])
    except SystemExit as wrong_use:
        return int(wrong_use.code or 0)
    return int(arguments.run(arguments))


@pytest.fixture
def as_user(api, monkeypatch):
    def log_in_as(user: str) -> None:
        monkeypatch.setenv("BACKOFFICE_TOKEN", log_in(user))

    return log_in_as


@pytest.fixture
def gone(ledger, books):
    """The clerk has left long ago."""
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE review.person SET active = false WHERE person_id = 'p-clerk'")
        connection.execute("UPDATE ops.simulated_clock SET business_date = %s", (date(2040, 1, 1),))


def test_two_persons_erase_a_third(gone, as_user, capsys, ledger):
    as_user("manager")
    assert run("erase", "p-clerk", "--basis", "objection", "--reason", "asked by letter") == 0
    assert capsys.readouterr().out == "request 1 waits for another person; nothing was done yet\n"
    assert run("approve", "1", "--reason", "myself") == 1
    assert "another person must approve" in capsys.readouterr().err
    as_user("admin")
    assert run("approve", "1", "--reason", "checked") == 0
    assert "request 1 is carried out" in capsys.readouterr().out
    with ledger.connect("auditor") as auditor:
        assert auditor.execute("SELECT name FROM review.person WHERE person_id = 'p-clerk'").fetchone() == (
            "erased",
        )


def test_a_hold_is_placed_listed_and_lifted_by_two(books, as_user, capsys):
    as_user("manager")
    assert run("hold", "entity", "1000", "--reason", "litigation 7/26", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"hold_id": 1}
    assert run("lift", "1", "--reason", "settled out of court") == 0
    capsys.readouterr()
    assert run("list") == 0
    listed = capsys.readouterr().out
    assert "1     entity  1000  Max Manager  litigation 7/26" in listed
    assert "lift_hold  hold 1  Max Manager" in listed
    assert "accounting  10" in listed
    as_user("admin")
    assert run("decline", "1", "--reason", "not yet") == 0
    assert run("lift", "1", "--reason", "settled now") == 0
    as_user("manager")
    assert run("approve", "2", "--reason", "agreed") == 0
    capsys.readouterr()
    assert run("list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["holds"] == []


def test_what_the_ledger_refuses_is_said(books, as_user, capsys):
    as_user("manager")
    assert run("purge", "log", "--before", "2020-01-01", "--reason", "space is short") == 1
    assert "kept as long as the log" in capsys.readouterr().err
    as_user("clerk")
    assert run("list") == 1
    assert "data_protection_officer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ("erase", "p-clerk", "--reason", "x"),
        ("erase", "p-clerk", "--basis", "because", "--reason", "x"),
        ("purge", "path", "--before", "yesterday", "--reason", "x"),
        ("hold", "planet", "earth", "--reason", "x"),
        ("approve", "none", "--reason", "x"),
        ("lift", "1"),
        (),
    ],
)
def test_wrong_use(argv, books, as_user):
    as_user("manager")
    assert run(*argv) == 2
