"""Policies as the pages and the API read them, and what people do to change one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from backoffice.domain.canonical import canonical_bytes
from backoffice.domain.decision_table import Money, Policy, PolicyError, load_policy
from backoffice.domain.policy_impact import (
    MOST_DECISIONS,
    OtherForm,
    RecordedDecision,
    recorded_inputs,
    replay,
)
from backoffice.settings import sql
from backoffice.web import acts
from backoffice.web.auth import SYSTEM, Person
from backoffice.web.database import Connection, LedgerPool, fetch_all, fetch_one
from backoffice.web.policy_models import Act, CheckRequest, ProposalRequest
from backoffice.web.problems import FieldError, Problem

MOST_PROPOSALS = 100
MOST_COMPARED_LINES = 5_000
_LAST_ID = 2**63 - 1
_LAST_VERSION = 2**31 - 1


def list_policies(connection: Connection, person: Person) -> dict[str, Any]:
    """Return the policies that this person may see, their versions, and proposed changes."""
    who = {"person_id": person.person_id}
    policies: dict[str, dict[str, Any]] = {}
    for row in fetch_all(connection, sql("policy/list_versions"), who):
        policy = policies.setdefault(
            row["policy_id"],
            {
                "policy_id": row["policy_id"],
                "process": row["process"],
                "active_version": None,
                "may_propose": row["may_propose"],
                "versions": [],
            },
        )
        policy["versions"].append(row)
        if row["state"] == "active":
            policy["active_version"] = row["version"]
    proposals = fetch_all(connection, sql("policy/list_proposals"), {**who, "most": MOST_PROPOSALS})
    return {"policies": list(policies.values()), "proposals": proposals}


def read_version(connection: Connection, person: Person, policy_id: str, version: int) -> dict[str, Any]:
    """Return one version with its text.

    :raises Problem: 404, there is no such version, or not for this person.
    """
    values = {"person_id": person.person_id, "policy_id": policy_id, "version": version}
    known = "\x00" not in policy_id and 0 < version <= _LAST_VERSION
    row = fetch_one(connection, sql("policy/read_version"), values) if known else None
    if row is None:
        raise Problem(404, f"There is no version {version} of a policy {policy_id!r} that you may see.")
    return row


def read_proposal(connection: Connection, person: Person, proposal_id: int) -> dict[str, Any]:
    """Return a proposal with its text, its impact, and what this person may do about it.

    :raises Problem: 404, there is no such proposal, or not for this person.
    """
    values = {"person_id": person.person_id, "proposal_id": proposal_id}
    row = fetch_one(connection, sql("policy/read_proposal"), values) if 0 < proposal_id <= _LAST_ID else None
    if row is None:
        raise Problem(404, f"There is no proposal {proposal_id} that you may see.")
    why_not: dict[str, str | None] = row["why_not"]
    return {
        **row,
        "difference": difference(row),
        "offered": [
            {"act": act, "allowed": why_not[act] is None, "why_not": _sentence(why_not[act])}
            for act in ("approve", "refuse", "withdraw")
        ],
    }


def difference(proposal: Mapping[str, Any]) -> list[str]:
    """Return how the proposed text differs from the one it replaces; of very many lines where they begin."""
    before = (proposal["replaces_content"] or "").splitlines()
    after = proposal["content"].splitlines()
    names = f"version {proposal['replaces_version']}", f"version {proposal['version']}"
    same = _same(before, after)
    changed = len(before) + len(after) - 2 * (same + _same(before[same:][::-1], after[same:][::-1]))
    if changed > MOST_COMPARED_LINES:
        return [
            f"--- {names[0]}",
            f"+++ {names[1]}",
            f"from line {same + 1} on {changed} lines differ, too many to compare here: read both texts",
        ]
    return list(difflib.unified_diff(before, after, *names, lineterm=""))


def _same(one: Sequence[str], two: Sequence[str]) -> int:
    """Return how many lines both begin with."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two))
    )


def prove(content: str) -> Policy:
    """Return the policy that a text says.

    :raises Problem: 422 with every finding, the text cannot be used.
    """
    try:
        return load_policy(content, source="content")
    except PolicyError as error:
        errors = [FieldError("content", str(finding)) for finding in error.findings]
        findings = [finding.as_dict() for finding in error.findings]
        detail = "The text cannot be used as a policy; nothing is stored."
        raise Problem(422, detail, errors, findings=findings) from error


def impact_of(connection: Connection, policy: Policy) -> dict[str, Any]:
    """Decide the latest recorded decisions of a policy again by a new text of it."""
    values = {"policy_id": policy.policy_id, "most": MOST_DECISIONS}
    rows = fetch_all(connection, sql("policy/list_recorded_decisions"), values)
    return replay(policy, [_recorded(row) for row in rows])


def read_latest(connection: Connection, person: Person, policy_id: str) -> dict[str, Any]:
    """Return the text that a proposal would replace, and why this person may propose none.

    :raises Problem: 404, there is no such policy, or not for this person.
    """
    values = {"person_id": person.person_id, "policy_id": policy_id}
    row = fetch_one(connection, sql("policy/read_latest"), values) if "\x00" not in policy_id else None
    if row is None:
        raise Problem(404, f"There is no policy {policy_id!r} that you may see.")
    return {**row, "why_not": row["why_not"] and f"{person.name} {row['why_not']}."}


def check(ledger: LedgerPool, person: Person, given: CheckRequest) -> dict[str, Any]:
    """Prove a text, compare it and try it on recorded decisions. Stores nothing.

    :raises Problem: As for ``propose``.
    """
    policy = prove(given.content)
    with ledger.reading() as connection:
        impact = impact_of(connection, policy)
        tried = {
            **given.model_dump(),
            "system": SYSTEM,
            "user_id": person.user_id,
            "impact": canonical_bytes(impact).decode(),
        }
        with acts.refusals():
            told = (fetch_one(connection, sql("policy/try"), tried) or {})["answer"]
        latest = read_latest(connection, person, told["policy_id"])
    texts = {**told, "content": given.content, "replaces_content": latest["content"]}
    return {**told, "difference": difference(texts), "impact": impact}


def propose(
    ledger: LedgerPool, person: Person, given: ProposalRequest, idempotency_key: str
) -> dict[str, Any]:
    """Prove a text, try it on recorded decisions and store it as a proposal, which decides nothing yet.

    :raises Problem: 403 no authority, 404 no such policy, 409 the number is taken, 422 not usable.
    """
    policy = prove(given.content)
    with ledger.reading() as connection:
        impact = impact_of(connection, policy)
    values = {**given.model_dump(), "impact": canonical_bytes(impact).decode()}
    told = acts.act(ledger, person, sql("policy/propose"), **values, idempotency_key=idempotency_key)
    return {**told, "next": _what_happens_next(told)}


def act(
    ledger: LedgerPool,
    person: Person,
    proposal_id: int,
    which: Act,
    given: Mapping[str, Any],
    idempotency_key: str,
) -> dict[str, Any]:
    """Approve, refuse or withdraw a proposal.

    :raises Problem: 403 not allowed, 404 no such proposal, 409 settled already or another impact.
    """
    with ledger.reading() as connection:
        read_proposal(connection, person, proposal_id)
    statements = {
        "approve": sql("policy/approve"),
        "refuse": sql("policy/refuse"),
        "withdraw": sql("policy/withdraw"),
    }
    values = {**given, "proposal_id": proposal_id, "idempotency_key": idempotency_key}
    told = acts.act(ledger, person, statements[which], **values)
    return {**told, "next": _what_happens_next(told)}


def _recorded(row: Mapping[str, Any]) -> RecordedDecision:
    return RecordedDecision(
        decision_id=row["decision_id"],
        decided_at=row["decided_at"],
        outcome=row["outcome"],
        rule=row["rule"],
        inputs=_inputs(row["explanation"]),
        machine_limit=_money(row["machine_limit"], row["limit_currency"]),
        invoice=row["invoice_number"],
        supplier=row["supplier_id"],
        amount=_money(row["amount"], row["currency"]),
    )


def _inputs(explanation: Mapping[str, Any]) -> Mapping[str, object] | OtherForm:
    try:
        return recorded_inputs(explanation)
    except OtherForm as other:
        return other


def _money(amount: Any, currency: str | None) -> Money | None:
    return Money(amount, currency) if amount is not None and currency is not None else None


def _what_happens_next(told: Mapping[str, Any]) -> str:
    return {
        "proposed": f"Nothing changes yet; another person has to approve proposal {told['proposal_id']}.",
        "approved": f"It decides from business day {told['effective_from']} on, without anybody doing more.",
        "active": "It decides from now on. Open documents are decided anew by the next run.",
        "superseded": "A version that was approved later decides.",
        "ended": "Its last day has passed; it decides nothing any more.",
        "refused": "Nothing changes.",
        "withdrawn": "Nothing changes.",
    }[told["state"]]


def _sentence(reason: str | None) -> str | None:
    return None if reason is None else f"{reason[0].upper()}{reason[1:]}."
