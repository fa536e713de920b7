"""Who asks, and who that is: Airflow's log-in, mapped to a person of the ledger.

The only module of ours that touches Airflow's own security code. A log-in is a principal, (``airflow``, user
id as the auth manager gives it). The ledger's ``review.identity`` maps principals to persons; a log-in
without a person may see the reports of runs it may see in Airflow, and nothing else.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user, requires_access_dag
from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool

from backoffice.settings import sql
from backoffice.web.database import LedgerPool, fetch_one
from backoffice.web.problems import Problem

SYSTEM = "airflow"


@dataclass(frozen=True)
class Principal:
    """A log-in as the auth manager knows it."""

    user_id: str
    user: BaseUser = field(repr=False, compare=False)


@dataclass(frozen=True)
class Person:
    """A person of the ledger, and the log-in they use now."""

    person_id: str
    name: str
    user_id: str
    roles: Sequence[str]


def ledger_of(request: Request) -> LedgerPool:
    """Return the connections to the ledger that the application was created with."""
    return cast(LedgerPool, request.app.state.ledger)


Ledger = Annotated[LedgerPool, Depends(ledger_of)]


async def require_login(user: Annotated[BaseUser, Depends(get_user)]) -> Principal:
    """Return the log-in; without a valid token Airflow's own code answers 401 or 403."""
    return Principal(str(user.get_id()), user)


LoggedIn = Annotated[Principal, Depends(require_login)]


async def log_in_of(request: Request) -> BaseUser:
    """Return the log-in of a request by its headers alone.

    :raises HTTPException: There is none that is valid.
    """
    return await get_user(request, None, await bearer_scheme(request))


async def roles_of_login(scope: MutableMapping[str, Any]) -> frozenset[str]:
    """Return the roles of who asks, in lower case; none without a valid log-in.

    The simple auth manager gives a log-in one role, FAB several.
    """
    try:
        user: Any = await log_in_of(Request({**scope, "type": "http"}))
    except HTTPException:
        return frozenset()
    held = getattr(user, "roles", None) or [getattr(user, "role", None)]
    return frozenset(str(getattr(role, "name", role)).lower() for role in held if role)


def find_person(ledger: LedgerPool, principal: Principal) -> Person | None:
    """Return the active person behind a log-in, or None."""
    with ledger.reading() as connection:
        row = fetch_one(
            connection, sql("review/find_person"), {"system": SYSTEM, "user_id": principal.user_id}
        )
    return Person(**row, user_id=principal.user_id) if row else None


def require_person(principal: LoggedIn, ledger: Ledger) -> Person:
    """Return the person behind the log-in.

    :raises Problem: 403, the log-in belongs to no active person.
    """
    person = find_person(ledger, principal)
    if person is None:
        raise Problem(
            403,
            f"You are logged in as “{principal.user_id}”, and this log-in is nobody's in the back office "
            "yet. Whoever changes authority there can enter it for you, on the page Authority: "
            f"log-in “{principal.user_id}” of “{SYSTEM}”.",
            stranger=True,
        )
    return person


Reviewer = Annotated[Person, Depends(require_person)]


def may_read_dag(request: Request, dag_id: str, principal: Principal) -> bool:
    """Tell whether Airflow lets this log-in see the runs of a Dag."""
    check = cast(Any, requires_access_dag("GET", DagAccessEntity.RUN, param_dag_id=dag_id))
    try:
        check(request, principal.user)
    except HTTPException:
        return False
    return True


async def require_run_reader(dag_id: str, request: Request, principal: LoggedIn, ledger: Ledger) -> None:
    """Let in who may see the Dag's runs in Airflow, and every person of the back office.

    :raises Problem: 403, neither is so.
    """
    if await run_in_threadpool(may_read_dag, request, dag_id, principal):
        return
    if await run_in_threadpool(find_person, ledger, principal) is None:
        raise Problem(403, f"You may not see the runs of {dag_id!r}.")
