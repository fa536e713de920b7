"""A mail server for tests: takes mails over SMTP, with a log-in where one is set, and keeps them.

What it cannot prove: how a real server limits, delays or signs mails.
"""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """What it knows and what it got.

    :param refuses: Answer to a recipient, instead of taking them.
    :param log_in: User and password that it wants, or nobody's.
    :param tls: Context for STARTTLS, which it wants before a log-in.
    :param implicit: Whether it speaks TLS from the first byte.
    """

    refuses: str | None = None
    log_in: tuple[str, str] | None = None
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.known = self.server.facts
        self.logged_in = self.known.log_in is None
        self.sender, self.recipients = "", []
        self.say("220 test server")
        while line := self.rfile.readline():
            text = line.decode().rstrip("\r\n")
            if not self.answer(text.split(" ")[0].upper(), text):
                return

    def say(self, text: str) -> bool:
        self.wfile.write(f"{text}\r\n".encode())
        return True

    def answer(self, verb: str, text: str) -> bool:
        """Answer a command; false ends the session."""
        acts = {
            "EHLO": self.greet, "STARTTLS": self.start_tls, "AUTH": self.authenticate, "MAIL": self.open_mail,
            "RCPT": self.add_recipient, "DATA": self.take, "QUIT": lambda text: self.say("221 bye") and False,
        }  # fmt: skip
        return acts.get(verb, lambda text: self.say("250 fine"))(text)

    def greet(self, text: str) -> bool:
        offers = ["test", "AUTH PLAIN"] + (["STARTTLS"] if self.known.tls and not self.known.implicit else [])
        for offer in offers[:-1]:
            self.say(f"250-{offer}")
        return self.say(f"250 {offers[-1]}")

    def start_tls(self, text: str) -> bool:
        self.say("220 go on")
        assert self.known.tls is not None
        self.connection = self.known.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        return True

    def authenticate(self, text: str) -> bool:
        given = tuple(base64.b64decode(text.split(" ")[2]).decode().split("\0")[1:])
        self.logged_in = given == self.known.log_in
        return self.say("235 welcome" if self.logged_in else "535 wrong user or password")

    def open_mail(self, text: str) -> bool:
        if not self.logged_in:
            return self.say("530 log in first")
        self.sender = text.partition("<")[2].partition(">")[0]
        return self.say("250 fine")

    def add_recipient(self, text: str) -> bool:
        if self.known.refuses:
            return self.say(self.known.refuses)
        self.recipients.append(text.partition("<")[2].partition(">")[0])
        return self.say("250 fine")

    def take(self, text: str) -> bool:
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.known.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))  # type: ignore[arg-type]
        self.known.envelopes.append((self.sender, self.recipients))
        self.recipients = []
        return self.say("250 taken")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, facts: MailServer) -> None:
        self.facts = facts
        super().__init__(("127.0.0.1", 0), _Session)
        if facts.implicit and facts.tls:
            self.socket = facts.tls.wrap_socket(self.socket, server_side=True)


@contextmanager
def mail_server(**settings: object) -> Iterator[MailServer]:
    """A mail server on a free port, for as long as the block lasts."""
    facts = MailServer(**settings)  # type: ignore[arg-type]
    with _Server(facts) as server:
        facts.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield facts
        finally:
            server.shutdown()
