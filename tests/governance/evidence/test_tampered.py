"""A pack that was changed is refused: any byte of it, and by forgers who make its hashes anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.governance.evidence.conftest import reading

from backoffice.domain.checkpoint import VerifyingKey, read_note, sign
from backoffice.domain.evidence.archive import SUMS, read_archive, write_archive, write_sums
from backoffice.domain.evidence.check import Outcome, check_archive
from backoffice.domain.evidence.contents import LOG, NOTE, PACK, PAGE, read_pack
from backoffice.domain.evidence.summary import write_page
from backoffice.domain.merkle import leaf_hash, tree_root
from backoffice.governance.evidence.pack import EvidencePack, pack_reference

pytestmark = pytest.mark.integration
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def small(sealed) -> EvidencePack:
    """The smallest pack that there is: a receipt's entry."""
    with reading(sealed) as connection:
        row = connection.execute(
            "SELECT 'entry:' || entry_id FROM ledger.journal_entry WHERE event = 'goods_receipt' LIMIT 1"
        ).fetchone()
        return pack_reference(connection, row[0])


def test_any_single_changed_byte_is_refused(small) -> None:
    """Names, headers and trailer of the ZIP, records, proofs, page, programs: all of them."""
    assert check_archive(small.data).valid
    data = bytearray(small.data)
    unseen = []
    for place in range(len(data)):
        data[place] ^= 1
        if check_archive(bytes(data)).valid:
            unseen.append(place)
        data[place] ^= 1
    assert unseen == []


@pytest.mark.parametrize("bit", [2, 16, 128])
def test_other_bits_too(pack, bit) -> None:
    data = bytearray(pack.data)
    for place in range(bit % 7, len(data), 53):
        data[place] ^= bit
        assert not check_archive(bytes(data)).valid, place
        data[place] ^= bit


@pytest.mark.parametrize("change", ["cut", "longer", "before", "comment", "twice", "empty"])
def test_bytes_too_few_or_too_many_are_refused(small, change) -> None:
    data = small.data
    changed = {
        "cut": data[:-1], "longer": data + b"\0", "before": b"\0" + data, "comment": data[:-2] + b"\1\0x", "twice": data + data, "empty": b"",
    }  # fmt: skip
    assert not check_archive(changed[change]).valid


def test_the_record_that_was_changed_is_named(pack) -> None:
    files = dict(read_archive(pack.data))
    files["records/0009.json"] = files["records/0009.json"].replace(b'"144"', b'"145"')
    outcome = check_archive(write_archive(files))
    assert any(line.startswith("broken at record 9: ") for line in outcome.broken)


# -- forgers, who make hashes, page and archive anew -----------------------------------------------------------------


def forged(pack: EvidencePack, change: Callable[[Files], None], page: bool = True) -> Outcome:
    """Check the pack that a forger makes: everything without a signature fits again."""
    files = dict(read_archive(pack.data))
    change(files)
    if page:
        files[PAGE] = write_page(read_pack(files))
    files[SUMS] = write_sums(files)
    return check_archive(write_archive(files))


def edit(files: Files, name: str, change: Callable[[dict], None]) -> None:
    """Change a file of JSON."""
    said = json.loads(files[name])
    change(said)
    files[name] = json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def replace_record(files: Files, no: int, old: bytes, new: bytes) -> None:
    """Change a record and the hash that is listed of it."""
    name = f"records/{no:04d}.json"
    assert old in files[name]
    files[name] = files[name].replace(old, new)
    leaf = leaf_hash(files[name]).hex()
    edit(files, LOG, lambda log: log["records"][no - 1].update(leaf=leaf))


def drop_record(files: Files, no: int, renumber: bool) -> None:
    """Leave out a record and number the rest anew, within its subject too if asked."""
    log, item = json.loads(files[LOG]), json.loads(files["items/0001.json"])
    gone = log["records"].pop(no - 1)
    bodies = [files.pop(f"records/{one:04d}.json") for one in range(1, len(log["records"]) + 2)]
    bodies.pop(no - 1)
    for place, (one, body) in enumerate(zip(log["records"], bodies, strict=True), 1):
        one["no"] = place
        files[f"records/{place:04d}.json"] = body
        if renumber and one["subject"] == gone["subject"] and one["n"] > gone["n"]:
            one["n"] -= 1
    item["records"] = [one - (one > no) for one in item["records"] if one != no]
    for name, said in ((LOG, log), ("items/0001.json", item)):
        files[name] = json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def number_of(pack: EvidencePack, told: str) -> int:
    """Return the number of the first record that says this."""
    files = read_archive(pack.data)
    return next(no for no in range(1, 99) if told.encode() in files[f"records/{no:04d}.json"])


def test_what_a_forger_makes_fit_is_valid_as_long_as_nothing_is_changed(pack) -> None:
    assert forged(pack, lambda files: None).valid


def test_a_changed_record_is_not_in_the_signed_log(pack) -> None:
    no = number_of(pack, '"payment proposed"')
    outcome = forged(pack, lambda files: replace_record(files, no, b'"144"', b'"944"'))
    assert any(
        f"broken at record {no}: it is not in the log of checkpoint" in line for line in outcome.broken
    )


@pytest.mark.parametrize("renumber", [False, True])
def test_a_record_that_was_left_out_is_missed(pack, renumber) -> None:
    no = number_of(pack, '"human"')
    outcome = forged(pack, lambda files: drop_record(files, no, renumber))
    said = "its bytes call it" if renumber else "is not in the pack"
    assert any(said in line for line in outcome.broken), outcome.broken


def test_a_record_of_another_thing_does_not_pass_as_this_ones(pack) -> None:
    def change(files: Files) -> None:
        no = number_of(pack, "run opened")
        subject = json.loads(files["items/0001.json"])["subjects"][0]
        edit(files, LOG, lambda log: log["records"][no - 1].update(subject=subject, n=99))

    assert any("its bytes call it" in line for line in forged(pack, change).broken)


def test_a_proof_of_another_record_proves_nothing(pack) -> None:
    def change(files: Files) -> None:
        def swap(log: dict) -> None:
            one, other = log["records"][1], log["records"][2]
            one["place"], other["place"] = other["place"], one["place"]
            one["proof"], other["proof"] = other["proof"], one["proof"]

        edit(files, LOG, swap)

    assert any("it is not in the log of checkpoint" in line for line in forged(pack, change).broken)


def test_another_policy_text_is_none_that_a_record_names(pack) -> None:
    def change(files: Files) -> None:
        name = "policies/approve_invoice-3.yaml"
        files[name] = files[name].replace(b"100000.00 EUR", b"900000.00 EUR")

    outcome = forged(pack, change)
    assert any("no record of the pack names its hash" in line for line in outcome.broken)
    assert any("the text of the policy that it names is not in the pack" in line for line in outcome.broken)


@pytest.mark.parametrize(
    "name",
    ["documents/extra.xml", "rules/extra.txt", "policies/extra.yaml", "items/0002.json", "extra.txt", "a/b"],
)
def test_a_file_that_nothing_signed_names_does_not_belong(pack, name) -> None:
    outcome = forged(pack, lambda files: files.update({name: b"{}"}))
    assert any(line.startswith(f"broken: file {name}: ") for line in outcome.broken)


@pytest.mark.parametrize(
    "name",
    [
        "verify.py",
        "backoffice/domain/merkle.py",
        "backoffice/domain/evidence/check.py",
        "backoffice/__init__.py",
    ],
)
def test_a_changed_program_is_named_by_the_true_one(pack, name) -> None:
    outcome = forged(pack, lambda files: files.update({name: files[name] + b"\n"}))
    assert any(
        line.startswith(f"broken: file {name}: it is not that of this program") for line in outcome.broken
    )


def test_a_page_that_says_something_else_is_refused(pack) -> None:
    def change(files: Files) -> None:
        files[PAGE] = files[PAGE].replace(b"PRICE", b"NOTHING")

    outcome = forged(pack, change, page=False)
    assert outcome.broken == ("broken: file summary.html: it does not say what the other files say",)


ITEM = "items/0001.json"


def altered(pack: EvidencePack, side: str, part: str, name: str, value: object) -> Outcome:
    """Check a pack whose item says something else, sums and page made anew."""

    def change(files: Files) -> None:
        def other(item: dict) -> None:
            row = item[side][part]
            row = row[0] if isinstance(row, list) else row
            assert row.get(name) != value
            row[name] = value

        edit(files, ITEM, other)

    return forged(pack, change)


@pytest.mark.parametrize(
    ("part", "name", "value", "told"),
    [
        ("document", "content_sha256", "00" * 32, "content_sha256 is"),
        ("document", "original_sha256", "00" * 32, "document.original_sha256 stands as signed and no record says it"),
        ("document", "gross", "1", "gross is 144, the ledger lists 1 of the document"),
        ("document", "gross", "-144", "document.gross stands as signed and no record says it"),
        ("document", "currency", "USD", "currency is EUR, the ledger lists USD"),
        ("document", "supplier_id", "S9", "supplier_id is S1, the ledger lists S9"),
        ("document", "received_at", "2020-01-01T00:00:00.000000Z", "received_at is"),
        ("document", "source", "elsewhere", "source is"),
        ("document", "load", "99", "load is"),
        ("document", "run", "99", "run is"),
        ("document", "iban", "DE00", "document.iban stands as signed and no record says it"),
        ("payments", "amount", "1", "the ledger lists 1"),
        ("payments", "pay_on", "2020-01-01", "pay_on is"),
        ("payments", "decision", "999", "decision is"),
        ("payments", "currency", "USD", "currency is EUR, the ledger lists USD"),
        ("entries", "posting_date", "2026-11-21", "the ledger lists 2026-11-21"),
        ("entries", "event", "credit_note", "event is invoice"),
        ("entries", "subject", "invoice:" + "00" * 32, "subject is invoice:"),
        ("entries", "business_key", "invoice/1000/none", "is listed and not on record"),
        ("answers", "action", "reject", "action is accept, the ledger lists reject of 1"),
        ("answers", "person_id", "p-clerk", "person_id is p-buyer, the ledger lists p-clerk"),
        ("answers", "final", "false", "final is true, the ledger lists false"),
        ("answers", "case", "case:99", "case is case:"),
        ("answers", "reason_code", "approved", "reason_code is"),
        ("answers", "answered_at", "2020-01-01T00:00:00.000000Z", "answered_at is"),
        ("answers", "result", "rejected", "result is accepted"),
        ("answers", "answer", "99", "is not among those that the ledger lists"),
        ("cases", "role", "ap_clerk", "role is buyer"),
        ("runs", "package_version", "9.9", "package_version is"),
        ("orders", "content_sha256", "00" * 32, "orders.content_sha256 stands as signed and no record says it"),
        ("lines", "net", "1", "lines stands as signed and no record says it"),
    ],
)  # fmt: skip
def test_what_stands_as_signed_is_what_the_records_say(pack, part, name, value, told) -> None:
    if part == "lines":

        def change(files: Files) -> None:
            edit(files, ITEM, lambda item: item["signed"].update(lines=[{"line": "1", "net": "1"}]))

        outcome = forged(pack, change)
    else:
        outcome = altered(pack, "signed", part, name, value)
    assert any(told in line for line in outcome.broken), outcome.broken


@pytest.mark.parametrize(
    ("part", "name"),
    [("document", "gross"), ("document", "content_sha256"), ("answers", "action"), ("payments", "amount")],
)
def test_what_records_say_cannot_be_moved_to_what_none_says(pack, part, name) -> None:
    """Neither as it is nor as something else."""
    for value in (None, "1"):

        def change(files: Files, value: str | None = value) -> None:
            def move(item: dict) -> None:
                signed, unsigned = item["signed"][part], item["listed_not_signed"][part]
                signed, unsigned = (
                    (signed[0], unsigned[0]) if isinstance(signed, list) else (signed, unsigned)
                )
                unsigned[name] = signed.pop(name) if value is None else signed.pop(name) and value

            edit(files, ITEM, move)

        said = (
            f"{part}.{name} stands as not signed and records say it"
            if value is None
            else ", the ledger lists 1"
        )
        assert any(said in line for line in forged(pack, change).broken)


@pytest.mark.parametrize(
    ("part", "name"),
    [("document", "number"), ("document", "supplier"), ("suppliers", "iban"), ("answers", "reason"), ("orders", "unit_price")],
)  # fmt: skip
def test_what_no_record_says_is_valid_and_marked(pack, part, name) -> None:
    """A forger can write there what they like; it never stands in the heading, and the page says what it is."""

    def change(files: Files) -> None:
        def other(item: dict) -> None:
            row = item["listed_not_signed"][part]
            (row[0] if isinstance(row, list) else row)[name] = "FORGED"

        edit(files, ITEM, other)

    files = dict(read_archive(pack.data))
    change(files)
    page = write_page(read_pack(files)).decode()
    assert forged(pack, change).valid
    before, mark, _ = page.partition("FORGED")
    assert mark
    assert "Listed, not signed" in before or "(listed)" in before
    assert "FORGED" not in page[: page.index("What happened, in order")]


@pytest.mark.parametrize(
    "ref",
    ["invoice:" + "00" * 32, "payment:99", "case:99", "decision:99", "policy:approve_invoice@9", "S9/R-9"],
)
def test_a_pack_cannot_be_called_what_no_record_of_it_is_about(pack, ref) -> None:
    outcome = forged(pack, lambda files: edit(files, ITEM, lambda item: item.update(ref=ref)))
    assert outcome.broken == (f"broken: file {ITEM}: no record of the pack is about {ref}",)


@pytest.mark.parametrize("side", ["signed", "listed_not_signed"])
def test_headings_hold_nothing_that_is_not_signed(pack, side) -> None:
    """There is no title in the files that could be changed."""
    files = read_archive(pack.data)
    assert "title" not in json.loads(files[PACK])
    assert "title" not in json.loads(files[ITEM])
    digest = json.loads(files[ITEM])["subjects"][0].partition(":")[2]
    assert (
        f"<h1>The invoice with the content {digest[:12]} of supplier S1, 144 EUR</h1>" in files[PAGE].decode()
    )
    outcome = forged(pack, lambda files: edit(files, ITEM, lambda item: item[side].update(title="Another")))
    assert outcome.valid == (side == "listed_not_signed")


@pytest.mark.parametrize("part", ["entries", "answers", "payments"])
def test_what_is_on_record_is_listed(pack, part) -> None:
    def change(files: Files) -> None:
        for side in ("signed", "listed_not_signed"):
            edit(files, ITEM, lambda item, side=side: item[side].update({part: []}))

    told = ("is not among those that the ledger lists", "the ledger lists no payment proposal")
    assert any(one in line for one in told for line in forged(pack, change).broken)


def test_lines_of_an_entry_and_of_its_reversal_are_compared(sealed) -> None:
    with reading(sealed) as connection:
        pack = pack_reference(connection, "R-REJECTED")
    assert pack.outcome.valid
    entries = json.loads(read_archive(pack.data)[ITEM])["signed"]["entries"]
    assert [one["event"] for one in entries] == ["invoice", "reversal"]
    for place in (0, 1):

        def change(files: Files, place: int = place) -> None:
            edit(
                files, ITEM, lambda item: item["signed"]["entries"][place]["lines"][0].update(account="9999")
            )

        assert any("lines is [" in line for line in forged(pack, change).broken)


def test_bytes_are_missing_only_where_a_record_says_that_they_were_purged(pack) -> None:
    """A forger who calls an awkward record purged is asked which record of the log says so."""
    no = number_of(pack, '"payment proposed"')

    def change(files: Files) -> None:
        edit(files, LOG, lambda log: log["records"][no - 1].update(purged=True))
        files.pop(f"records/{no:04d}.json")

    told = (
        f"broken at record {no}: its bytes are missing and no record of the pack says that they were purged"
    )
    assert told in forged(pack, change).broken


def test_the_outcome_says_what_no_pack_can_prove(pack) -> None:
    """The last records of a subject can be left out unseen: that is said, there and on the page."""

    def change(files: Files) -> None:
        count = len(json.loads(files[LOG])["records"])
        no = number_of(pack, '"payment proposed"')
        assert no == count
        drop_record(files, no, renumber=False)
        for side in ("signed", "listed_not_signed"):
            edit(files, ITEM, lambda item, side=side: item[side].update(payments=[]))

    outcome = forged(pack, change)
    assert outcome.valid
    assert any("no pack can prove that its last records are the last" in note for note in outcome.notes)
    assert outcome.pack != pack.outcome.pack
    assert "no pack can prove that its last records are the last" in read_archive(pack.data)[PAGE].decode()


def test_a_log_of_the_forgers_own_needs_a_key_that_somebody_believes(pack, sealed) -> None:
    """Who makes records, tree and key anew is valid only to one who compares no key; the outcome says so."""
    private = Ed25519PrivateKey.from_private_bytes(b"f" * 32)

    def change(files: Files) -> None:
        no = number_of(pack, '"payment proposed"')
        replace_record(files, no, b'"144"', b'"944"')
        log = json.loads(files[LOG])
        edit(files, ITEM, lambda item: item["signed"]["payments"][0].update(amount="944"))
        leaves = [bytes.fromhex(one["leaf"]) for one in log["records"]]
        checkpoint = read_note(files[NOTE].decode())[0]
        from backoffice.domain.checkpoint import Checkpoint
        from backoffice.domain.merkle import inclusion_proof, subtree_of

        own = Checkpoint(
            checkpoint.origin, len(leaves), tree_root(leaves), checkpoint.previous, checkpoint.sealed_at
        )
        files[NOTE] = sign(own, private).encode()
        for place, one in enumerate(log["records"]):
            one["place"] = place
            proof = inclusion_proof(place, len(leaves), subtree_of(leaves))
            one["proof"] = [digest.hex() for digest in proof]
        log["keys"] = [
            {"line": VerifyingKey.of(own.origin, private).line(), "record": None, "note": "", "proof": []}
        ]
        files[LOG] = json.dumps(log).encode()

    files = dict(read_archive(pack.data))
    change(files)
    files[PAGE] = write_page(read_pack(files))
    files[SUMS] = write_sums(files)
    data = write_archive(files)
    with sealed.connect("auditor") as connection:
        true = VerifyingKey.parse(connection.execute("SELECT line FROM audit.sealing_key").fetchone()[0])
    deceived = check_archive(data)
    assert deceived.valid
    assert any("came with the pack" in note for note in deceived.notes)
    assert deceived.key_id != true.key_id
    assert not check_archive(data, [true]).valid
    assert deceived.pack != pack.outcome.pack


@pytest.mark.parametrize("name", [PACK, LOG, "items/0001.json", "records/0003.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"\xff", b'{"form": 1}', b"[" * 5000])
def test_files_of_no_form_are_refused_without_an_accident(pack, name, content) -> None:
    outcome = forged(pack, lambda files: files.update({name: content}), page=False)
    assert not outcome.valid
    assert all(line.startswith("broken") for line in outcome.broken)


def test_nothing_waits_before_what_is_sealed(pack) -> None:
    """Else a forger calls the record that was changed not sealed yet, and whoever accepts such believes it."""
    records = json.loads(read_archive(pack.data)[LOG])["records"]
    own = [one for one in records if one["subject"].startswith("invoice:")]
    first, *_, last = (one["no"] for one in sorted(own, key=lambda one: one["n"]))

    def wait(no: int) -> Callable[[Files], None]:
        return lambda files: edit(
            files, LOG, lambda told: told["records"][no - 1].update(place=None, proof=[])
        )

    outcome = forged(pack, wait(first))
    assert any(line.startswith(f"broken at record {first}: it is said to wait") for line in outcome.broken)
    outcome = forged(pack, wait(last))
    assert (outcome.broken, outcome.waiting) == ((), (last,)), "the last one may wait"


def test_what_decisions_name_and_was_left_out_is_noted(pack) -> None:
    held = [name for name in read_archive(pack.data) if name.startswith("rules/")]
    assert held

    def leave_out(files: Files) -> None:
        for name in held:
            del files[name]

    outcome = forged(pack, leave_out)
    assert outcome.valid
    assert not any("rules that decisions name" in note for note in pack.outcome.notes)
    [note] = [one for one in outcome.notes if one.startswith("rules that decisions name")]
    for name in held:
        assert hashlib.sha256(read_archive(pack.data)[name]).hexdigest() in note
