"""Make the files of a new Postgres cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from backoffice.runtime import postgres_binaries as programs
from backoffice.runtime.errors import PostgresFault

SUPERUSER = "postgres"


def create_cluster(cluster: Path, password: str, *, sync: bool = True) -> None:
    """Create a cluster whose superuser has ``password``; only a whole one ever gets the name ``cluster``.

    :param sync: Whether to wait until the files are safe on disk.
    :raises PostgresFault: initdb failed; the message ends with its output.
    """
    fresh = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(cluster, ignore_errors=True)  # has no PG_VERSION: an attempt that was cut short
    with tempfile.NamedTemporaryFile(
        "w", dir=cluster.parent, prefix=".password."
    ) as password_file:  # mode 0600
        password_file.write(password)
        password_file.flush()
        answer = subprocess.run(
            [
                *programs.disguise().prefix,
                str(programs.binaries() / "initdb"),
                f"--pgdata={fresh}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                *_locale_options(),
                *([] if sync else ["--no-sync"]),
            ],
            capture_output=True,
            text=True,
            env=plain_environment(),
            check=False,
        )
    if answer.returncode != 0:
        raise PostgresFault(
            f"initdb failed in {fresh}:\n{answer.stderr.strip()}\n{answer.stdout.strip()[-2000:]}"
        )
    fresh.rename(cluster)


def own(cluster: Path, owner: int) -> None:
    """Give the cluster to the user that the server runs as here, where that has changed since it was made.

    :raises PostgresFault: It belongs to another user, and only root could change that.
    """
    present = cluster.stat().st_uid
    if present == owner:
        return
    if os.geteuid() != 0:
        raise PostgresFault(f"{cluster} belongs to user {present}, we are {os.geteuid()}; run as that user")
    for folder, _, names in os.walk(cluster):
        os.chown(folder, owner, -1)
        for name in names:
            os.chown(Path(folder) / name, owner, -1, follow_symlinks=False)


def plain_environment() -> dict[str, str]:
    """Return an environment without the caller's PG* variables, which would steer the server elsewhere."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ
    }
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _locale_options() -> list[str]:
    """Sort by code point everywhere alike, so that no result depends on the machine's locales."""
    if programs.version(programs.binaries()) >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C.UTF-8"]
