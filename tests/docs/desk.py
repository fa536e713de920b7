"""Somebody at a desk who follows a runbook: types what stands in its blocks, in a real shell, against real servers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from tests.conftest import LOG_INS, PASSWORD, Ledger
from tests.docs.pages import PROJECT, blocks, page, section

from backoffice.runtime import postgres_binaries
from backoffice.runtime.postgres import EmbeddedPostgres
from backoffice.runtime.sealer.process import SealerConfig

DATABASE = "backoffice"


class Desk:
    """A shell with the programs that the runbooks call.

    :param folder: Where its programs are put.
    :param environment: What the page says that the environment holds.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        programs = folder / "programs"
        programs.mkdir(parents=True, exist_ok=True)
        for name, command in {"backoffice": "-m backoffice.cli", "python": ""}.items():
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
            (programs / name).chmod(0o755)
        kept = {name: os.environ[name] for name in ("HOME", "AIRFLOW_HOME") if name in os.environ}
        path = [str(programs), str(postgres_binaries.binaries()), os.environ["PATH"]]
        self.environment = {
            **kept, "PATH": os.pathsep.join(path), "PYTHONPATH": str(PROJECT / "plugins"), "LC_ALL": "C.UTF-8", **environment,
        }  # fmt: skip

    def follow(self, name: str, heading: str, *, block: int | None = None, **more: str) -> str:
        """Type the blocks below a heading of a page, or one of them; return what they print. None may fail."""
        done = self.attempt(name, heading, block=block, **more)
        assert done.returncode == 0, f"{name}, {heading}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def attempt(
        self, name: str, heading: str, *, block: int | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Type them and tell how that ended."""
        found = blocks(section(page(f"docs/how-to/{name}"), heading), "sh")
        assert found, f"{name}, {heading}: there is nothing to type"
        typed = "\n".join(found if block is None else [found[block]])
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", typed],
            env={**self.environment, **more}, capture_output=True, text=True, timeout=180,
        )  # fmt: skip


def server_environment(server: EmbeddedPostgres) -> dict[str, str]:
    """Return the variables by which programs of Postgres find a server, as its superuser."""
    parts = conninfo_to_dict(server.admin_dsn())
    return {
        "PGHOST": str(parts["host"]), "PGPORT": str(parts["port"]), "PGUSER": str(parts["user"]), "PGPASSWORD": str(parts["password"]),
    }  # fmt: skip


def sealer_environment(config: SealerConfig, anchors: Path) -> dict[str, str]:
    """Return the environment of a sealer process."""
    return {
        "BACKOFFICE_SEALER_DSN": config.dsn, "BACKOFFICE_SEALER_KEY_FILE": str(config.key_file),
        "BACKOFFICE_SEALER_ANCHORS": f"file:{anchors}", "BACKOFFICE_SEALER_ORIGIN": str(config.origin),
        "SEALER": str(config.key_file.parent), "ANCHORS": str(anchors),
    }  # fmt: skip


def give_passwords(ledger: Ledger) -> None:
    """Do what a server's administrator does once: give the log-ins their passwords."""
    with ledger.connect("admin") as connection:
        for role in LOG_INS.values():
            connection.execute(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")


def ask(ledger: Ledger, role: str, statement: str) -> list[tuple[Any, ...]]:
    """Return the answer to a statement of a page."""
    with ledger.connect(role) as connection:
        return connection.execute(statement.encode()).fetchall()


@contextmanager
def server(folder: Path, **settings: str) -> Iterator[EmbeddedPostgres]:
    """A Postgres of the test's own."""
    made = EmbeddedPostgres(folder, fsync=False, settings=settings)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def last_moment(ledger: Ledger) -> str:
    """Return the database's present moment, after everything that is committed."""
    with psycopg.connect(ledger.dsn("admin"), autocommit=True) as connection:
        return str(connection.execute("SELECT clock_timestamp()::text").fetchone()[0])
