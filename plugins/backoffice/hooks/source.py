"""Lists and documents of a source system over HTTP."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import BaseHook

from backoffice.domain.canonical import time_text
from backoffice.exceptions import ConfigurationError, SourceUnavailableError
from backoffice.hooks.source_page import (
    Download,
    ForeignAddressError,
    NoPageError,
    Page,
    read_page,
    same_host_path,
)

if TYPE_CHECKING:
    from requests import Response, Session

Answer = TypeVar("Answer")

MAX_PAGES = 1_000_000
MAX_PAGE_BYTES = 64 * 1024 * 1024
MAX_DOCUMENT_BYTES = 100 * 1024 * 1024
_CHUNK = 64 * 1024
_BROKEN_LINE = (requests.ConnectionError, requests.Timeout)


class _TryAgainError(Exception):
    """An answer that a second question may heal; never leaves this module."""


class _TooLargeError(Exception):
    """An answer that exceeds its limit; never leaves this module."""


class SourceHook(BaseHook):
    """Read paged lists and documents of one source system.

    Reads host, port, schema, login and password of an HTTP connection (basic authentication); of its extras
    what the HTTP provider allows (``verify``, ``cert``, ``proxies``, headers). Redirects are never
    followed, pages are followed on the source's own host only. A question is asked again, with growing
    random pauses, after a broken line, a time-out, 429, 5xx or a cut-off answer; questions only read, so
    asking twice is safe.

    :param http_conn_id: Connection of type ``http``.
    :param timeout_seconds: Longest wait for a connection, and for the next bytes of an answer.
    :param deadline_seconds: Longest time one answer may take as a whole.
    :param attempts: How often one question is asked before the source counts as unavailable.
    :param longest_pause_seconds: Upper bound of a pause between two attempts.
    """

    conn_name_attr = "http_conn_id"
    default_conn_name = "backoffice_erp"
    conn_type = "http"
    hook_name = "Backoffice source"

    def __init__(
        self,
        http_conn_id: str,
        *,
        timeout_seconds: float = 30,
        deadline_seconds: float = 300,
        attempts: int = 5,
        longest_pause_seconds: float = 20,
    ) -> None:
        super().__init__()
        self.http_conn_id = http_conn_id
        self.timeout_seconds = timeout_seconds
        self.deadline_seconds = deadline_seconds
        self.attempts = attempts
        self.longest_pause_seconds = longest_pause_seconds
        self._http = HttpHook(method="GET", http_conn_id=http_conn_id)
        self._session: Session | None = None
        self._calls: list[dict[str, str | None]] = []

    def take_calls(self) -> list[dict[str, str | None]]:
        """Return what was asked since the last time, for the audit log, and forget it.

        Each call: method, path, status (or the kind of failure), size and SHA-256 of the answer, time.
        """
        taken, self._calls = self._calls, []
        return taken

    def pages(
        self,
        endpoint: str,
        *,
        updated_since: datetime | None = None,
        updated_until: datetime | None = None,
        page_size: int = 1000,
        filters: Mapping[str, str] | None = None,
    ) -> Iterator[Page]:
        """Yield the pages of a list one after the other.

        :param endpoint: Path of the list, as ``/erp/orders``.
        :param updated_since: Only rows changed at or after this time.
        :param updated_until: Only rows changed before this time; without it the source's own ``as_of`` of
            the first page.
        :param page_size: Rows per page.
        :param filters: Further query parameters, as ``supplier_id``; the source's totals are those of the
            selection.
        :raises SourceUnavailableError: The source did not answer, or not with pages; a later retry may help.
        :raises ConfigurationError: The source refuses us (4xx), redirects, or points to another host.
        :raises ForeignAddressError: ``endpoint`` is no path.
        """
        window = {"updated_since": updated_since, "updated_until": updated_until}
        query = {name: time_text(at) for name, at in window.items() if at is not None}
        path: str | None = self._below_base(endpoint)
        params: dict[str, str] | None = {**(filters or {}), **query, "page_size": str(page_size)}
        seen: set[str] = set()
        while path is not None:
            if path in seen or len(seen) >= MAX_PAGES:
                raise SourceUnavailableError(
                    f"{self.http_conn_id}: the pages of {endpoint} have no end ({len(seen)} read)"
                )
            seen.add(path)
            page = self._persist(self._page_of, path, params)
            yield page
            path, params = page.next, None

    def content(
        self,
        href: str,
        *,
        sha256: str | None = None,
        size: int | None = None,
        max_bytes: int = MAX_DOCUMENT_BYTES,
    ) -> Download:
        """Return the bytes of a document and what is wrong with them: a bad document never stops the others.

        Bytes that are not those which the source lists are fetched again: the fault is the line's or the
        source's, not the document's.

        :param href: Path of the document on the source's own host.
        :param sha256: Hash in hexadecimal that the source stated for it; checked if given.
        :param size: Number of bytes that the source stated for it; checked if given.
        :param max_bytes: Longer documents are not read.
        :raises SourceUnavailableError: The source did not answer, or not with the bytes that it lists; a
            later retry may help.
        """
        if size is not None and size > max_bytes:
            return Download(None, None, f"not fetched: {size} bytes, the limit is {max_bytes}")
        try:
            path = same_host_path(href)
        except ForeignAddressError as error:
            return Download(None, None, str(error))
        return self._persist(self._document_of, path, max_bytes, sha256, size)

    def test_connection(self) -> tuple[bool, str]:
        """Say whether the source answers this log-in."""
        try:
            with self._ask(self._below_base("/"), None) as response:
                status = response.status_code
        except _BROKEN_LINE as error:
            return False, f"{type(error).__name__}: the source does not answer"
        if status in (401, 403) or status >= 500:
            return False, f"The source answers with status {status}."
        return True, f"The source answers (status {status})."

    def close(self) -> None:
        """Close the line to the source."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _page_of(self, path: str, params: dict[str, str] | None) -> Page:
        with self._ask(path, params) as response:
            self._refuse_status(response, path)
            try:
                body = self._body(response, MAX_PAGE_BYTES)
                self._note(path, response, body)
                return read_page(body)
            except NoPageError as error:
                raise _TryAgainError(str(error)) from error
            except ForeignAddressError as error:
                raise ConfigurationError(f"{self.http_conn_id}: {error}") from error
            except _TooLargeError as error:
                raise ConfigurationError(
                    f"{self.http_conn_id}: a page is larger than {MAX_PAGE_BYTES} bytes; lower page_size"
                ) from error

    def _document_of(self, path: str, max_bytes: int, sha256: str | None, size: int | None) -> Download:
        with self._ask(path, None) as response:
            if response.status_code in (404, 410):
                return Download(None, None, f"the source no longer has it (status {response.status_code})")
            self._refuse_status(response, path)
            media_type = (
                response.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:100] or None
            )
            try:
                body = self._body(response, max_bytes)
            except _TooLargeError:
                return Download(None, media_type, f"not kept: longer than the limit of {max_bytes} bytes")
            self._note(path, response, body)
        download = Download(body, media_type, None)
        if size is not None and len(body) != size:
            raise _TryAgainError(f"{len(body)} bytes arrived, the source lists {size}")
        if sha256 is not None and download.sha256.hex() != sha256.strip().lower():
            raise _TryAgainError(f"SHA-256 is {download.sha256.hex()}, the source lists {sha256[:100]}")
        return download

    def _persist(self, question: Callable[..., Answer], *arguments: object) -> Answer:
        """Ask until there is an answer or ``attempts`` are used up."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=self.longest_pause_seconds),
            retry=tenacity.retry_if_exception_type((_TryAgainError, *_BROKEN_LINE)),
            before_sleep=self._log_attempt,
            reraise=True,
        )
        try:
            return retrying(question, *arguments)
        except (_TryAgainError, *_BROKEN_LINE) as error:
            reason = str(error) if isinstance(error, _TryAgainError) else type(error).__name__
            raise SourceUnavailableError(
                f"{self.http_conn_id}: no usable answer to {arguments[0]} in {self.attempts} tries: {reason}"
            ) from error

    def _log_attempt(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        name = type(error).__name__
        self.log.warning("%s: attempt %s failed (%s)", self.http_conn_id, state.attempt_number, name)

    def _ask(self, path: str, params: dict[str, str] | None) -> Response:
        session, options = self._line()
        request = requests.Request("GET", f"{self._origin()}{path}", params=params)
        try:
            response: Response = self._http.run_and_check(session, session.prepare_request(request), options)
        except _BROKEN_LINE as error:
            self._note(path, type(error).__name__, None)
            raise
        if response.status_code != 200:
            self._note(path, response, None)
        return response

    def _note(self, path: str, answer: Response | str, body: bytes | None) -> None:
        self._calls.append(
            {
                "method": "GET",
                "url": f"{self.http_conn_id}:{path}",
                "status": answer if isinstance(answer, str) else str(answer.status_code),
                "sha256": None if body is None else hashlib.sha256(body).hexdigest(),
                "size": None if body is None else str(len(body)),
                "at": time_text(datetime.now(UTC)),
            }
        )

    def _line(self) -> tuple[Session, dict[str, Any]]:
        """Return the one session of this hook (it keeps its connections open) and the options of each
        request.
        """
        options: dict[str, Any] = {
            "timeout": self.timeout_seconds,
            "allow_redirects": False,
            "stream": True,
            "check_response": False,
        }
        if self._session is None:
            self._session = self._http.get_conn(extra_options=options)
        return self._session, options

    def _origin(self) -> str:
        base = urlsplit(str(self._http.base_url))
        return f"{base.scheme}://{base.netloc}"

    def _below_base(self, endpoint: str) -> str:
        """Return the path of an endpoint: below the path of the connection's host, if it has one."""
        self._line()
        return urlsplit(str(self._http.base_url)).path.rstrip("/") + same_host_path(endpoint)

    def _refuse_status(self, response: Response, path: str) -> None:
        status = response.status_code
        if status == 200:
            return
        if status in (408, 425, 429) or status >= 500:
            raise _TryAgainError(f"status {status}")
        raise ConfigurationError(
            f"{self.http_conn_id}: the source answers {path.partition('?')[0]} with status {status}; "
            "check address, log-in and permissions of the connection"
        )

    def _body(self, response: Response, max_bytes: int) -> bytes:
        """Read the answer up to its limit in bytes and in time (a line that drips counts as broken)."""
        until = time.monotonic() + self.deadline_seconds
        body = io.BytesIO()
        while chunk := _next_bytes(response):
            if body.tell() + len(chunk) > max_bytes:
                raise _TooLargeError
            if time.monotonic() > until:
                raise _TryAgainError(f"the answer took longer than {self.deadline_seconds} seconds")
            body.write(chunk)
        return body.getvalue()


def _next_bytes(response: Response) -> bytes:
    """Return the bytes that are there, without waiting for a chunk to fill: else a drip would outlast the
    deadline.
    """
    try:
        chunk: bytes = response.raw.read1(_CHUNK, decode_content=True)
    except urllib3.exceptions.HTTPError as error:
        raise _TryAgainError(f"the answer broke off ({type(error).__name__})") from error
    return chunk
