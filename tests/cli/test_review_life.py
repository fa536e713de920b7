"""``backoffice review claim`` and its sisters, as the people who use them."""

from __future__ import annotations

import json

from tests.cli.test_review import as_user, run
from tests.web.books import HOSTILE

__all__ = ["as_user"]


def test_take_ask_answer_and_give_back(api, as_user, books, capsys):
    case = str(books.price)
    as_user("manager")
    assert run("claim", case) == 0
    assert capsys.readouterr().out == f"case {case} is claimed; Max Manager has it\n"
    as_user("buyer")
    assert run("claim", case) == 1
    assert "Max Manager has claimed case" in capsys.readouterr().err
    as_user("manager")
    assert run("ask", case, "--whom", "buyer", "--question", f"Agreed?\x1b[2J {HOSTILE}") == 0
    assert capsys.readouterr().out == f"case {case} is waiting; Max Manager has it\n"
    as_user("buyer")
    assert run("questions") == 0
    out = capsys.readouterr().out
    assert f"case {case}: Max Manager asks: Agreed?�[2J" in out
    assert "\x1b" not in out
    assert run("inform", case, "--information", "Yes") == 0
    assert "Max Manager has it" in capsys.readouterr().out
    assert run("questions") == 0
    assert capsys.readouterr().out == "no question waits for you\n"
    as_user("manager")
    assert run("release", case) == 0
    assert capsys.readouterr().out == f"case {case} is open\n"


def test_hand_on_comment_and_attach(api, as_user, books, capsys, tmp_path, ledger):
    case, offer = str(books.duplicate), tmp_path / "an offer & more.pdf"
    offer.write_bytes(b"%PDF-1.7\nan offer")
    as_user("clerk")
    assert run("reassign", case, "--to", "p-buyer", "--reason", "please") == 1
    assert "no authority as accounts payable clerk" in capsys.readouterr().err
    assert run("reassign", case, "--to", "p-manager", "--reason", "please", "--json") == 0
    assert json.loads(capsys.readouterr().out)["claimed_by"] == "p-manager"
    assert run("comment", case, "--text", "the second one is new") == 0
    assert run("attach", case, str(offer)) == 0
    assert run("attach", case, str(tmp_path / "nothing.pdf")) == 2
    assert "cannot be read" in capsys.readouterr().err
    with ledger.connect("admin") as connection:
        said = connection.execute("SELECT act, reason FROM review.case_act ORDER BY act_id").fetchall()
    assert said == [("reassign", "please"), ("comment", "the second one is new"), ("attach", offer.name)]


def test_wrong_use(api, as_user, books):
    as_user("clerk")
    for words in (
        ["claim"],
        ["claim", "x"],
        ["ask", "1", "--whom", "buyer"],
        ["reassign", "1", "--to", "p-clerk"],
    ):
        assert run(*words) == 2
    assert run("claim", "999999") == 1
