"""What a new text of a policy would change: recorded decisions decided again by it, and compared.

Compared is what becomes of the case: an approval of an amount beyond the machine limit is none, because the
ledger holds it for a person whatever the table says. Decisions that were recorded in an earlier form, or
looked at what the text has no input for, are counted and named, never decided on a guess.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from backoffice.domain.canonical import number_text
from backoffice.domain.decision_record import given
from backoffice.domain.decision_table import Money, Policy, UnknownInput

MOST_DECISIONS = 10_000
MOST_LISTED = 500
ACTING = "approve"
LIMIT_RULE = "machine_limit"
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_MONEY_AS_TEXT = re.compile(_NUMBER.pattern + " [A-Z]{3}")


class OtherForm(ValueError):
    """What a decision looked at was not recorded in today's form; the message says what is otherwise."""


@dataclass(frozen=True)
class RecordedDecision:
    """A machine decision as the ledger recorded it.

    :param inputs: What it looked at, see ``recorded_inputs``; or why that cannot be said.
    :param machine_limit: That of the version that decided.
    """

    decision_id: int
    decided_at: datetime
    outcome: str
    rule: str
    inputs: Mapping[str, object] | OtherForm
    machine_limit: Money | None
    invoice: str | None
    supplier: str | None
    amount: Money | None


def recorded_inputs(explanation: Mapping[str, Any]) -> dict[str, object]:
    """Return what a decision looked at, from its explanation, as a policy is asked with it.

    :raises OtherForm: It was recorded before inputs had types, or not at all. Nothing is guessed.
    """
    inputs = explanation.get("inputs")
    if not isinstance(inputs, Mapping):
        raise OtherForm("no inputs are recorded")
    for name, value in sorted(inputs.items()):
        if isinstance(value, str) and _MONEY_AS_TEXT.fullmatch(value):
            raise OtherForm(f"{name} is recorded as a text, not as an amount with its currency")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            raise OtherForm(f"{name} is recorded as a bare number")
        if isinstance(value, (list, Mapping)) and not _is_money(value):
            raise OtherForm(f"{name} is recorded as something that is no value of an input")
    return given(inputs)


def replay(
    policy: Policy, recorded: Iterable[RecordedDecision], at_most: int = MOST_DECISIONS
) -> dict[str, Any]:
    """Decide recorded decisions again by ``policy`` and return what changes, in canonical form.

    Three invoices, approved at 40.00, 60.00 and 80.00, and a limit lowered to 50.00: decisions 3, changed 2,
    from approve to review, 140.00 in all.

    :param recorded: The latest first; the first ``MOST_LISTED`` that change are listed. Those in another
        form, or with an input that the text does not have, are counted with the reason and not decided.
    :param at_most: How many were asked for, so that a reader can tell "all there are" from "the latest".
    """
    decided: list[RecordedDecision] = []
    listed: list[dict[str, Any]] = []
    moves: Counter[tuple[str, str, str]] = Counter()
    amounts: dict[tuple[str, str, str], Decimal] = {}
    unusable: Counter[str] = Counter()
    other_form: Counter[str] = Counter()
    for one in recorded:
        decided.append(one)
        if isinstance(one.inputs, OtherForm):
            other_form[str(one.inputs)] += 1
            continue
        try:
            decision = policy.decide(one.inputs)
        except UnknownInput as unknown:
            other_form[str(unknown)] += 1
            continue
        unusable.update(decision.faults)
        before = _what_becomes(policy, one.outcome, one.rule, one.machine_limit, one.inputs)
        after = _what_becomes(policy, decision.outcome, decision.rule, policy.machine_limit, one.inputs)
        if before[0] == after[0]:
            continue
        move = (before[0], after[0], one.amount.currency if one.amount else "")
        moves[move] += 1
        amounts[move] = amounts.get(move, Decimal()) + (one.amount.amount if one.amount else Decimal())
        if len(listed) < MOST_LISTED:
            listed.append(_listed(one, before, after))
    return {
        "policy_id": policy.policy_id,
        "version": policy.version,
        "sha256": policy.sha256,
        "machine_limit": _spelled(policy.machine_limit),
        "effective_from": policy.effective_from,
        "effective_to": policy.effective_to,
        "at_most": at_most,
        "decisions": len(decided),
        "first_decision": decided[-1].decision_id if decided else None,
        "first_at": decided[-1].decided_at if decided else None,
        "last_decision": decided[0].decision_id if decided else None,
        "last_at": decided[0].decided_at if decided else None,
        "tried": len(decided) - other_form.total(),
        "changed": sum(moves.values()),
        "moves": [
            {
                "from": move[0],
                "to": move[1],
                "currency": move[2] or None,
                "count": count,
                "amount": amounts[move],
            }
            for move, count in sorted(moves.items())
        ],
        "unusable": _most_frequent(unusable),
        "other_form": _most_frequent(other_form),
        "listed": listed,
    }


def _most_frequent(faults: Counter[str]) -> list[dict[str, Any]]:
    ordered = sorted(faults.items(), key=lambda item: (-item[1], item[0]))
    return [{"fault": fault, "count": count} for fault, count in ordered[:20]]


def _what_becomes(
    policy: Policy, outcome: str, rule: str, limit: Money | None, inputs: Mapping[str, object]
) -> tuple[str, str]:
    """Return outcome and rule, or the safe outcome where the ledger would not let the machine act."""
    if outcome == ACTING and any(_beyond(limit, value) for value in inputs.values()):
        return policy.default_outcome, LIMIT_RULE
    return outcome, rule


def _beyond(limit: Money | None, value: object) -> bool:
    if not isinstance(value, Money):
        return False
    return limit is None or value.currency != limit.currency or abs(value.amount) > limit.amount


def _listed(one: RecordedDecision, before: tuple[str, str], after: tuple[str, str]) -> dict[str, Any]:
    return {
        "decision_id": one.decision_id,
        "invoice": one.invoice,
        "supplier": one.supplier,
        "amount": one.amount.amount if one.amount else None,
        "currency": one.amount.currency if one.amount else None,
        "from": before[0],
        "from_rule": before[1],
        "to": after[0],
        "to_rule": after[1],
    }


def _is_money(value: object) -> bool:
    if not isinstance(value, Mapping) or value.keys() != {"amount", "currency"}:
        return False
    amount, currency = value["amount"], value["currency"]
    return isinstance(currency, str) and isinstance(amount, str) and bool(_NUMBER.fullmatch(amount))


def _spelled(money: Money) -> str:
    return f"{number_text(money.amount)} {money.currency}"
