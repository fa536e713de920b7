"""The README says what is true: its table of processes, its Dag, its picture."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from tests.docs.pages import PROJECT, blocks, page, section, tables


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    """The Dags of the product, as Airflow reads them."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=PROJECT / "dags")
    assert bag.import_errors == {}
    return dict(bag.dags)


def test_the_table_of_processes_equals_the_dags(dags) -> None:
    [table] = tables(section(page("README.md"), "Processes"))
    assert {row["Dag"].strip("`") for row in table.rows} == dags.keys()
    for row in table.rows:
        dag = dags[row["Dag"].strip("`")]
        assert set(re.findall(r"`(control:\w+)`", row["control"])) == {
            tag for tag in dag.tags if tag.startswith("control:")
        }
        assert set(re.findall(r"`(backoffice_\w+)`", row["outputs"])) == {
            outlet.name for task in dag.tasks for outlet in task.outlets
        }
        waits = {task.task_id for task in dag.tasks if type(task).__name__ == "ReviewSensor"}
        assert set(re.findall(r"`(\w+)`", row["people"])) == waits


def test_the_schedule_table_equals_the_dags(dags) -> None:
    table = tables(page("dags/README.md"))[0]
    assert len(table.rows) == len(dags)
    for row in table.rows:
        dag = dags[re.search(r"`(\w+)`", row["Dag"])[1]]
        schedule = dag.schedule
        if isinstance(schedule, timedelta):
            schedule = f"every {schedule.total_seconds() / 60:g} minutes"
        assert row["schedule (UTC)"].strip("`") == schedule
        assert row["runs at once"] == str(dag.max_active_runs)
        assert row["retries"] == str(dag.default_args["retries"])


def test_the_tasks_of_each_dag_are_listed_with_their_operators(dags) -> None:
    text = page("dags/README.md")
    for dag_id, dag in dags.items():
        listed = {}
        for row in tables(section(text, dag_id))[0].rows:
            tasks, operator = list(row.values())
            listed |= dict.fromkeys(re.findall(r"`(\w+)`", tasks), operator.strip("`"))
        assert listed == {task.task_id: type(task).__name__ for task in dag.tasks}
        assert set(re.findall(r"`(\w+:\w+)`", section(text, dag_id))) == set(dag.tags)


def test_the_size_of_a_night_is_as_told(dags) -> None:
    dag = dags["invoice_reconciliation"]
    longest: dict[str, int] = {}

    def length(task_id: str) -> int:
        if task_id not in longest:
            longest[task_id] = 1 + max(
                (length(one) for one in dag.task_dict[task_id].upstream_task_ids), default=0
            )
        return longest[task_id]

    most = max(length(task_id) for task_id in dag.task_dict)
    assert f"has {len(dag.tasks)} tasks, {most} on its longest path" in page(
        "docs/explanation/architecture.md"
    )
    assert f"| {len(dag.tasks)} tasks, each" in page("docs/explanation/scaling.md")


def test_the_dag_of_ones_own_is_the_file_that_is_run() -> None:
    shown = re.search(
        r"<!-- taken from (\S+) -->\n```python\n(.*?)^```", page("README.md"), re.MULTILINE | re.DOTALL
    )
    assert shown
    assert shown[2] == page(shown[1])
    assert len(shown[2].splitlines()) <= 22


def test_the_picture_is_there_and_described() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page("README.md"))
    for words, file in pictures:
        assert len(words) > 40, "a picture is described for those who do not see it"
        assert (PROJECT / file).read_bytes().startswith(b"\x89PNG")


def test_the_import_direction_is_that_of_the_linter() -> None:
    import tomllib

    contracts = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    order = {name.strip(): place for place, layer in enumerate(layers) for name in layer.split("|")}
    for name in ("README.md", "CONTRIBUTING.md", "docs/adr/0002-keep-airflow-out-of-the-domain.md"):
        line = next(line for line in page(name).splitlines() if line.startswith("`") and "→" in line)
        shown = [[part.strip() for part in step.split("|")] for step in line.strip("`").split("→")]
        places = [{order[part] for part in step} for step in shown if step != ["dags"]]
        assert all(len(place) == 1 for place in places), line
        assert [place.pop() for place in places] == sorted(
            {order[part] for step in shown for part in step if part != "dags"}
        ), line
    assert len(blocks(page("README.md"), "text")) == 2
