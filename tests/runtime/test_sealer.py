"""The sealer on a real ledger: what it signs, what it refuses to sign, and what it survives."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import psycopg
import pytest
from tests.conftest import Ledger
from tests.sealing import ORIGIN, connected_sealer, seal, sealer_config

from backoffice.domain.checkpoint import VerifyingKey, open_note, read_note
from backoffice.domain.merkle import inclusion_proof, leaf_hash, root_from_inclusion, subtree_of, tree_root
from backoffice.runtime.sealer.anchors import build_anchors
from backoffice.runtime.sealer.fault import SealerFault
from backoffice.runtime.sealer.process import serve
from backoffice.runtime.sealer.signing_key import KeyFile

pytestmark = pytest.mark.integration


def write(ledger: Ledger, *bodies: str, subject: str = "test:1") -> None:
    with ledger.connect("admin") as connection:
        connection.execute(
            "SELECT audit.append_many('path', %s, %s)", ([subject] * len(bodies), list(bodies))
        )


def leaves(ledger: Ledger) -> list[bytes]:
    with ledger.connect("auditor") as connection:
        rows = connection.execute(
            "SELECT r.body FROM audit.leaf l JOIN audit.record r USING (record_id) ORDER BY leaf_index"
        ).fetchall()
    return [leaf_hash(bytes(body)) for (body,) in rows]


def keys(ledger: Ledger) -> dict[str, VerifyingKey]:
    with ledger.connect("auditor") as connection:
        lines = connection.execute("SELECT line FROM audit.sealing_key ORDER BY record_id").fetchall()
    parsed = [VerifyingKey.parse(line) for (line,) in lines]
    return {key.key_id: key for key in parsed}


def notes(ledger: Ledger) -> list[str]:
    with ledger.connect("auditor") as connection:
        return [note for (note,) in connection.execute("SELECT note FROM audit.seal ORDER BY seal_no")]


def alerts(ledger: Ledger) -> list[dict[str, str]]:
    with ledger.connect("auditor") as connection:
        rows = connection.execute("SELECT body FROM audit.record WHERE kind = 'alert' ORDER BY n").fetchall()
    return [json.loads(bytes(body)) for (body,) in rows]


def test_a_checkpoint_covers_every_record_and_its_own(ledger: Ledger, tmp_path: Path) -> None:
    write(ledger, '{"a":"1"}', '{"a":"2"}')
    checkpoint, _ = open_note(seal(ledger, tmp_path), keys(ledger))
    sealed = leaves(ledger)
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, len(sealed))
    assert checkpoint.root == tree_root(sealed)
    with ledger.connect("auditor") as connection:
        last = connection.execute(
            "SELECT r.kind, r.body FROM audit.leaf l JOIN audit.record r USING (record_id) ORDER BY leaf_index DESC LIMIT 1"
        ).fetchone()
        assert connection.execute("SELECT count(*) FROM audit.waiting").fetchone() == (0,)
    assert last[0] == "seal"
    assert json.loads(bytes(last[1]))["previous_size"] == "0"


def test_each_checkpoint_continues_the_one_before(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(5):
        write(ledger, *(f'{{"n":"{number}.{one}"}}' for one in range(100)))
        seal(ledger, tmp_path)
    known = keys(ledger)
    sealed = leaves(ledger)
    previous = bytes(32)
    for note in notes(ledger):
        checkpoint, _ = open_note(note, known)
        assert checkpoint.previous == previous
        assert checkpoint.root == tree_root(sealed[: checkpoint.size])
        previous = checkpoint.root
    assert len(notes(ledger)) == 5


def test_the_roots_of_full_blocks_are_kept(ledger: Ledger, tmp_path: Path) -> None:
    for count in (100, 300, 5, 250):
        write(ledger, *(f'{{"n":"{count}.{one}"}}' for one in range(count)))
        seal(ledger, tmp_path)
    sealed = leaves(ledger)
    with ledger.connect("auditor") as connection:
        kept = dict(connection.execute("SELECT block_no, root FROM audit.block"))
    assert kept == {no: tree_root(sealed[no * 256 : no * 256 + 256]) for no in range(len(sealed) // 256)}
    assert len(kept) == 2


def test_nothing_new_is_no_new_checkpoint(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    first = notes(ledger)
    seal(ledger, tmp_path)
    assert notes(ledger) == first


def test_a_record_that_commits_late_is_sealed_late_and_never_lost(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.connect("admin") as slow:
        slow.execute("SELECT audit.append('path', 'test:slow', '{\"slow\":\"1\"}')")
        write(ledger, '{"quick":"1"}', subject="test:quick")
        first = read_note(seal(ledger, tmp_path))[0].size
        slow.commit()
    sealed = leaves(ledger)
    slow_leaf, quick_leaf = (
        leaf_hash(b'{"_record":["path","test:%s","1"],"%s":"1"}' % (name, name))
        for name in (b"slow", b"quick")
    )
    assert slow_leaf not in sealed
    assert quick_leaf in sealed
    seal(ledger, tmp_path)
    after = leaves(ledger)
    assert after[:first] == sealed
    assert slow_leaf in after[first:]


def test_killed_between_its_halves_it_has_sealed_nothing(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    write(ledger, '{"a":"1"}')
    with ledger.connect("sealer") as connection:
        key_id = next(iter(keys(ledger)))
        connection.execute("SELECT audit.begin_seal('killed', %s)", (key_id,))
        connection.rollback()
    note = seal(ledger, tmp_path)
    assert len(notes(ledger)) == 2
    assert read_note(note)[0].root == tree_root(leaves(ledger))


def test_killed_after_the_commit_it_takes_the_checkpoint_up_from_the_log(
    ledger: Ledger, tmp_path: Path
) -> None:
    seal(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    remembered = config.memory.path.read_text(encoding="utf-8")
    write(ledger, '{"a":"1"}')
    newest = seal(ledger, tmp_path)
    config.memory.path.write_text(remembered, encoding="utf-8")
    write(ledger, '{"a":"2"}')
    assert read_note(seal(ledger, tmp_path))[0].previous == read_note(newest)[0].root


def test_a_log_that_was_rolled_back_is_not_signed(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    write(ledger, '{"a":"1"}')
    seal(ledger, tmp_path)
    with ledger.connect("admin") as connection:
        connection.execute("SET session_replication_role = replica")
        for table in ("anchor", "seal", "leaf"):
            connection.execute(f"ALTER TABLE audit.{table} DISABLE TRIGGER append_only")
        connection.execute("DELETE FROM audit.anchor WHERE seal_no = 2")
        connection.execute("DELETE FROM audit.seal WHERE seal_no = 2")
        connection.execute("DELETE FROM audit.leaf WHERE leaf_index >= (SELECT max(size) FROM audit.seal)")
    write(ledger, '{"other":"1"}')
    with pytest.raises(SealerFault, match="rolled back or rewritten"):
        seal(ledger, tmp_path)
    assert len(notes(ledger)) == 1


def test_a_rewritten_edge_is_not_signed(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    with ledger.connect("admin") as connection:
        connection.execute("ALTER TABLE audit.seal DISABLE TRIGGER append_only")
        connection.execute("UPDATE audit.seal SET edge[1] = sha256('x')")
    write(ledger, '{"a":"1"}')
    with pytest.raises(SealerFault, match="edge of the tree"):
        seal(ledger, tmp_path)


def test_without_its_key_it_signs_nothing_and_says_what_to_do(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    config.key_file.unlink()
    with pytest.raises(SealerFault, match="Put it back"):
        seal(ledger, tmp_path)
    KeyFile(config.key_file).create()
    with pytest.raises(SealerFault, match="none of this log's"):
        seal(ledger, tmp_path)


def test_a_key_that_others_can_read_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    sealer_config(ledger, tmp_path).key_file.chmod(0o644)
    with pytest.raises(SealerFault, match="open to others"):
        seal(ledger, tmp_path)


def test_the_old_key_vouches_for_the_new_one(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    (old,) = keys(ledger)
    config = sealer_config(ledger, tmp_path)
    KeyFile(config.key_file).prepare_rotation()
    seal(ledger, tmp_path)
    write(ledger, '{"a":"1"}')
    seal(ledger, tmp_path)
    known = keys(ledger)
    signed_by = [open_note(note, known)[1] for note in notes(ledger)]
    (new,) = set(known) - {old}
    assert signed_by == [old, old, new]
    with ledger.connect("auditor") as connection:
        place = connection.execute(
            "SELECT l.leaf_index FROM audit.leaf l JOIN audit.sealing_key k USING (record_id) WHERE k.key_id = %s",
            (new,),
        ).fetchone()[0]
    vouching = open_note(notes(ledger)[1], known)[0]
    sealed = leaves(ledger)
    proof = inclusion_proof(place, vouching.size, subtree_of(sealed))
    assert root_from_inclusion(sealed[place], place, vouching.size, proof) == vouching.root
    assert not KeyFile(config.key_file).next.exists()


def test_a_rotation_cut_off_before_the_change_over_goes_on(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    KeyFile(config.key_file).prepare_rotation()
    waiting = KeyFile(config.key_file).next.read_bytes()
    seal(ledger, tmp_path)
    # as if the machine had gone down before the file was moved
    config.key_file.rename(config.key_file.with_name("lost"))
    config.key_file.write_bytes(waiting)
    config.key_file.chmod(0o600)
    write(ledger, '{"a":"1"}')
    seal(ledger, tmp_path)
    assert len(keys(ledger)) == 2
    assert len(notes(ledger)) == 3


def test_each_checkpoint_is_laid_down_once_outside(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(3):
        write(ledger, f'{{"a":"{number}"}}')
        seal(ledger, tmp_path)
    (file,) = (tmp_path / "anchors").glob("*.jsonl")
    assert [json.loads(line)["note"] for line in file.read_text().splitlines()] == notes(ledger)
    assert (tmp_path / "anchors" / "backoffice.test_log.keys").read_text().split() == [
        key.line() for key in keys(ledger).values()
    ]
    with ledger.connect("auditor") as connection:
        rows = connection.execute("SELECT seal_no, receipt, failure FROM audit.anchor ORDER BY 1").fetchall()
    assert rows == [(no, str(file), None) for no in (1, 2, 3)]


class Broken:
    name = "broken"

    def publish(self, note: str, keys: object) -> str:
        raise OSError("the other side is away")


def test_an_anchor_that_fails_is_on_record_and_stops_nothing(ledger: Ledger, tmp_path: Path) -> None:
    write(ledger, '{"a":"1"}')
    seal(ledger, tmp_path, anchors=[Broken()])
    with ledger.connect("auditor") as connection:
        row = connection.execute("SELECT anchor, receipt, failure FROM audit.anchor").fetchone()
    assert row == ("broken", None, "OSError: the other side is away")


class Mending(Broken):
    """Away until the test says that it is there."""

    there = False

    def publish(self, note: str, keys: object) -> str:
        return "lies there" if self.there else super().publish(note, keys)


def test_an_anchor_that_failed_is_tried_again_without_a_new_checkpoint(
    ledger: Ledger, tmp_path: Path
) -> None:
    mending = Mending()
    with connected_sealer(sealer_config(ledger, tmp_path, anchors=[mending])) as sealer:

        def looked(minutes: int = 0) -> list[tuple[str | None, str | None]]:
            with ledger.connect("admin") as admin:
                admin.execute("ALTER TABLE audit.anchor DISABLE TRIGGER append_only")
                admin.execute(
                    "UPDATE audit.anchor SET anchored_at = anchored_at - %s * interval '1 minute'", (minutes,)
                )
            sealer.look()
            with ledger.connect("auditor") as connection:
                return connection.execute(
                    "SELECT receipt, failure IS NULL FROM audit.anchor ORDER BY anchor_id"
                ).fetchall()

        write(ledger, '{"a":"1"}')
        sealer.look("a test asks")
        assert looked() == [(None, False)], "not before a minute is over"
        assert looked(2) == [(None, False)] * 2
        mending.there = True
        assert looked() == [(None, False)] * 2
        assert looked(2) == [*[(None, False)] * 2, ("lies there", True)]
        assert len(looked(2)) == 3, "it lies there: nothing more is to be done"
    assert len(notes(ledger)) == 1


def test_killed_before_it_was_laid_down_it_is_laid_down_at_the_next_start(
    ledger: Ledger, tmp_path: Path
) -> None:
    seal(ledger, tmp_path, anchors=[])
    seal(ledger, tmp_path)
    (file,) = (tmp_path / "anchors").glob("*.jsonl")
    assert [json.loads(line)["note"] for line in file.read_text().splitlines()] == notes(ledger)


@pytest.mark.parametrize("spec", ["file:relative", "mail:nobody", "no.such.module:x", "gibberish"])
def test_an_anchor_written_wrong_is_refused_at_the_start(spec: str) -> None:
    with pytest.raises(SealerFault):
        build_anchors({"BACKOFFICE_SEALER_ANCHORS": spec})


def test_running_it_seals_when_asked_and_when_records_wait_too_long(ledger: Ledger, tmp_path: Path) -> None:
    ended = threading.Event()
    config = sealer_config(ledger, tmp_path, longest_wait=0.5)
    running = threading.Thread(target=serve, args=(config, lambda: not ended.is_set()))
    running.start()
    try:
        until(lambda: len(notes(ledger)) == 1)
        with ledger.connect("app") as connection:
            assert connection.execute("SELECT audit.sealer_is_there()").fetchone() == (True,)
        write(ledger, '{"a":"1"}')
        ask(ledger)
        until(lambda: len(notes(ledger)) == 2)
        write(ledger, '{"a":"2"}')
        time.sleep(0.6)
        ended.set()
        ask(ledger)  # it ends after this look
        until(lambda: len(notes(ledger)) == 3)
    finally:
        ended.set()
        ask(ledger)
        running.join(timeout=30)
    assert not running.is_alive()
    with ledger.connect("app") as connection:
        assert connection.execute("SELECT audit.sealer_is_there()").fetchone() == (False,)


def test_it_leaves_an_alert_when_people_have_to_act(ledger: Ledger, tmp_path: Path) -> None:
    seal(ledger, tmp_path)
    config = sealer_config(ledger, tmp_path)
    config.key_file.unlink()
    for _ in range(2):  # a supervisor starts it again and again: one alert is enough
        with pytest.raises(SealerFault):
            serve(config)
    (alert,) = alerts(ledger)
    assert alert["alert"] == "not sealed"
    assert "Put it back" in alert["detail"]


def test_many_writers_at_once_lose_no_record(ledger: Ledger, tmp_path: Path) -> None:
    def work(writer: int) -> None:
        with ledger.connect("admin", autocommit=True) as connection:
            for number in range(50):
                connection.execute(
                    "SELECT audit.append('path', %s, %s)", (f"test:{writer}", f'{{"n":"{number}"}}')
                )

    writers = [threading.Thread(target=work, args=(writer,)) for writer in range(4)]
    for one in writers:
        one.start()
    while any(one.is_alive() for one in writers):
        seal(ledger, tmp_path)
    seal(ledger, tmp_path)
    with ledger.connect("auditor") as connection:
        records, placed = connection.execute(
            "SELECT (SELECT count(*) FROM audit.record), (SELECT count(*) FROM audit.leaf)"
        ).fetchone()
    assert records == placed == read_note(notes(ledger)[-1])[0].size
    assert read_note(notes(ledger)[-1])[0].root == tree_root(leaves(ledger))


def test_the_ledger_itself_refuses_a_checkpoint_that_does_not_continue_it(
    ledger: Ledger, tmp_path: Path
) -> None:
    note = seal(ledger, tmp_path)
    write(ledger, '{"a":"1"}')
    with connected_sealer(sealer_config(ledger, tmp_path)) as sealer:
        with pytest.raises(psycopg.DatabaseError, match="does not continue"):
            with sealer.connection.transaction():
                sealer.connection.execute("SELECT audit.begin_seal('x', %s)", (sealer.key.public.key_id,))
                sealer.connection.execute(
                    "SELECT audit.finish_seal(%s, %s, '{}', 0, '{}', %s, 'x')",
                    (note, read_note(note)[0].root, sealer.key.public.key_id),
                )


def ask(ledger: Ledger) -> None:
    with ledger.connect("app") as connection:
        connection.execute("SELECT audit.request_seal('a test asks')")


def until(holds: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
