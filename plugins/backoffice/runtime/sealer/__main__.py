"""``python -m backoffice.runtime.sealer``: run the sealer; ``rotate`` its key; a ``new-key`` for a lost one.

Its environment: ``BACKOFFICE_SEALER_DSN`` or ``BACKOFFICE_SEALER_DSN_FILE``, ``BACKOFFICE_SEALER_KEY_FILE``,
``BACKOFFICE_SEALER_ANCHORS``, ``BACKOFFICE_SEALER_ORIGIN`` (docs/reference/settings.md).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from backoffice.runtime.sealer.anchors import build_anchors
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.lost_key import new_key
from backoffice.runtime.sealer.process import SealerConfig, serve
from backoffice.runtime.sealer.signing_key import KeyFile


def main(arguments: list[str]) -> int:
    """Serve until asked to end; 1 when people have to act, 2 on wrong use."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if arguments not in ([], ["rotate"], ["new-key"]):
        print("usage: python -m backoffice.runtime.sealer [rotate | new-key]", file=sys.stderr)
        return 2
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _end(ended))
    try:
        config = config_from_environment()
        if arguments == ["rotate"]:
            KeyFile(config.key_file).prepare_rotation()
            print("the running sealer changes over within half a minute")
            return 0
        if arguments == ["new-key"]:
            print(new_key(config))
            return 0
        serve(config, lambda: not ended.is_set())
    except SealerFault as fault:
        print(f"sealer: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def config_from_environment() -> SealerConfig:
    """Read the sealer's environment.

    :raises SealerFault: Something needed is not set.
    """
    dsn = os.environ.get("BACKOFFICE_SEALER_DSN")
    file = os.environ.get("BACKOFFICE_SEALER_DSN_FILE")
    if not dsn and file:
        dsn = Path(file).read_text(encoding="utf-8").strip()
    key = os.environ.get("BACKOFFICE_SEALER_KEY_FILE")
    if not dsn or not key:
        raise SealerFault(
            "set BACKOFFICE_SEALER_DSN (or _FILE) and BACKOFFICE_SEALER_KEY_FILE for the sealer alone"
        )
    return SealerConfig(dsn, Path(key), build_anchors(), os.environ.get("BACKOFFICE_SEALER_ORIGIN"))


def _end(ended: threading.Event) -> None:
    """Leave at once: whatever is under way is one transaction."""
    ended.set()
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
