"""Copies of a ledger database, for tests that try many things from one state."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from tests.conftest import LOG_INS, PASSWORD

_number = itertools.count(1)


class Copies:
    """Makes and removes databases on one server.

    :param admin: A superuser's DSN.
    """

    def __init__(self, admin: str) -> None:
        self.admin = admin
        self._made: list[str] = []

    def copy(self, template: str) -> str:
        """Return the name of a new copy; nobody may be connected to the template."""
        name = f"copy_{os.getpid()}_{next(_number)}"
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        self._made.append(name)
        return name

    def drop(self, *names: str) -> None:
        """Remove databases, whoever is connected."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            for name in names:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                self._made.remove(name)

    def drop_all(self) -> None:
        """Remove every copy that is left."""
        self.drop(*self._made)

    @contextmanager
    def scratch(self, template: str) -> Iterator[str]:
        """A copy for one attempt."""
        database = self.copy(template)
        try:
            yield database
        finally:
            self.drop(database)

    def dsn(self, database: str, role: str) -> str:
        """Return the DSN of a role: app, web, auditor, migrator, or admin (superuser)."""
        if role == "admin":
            return make_conninfo(self.admin, dbname=database)
        return make_conninfo(self.admin, dbname=database, user=LOG_INS[role], password=PASSWORD)

    def connect(self, database: str, role: str, **options: Any) -> psycopg.Connection[Any]:
        """Open a connection as a role."""
        return psycopg.connect(self.dsn(database, role), **options)
