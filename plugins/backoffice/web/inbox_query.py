"""What can be asked of the inbox: filters, orders, and where a page goes on."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from backoffice.web import field_words
from backoffice.web.auth import Person
from backoffice.web.inbox_search import anywhere, folded, search
from backoffice.web.models import StateFilter
from backoffice.web.problems import FieldError, Problem

Sort = Literal["due", "amount", "age", "priority"]
Due = Literal["past", "week", "none"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^[^\x00]*$")]
Amount = Annotated[Decimal, Field(ge=0, max_digits=16, decimal_places=2)]

MOST_PER_PAGE = 200

_WAITS = "c.state IN ('open', 'half_decided')"
_STATES: Mapping[str, str] = {
    "open": _WAITS,
    "unclaimed": f"{_WAITS} AND c.claimed_by IS NULL",
    "claimed": f"{_WAITS} AND c.claimed_by IS NOT NULL",
    "waiting": f"{_WAITS} AND c.waiting_since IS NOT NULL",
    "escalated": f"{_WAITS} AND c.escalated_role IS NOT NULL",
    "half_decided": "c.state = 'half_decided'",
    "decided": "c.state = 'decided'",
    "settled": "c.state = 'settled'",
    "superseded": "c.state = 'superseded'",
    "all": "true",
}
_DUE: Mapping[str, str] = {
    "past": "c.inbox_due < CURRENT_DATE",
    "week": "c.inbox_due < CURRENT_DATE + 8",
    "none": "c.inbox_due = 'infinity'",
}
_OWN = "c.candidate_person = %(person_id)s OR c.claimed_by = %(person_id)s OR c.role = ANY (%(roles)s)"
_STOOD_IN = (
    "(c.role, c.process, c.entity) IN "
    "(SELECT * FROM unnest(%(for_roles)s::text[], %(for_processes)s::text[], %(for_entities)s::text[])) "
    "OR c.candidate_person = ANY (%(for_persons)s) "
    "AND EXISTS (SELECT FROM unnest(%(for_persons)s::text[], %(for_scopes)s::text[], "
    "%(for_processes)s::text[], %(for_entities)s::text[]) AS q(person, scope, process, entity) "
    "WHERE (q.person, q.process, q.entity) = (c.candidate_person, c.process, c.entity) "
    "AND q.scope IN ('*', c.role))"
)
_CONDITIONS: Mapping[str, str] = {
    "process": "c.process = %(process)s",
    "role": "c.role = %(role)s",
    "code": "EXISTS (SELECT FROM review.case_item i WHERE i.case_id = c.case_id AND i.code = %(code)s "
    "AND i.settled_at IS NULL)",
    "closed_code": "EXISTS (SELECT FROM review.case_item i WHERE i.case_id = c.case_id "
    "AND i.code = %(code)s)",
    "supplier": "(lower(c.handover #>> '{supplier,id}') = %(supplier)s "
    "OR lower(regexp_replace(normalize(c.handover #>> '{supplier,name}', NFKD), "
    "'[\\u0300-\\u036f]', '', 'g')) LIKE %(supplier_pattern)s)",
    "amount_from": "c.amount >= %(amount_from)s",
    "amount_to": "c.amount <= %(amount_to)s",
    "older_than": "c.opened_at <= now() - make_interval(days => %(older_than)s)",
}
_READABLE = "(c.process, c.entity) IN (SELECT * FROM unnest(%(processes)s::text[], %(entities)s::text[]))"


class CaseQuery(BaseModel):
    """Which cases to list, and in which order. An empty value is none."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    state: StateFilter = Field("open", description="open also takes in cases that wait for a second person")
    process: Text | None = Field(None, description="Only cases of this process")
    role: Text | None = Field(None, description="Only cases of this role")
    code: Text | None = Field(None, description="Only cases that carry this code")
    mine: bool = Field(
        False,
        description="Only cases I am named in, have claimed or have the role of, or look after for somebody",
    )
    supplier: Text | None = Field(None, description="A supplier's id, or a part of its name")
    amount_from: Amount | None = Field(None, description="Smallest gross amount")
    amount_to: Amount | None = Field(None, description="Largest gross amount")
    older_than: Annotated[int, Field(ge=1, le=3650)] | None = Field(None, description="Open for so many days")
    due: Due | None = Field(None, description="past: before today; week: within seven days; none: no date")
    q: Text | None = Field(
        None, description="Words: supplier, number of invoice, order or receipt, amount; or: case 34"
    )
    sort: Sort = Field("due", description="due: nearest first; amount: largest first; age: oldest first")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_none(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {name: value for name, value in given.items() if value not in ("", None)}


class CasePageQuery(CaseQuery):
    """A page of the inbox: the filters, where it begins and how long it is."""

    cursor: Annotated[str, StringConstraints(max_length=300)] | None = None
    limit: int = Field(50, ge=1, le=MOST_PER_PAGE)


@dataclass(frozen=True)
class TypedQuery:
    """What a person typed into the filters: what can be used, what they typed, and what is wrong with it."""

    query: CaseQuery
    typed: Mapping[str, str]
    errors: Mapping[str, str]


def read_typed(typed: Mapping[str, str]) -> TypedQuery:
    """Read the filters of the page; one that cannot be read is left out, told of, and kept as typed."""
    try:
        return TypedQuery(CaseQuery.model_validate(typed), typed, {})
    except ValidationError as error:
        errors = {str(item["loc"][0]): field_words.told(item) for item in error.errors() if item["loc"]}
        usable = {name: value for name, value in typed.items() if name not in errors}
        return TypedQuery(CaseQuery.model_validate(usable), typed, errors)


@dataclass(frozen=True)
class _Order:
    """One order of the list: its keys from the first to the last, all in one direction.

    :param read: Per key, how its text in an address is checked; raises ValueError.
    """

    keys: Sequence[str]
    columns: Sequence[str]
    read: Sequence[Callable[[str], object]]
    casts: Sequence[str]
    backwards: bool = False

    def by(self) -> str:
        """Return the ORDER BY list."""
        direction = " DESC" if self.backwards else ""
        return ", ".join(f"{key}{direction}" for key in self.keys)

    def beyond(self) -> str:
        """Return the condition for what comes after a case."""
        values = ", ".join(f"%(after_{place})s::{cast}" for place, cast in enumerate(self.casts))
        return f"({', '.join(self.keys)}) {'<' if self.backwards else '>'} ({values})"


def _moment(text: str) -> object:
    return text if text == "infinity" else datetime.fromisoformat(text)


def _finite(text: str) -> object:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not value.is_finite() or abs(value.adjusted()) > 20:
        raise ValueError(text)
    return value


def _id(text: str) -> object:
    value = int(text)
    if not 0 <= value < 2**63:
        raise ValueError(text)
    return value


def _small(text: str) -> object:
    value = int(text)
    if not 0 <= value < 2**15:
        raise ValueError(text)
    return value


_ORDERS: Mapping[str, _Order] = {
    "due": _Order(
        ["c.inbox_due", "c.case_id"], ["inbox_due", "case_id"], [_moment, _id], ["timestamp", "bigint"]
    ),
    "amount": _Order(
        ["coalesce(c.amount, -1)", "c.case_id"],
        ["amount", "case_id"],
        [_finite, _id],
        ["numeric", "bigint"],
        True,
    ),
    "age": _Order(
        ["c.opened_at", "c.case_id"], ["opened_at", "case_id"], [_moment, _id], ["timestamptz", "bigint"]
    ),
    "priority": _Order(
        ["c.priority", "c.inbox_due", "c.case_id"],
        ["priority", "inbox_due", "case_id"],
        [_small, _moment, _id],
        ["smallint", "timestamp", "bigint"],
    ),
}
_MISSING = {"inbox_due": "infinity", "amount": "-1"}


@dataclass(frozen=True)
class Readable:
    """Companies whose cases a person may see; ``everything`` when there are cases of no others."""

    processes: Sequence[str]
    entities: Sequence[str]
    everything: bool


@dataclass(frozen=True)
class StoodIn:
    """Queues that a person looks after today for others, column by column; each names one process."""

    for_persons: Sequence[str]
    for_scopes: Sequence[str]
    for_roles: Sequence[str | None]
    for_processes: Sequence[str]
    for_entities: Sequence[str]


def mine(stood_in: StoodIn) -> str:
    """Return the condition for what is a person's to do: their own, and what they look after for others."""
    return f"({_OWN} OR {_STOOD_IN})" if stood_in.for_persons else f"({_OWN})"


def compose(
    query: CaseQuery, person: Person, readable: Readable, stood_in: StoodIn, cursor: str | None
) -> tuple[dict[str, str], dict[str, object]]:
    """Return the parts of ``review/list_cases`` that the filters choose, and the values they bind."""
    order = _ORDERS[query.sort]
    conditions = [_STATES[query.state]]
    values: dict[str, object] = {
        **query.model_dump(exclude={"q"}),
        "person_id": person.person_id,
        "roles": list(person.roles),
        "processes": list(readable.processes),
        "entities": list(readable.entities),
        **vars(stood_in),
    }
    if not readable.everything:
        conditions.append(_READABLE)
    for name in ("process", "role", "supplier", "amount_from", "amount_to", "older_than"):
        if values[name] is not None:
            conditions.append(_CONDITIONS[name])
    if query.mine:
        conditions.append(mine(stood_in))
    if query.code is not None:
        waits = _STATES[query.state].startswith(_WAITS) or query.state == "half_decided"
        conditions.append(_CONDITIONS["code" if waits else "closed_code"])
    if query.due is not None:
        conditions.append(_DUE[query.due])
    if query.supplier is not None:
        values["supplier"] = query.supplier.lower()
        values["supplier_pattern"] = anywhere(folded(query.supplier))
        # the supplier is in this too, and it has an index
        conditions.append("c.inbox_text LIKE %(supplier_pattern)s")
    asked, words = search(query.q)
    conditions.extend(asked)
    values.update(words)
    if cursor is not None:
        conditions.append(order.beyond())
        values.update(read_cursor(query.sort, cursor))
    return {"order": order.by(), "conditions": "\n     AND ".join(conditions)}, values


def write_cursor(sort: str, row: Mapping[str, Any]) -> str:
    """Return where the page after this case begins."""
    order = _ORDERS[sort]
    places = []
    for column in order.columns:
        value = row[column]
        text = _MISSING[column] if value is None else value
        places.append(text.isoformat() if isinstance(text, datetime) else str(text))
    return base64.urlsafe_b64encode(json.dumps([sort, *places]).encode()).decode().rstrip("=")


def read_cursor(sort: str, cursor: str) -> dict[str, object]:
    """Return the values of the last case that was shown.

    :raises Problem: 422, the address is not one that we gave for this order.
    """
    order = _ORDERS[sort]
    try:
        said, *places = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if said != sort or len(places) != len(order.keys):
            raise ValueError(sort)
        pairs = zip(order.read, places, strict=True)
        return {f"after_{at}": read(str(text)) for at, (read, text) in enumerate(pairs)}
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        message = "This is no address of a next page; start again from the first one."
        raise Problem(422, message, [FieldError("cursor", message)]) from error
