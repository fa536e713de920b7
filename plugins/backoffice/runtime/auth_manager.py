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

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.tokens import JWTGenerator, JWTValidator
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


class PeopleAuthManager(SimpleAuthManager):
    """The simple auth manager, signing and checking people's tokens with the API server's own secret."""

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
