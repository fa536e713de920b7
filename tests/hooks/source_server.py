"""A small HTTP server for tests: answers by path, says what it was asked, can answer badly in every way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One question: path, query parameters, headers."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Answer:
    """An answer; ``announced`` bytes may differ from those sent, as when a line breaks."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None
    chunks: Iterator[bytes] | None = None


Handler = Callable[[Asked], Answer]


@dataclass
class SourceServer:
    """The running server: set ``answers`` by path, look at ``asked``."""

    port: int
    answers: dict[str, Handler] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def connection(self, **extra: Any) -> str:
        """The Airflow connection to this server, as JSON for the environment."""
        return json.dumps(
            {
                "conn_type": "http",
                "host": "127.0.0.1",
                "port": self.port,
                "login": "reader",
                "password": "s3cret",
                **extra,
            }
        )


def page(items: list[Any], next_page: str | None = None, **changes: Any) -> Answer:
    """One page of a list as agreed with the sources."""
    body = {"items": items, "next": next_page, "as_of": "2026-11-22T05:00:00Z", "control": None, **changes}
    return Answer(json.dumps(body).encode(), headers={"Content-Type": "application/json"})


@contextmanager
def serving() -> Iterator[SourceServer]:
    """Run the server on a free port of this machine."""

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            question = Asked(parts.path, query, dict(self.headers))
            state.asked.append(question)
            handler = state.answers.get(parts.path, lambda _: Answer(b"not here", 404))
            answer = handler(question)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.chunks is None:
                self.send_header("Content-Length", str(answer.announced or len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
                if answer.announced:
                    self.close_connection = True
                return
            self.send_header("Connection", "close")
            self.end_headers()
            for chunk in answer.chunks:
                try:
                    self.wfile.write(chunk)
                    self.wfile.flush()
                except OSError:
                    break
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    server.daemon_threads = True
    state = SourceServer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
