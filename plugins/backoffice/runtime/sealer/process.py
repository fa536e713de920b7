"""The sealer's loop: seal when asked and when records wait too long, lay the checkpoint down outside."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from backoffice.domain.checkpoint import VerifyingKey
from backoffice.runtime.sealer.anchors import Anchor
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.memory import HOW_TO, Memory
from backoffice.runtime.sealer.seal import introduce, knows, log_name, seal_once
from backoffice.runtime.sealer.signing_key import KeyFile, SigningKey

Connection = psycopg.Connection[tuple[Any, ...]]

LOG = logging.getLogger(__name__)
LONGEST_WAIT = 300  # seconds after which waiting records are sealed without being asked
LOOK_EVERY = 20  # seconds between two looks at what waits
# The newest checkpoint, and the anchors where it lies or where that was tried within the last minute.
_LIES = """
SELECT s.seal_no, s.note, ARRAY(
  SELECT a.anchor FROM audit.anchor a
  WHERE a.seal_no = s.seal_no
    AND (a.receipt IS NOT NULL OR a.anchored_at > clock_timestamp() - interval '1 minute'))
FROM audit.latest_seal s
"""


@dataclass(frozen=True)
class SealerConfig:
    """Where the sealer's things are.

    :param dsn: The ledger, as ``backoffice_sealer``.
    :param key_file: The signing key; made at the first start of a log that has none.
    :param origin: Name of a new log; a log that has a key keeps its name.
    :param anchors: Where checkpoints go.
    :param longest_wait: Seconds after which waiting records are sealed.
    """

    dsn: str
    key_file: Path
    anchors: Sequence[Anchor]
    origin: str | None = None
    longest_wait: float = LONGEST_WAIT

    @property
    def memory(self) -> Memory:
        """The last signed checkpoint, beside the key."""
        return Memory(self.key_file.with_name("last-checkpoint"))

    @property
    def heartbeat(self) -> Path:
        """Touched whenever the sealer has looked and all was well."""
        return self.key_file.with_name("heartbeat")


class Sealer:
    """One connected sealer; there is at most one per ledger.

    :param config: Where its things are.
    :param connection: As ``backoffice_sealer``, in autocommit.
    """

    def __init__(self, config: SealerConfig, connection: Connection) -> None:
        self.config, self.connection = config, connection
        self.keys = KeyFile(config.key_file)
        config.memory.compare(connection, self._own_keys())
        self.key = self._own_key()

    def look(self, asked: str | None = None) -> bool:
        """Seal if somebody asked or something waits too long; change keys where a rotation waits.

        :param asked: Why somebody asked.
        :return: Whether it sealed.
        :raises SealerFault: The log is not the one that was signed.
        """
        with self.connection.transaction():
            self.config.memory.compare(self.connection, {self.key.public.key_id: self.key.public})
            incoming = self.keys.load_next(self.key.public.name)
            if incoming is not None and not self._knows(incoming):
                introduce(self.connection, incoming)
            reason = "key rotation" if incoming is not None else asked or self._overdue()
            sealed = seal_once(self.connection, self.key, reason) if reason else None
        if sealed is not None:
            self.config.memory.keep(sealed[1])
            LOG.info("sealed %s", sealed[1].splitlines()[1])
        self._lay_down()
        if incoming is not None:
            self.keys.change_over()
            self.key = incoming
            LOG.info("the key is now %s", incoming.public.key_id)
        self.config.heartbeat.touch()
        return sealed is not None

    def run(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Listen and look, until told to end."""
        self.connection.execute("LISTEN backoffice_seal")
        self.look("the sealer started")
        while goes_on():
            asked = next(iter(self.connection.notifies(timeout=LOOK_EVERY, stop_after=1)), None)
            self.look(asked.payload if asked else None)

    # -- parts --

    def _own_keys(self) -> dict[str, VerifyingKey]:
        """Return the key in the file, if one is there, under the name of what was signed last."""
        last = self.config.memory.last()
        if last is None or not self.keys.exists():
            return {}
        key = self.keys.load(last.origin).public
        return {key.key_id: key}

    def _own_key(self) -> SigningKey:
        origin = log_name(self.connection)
        if not self.keys.exists():
            if origin is not None:
                raise SealerFault(
                    f"the log was signed with a key that is not in {self.keys.path}. Put it back; if it is "
                    f"lost, {HOW_TO}replace-a-lost-signing-key.md says how two people replace it"
                )
            self.keys.create()
        # a log that was restored to before its first key keeps its name all the same
        last = self.config.memory.last()
        named = last.origin if last else self.config.origin or f"backoffice/{secrets.token_hex(4)}"
        key = self.keys.load(origin or named)
        if origin is None:
            introduce(self.connection, key)
        elif not self._knows(key):
            raise SealerFault(
                f"key {key.public.key_id} in {self.keys.path} is none of this log's; restore the right one, "
                f"or let two people introduce it: {HOW_TO}replace-a-lost-signing-key.md"
            )
        return key

    def _knows(self, key: SigningKey) -> bool:
        return knows(self.connection, key)

    def _overdue(self) -> str | None:
        row = self.connection.execute(
            "SELECT extract(epoch FROM clock_timestamp() - min(since)) > %s FROM audit.waiting",
            (self.config.longest_wait,),
        ).fetchone()
        return "records waited too long" if row and row[0] else None

    def _lay_down(self) -> None:
        """Publish the newest checkpoint to every anchor where it does not lie yet.

        One that fails is on record, and is tried again at a later look, at most once a minute, until the
        checkpoint lies there or a newer one does.
        """
        row = self.connection.execute(_LIES).fetchone()
        missing = [anchor for anchor in self.config.anchors if row and anchor.name not in row[2]]
        if row is None or not missing:
            return
        seal_no, note, _ = row
        lines = [
            row[0] for row in self.connection.execute("SELECT line FROM audit.sealing_key ORDER BY record_id")
        ]
        for anchor in missing:
            receipt, failure = None, None
            try:
                receipt = anchor.publish(note, lines)
            except Exception as error:  # an anchor of somebody else's may raise anything; sealing goes on
                failure = f"{type(error).__name__}: {error}"[:500]
                LOG.warning("checkpoint not laid down at %s: %s", anchor.name, failure)
            self.connection.execute(
                "SELECT audit.record_anchor(%s, %s, %s, %s)", (seal_no, anchor.name, receipt, failure)
            )


def serve(config: SealerConfig, goes_on: Callable[[], bool] = lambda: True) -> None:
    """Be the sealer: hold its lock, seal, reconnect after the database was away.

    :raises SealerFault: People have to act; an alert is on record.
    """
    while goes_on():
        try:
            with psycopg.connect(
                config.dsn, autocommit=True, application_name="backoffice sealer"
            ) as connection:
                _take_lock(connection, goes_on)
                _run_or_alarm(config, connection, goes_on)
        except psycopg.OperationalError as error:
            LOG.warning("the ledger is away: %s", type(error).__name__)
            time.sleep(2)


def _take_lock(connection: Connection, goes_on: Callable[[], bool]) -> None:
    """Wait until no other sealer is there."""
    while goes_on():
        row = connection.execute(
            "SELECT pg_try_advisory_lock(hashtextextended('backoffice:sealer', 0))"
        ).fetchone()
        if row and row[0]:
            return
        time.sleep(1)


def _run_or_alarm(config: SealerConfig, connection: Connection, goes_on: Callable[[], bool]) -> None:
    try:
        Sealer(config, connection).run(goes_on)
    except SealerFault as fault:
        connection.execute("SELECT audit.raise_alert('not sealed', %s)", (str(fault),))
        raise
