"""A Postgres of the benchmark's own, with a migrated ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def ledger_database() -> Iterator[str]:
    """Yield the superuser's DSN of an empty ledger on the bundled server with its shipped settings."""
    from backoffice.migrations import migrate
    from backoffice.runtime.postgres import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="backoffice-bench-") as folder:
        server = EmbeddedPostgres(Path(folder))
        server.start()
        try:
            migrate(server.admin_dsn(), "backoffice", {}, sandbox=True)
            yield server.admin_dsn("backoffice")
        finally:
            server.stop()
