"""Decisions by the shipped policy: one by one, with everything a record says, in columns; beside a bare loop."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from backoffice.domain.decision_table import Policy

PROJECT = Path(__file__).parents[1]
LIMIT = Decimal("100000.00")


def bare(case: dict[str, Any]) -> str:
    """Decide by the same comparisons in plain Python: no table, no proof, nothing checked, nothing explained."""
    state, receipt, due = case["match_state"], case["receipt"], case["days_until_due"]
    if state == "waiting_source":
        return "wait"
    if receipt == "missed" and (case["business_days_waited"] > 3 or (due is not None and due <= 5)):
        return "review"
    if state == "waiting_receipt":
        return "wait"
    if (
        (state == "held" and receipt != "not_missed")
        or case["gross_amount"].amount > LIMIT
        or state == "held"
    ):
        return "review"
    return "approve" if case["sources_delivered"] else "wait"


def arrays(rows: int) -> dict[str, Any]:
    """Draw cases as arrays, always the same ones."""
    chance = np.random.default_rng(1)
    return {
        "match_state": chance.choice(4, rows, p=[0.7, 0.1, 0.05, 0.15]),
        "gross_amount": chance.integers(1, 15_000_000, rows),
        "receipt": chance.choice(3, rows, p=[0.8, 0.15, 0.05]),
        "sources_delivered": chance.random(rows) < 0.95,
        "business_days_waited": chance.integers(0, 8, rows),
        "days_until_due": chance.integers(-10, 60, rows),
        "no_due_date": chance.random(rows) < 0.05,
    }


def as_cases(policy: Policy, drawn: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the same cases one by one."""
    from backoffice.domain.decision_table import Money

    states, receipts = policy.inputs["match_state"].values, policy.inputs["receipt"].values
    lists = [array.tolist() for array in drawn.values()]
    return [
        {
            "match_state": states[state],
            "gross_amount": Money(Decimal(cents) / 100, "EUR"),
            "receipt": receipts[receipt],
            "sources_delivered": delivered,
            "business_days_waited": waited,
            "days_until_due": None if no_date else due,
        }
        for state, cents, receipt, delivered, waited, due, no_date in zip(*lists, strict=True)
    ]


def rate(work: Callable[[], object], count: int) -> float:
    """Return how many in a second of one processor; the best of three, whatever else the machine does."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return count / best


def drain(results: Iterable[object]) -> int:
    """Ask for every result and keep none."""
    return sum(1 for _ in results)


def main() -> None:
    """Print one row per way to decide."""
    sys.path.insert(0, str(PROJECT / "plugins"))
    from backoffice.domain.decision_table import load_policy
    from backoffice.domain.decision_table.columns import Column, decide_columns

    text = (PROJECT / "include/policies/invoice_reconciliation/approve_invoice.yaml").read_text(
        encoding="utf-8"
    )
    policy = load_policy(text)
    rows, few = 100_000, 20_000
    drawn = arrays(rows)
    cases = as_cases(policy, drawn)
    outcomes = [policy.decide(case).outcome for case in cases]
    assert outcomes == [bare(case) for case in cases], "the bare loop decides otherwise"

    many = 2_000_000
    wide = arrays(many)
    columns = {
        "match_state": Column(wide["match_state"], labels=policy.inputs["match_state"].values),
        "gross_amount": Column(wide["gross_amount"], 2, "EUR"),
        "receipt": Column(wide["receipt"], labels=policy.inputs["receipt"].values),
        "sources_delivered": Column(wide["sources_delivered"].astype(np.int64)),
        "business_days_waited": Column(wide["business_days_waited"]),
        "days_until_due": Column(wide["days_until_due"], null=wide["no_due_date"]),
    }
    loop = rate(lambda: drain(bare(case) for case in cases), rows)
    measured = [
        ("decide one by one", rate(lambda: drain(policy.decide(case).outcome for case in cases), rows), "outcome alone"),
        ("with every why-not and the nearest change", rate(lambda: drain(whole(policy, case) for case in cases[:few]), few), ""),
        ("with the whole record", rate(lambda: drain(policy.decide(case).record() for case in cases[:few]), few), "plain data, as recorded"),
        ("decide in columns", rate(lambda: decide_columns(policy, columns), many), f"{many:,} rows"),
    ]  # fmt: skip
    for what, found, remarks in measured:
        print(f"| {what} | {found:,.0f} /s | {loop:,.0f} /s | {found / loop:.2g} x | {remarks} |", flush=True)
    loading = 1_000 / rate(lambda: load_policy(text), 1)
    print(f"| load and prove the shipped policy | {loading:.1f} ms | | | with its examples |", flush=True)


def whole(policy: Policy, case: dict[str, Any]) -> object:
    decision = policy.decide(case)
    return decision.why_not, decision.nearest


if __name__ == "__main__":
    main()
