"""The embedded default: a private Postgres on a unix socket, shared by the processes that use one folder.

Users count themselves with a shared flock, which the kernel drops when a process dies in whatever way: the
last user stops the server, and a server whose users were all killed is stopped by the next one that leaves.
A process id is never taken as a sign of life; only pg_isready is.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import re
import secrets
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg

from twinpipe.db.binaries import Account, Binaries, find_binaries
from twinpipe.errors import DatabaseUnavailable

NAME = "twinpipe"  # of the database and of its superuser
PORT = "5432"  # names the socket file only: nothing listens on the network
START_SECONDS = 120  # crash recovery of a full write-ahead log takes a while

SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "random_page_cost": "1.1",
    "idle_in_transaction_session_timeout": "60s",
    "lock_timeout": "30s",
    "client_connection_check_interval": "5s",  # without it a query outlives the client that asked
}
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class EmbeddedPostgres:
    """A server on a folder, started by its first user and stopped by its last one.

    start raises DatabaseUnavailable with one sentence when there is no Postgres or it does not come up.
    durable=False gives up safety against power failure, for tests.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.absolute()
        self.durable = durable
        self.account = Account.current()
        self._clients: int | None = None
        self._owner = os.getpid()

    @cached_property
    def folder(self) -> Path:
        """Folder of locks, password and data: the home, or a place that the server's account can reach."""
        # As root the server runs as another account, to which a home such as /root is closed. Opening its
        # ancestors would be wrong, so that the data go elsewhere.
        self.home.parent.mkdir(parents=True, exist_ok=True)
        if not self.account.switch or self.account.can_reach(self.home.parent):
            return self.home
        name = f"twinpipe-{os.getuid()}-{hashlib.sha256(bytes(self.home)).hexdigest()[:10]}"
        # better not /var/tmp: it is swept of files that nobody touched for weeks, and a database may rest
        return Path("/var/lib" if os.access("/var/lib", os.W_OK) else "/var/tmp") / name

    @property
    def cluster(self) -> Path:
        """Folder of all that the server's account may write."""
        return self.folder / "cluster"

    @property
    def socket_folder(self) -> Path:
        """Folder of the socket; a short one when the path would not fit in a socket's address."""
        folder = self.cluster / "s"
        if len(bytes(folder)) <= 85 and "," not in str(folder):
            return folder
        name = hashlib.sha256(bytes(self.cluster)).hexdigest()[:10]
        return Path(f"/tmp/twp-{os.getuid()}-{name}")

    def start(self) -> str:
        """Start the server or join it; SQLAlchemy URL of its database, which is made when missing."""
        if self._clients is not None:
            return self._url()
        try:
            _private(self.folder, os.geteuid(), os.getegid(), 0o711 if self.account.switch else 0o700)
            with self._lock():
                for folder in (self.cluster, self.socket_folder):
                    _private(folder, self.account.uid, self.account.gid, 0o700)
                clients = os.open(self.folder / "clients.lock", os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(clients, fcntl.LOCK_SH)
                    binaries = self._up()
                    self._ensure_database()
                except BaseException:
                    os.close(clients)
                    raise
        except (OSError, psycopg.Error) as error:
            text = " ".join(str(error).split())
            raise DatabaseUnavailable(f"the embedded Postgres in {self.folder} failed: {text}.") from None
        self._clients, self._owner, self._binaries = clients, os.getpid(), binaries
        atexit.register(self.stop)
        return self._url()

    def stop(self, patience: float = 0.0) -> None:
        """Leave the server; the last user stops it, or who has seen all others leave within seconds of patience.

        A forked child leaves nothing.
        """
        clients = self._clients
        if clients is None or self._owner != os.getpid():
            return
        self._clients = None
        atexit.unregister(self.stop)
        until = time.monotonic() + patience
        try:
            while not self._stopped(clients) and time.monotonic() < until:
                time.sleep(0.2)
        except FileNotFoundError:
            pass  # somebody removed the folder, and with it the server's data
        finally:
            os.close(clients)

    def _stopped(self, clients: int) -> bool:
        """Stop the server, unless somebody else uses it."""
        with self._lock():
            fcntl.flock(clients, fcntl.LOCK_UN)
            try:
                fcntl.flock(clients, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._binaries.run(
                *("pg_ctl", "stop", "-D", str(self._data(self._binaries))),
                *("-m", "fast", "-w", "-t", "60"),
                account=self.account,
            )
            return True

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time starts or stops the server of a folder."""
        lock = os.open(self.folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _data(self, binaries: Binaries) -> Path:
        return self.cluster / f"pg{binaries.major}"

    def _url(self, database: str = NAME) -> str:
        password = (self.folder / "password").read_text(encoding="ascii")
        host = quote(str(self.socket_folder), safe="")
        return f"postgresql+psycopg://{NAME}:{password}@/{database}?host={host}&port={PORT}&sslmode=disable"

    def _up(self) -> Binaries:
        """Make sure that the server answers."""
        majors = [int(p.name[2:]) for p in self.cluster.glob("pg[1-9]*")]
        found = find_binaries(max(majors, default=None))  # data are only ever read by their own version
        binaries = found.reachable_by(self.account, self.folder)
        until = time.monotonic() + START_SECONDS
        while (code := self._ready(binaries)) != 0:
            if time.monotonic() > until:
                raise DatabaseUnavailable(f"the embedded Postgres in {self.folder} does not become ready.")
            if code == 1:  # it is starting up
                time.sleep(0.05)
                continue
            if not self._data(binaries).exists():
                self._initialise(binaries)
            self._launch(binaries)
        return binaries

    def _ready(self, binaries: Binaries) -> int:
        """0 it answers, 1 it is starting, 2 nobody is there."""
        if not (self.socket_folder / f".s.PGSQL.{PORT}").exists():
            return 2
        arguments = ("-h", str(self.socket_folder), "-p", PORT, "-d", "postgres", "-t", "5")
        return binaries.run("pg_isready", *arguments, account=self.account).returncode

    def _initialise(self, binaries: Binaries) -> None:
        """Make the data aside and rename them, so that a half-made cluster is never seen."""
        for left in self.cluster.glob(".init-*"):  # of a process that was killed; the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        secret = self.folder / "password"
        if not secret.exists():
            _write(secret.with_name("password.new"), secrets.token_urlsafe(24), os.geteuid(), os.getegid())
            secret.with_name("password.new").rename(secret)
        aside = Path(tempfile.mkdtemp(prefix=".init-", dir=self.cluster))
        os.chown(aside, self.account.uid, self.account.gid)
        _write(aside / "password", secret.read_text(encoding="ascii"), self.account.uid, self.account.gid)
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if binaries.major >= 17 else ()
        done = binaries.run(
            *("initdb", "-D", str(aside / "data"), "-U", NAME, f"--pwfile={aside / 'password'}"),
            *("--auth=scram-sha-256", "-E", "UTF8", "--locale=C", *locale, "--data-checksums", "-N"),
            account=self.account,
        )
        if done.returncode:
            raise DatabaseUnavailable(f"initdb failed in {self.cluster}: {_last_line(done.stderr)}.")
        if self.durable:
            _sync(aside)
        (aside / "data").rename(self._data(binaries))
        shutil.rmtree(aside, ignore_errors=True)

    def _launch(self, binaries: Binaries) -> None:
        data, log = self._data(binaries), self.cluster / "server.log"
        _drop_stale(data / "postmaster.pid", data)
        _drop_stale(self.socket_folder / f".s.PGSQL.{PORT}.lock", data)
        if log.exists() and log.stat().st_size > 8_000_000:
            log.rename(log.with_suffix(".log.1"))
        sockets = '"' + str(self.socket_folder).replace('"', '""') + '"'
        settings = SETTINGS | {"unix_socket_directories": sockets} | ({} if self.durable else FAST)
        options = " ".join(f"-c {shlex.quote(f'{key}={value}')}" for key, value in settings.items())
        start = log.stat().st_size if log.exists() else 0
        done = binaries.run(
            *("pg_ctl", "start", "-D", str(data), "-l", str(log), "-o", options),
            *("-w", "-t", str(START_SECONDS)),
            account=self.account,
        )
        if done.returncode:
            said = log.read_text(errors="replace")[start:] if log.exists() else done.stderr
            if re.search("already exists|still in use", said):  # a backend of a killed server is leaving
                time.sleep(0.3)
                return
            fatal = [line for line in said.splitlines() if "FATAL" in line]
            reason = _last_line("\n".join(fatal) or said or done.stderr)
            raise DatabaseUnavailable(f"the embedded Postgres does not start: {reason} (see {log}).")

    def _ensure_database(self) -> None:
        # every user looks, since the one who started the server may have been killed before it made it
        url = self._url("postgres").replace("+psycopg", "", 1)
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                connection.execute(f"CREATE DATABASE {NAME}")


def _private(folder: Path, uid: int, gid: int, mode: int) -> None:
    """Make a folder of ours, or check that nobody else made it; raises DatabaseUnavailable."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid not in (uid, os.geteuid()):
        raise DatabaseUnavailable(f"{folder} is not a folder of the account that would use it.")
    if info.st_uid != uid:
        os.chown(folder, uid, gid)
    if stat.S_IMODE(info.st_mode) != mode:
        folder.chmod(mode)


def _write(path: Path, text: str, uid: int, gid: int) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        if os.geteuid() == 0:
            os.fchown(handle, uid, gid)
        file.write(text)
        file.flush()
        os.fsync(handle)


def _sync(folder: Path) -> None:
    """One sync of the file system costs less than initdb's sync of every file."""
    done = subprocess.run(["sync", "-f", str(folder)], check=False, capture_output=True)
    if done.returncode:  # a sync that cannot do one file system alone
        os.sync()


def _drop_stale(pid_file: Path, data: Path) -> None:
    """Remove a pid file whose process is dead, a zombie or a stranger that got the number later.

    A wrong guess does no harm: Postgres also holds shared memory keyed by the folder, and refuses.
    """
    with suppress(FileNotFoundError):
        first = pid_file.read_text(errors="replace").split("\n", 1)[0].strip()
        if not first.isdigit() or str(data) not in _command(int(first)):
            pid_file.unlink()


def _command(pid: int) -> str:
    """Command line of a process; nothing when it is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    said = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it gave no reason"
