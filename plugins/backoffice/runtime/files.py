"""Small files of state: written whole or not at all, readable by their owner alone, locked by one process."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


def write_private(path: Path, text: str) -> None:
    """Replace the file at once (a crash leaves the old or the new text), for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON, privately and at once."""
    write_private(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in the file, or None where there is no readable one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


class FileLock:
    """A lock that one process at a time can hold and that the kernel releases when this process is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: IO[str] | None = None

    @property
    def held(self) -> bool:
        """Whether we hold it."""
        return self._stream is not None

    def acquire(self) -> bool:
        """Take the lock if nobody has it; note our process id in the file for others' messages."""
        if self._stream is not None:
            return True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        stream = self.path.open("a+", encoding="utf-8")
        if not _locked(stream):
            stream.close()
            return False
        stream.seek(0)
        stream.truncate()
        stream.write(str(os.getpid()))
        stream.flush()
        self._stream = stream
        return True

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for the lock, hold it for a block of quick work, let go."""
        while not self.acquire():
            time.sleep(0.02)
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Let go; harmless when not held."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def probe(self) -> bool:
        """Tell whether nobody holds it, without writing into it."""
        if self._stream is not None:
            return False
        try:
            with self.path.open("r", encoding="utf-8") as stream:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False
        return True

    def holder(self) -> str:
        """Return who wrote the lock file last, for messages only."""
        try:
            return self.path.read_text(encoding="utf-8").strip() or "unknown"
        except OSError:
            return "unknown"


def _locked(stream: IO[str]) -> bool:
    for attempt in range(4):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt < 3:
                time.sleep(0.02)  # somebody may only be probing
        else:
            return True
    return False


def rotate(path: Path, limit: int = 10_000_000) -> None:
    """Move what a log holds aside once it is beyond ``limit`` bytes, keeping one older copy.

    The file itself stays: a process that writes to it (always at its end) goes on doing so.
    """
    try:
        if path.stat().st_size <= limit:
            return
        older = path.with_name(path.name + ".1")
        shutil.copyfile(path, older)
        older.chmod(0o600)
        os.truncate(path, 0)
    except OSError:
        return
