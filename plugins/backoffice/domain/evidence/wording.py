"""What each record of the log says, in a sentence for people who do not know the product."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_FALLBACK = "{kind}: {fields}"
# by kind and by what its step or effect says
_SENTENCES = {
    (
        "path",
        "run opened",
    ): "Run {run_id} of {process} began ({dag_id}, {airflow_run_id}), package {package_version}",
    (
        "path",
        "load accepted",
    ): "Run {run_id} accepted {dataset} from {source}: {received} received, {accepted} "
    "accepted, {quarantined} quarantined, {known} known; complete up to {window_until}",
    ("path", "case opened"): "Case {case_id} was opened for {role}{codes}",
    ("path", "case refreshed"): "Case {case_id} was brought up to date: its facts had changed{codes}",
    ("path", "case superseded by facts"): "Case {case_id} closed: facts left nothing to decide",
    ("path", "answer booked"): "The answer to case {case_id} took effect: {result}",
    ("effect", "journal entry"): "Booked {event} on {posting_date} under the key {business_key}{amount}",
    ("effect", "payment proposed"): "Proposed for payment: {amount} {currency} on {pay_on}",
    ("effect", "payment proposed again"): "Proposed for payment again: {amount} {currency} on {pay_on}",
    ("effect", "payment proposal withdrawn"): "The payment proposal was withdrawn{reason}",
    ("effect", "payment block raised"): "Payment was blocked: {reason}",
    ("effect", "payment block released"): "Payment was freed",
    ("effect", "sent"): "A message was sent ({destination}, {idempotency_key})",
    ("policy", "proposed"): "Policy {policy_id} version {version} was proposed by {person_id}",
    ("policy", "approved"): "Policy {policy_id} version {version} was approved by {person_id}",
    ("policy", "refused"): "Policy {policy_id} version {version} was refused by {person_id}",
    (
        "policy",
        "withdrawn",
    ): "The proposal of policy {policy_id} version {version} was withdrawn by {person_id}",
    (
        "policy",
        "first used",
    ): "Policy {policy_id} version {version} decided for the first time, in run {run_id}",
    ("policy", "row added"): "A row was added to {table} by {by}: {after}",
    ("policy", "row changed"): "A row of {table} was changed by {by}: {before} became {after}",
    ("policy", "row removed"): "A row of {table} was removed by {by}: {before}",
    ("policy", "table emptied"): "{table} was emptied by {by}",
    ("policy", "on record"): "What stood in {table} when recording began",
    ("key", "key introduced"): "A signing key was introduced: {key_id}",
    (
        "erasure",
        "records purged",
    ): "The bytes of {records} records of class {class} from before {before} were purged "
    "after their time ({basis}); asked by {requested_by}, approved by {approved_by}",
    (
        "erasure",
        "person erased",
    ): "The words of {person_id} were erased ({basis}); asked by {requested_by}, approved by {approved_by}",
}
_BY_KIND = {
    "decision": "The machine decided: {outcome}, by rule {rule} of policy {policy_id} version "
    "{policy_version}",
    "human": "{person_id}, as {role}, answered case {case_id}: {action} ({reason_code}){half}",
    "api_call": "{method} {url} answered {status}, {size} bytes, SHA-256 {sha256}",
    "policy": "Policy {policy_id} version {version} came into force, entered by {activated_by}",
    "seal": "A checkpoint was signed over the {previous_size} records before it",
}


def sentence(kind: str, said: Mapping[str, Any]) -> str:
    """Return what a record says."""
    if not said:
        return f"The bytes of this record ({kind}) were purged from the log; its hash still has its place"
    step = said.get("step") or said.get("effect")
    template = _SENTENCES.get((kind, str(step))) or (None if step else _BY_KIND.get(kind))
    if template is None and kind == "policy" and "activated_by" in said:
        template = _BY_KIND[kind]
    if template is None:
        return _fallback(kind, said)
    return template.format_map(_Fields(said))


def plain(value: object) -> str:
    """Return a value of a record as text."""
    if value is None:
        return "not known"
    if isinstance(value, Mapping):
        if value.keys() == {"amount", "currency"}:
            return f"{value['amount']} {value['currency']}"
        return ", ".join(f"{name} {plain(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, list):
        return "; ".join(plain(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def moment(text: str) -> str:
    """Return a point in time to the second, as people read it."""
    day, _, clock = text.partition("T")
    return f"{day} {clock[:8]}" if clock else text


def age(seconds: object) -> str:
    """Return an age in the unit that people would use."""
    try:
        left = int(str(seconds).partition(".")[0])
    except ValueError:
        return "not known"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if left >= 2 * size or left == size:
            return f"{left // size} {unit}"
    return f"{left} s"


def money(said: Mapping[str, Any]) -> str:
    """Return what a journal entry moves, by currency."""
    sums: dict[str, Decimal] = {}
    for line in said.get("lines") or ():
        if line.get("debit") not in (None, "0"):
            currency = str(line.get("currency"))
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(str(line["debit"]))
    return "; ".join(f"{total:f} {currency}" for currency, total in sorted(sums.items()))


class _Fields(dict):  # type: ignore[type-arg]
    """The fields of a record for a template; some come with the words around them."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        super().__init__(said)

    def __missing__(self, name: str) -> str:
        return "" if name in ("codes", "amount", "half") else "not known"

    def __getitem__(self, name: str) -> str:
        value = dict.get(self, name)
        if name == "amount" and "lines" in self:
            moved = money(self)
            return f", debit {moved}" if moved else ""
        if name == "half":
            return "; a second person had to agree" if dict.get(self, "final") == "false" else ""
        if name == "codes":
            return f": {value}" if value else ""
        if name == "reason" and dict.get(self, "effect") == "payment proposal withdrawn":
            return f": {value}" if value else ""
        if name == "window_until" and value is not None:
            return moment(str(value))
        return self.__missing__(name) if value is None else plain(value)


def _fallback(kind: str, said: Mapping[str, Any]) -> str:
    told = ", ".join(
        f"{name} {plain(value)}" for name, value in said.items() if name not in ("_record", "at")
    )
    return _FALLBACK.format(kind=kind, fields=told)
