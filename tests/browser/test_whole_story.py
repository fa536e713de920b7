"""A night and the morning after it, with nothing left out: real Airflow, real Postgres, real log-ins, real browser.

The night parks what it cannot decide; people settle one case between them; the run goes on and books what they said; the
journal, the evidence pack and the audit log tell the same afterwards.
"""

from __future__ import annotations

import json
import re
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import psycopg
import pytest
from tests.clean_python import clean_python, run
from tests.drills.conftest import DAG_ID, Installation, brought_up, wait_until
from tests.drills.test_local_installation import start_run, task_state

from backoffice.runtime.airflow_api import AirflowApi
from backoffice.runtime.demo_report import run_report, ties
from backoffice.runtime.ledger_database import ledger_dsn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.timeout(420)]
FOUR_EYES = {
    "name": "four eyes",
    "action": "accept",
    "amount_from": "1000.00",
    "currency": "EUR",
    "persons": 2,
}
# an invoice that may be a copy, parked: two people may say that it is none, and it is booked then
A_CASE = """
SELECT case_id, handover #> '{{entries,accept}}' FROM review.case JOIN ops.run ON run_id = opened_run
WHERE airflow_run_id = '{run_id}' AND state = 'open' AND role = 'ap_clerk' AND subject_kind = 'invoice'
  AND jsonb_array_length(handover #> '{{entries,accept}}') = 1 AND handover #>> '{{entries,also_needed}}' = '[]'
  AND review.persons_needed(case_id, 'accept') = 2
  AND review.may_decide('p-clerk', case_id, 'accept') IS NULL AND review.may_decide('p-manager', case_id, 'accept') IS NULL
ORDER BY case_id LIMIT 1
"""
ENTRIES = """
SELECT entry_id, person_id, reason_code, case_id,
  (SELECT json_agg(json_build_array(account, debit::text, credit::text) ORDER BY account, debit, credit)
   FROM ledger.journal_line WHERE entry_id = e.entry_id)
FROM ledger.journal_entry e WHERE case_id = {case_id}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation of the story's own, gone with the module."""
    with brought_up(tmp_path_factory.mktemp("story")) as made:
        yield made


@dataclass
class People:
    """Each with a browser of their own, logged in by Airflow's own page."""

    browser: Browser
    installed: Installation
    complaints: list[str]

    def log_in(self, user: str, address: str = "/") -> Page:
        """Open the address as somebody who is not logged in, and log in."""
        context = self.browser.new_context(
            base_url=self.installed.url, viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.goto(address)
        if page.locator("a:text-is('Log in')").count():  # our own page, which Airflow's start page is not
            page.click("a:text-is('Log in')")
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", self.installed.secrets.users[user])
        page.click("button:text-is('Sign in')")
        page.wait_for_url("**/backoffice/cases**")
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: self.complaints.append(message.text) if message.type == "error" else None,
        )
        return page


@pytest.fixture
def people(browser: Browser, installed: Installation) -> Iterator[People]:
    met = People(browser, installed, [])
    yield met
    for context in browser.contexts:
        context.close()
    assert met.complaints == []


def test_a_night_is_brought_to_its_end_by_people(
    installed: Installation, people: People, tmp_path: Path
) -> None:
    two_people_ask_for_four_eyes(installed)
    run_id = start_run(installed, "night")
    wait_until(lambda: task_state(installed, run_id, "wait_for_reviews") == "deferred", 240, "the run waits")
    report = what_the_night_says(installed, run_id)
    [(case_id, [shown])] = installed.ledger(A_CASE.format(run_id=run_id))

    clerk = people.log_in("clerk")
    assert clerk.url == f"{installed.url}/backoffice/cases", "who works in the inbox alone lands there"
    the_report_is_a_page(clerk, run_id, report)
    clerk_takes_the_case_and_asks(clerk, case_id)
    buyer_answers(people.log_in("buyer", f"/backoffice/cases/{case_id}"), case_id)
    clerk_decides(clerk)
    manager = people.log_in("manager")  # takes seconds, in which the run would have gone on
    assert task_state(installed, run_id, "wait_for_reviews") == "deferred", "one of two is no answer"
    manager_agrees(manager, case_id)

    wait_until(lambda: task_state(installed, run_id, "wait_for_reviews") == "success", 60, "the wait ends")
    wait_until(lambda: installed.api.run_state(DAG_ID, run_id) == "success", 90, "the run ends")
    the_journal_says_who_and_why(installed, case_id, shown)
    clerk.reload()
    assert "settled" in clerk.inner_text(".report-head")
    assert "Booked" in clerk.inner_text("main")
    what_waits_is_sealed(installed)
    the_pack_proves_itself(clerk, case_id, tmp_path)
    verified = installed.cli("verify-audit")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert re.search(r"answer 2, booked answer [12],.* journal entry", verified.stdout), verified.stdout


def two_people_ask_for_four_eyes(installed: Installation) -> None:
    """From 1,000 EUR on two people have to agree: proposed by one administrator, approved by another."""

    def send(user: str, path: str, body: dict[str, Any]) -> Any:
        token = AirflowApi(installed.url, user, installed.secrets.users[user]).token
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        address = f"{installed.url}/backoffice/api/v1/authority/changes{path}"
        with urlopen(Request(address, json.dumps(body).encode(), headers), timeout=30) as answer:  # noqa: S310 - our own server
            return json.load(answer)

    change = {"kind": "quorum_rule", "act": "add", "row": FOUR_EYES, "reason": "as the board decided"}
    told = send("admin", "", change)
    agreed = {"reason": "as the board decided", "shown_sha256": told["shown_sha256"]}
    assert send("manager", f"/{told['change_id']}/approve", agreed)["state"] == "approved"


def what_the_night_says(installed: Installation, run_id: str) -> dict[str, Any]:
    """The report ties, and counts the cases that are there."""
    report = run_report(ledger_dsn(installed.home, "backoffice_auditor"), DAG_ID, run_id)
    assert report is not None
    assert ties(report), report["checks"]
    [(opened,)] = installed.ledger(
        f"SELECT count(*) FROM review.case JOIN ops.run ON run_id = opened_run WHERE airflow_run_id = '{run_id}'"
    )
    assert report["cases"]["opened"] == report["cases"]["open"] == opened > 0
    assert report["run"]["synthetic"] is True
    return report


def the_report_is_a_page(page: Page, run_id: str, report: dict[str, Any]) -> None:
    page.click("nav.top a:text-is('Runs')")
    page.click(f"main a[href$='{run_id}']")
    said = page.inner_text("main")
    assert "Totals tie" in said
    assert "Synthetic data" in said
    assert page.locator(f".tile:has-text('{report['cases']['open']}')").count() >= 1
    refused = page.request.get("/dags")
    assert (refused.status, "Your log-in sees the back office" in refused.text()) == (403, True)
    page.goto("/backoffice/cases")


def clerk_takes_the_case_and_asks(page: Page, case_id: int) -> None:
    page.click(f"a.case-link[href$='/cases/{case_id}']")
    page.click("button:text-is('Take this case')")
    page.wait_for_selector("text=You have this case since")
    page.click("summary:text-is('Ask for information')")
    page.select_option("#whom", "person:p-buyer")
    page.fill("#question", "Did you order this twice?")
    page.click("button:text-is('Ask')")
    page.wait_for_selector("text=waits for information from Ben Buyer")


def buyer_answers(page: Page, case_id: int) -> None:
    assert page.url.endswith(f"/backoffice/cases/{case_id}"), "a link leads to its case, log-in or not"
    assert "Did you order this twice?" in page.inner_text("#life")
    page.fill("#information", "Yes, the second one was delivered in May")
    page.click("button:text-is('Answer')")
    page.wait_for_selector(".said:text-is('Yes, the second one was delivered in May')")


def decide(page: Page, reason: str) -> None:
    page.check("input[name=action][value=accept]")
    page.select_option("select[name=reason_code]", "not_a_duplicate")
    page.fill("textarea[name=reason]", reason)
    page.click("button:text-is('Decide')")
    page.wait_for_selector("#done:visible")


def clerk_decides(page: Page) -> None:
    page.reload()
    assert "the second one was delivered in May" in page.inner_text("#life")
    assert "needs a second person" in page.inner_text("#answer")
    decide(page, "Ben ordered it twice")
    assert "A second person has to agree" in page.inner_text("#done")


def manager_agrees(page: Page, case_id: int) -> None:
    page.goto("/backoffice/cases?state=half_decided")
    page.click(f"a.case-link[href$='/cases/{case_id}']")
    assert "Ben ordered it twice" in page.inner_text("main")
    decide(page, "Two deliveries, two invoices")
    assert "It is booked within minutes" in page.inner_text("#done")


def the_journal_says_who_and_why(installed: Installation, case_id: int, shown: dict[str, Any]) -> None:
    """One entry, exactly the one that the page had promised, with the person, the reason and the case."""
    [(_, person, reason_code, of_case, lines)] = installed.ledger(ENTRIES.format(case_id=case_id))
    assert (person, reason_code, of_case) == ("p-manager", "not_a_duplicate", case_id)
    promised = sorted([line["account"], line["debit"], line["credit"]] for line in shown["lines"])
    assert sorted(lines) == promised
    answers = installed.ledger(
        f"SELECT person_id, action, reason_code, booking_result FROM review.answer WHERE case_id = {case_id} ORDER BY answer_id"
    )
    assert [row[:3] for row in answers] == [
        ("p-clerk", "accept", "not_a_duplicate"),
        ("p-manager", "accept", "not_a_duplicate"),
    ]


def what_waits_is_sealed(installed: Installation) -> None:
    """Ask for a checkpoint, as the end of each night does; unasked it comes within five minutes."""
    with psycopg.connect(ledger_dsn(installed.home, "backoffice_app")) as connection:
        connection.execute("SELECT audit.request_seal('the morning after')")
    wait_until(lambda: installed.ledger("SELECT count(*) FROM audit.waiting") == [(0,)], 60, "a checkpoint")


def the_pack_proves_itself(page: Page, case_id: int, folder: Path) -> None:
    """Downloaded from the case page, it verifies with its own program in a Python that has nothing of ours."""
    with page.expect_download() as download:
        page.click("a:text-is('Evidence pack')")
    download.value.save_as(folder / "evidence.zip")
    with zipfile.ZipFile(folder / "evidence.zip") as pack:
        pack.extractall(folder / "evidence")
    python = clean_python(folder / "python")
    verified = run(python, "verify.py", cwd=folder / "evidence")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.startswith("valid:")
    summary = (folder / "evidence" / "summary.html").read_text(encoding="utf-8")
    assert "Max Manager" in summary
    assert "not a duplicate" in re.sub(r"_", " ", summary).lower()
    records = sorted((folder / "evidence" / "records").iterdir())
    answer = next(file for file in records if '"action":"accept"' in file.read_text(encoding="utf-8"))
    answer.write_text(answer.read_text(encoding="utf-8").replace('"action":"accept"', '"action":"reject"'))
    assert run(python, "verify.py", cwd=folder / "evidence").returncode != 0
