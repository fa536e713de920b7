"""The doctor's look at the sealer: its key, whether it is alive, whether checkpoints come and go outside."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from backoffice.runtime.doctor_ledger import DsnOf, auditor
from backoffice.runtime.findings import Finding, bad, good

Connection = psycopg.Connection[tuple[Any, ...]]

OLDEST_HEARTBEAT = 60  # seconds; it is touched at least every 20
LONGEST_WAIT = 900  # seconds that a record may wait; the sealer lets none wait longer than 300
_RUNBOOK = "docs/how-to/replace-a-lost-signing-key.md"

_WAITING = """
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::bigint,
       audit.sealer_is_there()
FROM audit.waiting
"""
_ALERT = """
SELECT convert_from(body, 'UTF8')::jsonb ->> 'alert', convert_from(body, 'UTF8')::jsonb ->> 'detail'
FROM audit.record WHERE subject = 'log' AND kind = 'alert' AND recorded_at > now() - interval '1 day'
ORDER BY n DESC LIMIT 1
"""
_LAID_DOWN = """
SELECT DISTINCT ON (a.anchor) a.anchor, a.seal_no, a.receipt, a.failure
FROM audit.anchor a WHERE a.seal_no >= (SELECT max(seal_no) - 10 FROM audit.seal)
ORDER BY a.anchor, a.anchor_id DESC
"""


def key(folder: Path) -> Iterator[Finding]:
    """The signing key is there and nobody else's; so is the folder in which it lies.

    :param folder: The sealer's folder.
    """
    file = folder / "key.pem"
    if not file.exists():
        yield bad(
            "signing key", f"no {file}", f"start the sealer; if it says that the key is lost: {_RUNBOOK}"
        )
        return
    for path, wanted in ((file, 0o600), (folder, 0o700)):
        mode = stat.S_IMODE(path.stat().st_mode)
        name = "signing key" if path == file else "sealer's folder"
        text = f"{path} has mode {mode:04o}"
        yield good(name, text) if mode == wanted else bad(name, text, f"chmod {wanted:o} {path}")


def heartbeat(folder: Path) -> Iterator[Finding]:
    """The sealer looked a short while ago and all was well."""
    file = folder / "heartbeat"
    age = time.time() - file.stat().st_mtime if file.exists() else None
    text = "never" if age is None else f"{age:.0f} s ago"
    if age is not None and age <= OLDEST_HEARTBEAT:
        yield good("sealer's heartbeat", text)
    else:
        yield bad("sealer's heartbeat", text, "read the sealer's log: its last line says what to do")


def sealing(dsn_of: DsnOf) -> Iterator[Finding]:
    """Records do not wait long, and the log itself raised no alert in the last day."""
    with auditor(dsn_of) as connection:
        count, age, there = connection.execute(_WAITING).fetchone() or (0, 0, False)
        alert = connection.execute(_ALERT).fetchone()
    yield (
        good("sealer", "connected to the ledger")
        if there
        else bad("sealer", "not connected to the ledger", "start it; it says what is wrong")
    )
    text = f"{count}, the oldest for {age} s" if count else "none"
    yield (
        good("records not sealed", text)
        if age <= LONGEST_WAIT
        else bad("records not sealed", text, "is the sealer running? Read its log")
    )
    yield (
        good("alerts of the log", "none since yesterday")
        if alert is None
        else bad("alerts of the log", f"{alert[0]}: {alert[1]}", "do what it says; it is shown for one day")
    )


def anchors(dsn_of: DsnOf) -> Iterator[Finding]:
    """The newest checkpoint lies somewhere outside the ledger, at every anchor that was used lately."""
    with auditor(dsn_of) as connection:
        newest = connection.execute("SELECT seal_no, note FROM audit.latest_seal").fetchone()
        rows = connection.execute(_LAID_DOWN).fetchall()
    if newest is None:
        yield bad("anchors", "nothing is sealed yet", "start the sealer")
        return
    if not rows:
        yield bad("anchors", "none", "set BACKOFFICE_SEALER_ANCHORS: without one a rewriting is not found")
    for anchor, seal_no, receipt, failure in rows:
        yield _anchor(anchor, seal_no, receipt, failure, newest)


def _anchor(
    anchor: str, seal_no: int, receipt: str | None, failure: str | None, newest: tuple[Any, ...]
) -> Finding:
    name = f"anchor {anchor}"
    if failure is not None:
        return bad(
            name, f"seal {seal_no}: {failure}", "the next checkpoint is tried again; correct the cause"
        )
    if seal_no < newest[0]:
        return bad(
            name, f"has seal {seal_no}, newest is {newest[0]}", "is it still in BACKOFFICE_SEALER_ANCHORS?"
        )
    if anchor.startswith("file:") and not _holds(Path(receipt or ""), str(newest[1])):
        return bad(
            name, f"{receipt} does not hold the newest checkpoint", "somebody changed it: docs/how-to/"
            "back-up-and-restore.md, a roll-back that nobody recorded",
        )  # fmt: skip
    return good(name, f"has seal {seal_no}")


def _holds(file: Path, note: str) -> bool:
    """Tell whether the checkpoint's signature stands in the file."""
    signature = note.rstrip("\n").rsplit(" ", 1)[-1]
    try:
        return signature in file.read_text(encoding="utf-8")
    except OSError:
        return False
