"""Check an evidence pack: ``python verify.py`` in its unpacked folder, or ``python verify.py PACK.zip``.

Needs Python 3.9 and the package ``cryptography``; nothing else, no network, no product. Exit codes: 0 valid,
1 not, 2 wrong use.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.dont_write_bytecode = True  # a pack is checked as it was unpacked: nothing may be added to its folder

from backoffice.domain.checkpoint import CheckpointError, VerifyingKey  # noqa: E402
from backoffice.domain.evidence.archive import SUMS  # noqa: E402
from backoffice.domain.evidence.check import Outcome, check_archive, check_files  # noqa: E402

_SHOWN = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Check one pack and say what came of it."""
    parser = argparse.ArgumentParser(
        prog="verify.py", description="Check an evidence pack. Exit codes: 0 valid, 1 not, 2 wrong use."
    )
    parser.add_argument("pack", nargs="?", type=Path, help="a ZIP or a folder; default: where verify.py lies")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="LINE|FILE",
        help="a public key of the log that you believe, or a file with some; may be given several times",
    )
    parser.add_argument(
        "--anchor", type=Path, metavar="FILE", help="checkpoints laid down outside the ledger (.jsonl)"
    )
    parser.add_argument("--allow-unsealed", action="store_true", help="accept records without a checkpoint")
    arguments = parser.parse_args(argv)
    try:
        keys = [key for given in arguments.key for key in read_keys(given)]
        anchor = arguments.anchor.read_text(encoding="utf-8") if arguments.anchor else None
        outcome = _check(arguments.pack or Path(__file__).resolve().parent, keys, anchor)
    except (OSError, UnicodeDecodeError, CheckpointError) as error:
        parser.error(str(error))
    return _tell(outcome, arguments.allow_unsealed)


def read_keys(given: str) -> list[VerifyingKey]:
    """Return the public keys that an argument names: one in its line, or those in a file.

    :raises CheckpointError: It is neither.
    """
    if "+" in given and not Path(given).exists():
        return [VerifyingKey.parse(given)]
    lines = Path(given).read_text(encoding="utf-8").splitlines()
    keys = [VerifyingKey.parse(line) for line in lines if line.strip() and not line.startswith("#")]
    if not keys:
        raise CheckpointError(f"{given} holds no key")
    return keys


def _check(place: Path, keys: Sequence[VerifyingKey], anchor: str | None) -> Outcome:
    if not place.is_dir():
        return check_archive(place.read_bytes(), keys, anchor)
    if not (place / SUMS).is_file():
        raise FileNotFoundError(f"{place} is no unpacked evidence pack; name one")
    files = {}
    for path in sorted(place.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            name = path.relative_to(place).as_posix()
            files[name] = b"" if path.is_symlink() else path.read_bytes()
    return check_files(files, keys, anchor)


def _tell(outcome: Outcome, allow_unsealed: bool) -> int:
    for line in outcome.broken[:_SHOWN]:
        print(line)
    if len(outcome.broken) > _SHOWN:
        print(f"and {len(outcome.broken) - _SHOWN} more")
    if outcome.broken:
        return 1
    for no in outcome.waiting[:_SHOWN]:
        print(f"not sealed yet: record {no}")
    if len(outcome.waiting) > _SHOWN:
        print(f"and {len(outcome.waiting) - _SHOWN} more")
    if outcome.waiting and not allow_unsealed:
        print(
            "not proven: make the pack again after the next checkpoint, or accept that with --allow-unsealed"
        )
        return 1
    proven = outcome.records - len(outcome.waiting)
    if outcome.checkpoint is None:
        print(f"nothing proven: {outcome.records} records, no checkpoint")
    else:
        print(f"valid: {proven} records, checkpoint {outcome.checkpoint}, signed by {outcome.key_id}")
    print(f"pack {outcome.pack}")
    for note in outcome.notes:
        print(f"note: {note}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
