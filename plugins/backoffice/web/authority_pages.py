"""The pages of authority: who may do what, who is away, and changes that two people carry."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backoffice.web import authority
from backoffice.web.auth import Ledger, Reviewer, require_login
from backoffice.web.authority_api import ChangeId
from backoffice.web.rendering import page

router = APIRouter(dependencies=[Depends(require_login)], include_in_schema=False)


@dataclass(frozen=True)
class Input:
    """One field of a form.

    :param kind: ``text``, ``date``, ``amount``, ``yes_no`` or ``list`` (names, one a comma apart).
    :param value: What stands there at first.
    """

    name: str
    label: str
    kind: str = "text"
    value: str = ""


_PERSON = Input("person_id", "Person (id)")
_SCOPE = (
    Input("role", "Role", value="*"),
    Input("process", "Process", value="*"),
    Input("entity", "Company code", value="*"),
)
_DAYS = (Input("from_day", "First day", "date"), Input("to_day", "Last day", "date"))
_LIMIT = (Input("amount_limit", "Up to", "amount"), Input("currency", "Currency", value="EUR"))
OWN_FORMS: Mapping[str, Sequence[Input]] = {
    "absence": _DAYS,
    "substitute": (
        Input("substitute_id", "Substitute (id of a person)"),
        *_DAYS,
        Input("when_absent", "Only while I am away", "yes_no", "true"),
    ),
}
FORMS: Mapping[str, Sequence[Input]] = {
    "person": (
        _PERSON,
        Input("name", "Name"),
        Input("email", "E-mail"),
        Input("active", "Active", "yes_no", "true"),
    ),
    "identity": (Input("system", "System", value="airflow"), Input("user_id", "User id there"), _PERSON),
    "authority": (
        _PERSON,
        Input("role", "Role"),
        *_SCOPE[1:],
        Input("cost_centre", "Cost centre", value="*"),
        Input("code", "Code", value="*"),
        *_LIMIT,
        Input("variance_limit", "Above order or receipt, up to", "amount"),
        Input("variance_pct", "The same in percent", "amount"),
        Input("effective_from", "From", "date"),
        Input("effective_to", "To", "date"),
    ),
    "quorum_rule": (
        Input("name", "Name of the rule"),
        *_SCOPE,
        Input("code", "Code", value="*"),
        Input("action", "Action", value="accept"),
        Input("amount_from", "From amount", "amount"),
        Input("currency", "Currency"),
        Input("persons", "People needed", "amount", "2"),
        Input("of_persons", "Of these people only (ids)", "list"),
        Input("with_roles", "Roles among them", "list"),
        Input("veto_roles", "Roles with a veto", "list"),
    ),
    "duty_rule": (
        Input("duty", "Part in the document"),
        Input("code", "Code", value="*"),
        Input("excluded", "May not decide", "yes_no", "true"),
        Input("unknown_is_anyone", "Somebody unknown may be anyone", "yes_no", "false"),
    ),
    "absence": (_PERSON, *_DAYS),
    "substitute": (
        _PERSON,
        *OWN_FORMS["substitute"][:-1],
        *_SCOPE,
        OWN_FORMS["substitute"][-1],
        _LIMIT[0],
        Input("currency", "Currency"),
    ),
}


@router.get("/authority")
def authority_page(request: Request, person: Reviewer, ledger: Ledger) -> Response:
    """Show who may do what, the changes that wait, and the forms to propose one."""
    with ledger.reading() as connection:
        matrix = authority.read_matrix(connection, person)
        changes = authority.list_changes(connection, person)
    return page(
        request,
        "authority.html",
        person=person,
        changes=changes,
        forms=FORMS if matrix["administers"] else {},
        own_forms=OWN_FORMS,
        idempotency_key=str(uuid.uuid4()),
        **matrix,
    )


@router.get("/authority/changes/{change_id}")
def change_page(change_id: ChangeId, request: Request, person: Reviewer, ledger: Ledger) -> Response:
    """Show one change: what differs, who could do what before and after, and the form to sign it."""
    with ledger.reading() as connection:
        found = authority.read_change(connection, person, change_id)
    labels = {one.name: one.label for one in FORMS[found["kind"]]}
    return page(
        request,
        "authority_change.html",
        person=person,
        change=found,
        labels=labels,
        # as the form asks for them
        fields=sorted(found["fields"], key=lambda one: [*labels, one["field"]].index(one["field"])),
        refusals=sorted({one["why_not"] for one in found["offered"] if one["why_not"]}),
        idempotency_key=str(uuid.uuid4()),
    )
