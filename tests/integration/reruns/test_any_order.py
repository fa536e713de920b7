"""Whatever is cleared and run again, in any order: the books end the same."""

from __future__ import annotations

import random

import pytest
from tests import dump
from tests.integration.reruns.works import (
    HELD_AND_PROPOSED,
    LATE,
    READING,
    Works,
    expect_same,
    finish,
    run_all,
    run_one,
)
from tests.killing import run_operator
from tests.night import run_night

pytestmark = pytest.mark.integration


def test_a_further_run_with_nothing_new_changes_nothing(works: Works, read: str) -> None:
    with works.scratch(read) as database:
        finish(works, database)
        with works.connect(database, "auditor") as connection:
            before = dump.history(connection)
        with works.at(database):
            run_night("third")
            run_all((*LATE, "act_on_answers"), "first")
            run_one("keep_house", "tidy")
        with works.connect(database, "auditor") as connection:
            after = dump.history(connection)
        # housekeeping sends what the answers ordered
        for way in (before, after):
            way["outbox"] = [line.removesuffix("True").removesuffix("False") for line in way["outbox"]]
            way["audit trail"] = [line for line in way["audit trail"] if not line.startswith("outbox:")]
        expect_same(before, after, "a third run, all tasks of the first again, housekeeping")


@pytest.mark.parametrize("seed", range(6))
def test_tasks_of_two_runs_in_any_order(works: Works, read: str, undisturbed: dump.Dump, seed: int) -> None:
    """Two runs advance in turns of chance; at any moment any task that ran before is cleared and runs again."""
    chance = random.Random(seed)
    with works.scratch(read) as database, works.at(database):
        done: dict[str, list[str]] = {"first": [], "second": []}
        while any(len(tasks) < len(LATE) for tasks in done.values()):
            run_id = chance.choice([name for name, tasks in done.items() if len(tasks) < len(LATE)])
            task_id = LATE[len(done[run_id])]
            run_one(task_id, run_id)
            done[run_id].append(task_id)
            for _ in range(chance.choice([0, 0, 1, 2])):
                again = chance.choice([name for name, tasks in done.items() if tasks])
                run_one(chance.choice(done[again]), again)
            assert works.one(database, HELD_AND_PROPOSED) == 0
        finish(works, database)
        expect_same(undisturbed, works.books(database), f"two runs in the order of chance {seed}")


@pytest.mark.parametrize("seed", range(2))
def test_readings_are_cleared_too(works: Works, undisturbed: dump.Dump, seed: int) -> None:
    """A night in which any task, also a reading or a gate, may run again at any moment; the next night makes up for it."""
    chance = random.Random(seed)
    order = ("open_run", *READING, *LATE)
    with works.scratch(works.empty) as database, works.at(database):
        for at, task_id in enumerate(order):
            run_operator(
                task_id, "first"
            )  # a gate whose reading was cleared without it may refuse, as in a real night
            for _ in range(chance.choice([0, 0, 1])):
                run_operator(chance.choice(order[: at + 1]), "first")
        run_all(("open_run", *READING), "second")
        finish(works, database)
        expect_same(undisturbed, works.books(database), f"cleared readings, chance {seed}")
