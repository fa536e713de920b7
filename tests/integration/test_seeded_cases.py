"""The thirty seeded cases are there, each with its cause as the first hypothesis and its answer among the offered actions."""

from __future__ import annotations

import pytest
from tests.conftest import BUSINESS_DATE
from tests.seeded_cases import CASES, write_seeded_cases

pytestmark = pytest.mark.integration

CASES_OF = """
SELECT c.handover #>> '{document,number}', c.handover #>> '{hypotheses,0,hypothesis}', ARRAY(SELECT a ->> 'action' FROM jsonb_array_elements(c.handover -> 'actions') AS a),
       c.handover -> 'hypotheses', ARRAY(SELECT x.code FROM review.case_item x WHERE x.case_id = c.case_id)
FROM review.case c WHERE c.supplier_id LIKE 'SEED-%' AND c.state = 'open'
"""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_case_names_its_cause_first_and_offers_its_answer(ledger, seed):
    with ledger.connect("app") as connection:
        answers = write_seeded_cases(connection, BUSINESS_DATE, seed)
        cases = {row[0]: row for row in connection.execute(CASES_OF).fetchall()}
    assert len(answers) == len({answer.number for answer in answers}) == CASES
    wrong = []
    for answer in answers:
        _, first, actions, told, codes = cases[answer.number]
        assert set(answer.actions) <= set(actions), (answer, codes)
        if first != answer.cause:
            wrong.append((answer.cause, first, codes, [(one["hypothesis"], one["score"]) for one in told]))
    print(f"seed {seed}: first hypothesis right in {CASES - len(wrong)} of {CASES}; wrong: {wrong}")
    assert len(wrong) <= CASES * 0.2
