"""Plain JSON over HTTP to the servers of this machine, with the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from backoffice.runtime.errors import RuntimeFault

# Never through a proxy: everything asked here is on 127.0.0.1.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoAnswer(RuntimeFault):
    """Nothing answered in time."""


@dataclass(frozen=True)
class Answer:
    """What a server said.

    :param status: HTTP status.
    :param body: The JSON value, or the text where it is none.
    """

    status: int
    body: Any

    @property
    def good(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


def ask(
    url: str,
    *,
    method: str = "GET",
    body: Any = None,
    token: str | None = None,
    timeout: float = 10,
    accept: str = "application/json",
) -> Answer:
    """Send one request and return the answer, whatever its status.

    :param timeout: Seconds to wait.
    :raises NoAnswer: The server cannot be reached or is too slow.
    """
    if not url.startswith("http://127.0.0.1:"):
        raise ValueError(f"{url} is not on this machine")
    headers = {"Accept": accept}
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, data=data, method=method, headers=headers)  # noqa: S310 - checked above
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            return Answer(response.status, _decoded(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _decoded(error.read()))
    except (OSError, ValueError) as error:  # refused, reset, timed out, no HTTP
        raise NoAnswer(f"{method} {url}: {error}") from error


def _decoded(raw: bytes) -> Any:
    text = raw.decode("utf-8", errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
