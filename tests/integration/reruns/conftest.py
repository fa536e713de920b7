"""A company that is served once for all tests of this folder, and its ledgers at some moments of a night."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests import dump
from tests.books import Books
from tests.integration.reruns.works import (
    ANCHOR,
    READING,
    Office,
    Works,
    expect_success,
    finish,
    run_all,
    works_of,
)
from tests.night import run_night

from backoffice.sandbox.generator import generate


@pytest.fixture(scope="session")
def works(postgres: str, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with works_of(
        generate(9, 30, "realistic", ANCHOR), postgres, ledger_template, tmp_path_factory.mktemp("works")
    ) as made:
        yield made


@pytest.fixture(scope="session")
def read(works: Works) -> str:
    """Two runs have read and judged everything; neither has accepted anything."""
    database = works.copy(works.empty)
    with works.at(database):
        for run_id in ("first", "second"):
            run_all(("open_run", *READING), run_id)
    return database


@pytest.fixture(scope="session")
def undisturbed(works: Works, read: str) -> dump.Dump:
    """The books after both runs and the answers, one after the other."""
    with works.scratch(read) as database:
        finish(works, database)
        return works.books(database)


@pytest.fixture(scope="session")
def one_night(works: Works) -> Iterator[str]:
    """A ledger after one undisturbed night and the next, without answers."""
    with works.scratch(works.empty) as database:
        with works.at(database):
            for run_id in ("first", "second"):
                expect_success(run_night(run_id))
        yield database


@pytest.fixture
def office(ledger):
    """The application's connection with a company's books, and people's answers through the web log-in."""
    with ledger.connect("app") as app, ledger.connect("web", autocommit=True) as web:
        yield Office(Books(app).open_run(), web)
