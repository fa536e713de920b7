"""Where checkpoints are laid down outside the ledger: who owns it cannot rewrite the log unseen.

An anchor is a class with ``name`` and ``publish(note, key_lines) -> receipt``. ``BACKOFFICE_SEALER_ANCHORS``
names them, separated by white space:

- ``file:/path/to/folder`` appends to ``<log>.jsonl`` there: best on another disk or one that only appends.
- ``mail:auditor@example.com`` sends it; server and sender by ``BACKOFFICE_SMTP_URL`` and
  ``BACKOFFICE_SMTP_FROM``.
- ``package.module:factory`` calls ``factory()`` of an installed package.
"""

from __future__ import annotations

import importlib
import json
import os
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from backoffice.domain.audit.anchored import file_name
from backoffice.domain.canonical import time_text
from backoffice.domain.checkpoint import read_note
from backoffice.runtime.sealer.fault import SealerFault

_SECONDS = 15


class Anchor(Protocol):
    """A place outside the database."""

    name: str

    def publish(self, note: str, keys: Sequence[str]) -> str:
        """Lay down a signed checkpoint and the log's public keys; return where it can be found again.

        :raises OSError: It cannot be reached now; the next checkpoint covers this one too.
        """


class FileAnchor:
    """A folder; one file of checkpoints and one of public keys per log.

    Appended and flushed to disk, never rewritten. The same checkpoint is laid down once.

    :param folder: Best a place that the database's owner cannot write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"file:{folder}"

    def publish(self, note: str, keys: Sequence[str]) -> str:
        """Append the note as one line of JSON."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        base = file_name(read_note(note)[0].origin)
        file = self.folder / f"{base}.jsonl"
        _append_missing(self.folder / f"{base}.keys", [f"{line}\n" for line in keys])
        if not _ends_with(file, note):
            line = json.dumps({"at": time_text(datetime.now(UTC)), "note": note}, sort_keys=True)
            _append(file, f"{line}\n")
        return str(file)


class MailAnchor:
    """A mailbox that somebody else keeps.

    :param address: Who gets each checkpoint.
    :param server: ``smtp[s]://[user:password@]host[:port]``.
    :param sender: Address it comes from.
    """

    def __init__(self, address: str, server: str, sender: str) -> None:
        self.address, self.sender = address, sender
        self.name = f"mail:{address}"
        self._server = urlsplit(server)
        if self._server.scheme not in {"smtp", "smtps"} or not self._server.hostname:
            raise SealerFault("BACKOFFICE_SMTP_URL is no smtp:// or smtps:// address")

    def publish(self, note: str, keys: Sequence[str]) -> str:
        """Send it."""
        checkpoint = read_note(note)[0]
        mail = EmailMessage()
        mail["Subject"] = f"Checkpoint {checkpoint.short} of {checkpoint.origin}"
        mail["From"], mail["To"] = self.sender, self.address
        mail.set_content(f"{note}\nPublic keys:\n" + "".join(f"{line}\n" for line in keys))
        try:
            self._send(mail)
        except smtplib.SMTPException as error:
            raise OSError(f"the mail server refused: {type(error).__name__}") from None
        return self.address

    def _send(self, mail: EmailMessage) -> None:
        """Send it; a password goes only to a server whose certificate is good."""
        server, trusted = self._server, ssl.create_default_context()
        host, port = server.hostname or "", server.port or 0
        with (
            smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=trusted)
            if server.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=_SECONDS)
        ) as smtp:
            if server.username:
                if server.scheme == "smtp":
                    smtp.starttls(context=trusted)
                smtp.login(unquote(server.username), unquote(server.password or ""))
            smtp.send_message(mail)


def build_anchors(environment: Mapping[str, str] = os.environ) -> list[Anchor]:
    """Return the anchors that the environment names.

    :raises SealerFault: One of them is written wrong.
    """
    return [_anchor(spec, environment) for spec in environment.get("BACKOFFICE_SEALER_ANCHORS", "").split()]


def _anchor(spec: str, environment: Mapping[str, str]) -> Anchor:
    kind, _, rest = spec.partition(":")
    if kind == "file" and Path(rest).is_absolute():
        return FileAnchor(Path(rest))
    if kind == "mail" and "@" in rest:
        sender = environment.get("BACKOFFICE_SMTP_FROM", rest)
        return MailAnchor(rest, environment.get("BACKOFFICE_SMTP_URL", ""), sender)
    try:
        made: Anchor = getattr(importlib.import_module(kind), rest)()
    except (ImportError, AttributeError, ValueError) as error:
        raise SealerFault(
            f"BACKOFFICE_SEALER_ANCHORS: {spec!r} is none of file:/folder, mail:address, module:factory "
            f"({type(error).__name__})"
        ) from None
    return made


def _ends_with(file: Path, note: str) -> bool:
    """Tell whether the file's last line holds this note."""
    if not file.exists():
        return False
    with file.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 20_000))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    try:
        return bool(lines) and json.loads(lines[-1]).get("note") == note
    except (ValueError, AttributeError):
        return False


def _append_missing(file: Path, lines: Sequence[str]) -> None:
    known = file.read_text(encoding="utf-8") if file.exists() else ""
    new = "".join(line for line in lines if line not in known)
    if new:
        _append(file, new)


def _append(file: Path, text: str) -> None:
    """Append; a line that a crash cut off is ended first, so that it swallows nothing."""
    with file.open("ab+") as stream:
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            text = text if stream.read() == b"\n" else f"\n{text}"
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())
