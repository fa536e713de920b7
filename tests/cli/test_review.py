"""``backoffice review``: the same inbox, the same rights, by hand and by script."""

from __future__ import annotations

import argparse
import getpass
import json
from collections.abc import Sequence

import pytest
from tests.web.books import HOSTILE
from tests.web.host import PASSWORD, log_in

from backoffice.cli import review


def run(*argv: str) -> int:
    """Run one command the way the program does and return its exit code."""
    parser = argparse.ArgumentParser()
    review.register(parser.add_subparsers(required=True))
    try:
        arguments = parser.parse_args(["review", *argv])
    except SystemExit as wrong_use:
        return int(wrong_use.code or 0)
    return int(arguments.run(arguments))


@pytest.fixture
def as_user(monkeypatch):
    def log_in_as(user: str) -> None:
        monkeypatch.setenv("BACKOFFICE_TOKEN", log_in(user))

    return log_in_as


def test_list_names_the_most_urgent_first(standing_api, as_user, standing_books, capsys):
    as_user("clerk")
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["case", "state", "role", "due", "amount", "codes", "title"]
    assert [int(line.split()[0]) for line in lines[1:]] == [standing_books.received, standing_books.price, standing_books.duplicate, standing_books.large, standing_books.own_order, standing_books.quarantined]  # fmt: skip
    assert "1200.00 EUR" in lines[1]
    assert all("synthetic data: " in line for line in lines[1:])


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--role", "buyer"], {"price", "own_order"}),
        (["--code", "DUP_EXACT"], {"duplicate"}),
        (["--mine"], {"duplicate", "large", "quarantined"}),
        (["--search", "RE-1002"], {"received"}),
        (["--state", "settled"], set()),
    ],
)
def test_list_takes_the_filters_of_the_inbox(
    options: Sequence[str], names, standing_api, as_user, standing_books, capsys
):
    as_user("clerk")
    assert run("list", "--json", *options) == 0
    found = json.loads(capsys.readouterr().out)
    assert {case["case_id"] for case in found} == {getattr(standing_books, name) for name in names}


def test_list_follows_the_pages_and_says_when_there_is_more(api, as_user, books, capsys, ledger):
    with ledger.connect("admin") as connection:
        connection.execute(
            """INSERT INTO review.case (process, subject_kind, subject_id, subject_key, role, entity, title, evidence_hash, handover)
               SELECT 'invoice_reconciliation', 'invoice', 1000 + n, 'k', 'ap_clerk', '1000', 'many', '\\x00', '{}' FROM generate_series(1, 450) AS n"""
        )
    as_user("clerk")
    assert run("list", "--limit", "430", "--json") == 0
    assert len({case["case_id"] for case in json.loads(capsys.readouterr().out)}) == 430
    assert run("list", "--limit", "3") == 0
    assert "more than 3" in capsys.readouterr().out
    assert run("list", "--limit", "1000", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 456


def test_show_prints_a_hand_over_one_can_decide_on(standing_api, as_user, standing_books, capsys):
    as_user("buyer")
    assert run("show", str(standing_books.price)) == 0
    shown = capsys.readouterr().out
    for expected in (
        f"Case {standing_books.price}: RE-1001 of Nordwind Metallbau GmbH: PRICE",
        "SYNTHETIC DATA of the sandbox company",
        "invoice RE-1001, 2026-11-15, 1320.00 EUR",
        "supplier Nordwind Metallbau GmbH S-1",
        "PRICE on line 1: Billed 1,100.00 for 100 pcs",
        "accept: Books the invoice",
        "reason codes: agreed_with_supplier, correct_as_billed",
        "invoice.xml (26 bytes): /backoffice/api/v1/cases/",
    ):
        assert expected in shown


def test_a_real_companys_case_is_not_called_synthetic(api, as_user, books, capsys, ledger):
    with ledger.connect("admin") as connection:
        connection.execute("UPDATE ops.run SET parameters = '{}'")
    as_user("buyer")
    assert run("list") == 0
    assert run("show", str(books.price)) == 0
    assert "synthetic" not in capsys.readouterr().out.lower()


def test_show_says_why_one_may_not_decide(standing_api, as_user, standing_books, capsys):
    as_user("clerk")
    assert run("show", str(standing_books.price)) == 0
    assert "not by you: This is for the role 'Buyer', which you do not have." in capsys.readouterr().out


def test_a_suppliers_text_cannot_drive_the_terminal(api, as_user, books, capsys, ledger):
    with ledger.connect("admin") as connection:
        connection.execute(
            "UPDATE review.case SET title = E'evil \\x1b[2J\\r\\x07' WHERE case_id = %s", (books.price,)
        )
    as_user("buyer")
    assert run("show", str(books.price)) == 0
    assert run("list") == 0
    printed = capsys.readouterr().out
    assert "evil" in printed
    assert not {"\x1b", "\r", "\x07"} & set(printed)


def test_decide_shows_the_case_and_records_the_answer(api, as_user, books, capsys, ledger):
    as_user("buyer")
    assert run("decide", str(books.price), "--action", "accept", "--reason-code", "agreed_with_supplier", "--reason", "agreed by phone") == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert "What happened" in printed
    assert "recorded as answer 1: The answer is recorded." in printed
    with ledger.connect("admin") as connection:
        row = connection.execute(
            "SELECT person_id, action, reason_code, reason FROM review.answer"
        ).fetchone()
    assert row == ("p-buyer", "accept", "agreed_with_supplier", "agreed by phone")


@pytest.mark.parametrize(
    ("user", "name", "action", "code", "said"),
    [
        ("clerk", "price", "accept", "approved", "no authority"),
        ("buyer", "price", "discard", "advertising", "offers Accept, Reject; not Discard"),
        (
            "buyer",
            "price",
            "accept",
            "because",
            "choose one of these reasons: Agreed with supplier, Correct as billed, Not a duplicate",
        ),
        ("viewer", "price", "accept", "approved", "logged in as “viewer”"),
    ],
)
def test_a_refusal_is_told_in_a_sentence_and_exit_code_1(
    user, name, action, code, said, standing_api, as_user, standing_books, capsys, standing_ledger
):
    as_user(user)
    assert (
        run(
            "decide",
            str(getattr(standing_books, name)),
            "--action",
            action,
            "--reason-code",
            code,
            "--reason",
            "why not",
        )
        == 1
    )
    assert said in capsys.readouterr().err
    with standing_ledger.connect("admin") as connection:
        assert connection.execute("SELECT count(*) FROM review.answer").fetchone() == (0,)


def test_facts_that_change_between_looking_and_deciding_are_refused(
    api, as_user, books, capsys, ledger, monkeypatch
):
    describe = review.describe

    def change_while_showing(case: dict) -> str:
        with ledger.connect("admin") as connection:
            connection.execute(
                "UPDATE review.case SET evidence_hash = '\\x99' WHERE case_id = %s", (books.price,)
            )
        return describe(case)

    monkeypatch.setattr(review, "describe", change_while_showing)
    as_user("buyer")
    assert (
        run(
            "decide",
            str(books.price),
            "--action",
            "accept",
            "--reason-code",
            "approved",
            "--reason",
            "as agreed",
        )
        == 1
    )
    assert "changed since they were shown" in capsys.readouterr().err


def test_a_case_that_is_not_there_is_exit_code_1(standing_api, as_user, capsys):
    as_user("clerk")
    assert run("show", "999") == 1
    assert "There is no case 999 that you may see." in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["show"],
        ["show", "x"],
        ["show", "-1"],
        ["decide", "1"],
        ["decide", "1", "--action", "approve", "--reason-code", "a", "--reason", "b"],
        ["list", "--state", "approved"],
        ["unknown"],
    ],
)
def test_wrong_use_is_exit_code_2(argv, standing_api, as_user):
    as_user("clerk")
    assert run(*argv) == 2


def test_user_and_password_of_the_environment_are_exchanged_for_a_token(
    standing_api, standing_books, monkeypatch, capsys
):
    monkeypatch.setenv("BACKOFFICE_USER", "clerk")
    monkeypatch.setenv("BACKOFFICE_PASSWORD", PASSWORD)
    assert run("list", "--code", "PRICE") == 0
    assert "RE-1001" in capsys.readouterr().out


def test_the_password_is_asked_for_when_a_person_sits_there(
    standing_api, standing_books, monkeypatch, capsys
):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: PASSWORD if "clerk" in prompt else "")
    assert run("list", "--user", "clerk", "--code", "PRICE") == 0
    assert "RE-1001" in capsys.readouterr().out


def test_user_named_on_the_command_line_wins_over_the_token(
    standing_api, as_user, standing_books, monkeypatch, capsys
):
    as_user("viewer")
    monkeypatch.setenv("BACKOFFICE_PASSWORD", PASSWORD)
    assert run("list", "--user", "clerk") == 0


def test_a_wrong_password_is_exit_code_1_and_is_not_printed(standing_api, monkeypatch, capsys):
    monkeypatch.setenv("BACKOFFICE_USER", "clerk")
    monkeypatch.setenv("BACKOFFICE_PASSWORD", "wrong horse")
    assert run("list") == 1
    printed = capsys.readouterr()
    assert "could not log in" in printed.err
    assert "wrong horse" not in printed.err + printed.out


def test_no_log_in_is_exit_code_2(standing_api, capsys):
    assert run("list") == 2
    assert "BACKOFFICE_TOKEN" in capsys.readouterr().err


def test_the_running_installation_is_found_without_being_named(
    standing_api, as_user, standing_books, monkeypatch, tmp_path, capsys
):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "api_url").write_text(f"{standing_api}\n")
    monkeypatch.delenv("BACKOFFICE_URL")
    monkeypatch.setenv("BACKOFFICE_HOME", str(tmp_path))
    as_user("clerk")
    assert run("list") == 0


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("http://127.0.0.1:1", 1, "does not answer"),
        ("file:///etc/passwd", 2, "no address"),
        ("nonsense", 2, "no address"),
        ("", 2, "no API server is known"),
    ],
)
def test_an_address_that_leads_nowhere(url, code, said, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("BACKOFFICE_URL", url)
    monkeypatch.setenv("BACKOFFICE_HOME", str(tmp_path))
    monkeypatch.setenv("BACKOFFICE_TOKEN", "x")
    assert run("list") == code
    assert said in capsys.readouterr().err


def test_a_ledger_that_is_down_is_told_as_such(api, as_user, books, ledger, capsys):
    as_user("clerk")
    with ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE review.identity RENAME TO identity_gone")
    assert run("list") == 1
    assert "The ledger does not answer" in capsys.readouterr().err


def test_hostile_text_is_printed_as_text(standing_api, as_user, standing_books, capsys):
    as_user("clerk")
    assert run("show", str(standing_books.duplicate)) == 0
    assert HOSTILE in capsys.readouterr().out
