"""The REST API of the review inbox, called with a person's own log-in."""

from __future__ import annotations

import getpass
import os
import sys
import uuid
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx

from backoffice.runtime.errors import RuntimeFault
from backoffice.runtime.home import find_home

_API = "/backoffice/api/v1"
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
PATIENT = httpx.Timeout(660.0, connect=5.0)
_LOCAL = {"127.0.0.1", "localhost", "::1"}


class WrongUse(Exception):
    """The command cannot be carried out as it was given: no address, no log-in."""


class Refused(Exception):
    """The API said no, or did not answer; the message says why."""


class ReviewClient:
    """One log-in at one API.

    :param http: Client with the base address and the person's token.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def __enter__(self) -> ReviewClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        """Return the answer to a GET below the API's prefix.

        :raises Refused: Anything but a success.
        """
        return _checked(_send(self._http, "GET", _API + path))

    def pages(self, path: str, name: str, most: int) -> tuple[list[Any], bool]:
        """Follow the pages of a list up to ``most`` entries; also tell whether there are more."""
        found: list[Any] = []
        page = self.get(path)
        while True:
            found += page[name]
            following = page["next"]
            if following is None or len(found) >= most:
                return found[:most], following is not None or len(found) > most
            page = _checked(_send(self._http, "GET", following))

    def answer(self, case_id: int, body: dict[str, str]) -> Any:
        """Send one answer.

        :raises Refused: The answer was not taken.
        """
        return self.post(f"/cases/{case_id}/answers", body)

    def post(self, path: str, body: dict[str, Any] | None, timeout: httpx.Timeout = _TIMEOUT) -> Any:
        """Send one act. A broken connection is tried once more under the same key, so it counts once.

        :param timeout: For what may take longer than usual.

        :raises Refused: The act was not taken.
        """
        return self._post(path, timeout, json=body)

    def post_file(self, path: str, content: bytes) -> Any:
        """Send a file, as ``post`` sends words.

        :raises Refused: The file was not taken.
        """
        return self._post(path, PATIENT, content=content)

    def _post(self, path: str, timeout: httpx.Timeout, **request: Any) -> Any:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        try:
            response = _send(self._http, "POST", _API + path, headers=headers, timeout=timeout, **request)
        except Refused:
            response = _send(self._http, "POST", _API + path, headers=headers, timeout=timeout, **request)
        return _checked(response)


def connect(user: str | None) -> ReviewClient:
    """Return a client that is logged in: by ``BACKOFFICE_TOKEN``, else by user and password.

    :raises WrongUse: There is no address or no log-in.
    :raises Refused: The log-in was not accepted, or nobody answers.
    """
    base = find_base_url()
    host = urlsplit(base).hostname or ""
    http = httpx.Client(base_url=base, timeout=_TIMEOUT, trust_env=host not in _LOCAL)
    try:
        token = os.environ.get("BACKOFFICE_TOKEN") if user is None else None
        http.headers["Authorization"] = f"Bearer {token or _exchange(http, user)}"
    except BaseException:
        http.close()
        raise
    return ReviewClient(http)


def find_base_url() -> str:
    """Return the address of the API server: ``BACKOFFICE_URL``, else what the local installation wrote down.

    :raises WrongUse: Neither is there, or it is no HTTP address.
    """
    base = os.environ.get("BACKOFFICE_URL")
    if not base:
        try:
            base = find_home().url_file.read_text(encoding="utf-8").strip()
        except (OSError, RuntimeFault) as error:
            raise WrongUse(
                f"no API server is known: set BACKOFFICE_URL, or start the local one ({error})"
            ) from error
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        raise WrongUse(f"{base!r} is no address of an API server")
    return base.rstrip("/")


def _exchange(http: httpx.Client, user: str | None) -> str:
    """Exchange user and password for a token."""
    name = user or os.environ.get("BACKOFFICE_USER")
    password = os.environ.get("BACKOFFICE_PASSWORD")
    if name is None or password is None:
        if not sys.stdin.isatty():
            raise WrongUse("no log-in: set BACKOFFICE_TOKEN, or BACKOFFICE_USER and BACKOFFICE_PASSWORD")
        name = name or input("User: ")
        password = getpass.getpass(f"Password of {name}: ")
    response = _send(http, "POST", "/auth/token", json={"username": name, "password": password})
    if response.status_code in (400, 401, 403, 422):
        raise Refused(f"user {name!r} could not log in: wrong user or password")
    token = _checked(response).get("access_token")
    if not token:
        raise Refused("the API server's log-in gave no token")
    return str(token)


def _send(http: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response:
    try:
        return http.request(method, path, **request)
    except httpx.HTTPError as error:
        raise Refused(f"{http.base_url} does not answer: {error}") from error


def _checked(response: httpx.Response) -> Any:
    """Return the JSON of a success; raise what the API says about anything else."""
    try:
        body = response.json()
    except ValueError as error:
        raise Refused(
            f"the API server answered {response.status_code} with something that is no JSON"
        ) from error
    if response.is_success:
        return body
    detail = body.get("detail") if isinstance(body, dict) else None
    fields = body.get("errors") or [] if isinstance(body, dict) else []
    texts = [
        f"{item['field']}: {item['message']}"
        for item in fields
        if item.get("field") and item["message"] != detail
    ]
    raise Refused("; ".join([str(detail or f"the API server answered {response.status_code}"), *texts]))
