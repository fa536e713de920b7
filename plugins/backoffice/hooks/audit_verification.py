"""A verification of a ledger's log with what lies outside: anchors, keys, and how far the last one came."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from backoffice.domain.audit.anchored import Anchored, Anchors, file_name
from backoffice.domain.audit.findings import Verification
from backoffice.domain.audit.log import AuditLog, Progress
from backoffice.domain.audit.progress import CannotGoOn
from backoffice.domain.audit.verify import verify
from backoffice.domain.checkpoint import VerifyingKey, read_note

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Outside:
    """What is known outside the database.

    :param folders: Folders in which checkpoints were laid down.
    :param asked: Whether somebody named them: then each must hold this log's checkpoints.
    :param keys: Public keys that are trusted.
    :param state: File that says how far the last good verification came; by default in the first folder.
    """

    folders: Sequence[Path] = ()
    asked: bool = False
    keys: Sequence[VerifyingKey] = ()
    state: Path | None = None


@dataclass(frozen=True)
class Examined:
    """A verification and what should be said about how it was made."""

    verification: Verification
    remarks: tuple[str, ...] = ()


def examine(log: AuditLog, outside: Outside, *, incremental: bool = False) -> Examined:
    """Verify a log, and remember how far it came if it was good.

    :param incremental: Go on from the last good verification; without one everything is read.
    """
    origin, remarks = origin_of(log), []
    anchors = read_anchors(outside, origin)
    state = _state_file(outside, origin)
    progress = _load(state, anchors) if state else None
    if not incremental:
        progress = None
    elif progress is None:
        remarks.append("no good verification to go on from is known; everything was read")
    try:
        verification, reached = verify(log, anchors, outside.keys, progress)
    except CannotGoOn as error:
        remarks.append(f"{state} is nothing to go on from: {error}; everything was read")
        verification, reached = verify(log, anchors, outside.keys)
    if reached is not None and state is not None:
        try:
            save_progress(state, reached)
        except OSError as error:
            remarks.append(f"how far it came could not be kept in {state}: {type(error).__name__}")
    return Examined(verification, tuple(remarks))


def origin_of(log: AuditLog) -> str | None:
    """Return the name that the log's first checkpoint gives it, else its first key; None without either."""
    seal = next(iter(log.seals(0)), None)
    if seal is not None:
        return seal.note.partition("\n")[0]
    first = next(iter(log.sealing_keys()), None)
    return first.line.partition("+")[0] if first else None


def read_anchors(outside: Outside, origin: str | None) -> Anchors:
    """Read the checkpoints and keys that lie outside; what cannot be read is a fault, not an absence."""
    anchors = Anchors()
    for folder in outside.folders:
        if not folder.is_dir():
            if outside.asked or folder.exists():
                anchors.faults.append(f"{folder} is no folder that can be read")
            continue
        anchors.folders += [str(folder), str(folder.resolve())]
        files = sorted(folder.glob("*.jsonl"))
        own = [file for file in files if origin is None or file.stem == file_name(origin)]
        if not own and (files or outside.asked):
            named = ", ".join(file.stem for file in files) or "none at all"
            anchors.faults.append(f"{folder} holds no checkpoints of {origin or 'any log'}, but of: {named}")
        for file in own:
            _read_lines(file, anchors, anchors.take_notes)
            _read_lines(file.with_suffix(".keys"), anchors, anchors.take_keys)
    return anchors


def save_progress(file: Path, progress: Progress) -> None:
    """Keep how far a verification came, whole or not at all."""
    text = json.dumps(
        {
            **progress._asdict(),
            "edge": [one.hex() for one in progress.edge],
            "keys": list(progress.keys),
        },
        indent=1,
    )
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text + "\n", encoding="utf-8")
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)


def load_progress(text: str) -> Progress:
    """Read how far a verification came.

    :raises ValueError: The text does not say so.
    """
    try:
        said = json.loads(text)
        progress = Progress(**said)
        progress = progress._replace(
            edge=tuple(bytes.fromhex(one) for one in said["edge"]), keys=tuple(said["keys"])
        )
        checkpoint = read_note(progress.note)[0]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError("it does not say how far a verification came") from None
    if checkpoint.size != progress.size:
        raise ValueError("its size is not that of its checkpoint")
    return progress


def _load(state: Path, anchors: Anchors) -> Progress | None:
    if not state.exists():
        return None
    try:
        progress = load_progress(state.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        anchors.faults.append(f"{state}: {error}")
        return None
    anchors.notes.append(Anchored(progress.note, read_note(progress.note)[0], str(state)))
    return progress


def _state_file(outside: Outside, origin: str | None) -> Path | None:
    if outside.state is not None:
        return outside.state
    folder = next((folder for folder in outside.folders if folder.is_dir()), None)
    return folder / f"{file_name(origin)}.verified.json" if folder and origin else None


def _read_lines(file: Path, anchors: Anchors, take: Any) -> None:
    try:
        if file.suffix == ".keys" and not file.exists():
            return
        with file.open(encoding="utf-8") as lines:
            take(str(file), lines)
    except (OSError, UnicodeDecodeError) as error:
        anchors.faults.append(f"{file} cannot be read: {type(error).__name__}")
