"""The receiver of our effects on the outside world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import BaseHook

from backoffice.exceptions import ConfigurationError, SourceUnavailableError

# destination of an effect -> path that takes it
ENDPOINTS: Mapping[str, str] = {"supplier_message": "/mailbox/outbox"}
TIMEOUT_SECONDS = 30


class OutboxHook(BaseHook):
    """Send effects, each with its idempotency key: the receiver keeps the first of a key, so sending again is
    safe.

    Reads host, port, login and password of an HTTP connection.

    :param http_conn_id: Connection of type ``http``.
    """

    conn_name_attr = "http_conn_id"
    default_conn_name = "backoffice_mailbox"
    conn_type = "http"
    hook_name = "Backoffice outbox"

    def __init__(self, http_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.http_conn_id = http_conn_id
        self._http = HttpHook(method="POST", http_conn_id=http_conn_id)
        self._session = self._http.get_conn()

    def send(self, destination: str, payload: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Send one effect and return the receiver's answer.

        :raises SourceUnavailableError: No answer, or a server error: it stays in the outbox.
        :raises ConfigurationError: No endpoint for this destination, or the receiver refuses it for good.
        """
        if destination not in ENDPOINTS:
            raise ConfigurationError(
                f"no endpoint takes effects for {destination!r}; known are {sorted(ENDPOINTS)}"
            )
        url = f"{str(self._http.base_url).rstrip('/')}{ENDPOINTS[destination]}"
        try:
            response = self._session.post(
                url,
                json=dict(payload),
                headers={"Idempotency-Key": key},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise SourceUnavailableError(
                f"{self.http_conn_id} did not take an effect: {type(error).__name__}"
            ) from error
        if response.status_code >= 500 or response.status_code == 429:
            raise SourceUnavailableError(f"{self.http_conn_id} answered {response.status_code}")
        if response.status_code >= 300:
            raise ConfigurationError(f"{self.http_conn_id} refuses the effect {key}: {response.status_code}")
        answer: dict[str, Any] = response.json()
        return answer

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()
