"""Which keys are believed, and what they signed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from backoffice.domain.checkpoint import Checkpoint, CheckpointError, VerifyingKey, open_note, read_note
from backoffice.domain.evidence.contents import LOG, NOTE, KeyLink, Pack
from backoffice.domain.evidence.findings import Findings
from backoffice.domain.merkle import is_consistent, root_from_inclusion

Keys = dict[str, VerifyingKey]


def believed_keys(pack: Pack, given: Sequence[VerifyingKey], findings: Findings) -> Keys:
    """Return the keys that are believed: those given, and each that a believed one vouches for.

    A key vouches for the next by the first checkpoint over the record that introduces it. Without a key from
    outside the first of the pack is believed, and so is one that two persons introduced for a lost one; the
    outcome says so.
    """
    keys: Keys = {key.key_id: key for key in given}
    for place, link in enumerate(pack.keys):
        with findings.reading(LOG):
            key = VerifyingKey.parse(link.line)
            if key.key_id in keys:
                continue
            if place == 0:
                believed = not given
            else:
                believed = _vouched_for(pack, link, keys) or (
                    _for_a_lost_one(pack, link, key, findings) and not given
                )
            if believed:
                keys[key.key_id] = key
    return keys


def _for_a_lost_one(pack: Pack, link: KeyLink, key: VerifyingKey, findings: Findings) -> bool:
    """Tell whether two persons introduced the key for a lost one, and say so: no signature shows it."""
    record = pack.records.get(link.record or 0)
    said = record.said if record is not None else {}
    two = (said.get("requested_by"), said.get("confirmed_by"))
    if said.get("lost") != "true" or not all(isinstance(one, str) and one for one in two) or two[0] == two[1]:
        return False
    if not _vouched_for(pack, link, {key.key_id: key}):
        return False
    findings.notes.append(
        f"key {key.key_id} took the place of a lost one by the word of {two[0]} and {two[1]} (record "
        f"{link.record}); no key before it vouches for it: believe it only if you have it from outside, and "
        "name it by --key"
    )
    return True


def _vouched_for(pack: Pack, link: KeyLink, keys: Keys) -> bool:
    record = pack.records.get(link.record or 0)
    if record is None or record.place is None or record.kind != "key" or record.said.get("key") != link.line:
        return False
    try:
        checkpoint, _ = open_note(link.note, keys)
        return root_from_inclusion(record.leaf, record.place, checkpoint.size, link.proof) == checkpoint.root
    except (CheckpointError, ValueError):
        return False


def open_checkpoint(pack: Pack, keys: Keys, findings: Findings) -> tuple[Checkpoint | None, str | None]:
    """Return the checkpoint under which the records are proven, and the id of the key that signed it."""
    if pack.note is None:
        return None, None
    try:
        return open_note(pack.note, keys)
    except CheckpointError as error:
        findings.file(NOTE, str(error))
    return None, None


def compare_anchored(pack: Pack, checkpoint: Checkpoint, keys: Keys, findings: Findings) -> None:
    """Show that the checkpoint which was laid down outside the ledger is a beginning of this log."""
    if pack.anchored is None:
        return
    with findings.reading(LOG):
        proof = [bytes.fromhex(one) for one in pack.anchored["proof"]]
        anchored, _ = open_note(str(pack.anchored["note"]), keys)
        if anchored.origin != checkpoint.origin or not is_consistent(
            anchored.size, checkpoint.size, anchored.root, checkpoint.root, proof
        ):
            raise ValueError(f"the log did not grow out of the anchored checkpoint {anchored.short}")
        findings.notes.append(
            f"it continues checkpoint {anchored.short}, the last that was laid down outside the ledger"
        )


def look_in_anchor(pack: Pack, anchor: str, findings: Findings) -> None:
    """Look for the pack's checkpoint, or the anchored one it continues, in what was laid down outside."""
    own = {pack.note or ""} | ({str(pack.anchored["note"])} if pack.anchored else set())
    found = None
    for line in anchor.splitlines():
        try:
            note = json.loads(line)["note"]
            laid_down = read_note(note)[0]
        except (ValueError, KeyError, TypeError):
            continue
        if note in own:
            found = laid_down
    if found is None:
        findings.add("broken: neither its checkpoint nor the one that it continues stands in the anchor")
    else:
        findings.notes.append(f"checkpoint {found.short} stands in the anchor")
