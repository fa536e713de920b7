"""Airflow's simple log-ins for one machine, with a key of their own for people.

Airflow signs the tokens of people and of tasks with one secret. With the LocalExecutor tasks are children of
the scheduler, which must have it, so code in a Dag could read it and sign a token in a manager's name. Here
people's tokens are signed with a second secret that only the API server's environment holds; the first one
still signs tasks' tokens and is worth nothing to a decision.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import (
    SimpleAuthManager,
    SimpleAuthManagerRole,
)
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.auth.tokens import JWTGenerator, JWTValidator
from airflow.api_fastapi.common.types import MenuItem
from airflow.configuration import conf

PEOPLE_SECRET_VARIABLE = "AIRFLOW__BACKOFFICE__PEOPLE_JWT_SECRET"  # noqa: S105 - a name, not a secret
_ALGORITHM = "HS512"


def _people_secret() -> str:
    secret = os.environ.get(PEOPLE_SECRET_VARIABLE, "")
    if len(secret) < 32:
        # Fail closed: falling back to the tasks' secret would bring back what this class is there to prevent.
        raise RuntimeError(
            f"{PEOPLE_SECRET_VARIABLE} is missing or short; only the API server can check who people are"
        )
    return secret


def _is_known(user: SimpleAuthManagerUser) -> bool:
    """Tell whether the log-in's role is one of Airflow's own."""
    return (user.role or "").upper() in SimpleAuthManagerRole.__members__


class PeopleAuthManager(SimpleAuthManager):
    """The simple auth manager, signing and checking people's tokens with the API server's own secret.

    A log-in may have a role that Airflow does not know, for example ``reviewer``: it may do nothing in
    Airflow, and who it is still counts in the back office. What such a log-in may reach at all is the
    matter of ``backoffice.web.inbox_only``.
    """

    @staticmethod
    def _is_admin(user: SimpleAuthManagerUser) -> bool:
        return _is_known(user) and SimpleAuthManager._is_admin(user)

    @staticmethod
    def _is_authorized(*, user: SimpleAuthManagerUser, **request: Any) -> bool:
        return _is_known(user) and bool(SimpleAuthManager._is_authorized(user=user, **request))

    def is_authorized_hitl_task(self, *, assigned_users: set[str], user: SimpleAuthManagerUser) -> bool:
        """Answer as Airflow does, and no for a role that it does not know."""
        known = _is_known(user)
        return known and super().is_authorized_hitl_task(assigned_users=assigned_users, user=user)

    def filter_authorized_menu_items(
        self, menu_items: list[MenuItem], *, user: SimpleAuthManagerUser
    ) -> list[MenuItem]:
        """Return Airflow's own menu, or nothing of it for a role that it does not know."""
        return super().filter_authorized_menu_items(menu_items, user=user) if _is_known(user) else []

    @classmethod
    @cache
    def _get_token_signer(cls, expiration_time_in_seconds: int | None = None, **_: Any) -> JWTGenerator:
        valid_for = expiration_time_in_seconds or conf.getint("api_auth", "jwt_expiration_time")
        return JWTGenerator(
            secret_key=_people_secret(),
            algorithm=_ALGORITHM,
            valid_for=valid_for,
            audience=cls._get_jwt_audience(),
        )

    @classmethod
    @cache
    def _get_token_validator(cls) -> JWTValidator:
        return JWTValidator(
            secret_key=_people_secret(),
            algorithm=[_ALGORITHM],
            leeway=conf.getint("api_auth", "jwt_leeway"),
            audience=cls._get_jwt_audience(),
        )
