"""Whatever its size, a policy is read within a bounded time, and what is not proven is refused."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from backoffice.domain.decision_table import Kind, examine_policy
from backoffice.domain.decision_table.size import MOST_BOUNDARIES, MOST_CODES

HEAD = "policy: big\ntitle: t\nversion: 1\nowner: o\neffective_from: 2026-01-01\nhit_policy: HIT\nmachine_limit: 0.00 EUR\n"
MOST_SECONDS = 30  # on one core that others use too; alone the slowest takes five


def table(hit: str, inputs: str, rules: str, outcomes: str = "[wait, review]", examples: str = "[]") -> str:
    return f"{HEAD.replace('HIT', hit)}inputs:\n{inputs}outcomes: {outcomes}\nrules:\n{rules}default: {{then: review}}\nexamples: {examples}\n"


def codes(prefix: str, count: int) -> str:
    return ", ".join(f"{prefix}{number}" for number in range(count))


def ranges(rules: int, inputs: int, hit: str, kind: str = "number, unit: p") -> str:
    """Rules with ranges of their own over each input, which nearly all overlap."""
    chance = random.Random(1)

    def cell() -> str:
        begin = chance.randint(0, 100_000)
        return f"[{begin}..{begin + chance.randint(1, 50_000)}]"

    rows = ""
    for number in range(rules):
        cells = ", ".join(f'x{place}: "{cell()}"' for place in range(inputs))
        rows += f"  - {{id: r{number}, when: {{{cells}}}, then: wait}}\n"
    declared = "".join(f"  x{place}: {{type: {kind}}}\n" for place in range(inputs))
    return table(hit, declared, rows + "  - {id: rest, then: review}\n")


def clauses(rules: int, inputs: int, money: str = "") -> str:
    """Rules that each ask a few inputs of many: only a search tells whether they leave a gap."""
    chance = random.Random(5)
    rows, act = "", "approve" if money else "wait"
    for number in range(rules):
        cells = [f"x{place}: c{chance.randrange(3)}" for place in chance.sample(range(inputs), 4)]
        cells += [f'amount: "> {chance.randint(0, 10**6)}"'] if money else []
        rows += (
            f"  - {{id: r{number}, when: {{{', '.join(cells)}}}, then: {chance.choice([act, 'review'])}}}\n"
        )
    declared = "".join(f"  x{place}: {{type: code, values: [c0, c1, c2]}}\n" for place in range(inputs))
    return table(
        "first", declared + money, rows + "  - {id: rest, then: review}\n", "[approve, wait, review]"
    )


HOSTILE: dict[str, Callable[[], str]] = {
    "2,000 rules over eight inputs": lambda: ranges(2_000, 8, "first"),
    "2,000 rules over eight amounts": lambda: ranges(2_000, 8, "first", "money, currency: EUR"),
    "4,900 rules over two inputs": lambda: ranges(4_900, 2, "any"),
    "1,500 rules over forty inputs": lambda: ranges(1_500, 40, "first"),
    "clauses": lambda: clauses(4_900, 40),
    "clauses and an amount": lambda: clauses(1_000, 39, "  amount: {type: money, currency: EUR}\n"),
    "codes by rules": lambda: table(
        "first",
        f"  x: {{type: code, values: [{codes('c', 5_000)}]}}\n",
        "".join(
            f'  - {{id: r{number}, when: {{x: "not(c{number})"}}, then: wait}}\n' for number in range(4_900)
        ),
    ),
    "lists": lambda: table(
        "first",
        f"  x: {{type: codes, values: [{codes('c', 8)}]}}\n",
        "".join(
            f'  - {{id: r{n}, when: {{x: "contains any (c{n % 8}), contains all (c{n // 8 % 8}), empty"}}, then: wait}}\n'
            for n in range(4_900)
        ),
    ),
    "alternatives": lambda: table(
        "first",
        "  x: {type: number, unit: p}\n",
        f"  - {{id: r, when: {{x: \"{', '.join(f'[{2 * n}..{2 * n + 1}]' for n in range(100_000))}\"}}, then: wait}}\n",
    ),
    "examples": lambda: table(
        "first",
        "  x: {type: flag}\n",
        "  - {id: r, then: wait}\n",
        examples="\n" + "  - {given: {x: true}, expect: wait}\n" * 5_001,
    ),
    "outcomes": lambda: table(
        "first", "  x: {type: flag}\n", "  - {id: r, then: o1}\n", "{" + ", ".join(f"o{n}: {{authority: none}}" for n in range(101)) + "}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_too_large_to_prove_ends_soon_with_a_finding_that_says_so(name: str) -> None:
    text = HOSTILE[name]()
    started = time.process_time()
    findings = examine_policy(text, "big.yaml").findings
    assert time.process_time() - started < MOST_SECONDS
    assert Kind.SIZE in {one.kind for one in findings}
    assert all(one.remedy and len(str(one)) < 1_000 for one in findings)


def test_what_is_long_but_plain_is_read_in_linear_time() -> None:
    """400,000 codes, and a cell of 200,000 times not(...): each used to take minutes."""
    many = table(
        "first",
        f"  x: {{type: code, values: [{codes('c', 400_000)}]}}\n",
        "  - {id: a, when: {x: c1}, then: review}\n  - {id: r, then: wait}\n",
    )
    nots = ", ".join(f"not(c0, c{1 + number % 999})" for number in range(200_000))
    cell = table(
        "first",
        f"  x: {{type: code, values: [{codes('c', 1_000)}]}}\n",
        f'  - {{id: a, when: {{x: "{nots}"}}, then: wait}}\n  - {{id: r, then: review}}\n',
    )
    for text in (many, cell):
        started = time.process_time()
        assert {one.kind for one in examine_policy(text).findings} == {Kind.EXAMPLE}
        assert time.process_time() - started < MOST_SECONDS


def test_findings_are_few_and_short_whatever_the_text() -> None:
    """Each of 2,000 cells names a code that is not among 20,000, each as long as a line."""
    inputs = f"  x: {{type: code, values: [{codes('a' * 60, 300)}]}}\n"
    rules = "".join(
        f"  - {{id: r{number}, when: {{x: {'b' * 500}}}, then: wait}}\n" for number in range(2_000)
    )
    findings = examine_policy(table("first", inputs, rules)).findings
    assert len(findings) == 501
    assert "only the first 500 findings are listed" in findings[-1].problem
    assert sum(len(str(one)) for one in findings) < 1_000_000


def test_the_limits_are_those_that_are_documented() -> None:
    assert (MOST_CODES, MOST_BOUNDARIES) == (2_000_000, 50_000)
