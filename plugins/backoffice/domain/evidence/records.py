"""Are the records of a pack those of the log, and are all there?"""

from __future__ import annotations

from collections.abc import Mapping

from backoffice.domain.checkpoint import Checkpoint
from backoffice.domain.evidence.contents import ALL, LOG, Pack, Record
from backoffice.domain.evidence.findings import Findings
from backoffice.domain.merkle import leaf_hash, root_from_inclusion


def check_records(pack: Pack, checkpoint: Checkpoint | None, findings: Findings) -> None:
    """Prove each record under the checkpoint, and that none of a whole subject is left out."""
    if sorted(pack.records) != list(range(1, len(pack.records) + 1)):
        findings.file(LOG, "the records are not numbered from 1 on without gaps")
    places: dict[int, int] = {}
    silent = []
    for no, record in sorted(pack.records.items()):
        _check_bytes(record, pack, findings)
        if record.body is not None and "_record" not in record.said:
            silent.append(no)
        if record.place is None:
            findings.waiting.append(no)
        elif record.place in places:
            findings.at(no, f"it has the place of record {places[record.place]}")
        else:
            places[record.place] = no
            _check_proof(record, checkpoint, findings)
    if silent:
        listed = ", ".join(map(str, silent))
        findings.notes.append(
            f"the bytes of records {listed} do not say what they are about; only the pack does"
        )
    _check_subjects(pack, findings)


def _check_bytes(record: Record, pack: Pack, findings: Findings) -> None:
    if record.body is None:
        _check_purged(record, pack, findings)
        return
    if leaf_hash(record.body) != record.leaf:
        findings.at(record.no, "its bytes do not have the hash that was sealed")
    told = record.said.get("_record")
    if told is not None and told != [record.kind, record.subject, str(record.n)]:
        findings.at(
            record.no, f"its bytes call it {told}, the pack {record.kind} {record.n} of {record.subject}"
        )


def _check_purged(record: Record, pack: Pack, findings: Findings) -> None:
    """Bytes may be missing only where a record of the pack says that such were purged."""
    said = [
        one.no
        for one in pack.records.values()
        if one.kind == "erasure" and one.said.get("step") == "records purged" and one.no != record.no
    ]
    if not said:
        findings.at(record.no, "its bytes are missing and no record of the pack says that they were purged")
        return
    numbers = " or ".join(map(str, said))
    findings.notes.append(
        f"record {record.no}: its bytes were purged; its hash still has its place. That it is one of those "
        f"that record {numbers} speaks of only the log can show (backoffice verify-audit)"
    )


def _check_proof(record: Record, checkpoint: Checkpoint | None, findings: Findings) -> None:
    if checkpoint is None or record.place is None:
        findings.at(record.no, "it cannot be proven without a checkpoint that is believed")
        return
    try:
        root = root_from_inclusion(record.leaf, record.place, checkpoint.size, record.proof)
    except ValueError as error:
        findings.at(record.no, str(error))
        return
    if root != checkpoint.root:
        findings.at(
            record.no, f"it is not in the log of checkpoint {checkpoint.short} at place {record.place}"
        )


def _check_subjects(pack: Pack, findings: Findings) -> None:
    by_subject: dict[str, list[Record]] = {}
    for record in pack.records.values():
        by_subject.setdefault(record.subject, []).append(record)
    if by_subject.keys() != pack.subjects.keys():
        findings.file(LOG, "the subjects are not those of the records")
    for subject, records in by_subject.items():
        _check_waiting(records, findings)
        if pack.subjects.get(subject) == ALL:
            _check_dense(subject, sorted(records, key=lambda one: one.n), findings)
    for item in pack.items:
        _check_item(pack, item.ref, item.subjects, item.records, by_subject, findings)


def _check_waiting(records: list[Record], findings: Findings) -> None:
    """What a subject was told first is sealed first: nothing waits before something that is sealed."""
    newest = max((record.n for record in records if record.place is not None), default=0)
    for record in records:
        if record.place is None and record.n < newest:
            findings.at(
                record.no, f"it is said to wait for its seal, and number {newest} of its subject has one"
            )


def _check_dense(subject: str, records: list[Record], findings: Findings) -> None:
    for place, record in enumerate(records, 1):
        if record.n != place:
            findings.at(record.no, f"number {place} of {subject} is not in the pack")
            return


def _check_item(
    pack: Pack,
    ref: str,
    subjects: tuple[str, ...],
    numbers: tuple[int, ...],
    by_subject: Mapping[str, list[Record]],
    findings: Findings,
) -> None:
    for subject in subjects:
        if pack.subjects.get(subject) != ALL:
            findings.add(f"broken: of {ref} not every record is in the pack ({subject})")
        for record in by_subject.get(subject, ()):
            if record.no not in numbers:
                findings.at(record.no, f"it is about {ref} and not listed there")
    for number in numbers:
        if number not in pack.records:
            findings.add(f"broken: {ref} names record {number}, which is not in the pack")
    if not subjects or not numbers:
        findings.add(f"broken: no record is about {ref}")
