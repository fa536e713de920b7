"""The bundled Postgres: starts anywhere, is provably ours, and comes back after every kind of death."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backoffice.runtime import postgres_binaries, postgres_leftovers
from backoffice.runtime.errors import PostgresFault
from backoffice.runtime.postgres import EmbeddedPostgres
from backoffice.runtime.postgres_cluster import plain_environment

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose cluster is made once for all tests of this module."""
    return tmp_path_factory.mktemp("pg")


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A running server on that folder."""
    postgres = EmbeddedPostgres(folder, fsync=False)
    postgres.start()
    yield postgres
    postgres.stop(grace=10)


def one(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    return row[0] if row else None


def test_it_serves_its_own_folder_in_utc_with_passwords(server: EmbeddedPostgres) -> None:
    assert one(server.admin_dsn(), "SHOW data_directory") == str(server.cluster)
    assert one(server.admin_dsn(), "SHOW timezone") == "UTC"
    assert one(server.admin_dsn(), "SHOW listen_addresses") == "127.0.0.1"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.admin_dsn().replace(":", ":x", 2).replace("postgresql:x", "postgresql:", 1))


def test_nobody_else_can_read_its_password(server: EmbeddedPostgres, folder: Path) -> None:
    assert stat.S_IMODE((folder / "server.json").stat().st_mode) == 0o600
    assert not list(folder.glob(".password*"))
    assert (
        json.loads((folder / "server.json").read_text())["password"]
        not in (folder / "postgres.log").read_text()
    )


def test_it_keeps_its_port_and_its_data_over_a_restart(server: EmbeddedPostgres) -> None:
    port = server.port
    with psycopg.connect(server.admin_dsn()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    server.stop()
    server.start()
    assert server.port == port
    assert one(server.admin_dsn(), "SELECT answer FROM kept") == 42


def test_starting_a_running_server_changes_nothing(server: EmbeddedPostgres) -> None:
    pid = server.pid
    server.start()
    assert server.pid == pid


def test_it_recovers_after_kill_9(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.admin_dsn()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS survives AS SELECT 7 AS answer")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.alive())
    server.start()
    assert one(server.admin_dsn(), "SELECT answer FROM survives") == 7


def test_a_recycled_process_id_in_the_lock_file_does_not_stop_it(
    server: EmbeddedPostgres, folder: Path
) -> None:
    """The dead server's number now belongs to an innocent process, in both of its lock files."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.alive())
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        pid_file = server.cluster / "postmaster.pid"
        pid_file.write_text("\n".join([str(bystander.pid), *pid_file.read_text().splitlines()[1:]]) + "\n")
        for lock in folder.glob(".s.PGSQL.*.lock"):
            lock.write_text("\n".join([str(bystander.pid), *lock.read_text().splitlines()[1:]]) + "\n")
        server.start()
        assert one(server.admin_dsn(), "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_server_left_by_a_killed_parent_is_ended_and_replaced(
    server: EmbeddedPostgres, folder: Path
) -> None:
    """A parent that could not take its server along: the next start ends that server and no other process."""
    server.stop()
    options = [f"--port={server.port}", "--listen_addresses=127.0.0.1", f"--unix_socket_directories={folder}"]
    program = str(postgres_binaries.binaries() / "postgres")
    orphan = subprocess.Popen(
        [*postgres_binaries.disguise().prefix, program, "-D", str(server.cluster), *options],
        env=plain_environment(),
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: postgres_leftovers.pid_file_lines(server.cluster)[7:8] == ["ready"])
    server.start()
    assert orphan.wait(5) == 0
    assert server.pid != orphan.pid
    assert one(server.admin_dsn(), "SELECT 1") == 1


def test_it_ends_with_its_parent(folder: Path, child_environment: dict[str, str]) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from backoffice.runtime.postgres import EmbeddedPostgres\n"
        "postgres = EmbeddedPostgres(Path(sys.argv[1]), fsync=False); postgres.start()\n"
        "print(postgres.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(folder)], env=child_environment, capture_output=True, text=True
    )
    pid = int(answer.stdout)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    assert not postgres_leftovers.servers_of(folder / "data")


def test_two_processes_never_run_one_folder(server: EmbeddedPostgres, folder: Path) -> None:
    with pytest.raises(PostgresFault, match=r"runs the Postgres in .* already"):
        EmbeddedPostgres(folder).start()
    assert one(server.admin_dsn(), "SELECT 1") == 1


def test_it_moves_when_its_port_is_taken_unless_others_know_it_by_that_port(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder, fsync=False)
    postgres.reserve()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", postgres.port))
        squatter.listen()
        taken = postgres.port
        with pytest.raises(PostgresFault, match=f"another program has taken port {taken}"):
            postgres.launch(keep_port=True)
        with postgres:
            assert postgres.port != taken


def test_another_server_is_recognised_and_left_alone(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Even with the other one's port and password at hand: what it serves is not our folder."""
    with EmbeddedPostgres(tmp_path / "other", fsync=False) as other:
        facts = Path(server.home / "server.json")
        ours = facts.read_text()
        facts.write_text((tmp_path / "other" / "server.json").read_text())
        try:
            with pytest.raises(PostgresFault, match="nothing was done to it"):
                server.prove_ours()
        finally:
            facts.write_text(ours)
        assert one(other.admin_dsn(), "SELECT 1") == 1


def test_a_lost_password_is_said_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "pg"
    with EmbeddedPostgres(folder, fsync=False):
        pass
    (folder / "server.json").unlink()
    with pytest.raises(PostgresFault, match=r"server\.json is gone"):
        EmbeddedPostgres(folder).start()
    assert (folder / "data" / "PG_VERSION").exists()


def test_an_interrupted_creation_is_begun_anew(tmp_path: Path) -> None:
    folder = tmp_path / "pg"
    for half in ("data", "data.new"):
        (folder / half / "base").mkdir(parents=True)
    with EmbeddedPostgres(folder, fsync=False) as postgres:
        assert one(postgres.admin_dsn(), "SELECT 1") == 1
    assert not (folder / "data.new").exists()


def test_it_starts_in_a_folder_too_deep_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-folder-name"] * 4)
    assert len(str(deep)) > 107
    with EmbeddedPostgres(deep, fsync=False) as postgres:
        assert one(postgres.admin_dsn(), "SHOW unix_socket_directories") == ""


def test_what_it_says_before_it_fails_is_in_the_error(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder, settings={"shared_buffers": "plenty"})
    with pytest.raises(PostgresFault, match="invalid value for parameter"):
        postgres.start()
    assert not postgres.alive()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must change its user to run Postgres")
def test_root_without_user_namespaces_runs_it_as_another_user(
    tmp_path: Path, child_environment: dict[str, str]
) -> None:
    """`unshare` is refused, as in a strict container, and only root may enter the folder."""
    refusing = tmp_path / "bin" / "unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    code = (
        "import sys, psutil, psycopg; from pathlib import Path\n"
        "from backoffice.runtime.postgres import EmbeddedPostgres\n"
        "with EmbeddedPostgres(Path(sys.argv[1]), fsync=False) as postgres:\n"
        "    with psycopg.connect(postgres.admin_dsn()) as connection: connection.execute('SELECT 1')\n"
        "    print(psutil.Process(postgres.pid).uids().effective)\n"
    )
    path = f"{refusing.parent}:{child_environment['PATH']}"
    answer = subprocess.run(
        [sys.executable, "-c", code, str(closed / "pg")],
        env={**child_environment, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) != 0


def wait_until(condition, seconds: float = 10) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)
