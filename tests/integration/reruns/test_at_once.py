"""Two runs, two attempts of one task, people and the housekeeping at the same moment: the books end the same."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from tests import dump
from tests.answering import decide, open_cases
from tests.integration.reruns.works import (
    HELD_AND_PROPOSED,
    LATE,
    MONEY,
    READING,
    Works,
    at_once,
    chance_run,
    expect_same,
    finish,
    run_all,
    run_one,
)
from tests.killing import run_operator

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("seed", range(3))
def test_two_runs_at_once(works: Works, read: str, undisturbed: dump.Dump, seed: int) -> None:
    with works.scratch(read) as database, works.at(database):
        at_once(*(chance_run(10 * seed + n, run_id, LATE) for n, run_id in enumerate(("first", "second"))))
        assert works.one(database, HELD_AND_PROPOSED) == 0
        finish(works, database)
        expect_same(undisturbed, works.books(database), f"two runs at once, {seed}")


@pytest.mark.parametrize("task_id", ["open_run", "ingest_orders", "ingest_invoices", "check_orders", *LATE])
def test_two_attempts_of_one_task_at_once(
    works: Works, read: str, undisturbed: dump.Dump, task_id: str
) -> None:
    """A worker that was given up for lost goes on beside its successor."""
    order = LATE if task_id in LATE else ("open_run", *READING)
    at = order.index(task_id)
    with works.scratch(read if task_id in LATE else works.empty) as database, works.at(database):
        run_all(order[:at], "first")
        results: list[Any] = []
        at_once(*[lambda: results.append(run_operator(task_id, "first"))] * 2)
        errors = [result for result in results if isinstance(result, BaseException)]
        assert len(errors) < 2, errors
        if task_id not in LATE:
            run_all(order[at + 1 :], "first")
        finish(works, database, last="second" if task_id in LATE else "first")
        expect_same(undisturbed, works.books(database), f"two attempts of {task_id}")


@pytest.mark.parametrize("seed", range(3))
def test_people_runs_and_housekeeping_at_once(
    works: Works, read: str, undisturbed: dump.Dump, seed: int
) -> None:
    """People answer while two runs and the housekeeping work on the same cases."""
    with works.scratch(read) as database, works.at(database):
        run_all(LATE, "first")
        hurry = threading.Event()

        def people() -> None:
            with works.connect(database, "web") as web:
                for case in open_cases(web):
                    answer_one(web, case, random.Random(seed))
            hurry.set()

        def housekeeping() -> None:
            while not hurry.wait(0.02):
                run_one("keep_house", "tidy")

        again = (
            "match_invoices",
            "decide_invoices",
            "post_entries",
            "open_cases",
            "report",
            "act_on_answers",
        )
        at_once(
            people,
            housekeeping,
            chance_run(seed, "first", again),
            chance_run(seed + 5, "second", (*LATE, "act_on_answers")),
        )
        finish(works, database)
        with works.at(database):
            run_one("keep_house", "tidy")
        found, wanted = works.books(database, *MONEY), {name: undisturbed[name] for name in MONEY}
        for side in (found, wanted):
            side["outbox"] = [line.rpartition(" | ")[0] for line in side["outbox"]]
        expect_same(wanted, found, f"people at work, {seed}")
        unbooked = works.one(database, "SELECT count(*) FROM review.answer WHERE final AND booked_at IS NULL")
        assert unbooked == 0


def answer_one(web: psycopg.Connection[Any], case: Mapping[str, Any], chance: random.Random) -> None:
    from tests.answering import action_for, people_for

    time.sleep(chance.random() * 0.05)
    for user in people_for(case):
        try:
            decide(web, case, user, action_for(case))
            web.commit()
        except psycopg.Error as error:
            web.rollback()
            if error.sqlstate != "BO409":  # the facts changed or somebody was faster: look again next time
                raise
