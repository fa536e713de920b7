"""``backoffice review measures`` and its sisters, as the two officers who use them."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.cli.test_review import as_user, run
from tests.conftest import BUSINESS_DATE

__all__ = ["as_user"]
UNTIL = (BUSINESS_DATE + timedelta(days=30)).isoformat()


def test_one_asks_another_approves_and_one_ends_it(api, as_user, books, capsys):
    as_user("clerk")
    assert run("measure", "--until", UNTIL, "--reason", "curious") == 1
    assert "data protection officer" in capsys.readouterr().err
    as_user("manager")
    assert run("measure", "--until", UNTIL, "--reason", "agreed\x1b[2J") == 0
    assert capsys.readouterr().out == (
        "request 1: Nobody is measured yet; another data protection officer has to approve it.\n"
    )
    assert run("answer-measure", "1", "approve", "--reason", "myself") == 1
    assert "another person must approve" in capsys.readouterr().err
    as_user("admin")
    assert run("answer-measure", "1", "approve", "--reason", "as agreed") == 0
    assert "single persons are measured" in capsys.readouterr().out
    as_user("clerk")
    assert run("measures") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"measured until {UNTIL}: how long each person takes")
    assert second == f"request 1: in force, until {UNTIL}; Max Manager, Ada Admin: agreed�[2J"
    as_user("manager")
    assert run("answer-measure", "1", "end", "--reason", "over", "--json") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "ended"
    as_user("clerk")
    assert run("measures") == 0
    assert capsys.readouterr().out == "single persons are not measured\n"
    assert run("measures", "--json") == 0
    assert json.loads(capsys.readouterr().out)["measured_until"] is None


def test_wrong_use(api, as_user, books):
    as_user("manager")
    for words in (
        ["measure", "--until", "soon", "--reason", "why not"],
        ["measure", "--reason", "why not"],
        ["answer-measure", "1", "perhaps", "--reason", "why not"],
        ["answer-measure", "0", "end", "--reason", "why not"],
    ):
        assert run(*words) == 2
