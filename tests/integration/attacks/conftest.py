"""The ledger that is attacked: built once, copied for every attack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.copies import Copies
from tests.integration.attacks.target import Target, aftermath, build


@pytest.fixture(scope="session")
def target(postgres: str, ledger_template: str) -> Iterator[Target]:
    copies = Copies(postgres)
    template = copies.copy(ledger_template)
    run_id = build(copies, template)
    made = Target(copies, template, {}, run_id)
    with copies.scratch(template) as database:
        made.untouched = aftermath(made, database)
    yield made
    copies.drop_all()


@pytest.fixture
def victim(target: Target) -> Iterator[str]:
    with target.copies.scratch(target.template) as database:
        yield database
