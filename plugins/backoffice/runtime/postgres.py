"""The bundled Postgres: a server of this checkout's own, on its own port, with its own secrets.

It listens on 127.0.0.1 and, where the path is short enough, on a Unix socket in its folder. It never touches
another Postgres: a server found running is used only when it answers to our password and names our data
folder as its own.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from backoffice.runtime import postgres_binaries as programs
from backoffice.runtime import postgres_leftovers as leftovers
from backoffice.runtime import process_table
from backoffice.runtime.errors import PostgresFault, tail
from backoffice.runtime.files import FileLock, read_json, rotate, write_json
from backoffice.runtime.postgres_cluster import SUPERUSER, create_cluster, own, plain_environment

# sizeof(sockaddr_un.sun_path) - 1; Postgres refuses to start with a longer socket path.
_SOCKET_PATH_LIMIT = 107
_READY = "ready"
_CAREFREE = {"fsync": "off", "full_page_writes": "off"}


def answers(dsn: str) -> bool:
    """Tell whether the server behind the DSN lets us in and runs a query, within some seconds."""
    try:
        with psycopg.connect(dsn, connect_timeout=2, options="-c statement_timeout=2000") as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


class EmbeddedPostgres:
    """A Postgres server in one folder, started as a child of this process and gone with it.

    ``start`` creates the cluster on first use, ends what an earlier, killed parent left running on the same
    folder, and returns once the server has proved to be ours. Call it from the main thread: the kernel stops
    the server when the thread that started it ends.

    :param data_dir: Folder for everything of this server: the cluster, its log, its port and superuser
        password.
    :param fsync: False only for tests: a power cut may then destroy the cluster.
    :param shared_buffers: Memory for cached pages, in Postgres' own notation.
    :param settings: Further server settings by name.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        fsync: bool = True,
        shared_buffers: str = "512MB",
        settings: dict[str, str] | None = None,
    ) -> None:
        self.home = Path(data_dir).resolve()
        self.cluster = self.home / "data"
        self.log = self.home / "postgres.log"
        self._facts = self.home / "server.json"
        self._lock = FileLock(self.home / "lock")
        self._process: subprocess.Popen[bytes] | None = None
        self._sync = fsync
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._socket_folder(),
            "unix_socket_permissions": "0700",
            "shared_buffers": shared_buffers,
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "password_encryption": "scram-sha-256",
            **({} if fsync else _CAREFREE),
            **(settings or {}),
        }

    # -- facts --

    @property
    def port(self) -> int:
        """The port on 127.0.0.1; kept over restarts unless another program took it meanwhile."""
        return int(self._known()["port"])

    @property
    def pid(self) -> int | None:
        """The process id of the server that this object started, or None."""
        return None if self._process is None else self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How the server that this object started has ended, or None while it runs or never did."""
        return None if self._process is None else self._process.poll()

    def admin_dsn(self, database: str = "postgres") -> str:
        """Return the superuser's DSN. It stays with the launcher and the migration; no task ever gets it."""
        known = self._known()
        password = quote(str(known["password"]), safe="")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{int(known['port'])}/{quote(database)}"

    def _known(self) -> dict[str, Any]:
        known = read_json(self._facts)
        if known is None:
            raise PostgresFault(
                f"no {self._facts}: the bundled Postgres was never started here (`backoffice up`)"
            )
        return known

    def _socket_folder(self) -> str:
        longest = f"{self.home}/.s.PGSQL.65535.lock"
        return str(self.home) if len(os.fsencode(longest)) <= _SOCKET_PATH_LIMIT else ""

    # -- start and stop --

    def start(self, timeout: float = 60) -> None:
        """Start the server and return when it takes connections. Harmless when this object already runs it.

        :param timeout: Seconds to wait; recovery after a crash counts in.
        :raises PostgresFault: It cannot start here; the message ends with the tail of its log.
        """
        if self.alive():
            return
        for attempt in range(3):
            try:
                self.launch()
                self._wait_until_ready(timeout)
                return
            except PostgresFault:
                # Between choosing a port and listening on it, another program may have been quicker.
                raced = self._facts.exists() and not process_table.port_is_free(self.port)
                self.stop()
                if not raced or attempt == 2:
                    raise
            except BaseException:
                self.stop()
                raise

    def reserve(self) -> None:
        """Settle the superuser's password and the port before the start, and hold the folder from now on.

        :raises PostgresFault: The folder is not ours, another process holds it, or its password is lost.
        """
        self._take()
        self.end_leftovers()
        known = read_json(self._facts)
        if known is None and self._cluster_exists():
            raise PostgresFault(
                f"{self._facts} is gone, and with it the password of {self.cluster}; restore it, "
                f"or remove {self.home} to begin with empty books"
            )
        known = known or {"password": secrets.token_urlsafe(24), "port": 0}
        if known["port"] == 0 or not process_table.port_is_free(int(known["port"])):
            write_json(self._facts, {**known, "port": process_table.free_port()})

    def launch(self, *, keep_port: bool = False) -> None:
        """Begin to start the server without waiting; ``ready`` tells when it is there.

        :param keep_port: Fail rather than move to another port when ours is taken: others have been told it.
        """
        if keep_port:
            self._take()
            self.end_leftovers()
            if not process_table.port_is_free(self.port):
                raise PostgresFault(
                    f"another program has taken port {self.port}; end it, or `backoffice down` and `up`"
                )
        else:
            self.reserve()
        if not self._cluster_exists():
            create_cluster(self.cluster, str(self._known()["password"]), sync=self._sync)
        disguise = programs.disguise()
        own(self.cluster, disguise.owner)
        rotate(self.log)
        options = [f"--{name}={value}" for name, value in {**self._settings, "port": str(self.port)}.items()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*disguise.prefix, str(programs.binaries() / "postgres"), "-D", str(self.cluster), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=plain_environment(),
                start_new_session=True,  # Ctrl-C in the terminal is the parent's to handle
                preexec_fn=process_table.die_with_parent(signal.SIGINT),
            )

    def ready(self) -> bool:
        """Tell whether the launched server takes connections, after proof that it is ours.

        :raises PostgresFault: The process has ended, or what answers on the port is another server.
        """
        if self._process is None or self._process.poll() is not None:
            raise PostgresFault(f"Postgres in {self.home} ended instead of starting:\n{tail(self.log)}")
        lines = leftovers.pid_file_lines(self.cluster)
        if len(lines) < 8 or lines[0] != str(self._process.pid) or lines[7] != _READY:
            return False
        self.prove_ours()
        return True

    def alive(self) -> bool:
        """Tell whether the process that this object started still runs."""
        return self._process is not None and self._process.poll() is None

    def prove_ours(self) -> None:
        """Ask the server on our port which folder it serves.

        :raises PostgresFault: It does not know our password, or serves another folder.
        """
        try:
            with psycopg.connect(self.admin_dsn(), connect_timeout=10) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError as error:
            raise PostgresFault(
                f"the server on port {self.port} keeps us out: {error}\n{tail(self.log)}"
            ) from error
        served = Path(str(row[0])) if row else Path()
        if served.resolve() != self.cluster:
            raise PostgresFault(
                f"the server on port {self.port} serves {served}, not {self.cluster}; nothing was done to it"
            )

    def stop(self, grace: float = 30) -> None:
        """Stop the server: cut its sessions, write a checkpoint, end. Harmless when nothing runs.

        :param grace: Seconds for an orderly end; after that it is killed, and the next start recovers.
        """
        process, self._process = self._process, None
        if process is not None:
            _end(process, grace)
        if self._lock.held:
            with contextlib.suppress(OSError):
                self.end_leftovers()
            self._lock.release()

    def end_leftovers(self, grace: float = 30) -> list[int]:
        """End server processes on our folder whose parent is gone; return those that would not go.

        :raises PostgresFault: A live process of ours runs the server, or the folder is another user's.
        """
        taken_here = not self._lock.held
        self._take()
        try:
            stubborn = leftovers.end_servers(self.cluster, grace)
            if not stubborn:
                leftovers.disarm_stale_locks(self.cluster, self.home)
            return stubborn
        finally:
            if taken_here:
                self._lock.release()

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- details --

    def _take(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = self.home.stat().st_uid
        if owner != os.geteuid():
            raise PostgresFault(
                f"{self.home} belongs to user {owner}, we are {os.geteuid()}; run as that user, or remove it"
            )
        if not self._lock.acquire():
            raise PostgresFault(f"process {self._lock.holder()} runs the Postgres in {self.home} already")

    def _cluster_exists(self) -> bool:
        return (self.cluster / "PG_VERSION").exists()

    def _wait_until_ready(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        while not self.ready():
            if time.monotonic() > until:
                raise PostgresFault(
                    f"Postgres in {self.home} is not ready after {timeout:g} s:\n{tail(self.log)}"
                )
            time.sleep(0.05)


def _end(process: subprocess.Popen[bytes], grace: float) -> None:
    """Fast shutdown, then immediate shutdown, then kill."""
    for number, seconds in ((signal.SIGINT, grace), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 10.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
