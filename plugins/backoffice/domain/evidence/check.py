"""One check of a pack, from its bytes to the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from backoffice.domain.checkpoint import VerifyingKey
from backoffice.domain.evidence import agreement, drawn, records, sampling, trust
from backoffice.domain.evidence.archive import (
    SUMS,
    PackError,
    first_difference,
    pack_hash,
    read_archive,
    wrong_sums,
)
from backoffice.domain.evidence.contents import LOG, NOTE, PACK, PAGE, Pack, read_pack, record_file
from backoffice.domain.evidence.findings import Findings
from backoffice.domain.evidence.summary import LAST, write_page

POPULATION = "population/population.csv"
_HERE = Path(__file__).resolve().parent
_FOLDERS = ("items/", "policies/", "rules/", "documents/")
_TITLES = {
    "backoffice/__init__.py": b'"""The program that checks an evidence pack."""\n',
    "backoffice/domain/__init__.py": b'"""Plain Python."""\n',
}


@dataclass(frozen=True)
class Outcome:
    """What a check came to.

    :param broken: A line for each thing that is not as it must be.
    :param waiting: Numbers of records that no checkpoint covers yet.
    :param records: How many records are in the pack.
    :param checkpoint: Size and beginning of the root under which they are proven.
    :param key_id: Which key signed it.
    :param pack: What stands for the whole pack.
    """

    broken: tuple[str, ...]
    waiting: tuple[int, ...]
    notes: tuple[str, ...]
    records: int
    checkpoint: str | None
    key_id: str | None
    pack: str

    @property
    def valid(self) -> bool:
        """Nothing is broken; records that are not sealed yet are another question."""
        return not self.broken


@lru_cache(maxsize=1)
def programs() -> dict[str, bytes]:
    """Return the program that checks packs, as each pack carries it."""
    domain = _HERE.parent
    found = {
        f"backoffice/domain/evidence/{path.name}": path.read_bytes() for path in sorted(_HERE.glob("*.py"))
    }
    main = found.pop("backoffice/domain/evidence/verify.py", None)
    # within a pack it lies at the top
    found["verify.py"] = main if main is not None else (_HERE.parents[2] / "verify.py").read_bytes()
    for name in ("merkle.py", "checkpoint.py"):
        found[f"backoffice/domain/{name}"] = (domain / name).read_bytes()
    return {**found, **_TITLES}


def check_archive(data: bytes, keys: Sequence[VerifyingKey] = (), anchor: str | None = None) -> Outcome:
    """Check the bytes of a pack: every one of them counts."""
    findings = Findings()
    files: dict[str, bytes] = {}
    try:
        files = read_archive(data)
        _check_sums(files, findings)
        place = -1 if findings.broken else first_difference(files, data)
        if place >= 0:
            findings.file("archive", f"from byte {place} on it is not what its files make")
    except PackError as error:
        findings.file("archive", str(error))
    return _outcome(findings, files, 0, None, None) if findings.broken else check_files(files, keys, anchor)


def _check_sums(files: Mapping[str, bytes], findings: Findings) -> None:
    for name in wrong_sums(files):
        findings.file(name, f"it is not the file that {SUMS} lists")


def check_files(
    files: Mapping[str, bytes], keys: Sequence[VerifyingKey] = (), anchor: str | None = None
) -> Outcome:
    """Check the files of a pack.

    :param keys: Public keys that are believed, from outside; without any, the first of the pack is.
    :param anchor: What was laid down outside the ledger, lines of JSON.
    """
    findings = Findings()
    _check_sums(files, findings)
    if findings.broken:  # whatever else such files say is not worth asking
        return _outcome(findings, files, 0, None, None)
    for name, content in programs().items():
        if files.get(name) != content:
            findings.file(
                name, "it is not that of this program: another version made the pack, or it was changed"
            )
    try:
        pack = read_pack(files)
    except ValueError as error:
        findings.add(f"broken: {error}")
        return _outcome(findings, files, 0, None, None)
    _check_names(pack, findings)
    believed = trust.believed_keys(pack, keys, findings)
    checkpoint, key_id = trust.open_checkpoint(pack, believed, findings)
    records.check_records(pack, checkpoint, findings)
    if checkpoint is not None:
        trust.compare_anchored(pack, checkpoint, believed, findings)
    if anchor is not None:
        trust.look_in_anchor(pack, anchor, findings)
    _check_contents(pack, findings)
    findings.notes.append(LAST)
    if key_id is not None and not keys:
        findings.notes.append(
            f"the key {key_id} came with the pack: compare {believed[key_id].line()} with one from outside, "
            "or name that by --key"
        )
    short = checkpoint.short if checkpoint is not None else None
    return _outcome(findings, files, len(pack.records), short, key_id)


def _outcome(
    findings: Findings, files: Mapping[str, bytes], count: int, short: str | None, key_id: str | None
) -> Outcome:
    broken, waiting, notes = tuple(findings.broken), tuple(findings.waiting), tuple(findings.notes)
    return Outcome(broken, waiting, notes, count, short, key_id, pack_hash(files))


def _check_names(pack: Pack, findings: Findings) -> None:
    """Nothing lies in a pack that is not part of one."""
    known = {SUMS, PACK, LOG, NOTE, PAGE, POPULATION, *programs()}
    known |= {record_file(no) for no, record in pack.records.items() if record.body is not None}
    for name in pack.files:
        if name not in known and not name.startswith(_FOLDERS):
            findings.file(name, "it is no part of an evidence pack")
    listed = set(pack.about["items"])
    for name in pack.below("items"):
        if name not in listed:
            findings.file(name, "the pack does not list it")


def _check_contents(pack: Pack, findings: Findings) -> None:
    with findings.reading(LOG):
        agreement.check_texts(pack, findings)
    for name, item in zip(pack.about["items"], pack.items):  # noqa: B905 - runs on Python 3.9
        with findings.reading(str(name)):
            agreement.check_listed(str(name), item, pack, findings)
    with findings.reading(PACK):
        _check_sample(pack, findings)
    with findings.reading(PAGE):
        if pack.files.get(PAGE) != write_page(pack):
            findings.file(PAGE, "it does not say what the other files say")


def _check_sample(pack: Pack, findings: Findings) -> None:
    """Draw the sample again and add up the population again."""
    sample = pack.sample
    if sample is None:
        if POPULATION in pack.files or len(pack.items) != 1:
            findings.file(PACK, "it holds more than the one thing that it is about")
        return
    population = sampling.read_items(pack.files[POPULATION])
    totals = sampling.totals(population)
    if totals != sample["totals"]:
        findings.file(POPULATION, "its totals are not those that the pack states")
    if totals != sample["control"] or sample["ties"] is not True:
        findings.file(POPULATION, f"its totals are not those of {sample['tied_to']}")
    chosen = sampling.choose([item.key for item in population], int(sample["size"]), str(sample["seed"]))
    if chosen != [item.ref for item in pack.items]:
        findings.file(PACK, "the items are not those that the seed draws")
    drawn.check_drawn(pack, {item.key: item for item in population}, POPULATION, findings)
