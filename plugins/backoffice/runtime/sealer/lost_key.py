"""A new signing key where the old one is lost: made here, introduced by two people and not by the sealer."""

from __future__ import annotations

import psycopg

from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.process import SealerConfig
from backoffice.runtime.sealer.seal import knows, log_name
from backoffice.runtime.sealer.signing_key import KeyFile


def new_key(config: SealerConfig) -> str:
    """Make the key file where there is none and return the public line for two people to introduce.

    Reads the log's name from its first key, else from the last checkpoint. Writes nothing to the ledger:
    until two log keepers agreed, the sealer refuses the key. Called again it returns the line of the same
    key.

    :raises SealerFault: The key that is there is the log's, or the log never had one.
    """
    keys = KeyFile(config.key_file)
    try:
        return _new_key(config, keys)
    except psycopg.OperationalError as error:
        raise SealerFault(f"the ledger does not answer: {type(error).__name__}") from None


def _new_key(config: SealerConfig, keys: KeyFile) -> str:
    with psycopg.connect(config.dsn) as connection:
        last = config.memory.last()
        origin = log_name(connection) or (last.origin if last else None)
        if origin is None:
            raise SealerFault("the log has no key yet: start the sealer, it makes the first one itself")
        if not keys.exists():
            keys.create()
        key = keys.load(origin)
        if knows(connection, key):
            raise SealerFault(f"{keys.path} holds a key of this log; change it with `rotate`")
    return key.public.line()
