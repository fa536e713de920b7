"""The record of a machine decision: what stands in it, and how the same bytes are made again.

The ledger writes the record (``ledger.record_machine_decisions``) from what it reads itself and from the
reasons that the policy gave; ``docs/reference/audit-records.md`` names every field. Performed again, the
policy's text and the recorded inputs give the same reasons, and these with the ledger's facts the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from backoffice.domain.canonical import number_text, time_text
from backoffice.domain.decision_table import Decision, Money, Policy

FORM = "2"
# fields of a decision that the ledger records from its own knowledge
_LEDGERS_OWN = frozenset({"policy", "outcome", "rule", "inputs"})
# fields of the record that say what was so when it was written: nothing but the record knows them now
AS_RECORDED = (
    "facts",
    "holds",
    "sources",
    "texts_sha256",
    "tolerance_set",
    "tolerances_sha256",
)


def given(inputs: Mapping[str, Any]) -> dict[str, object]:
    """Return what a policy is asked with, from the inputs as the ledger spells them.

    Money is an object of amount and currency, any other number text, a flag true or false, unknown null.

    :raises ValueError: An amount is no number, or an input is of no such form.
    """
    return {name: _value(value) for name, value in inputs.items()}


def _value(value: object) -> object:
    if isinstance(value, dict):
        try:
            return Money(Decimal(value["amount"]), value["currency"])
        except (KeyError, TypeError, InvalidOperation):
            raise ValueError(f"{value!r} is no amount with a currency") from None
    return value


def reasons(decision: Decision) -> dict[str, Any]:
    """Return why, why not, by whose authority and what would flip it: what only the policy knows.

    ``why_not`` is by rule: input and cell that failed first. ``rules`` and ``outcomes`` stand there only
    where more than one counts.
    """
    said = {name: value for name, value in decision.record().items() if name not in _LEDGERS_OWN}
    said["why_not"] = {one["rule"]: [one["input"], one["cell"]] for one in said["why_not"]}
    for name in ("rules", "outcomes"):
        if len(said[name]) == 1:
            del said[name]
    return said


def authority(policy: Policy) -> str:
    """Return in whose name the machine decides: ``machine up to 100000 EUR``."""
    limit = policy.machine_limit
    return f"machine up to {number_text(limit.amount)} {limit.currency}"


@dataclass(frozen=True)
class LedgerFacts:
    """What the ledger knows of a decision beside its record.

    :param place: Kind and subject of the record and its number there, as every record's bytes begin.
    """

    place: tuple[str, str, str]
    decision_id: int
    decided_at: datetime
    evidence_sha256: str
    package_version: str | None
    run_id: int
    invoice_sha256: str
    document: Mapping[str, Any] | None
    inputs: Mapping[str, Any] | None


def performed_again(policy: Policy, recorded: Mapping[str, Any], facts: LedgerFacts) -> dict[str, Any]:
    """Decide again on the recorded inputs and return the record as it has to be.

    :param recorded: The record's body.
    :raises ValueError: The recorded inputs are of no form that a policy can be asked with.
    """
    inputs = recorded.get("inputs")
    if not isinstance(inputs, Mapping):
        raise ValueError("the record names no inputs")
    decision = policy.decide(given(inputs))
    body = {name: recorded.get(name) for name in AS_RECORDED}
    return body | {
        "_record": list(facts.place),
        "at": time_text(facts.decided_at),
        "authority": authority(policy),
        "decision": reasons(decision),
        "decision_id": str(facts.decision_id),
        "document": recorded.get("document") if facts.document is None else dict(facts.document),
        "evidence_sha256": facts.evidence_sha256,
        "form": FORM,
        # the ledger keeps a second copy; where it says something else, one of the two was changed
        "inputs": dict(inputs if facts.inputs is None else facts.inputs),
        "invoice_sha256": facts.invoice_sha256,
        "outcome": decision.outcome,
        "package_version": facts.package_version,
        "policy_id": policy.policy_id,
        "policy_sha256": policy.sha256,
        "policy_version": str(policy.version),
        "rule": decision.rule,
        "run_id": str(facts.run_id),
    }


@dataclass(frozen=True)
class Difference:
    """One place where a record is not what it has to be."""

    path: str
    recorded: object
    now: object


ABSENT = "(not there)"


def differences(recorded: object, now: object, path: str = "") -> Iterator[Difference]:
    """Yield every place where two records differ, by its path: ``decision.why_not[2].cell``."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        for name in sorted(recorded.keys() | now.keys()):
            inner = f"{path}.{name}" if path else str(name)
            yield from differences(recorded.get(name, ABSENT), now.get(name, ABSENT), inner)
    elif isinstance(recorded, list) and isinstance(now, list):
        for place in range(max(len(recorded), len(now))):
            old = recorded[place] if place < len(recorded) else ABSENT
            new = now[place] if place < len(now) else ABSENT
            yield from differences(old, new, f"{path}[{place}]")
    elif type(recorded) is not type(now) or recorded != now:
        yield Difference(path, recorded, now)


def contradictions(recorded: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield where a record contradicts itself: its facts, their hash, its holds and its inputs belong
    together, and what is held beyond a limit is beyond it.
    """
    facts = recorded.get("facts")
    if not isinstance(facts, str):
        yield Difference("facts", facts, "a text")
        return
    digest = hashlib.sha256(facts.encode("utf-8")).hexdigest()
    if digest != recorded.get("evidence_sha256"):
        yield Difference("evidence_sha256", recorded.get("evidence_sha256"), f"{digest} (of the facts)")
    # document, supplier (left out where there is none), state, lines, holds
    parts = facts.split("|")
    inputs, document = recorded.get("inputs") or {}, recorded.get("invoice_sha256")
    if parts[0] != document:
        yield Difference("invoice_sha256", document, f"{parts[0]} (in the facts)")
    if inputs.get("match_state") not in parts[1:3]:
        yield Difference("inputs.match_state", inputs.get("match_state"), f"{parts[1:3]} (in the facts)")
    held = sorted(
        f"{one.get('code')},{one.get('effect')},{one.get('evidence_sha256')}"
        for one in recorded.get("holds") or ()
    )
    # a state and the numbers of lines never begin like a hold code
    stated = sorted(parts[-1].split(";")) if parts[-1][:1].isupper() else []
    if stated != held:
        yield Difference("holds", held, f"{parts[-1]} (in the facts)")
    for place, hold in enumerate(recorded.get("holds") or ()):
        yield from _hold(f"holds[{place}]", hold, str(document))


def holds_covered(recorded: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many holds name what was measured and a limit for it, and how many there are."""
    holds = recorded.get("holds") or ()
    return sum(1 for one in holds if _beyond(one, _facts(one)) is not None), len(holds)


def _hold(path: str, hold: Mapping[str, Any], document: str) -> Iterator[Difference]:
    """Compare a hold with its own hash, and what was measured with its limits."""
    facts = _facts(hold)
    if hold.get("code") == "APPROVAL":
        limit = facts.get("machine_limit", "").encode("utf-8")
        digest = hashlib.sha256(_from_hex(document) + limit).hexdigest()
    else:
        parts = [hold.get(name) for name in ("code", "effect", "measured", "limit", "scope", "facts")]
        said = "|".join(str(part) for part in parts if part is not None)
        digest = hashlib.sha256(said.encode("utf-8")).hexdigest()
    if digest != hold.get("evidence_sha256"):
        yield Difference(f"{path}.evidence_sha256", hold.get("evidence_sha256"), f"{digest} (of the hold)")
    if _beyond(hold, facts) is False:
        yield Difference(f"{path}.measured", hold.get("measured"), "beyond none of its limits")


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _facts(hold: Mapping[str, Any]) -> dict[str, str]:
    pairs = (part.partition("=") for part in str(hold.get("facts") or "").split("|"))
    return {name: value for name, _, value in pairs}


# against what a limit in percent is measured, by hold code
_REFERENCE = {
    "QTY_ORD": "ordered",
    "QTY_REC": "received",
    "AMT_REC": "received",
    "PRICE": "reference_amount",
}


def _beyond(hold: Mapping[str, Any], facts: Mapping[str, str]) -> bool | None:
    """Return whether what was measured is beyond a limit; None where the record names none."""
    try:
        measured = Decimal(hold["measured"])
        found = [measured > Decimal(hold["limit"])] if hold.get("limit") is not None else []
        if "limit_pct" in facts and (reference := facts.get(_REFERENCE.get(str(hold.get("code")), ""))):
            found.append(measured * 100 > Decimal(facts["limit_pct"]) * Decimal(reference))
    except (KeyError, TypeError, InvalidOperation):
        return None
    return any(found) if found else None
