"""``backoffice policy``: two people change a policy from the command line, one cannot."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import pytest
from tests.books import Books as Night
from tests.changing import INSTALLED, NEXT, limited, version
from tests.web.host import log_in

from backoffice.cli import policy


def run(*argv: str) -> int:
    """Run one command the way the program does and return its exit code."""
    parser = argparse.ArgumentParser()
    policy.register(parser.add_subparsers(required=True))
    try:
        arguments = parser.parse_args(["policy", *argv])
    except SystemExit as wrong_use:
        return int(wrong_use.code or 0)
    return int(arguments.run(arguments))


@pytest.fixture
def as_user(monkeypatch):
    def log_in_as(user: str) -> None:
        monkeypatch.setenv("BACKOFFICE_TOKEN", log_in(user))

    return log_in_as


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The next version with half the limit."""
    path = tmp_path / "my_policy.yaml"
    path.write_text(limited(NEXT, "50000.00"), encoding="utf-8")
    return path


def active(ledger) -> int:
    with ledger.connect("auditor") as connection:
        return connection.execute(
            "SELECT version FROM ledger.active_policy WHERE policy_id = 'approve_invoice'"
        ).fetchone()[0]


def test_two_people_activate_a_policy(api, as_user, file, ledger, capsys) -> None:
    as_user("clerk")
    assert run("activate", str(file), "--reason", "less for the machine") == 0
    shown = capsys.readouterr().out
    assert "+machine_limit: 50000.00 EUR" in shown
    assert "Impact: no decision is recorded yet to try it on" in shown
    command = re.search(r"backoffice policy activate --approve (\d+) --reason", shown)
    assert command
    assert active(ledger) == INSTALLED
    as_user("manager")
    assert run("activate", "--approve", command[1], "--reason", "tried on October") == 0
    assert f"proposal {command[1]} is approved: It decides from now on." in capsys.readouterr().out
    assert active(ledger) == NEXT


def test_one_person_is_not_enough(api, as_user, file, ledger, capsys) -> None:
    as_user("manager")
    assert run("activate", str(file), "--reason", "alone", "--json") == 0
    proposal = json.loads(capsys.readouterr().out)["proposal_id"]
    assert run("activate", "--approve", str(proposal), "--reason", "alone") == 1
    assert "another person does" in capsys.readouterr().err
    as_user("buyer")
    assert run("activate", "--approve", str(proposal), "--reason", "for a friend") == 1
    assert "no authority as policy owner" in capsys.readouterr().err
    assert active(ledger) == INSTALLED


def test_a_later_day_and_the_list(api, as_user, file, capsys) -> None:
    as_user("clerk")
    assert (
        run(
            "activate",
            str(file),
            "--reason",
            "from next month",
            "--effective-from",
            "2026-12-01",
            "--json",
        )
        == 0
    )
    proposal = json.loads(capsys.readouterr().out)
    as_user("manager")
    assert run("activate", "--approve", str(proposal["proposal_id"]), "--reason", "agreed") == 0
    assert "from business day 2026-12-01 on" in capsys.readouterr().out
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "approve_invoice of invoice_reconciliation"
    assert lines[1].startswith(
        f"  version {NEXT}: approved, from 2026-12-01, up to 50000.00 EUR, Max Manager, "
        + proposal["sha256"][:12]
    )
    assert f"version {INSTALLED}: active" in lines[2]
    assert "entered by the owner: installation" in lines[2]
    assert lines[3] == "case_priority of review"
    assert lines[5].startswith(
        f"proposal {proposal['proposal_id']}: approve_invoice version {NEXT}, approved, from 2026-12-01, by Clara Clerk"
    )
    assert run("list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["policies"][0]["active_version"] == INSTALLED


def test_refuse_and_withdraw(api, as_user, file, capsys) -> None:
    as_user("clerk")
    for number, (user, end, state) in enumerate(
        (("manager", "refuse", "refused"), ("clerk", "withdraw", "withdrawn")), NEXT
    ):
        as_user("clerk")
        file.write_text(version(number), encoding="utf-8")
        assert run("activate", str(file), "--reason", "a try", "--json") == 0
        proposal = str(json.loads(capsys.readouterr().out)["proposal_id"])
        as_user(user)
        assert run("activate", f"--{end}", proposal, "--reason", "not now") == 0
        assert f"proposal {proposal} is {state}: Nothing changes." in capsys.readouterr().out
        assert run("activate", "--approve", proposal, "--reason", "too late") == 1
        assert f"is {state}" in capsys.readouterr().err


def test_every_finding_of_a_bad_text_is_printed_and_nothing_is_stored(
    api, as_user, file, ledger, capsys
) -> None:
    as_user("clerk")
    file.write_text(version(NEXT).replace("then: approve", "then: aprove"), encoding="utf-8")
    assert run("activate", str(file), "--reason", "in a hurry") == 1
    assert "'then' is 'aprove'" in capsys.readouterr().err
    with ledger.connect("auditor") as connection:
        assert connection.execute("SELECT count(*) FROM review.policy_proposal").fetchone() == (0,)


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("--reason", "nothing named"),
        ("FILE",),
        ("FILE", "--approve", "1", "--reason", "both"),
        ("--approve", "1", "--refuse", "1", "--reason", "both"),
        ("--approve", "x", "--reason", "no number"),
        ("--approve", "0", "--reason", "no number"),
        ("FILE", "--reason", "x", "--effective-from", "soon"),
        ("--approve", "1", "--reason", "x", "--effective-from", "2026-12-01"),
        ("/no/such/file.yaml", "--reason", "x"),
    ],
)
def test_wrong_use(api, as_user, file, argv, capsys) -> None:
    as_user("clerk")
    assert run("activate", *(str(file) if word == "FILE" else word for word in argv)) == 2
    assert capsys.readouterr().err


def test_a_proposal_that_is_not_there(api, as_user, capsys) -> None:
    as_user("manager")
    assert run("activate", "--approve", "99", "--reason", "which one") == 1
    assert "There is no proposal 99 that you may see." in capsys.readouterr().err


def test_nobody_logged_in_is_asked_to(api, file, capsys) -> None:
    assert run("activate", str(file), "--reason", "who am I") == 2
    assert "no log-in" in capsys.readouterr().err


def test_a_text_cannot_drive_the_terminal(api, as_user, file, capsys) -> None:
    as_user("clerk")
    file.write_text(version(NEXT) + "# \u202e evil\n", encoding="utf-8")
    assert run("activate", str(file), "--reason", "turned around") == 1
    refused = capsys.readouterr().err
    assert "U+202E" in refused
    assert "\u202e" not in refused
    # what a text may hold and a terminal might not take as it stands
    file.write_text(version(NEXT) + "# \ue000 private\n", encoding="utf-8")
    assert run("activate", str(file), "--reason", "a \u0007 bell") == 0
    printed = capsys.readouterr().out
    assert "+# \ufffd private\n" in printed
    assert "a \ufffd bell" in printed
    assert all(letter.isprintable() for letter in printed.replace("\n", ""))


def test_what_changes_is_listed(api, as_user, file, ledger, capsys) -> None:
    with ledger.connect("app") as app:
        night = Night(app).open_run("night-1")
        night.supplier()
        for line in range(1, 31):
            night.order("PO-1", line, 1000, 100)
            night.receive("PO-1", line, 1000)
            night.invoice(f"N-{line}", [("PO-1", line, 500 + line, 100)])
        night.night()
    as_user("clerk")
    assert run("activate", str(file), "--reason", "less for the machine") == 0
    lines = capsys.readouterr().out.splitlines()
    with ledger.connect("auditor") as auditor:
        approved, decided = auditor.execute(
            "SELECT count(*) FILTER (WHERE d.outcome = 'approve' AND i.gross_total > 50000), count(*) "
            "FROM ledger.decision d JOIN purchasing.invoice i ON i.invoice_id = d.subject_id WHERE d.policy_id = 'approve_invoice'"
        ).fetchone()
    assert approved > 20
    start = lines.index(f"Impact: {approved} of the last {decided} decisions come out otherwise")
    assert re.fullmatch(rf"  approve becomes review: {approved}, [0-9.]+ EUR", lines[start + 1])
    flips = [line for line in lines if re.match(r"  N-\d+ of ", line)]
    assert len(flips) == 20
    assert flips[0].endswith("EUR: approve (matched) becomes review (above_machine_limit)")
    assert "  ... the API lists up to 500" in lines
