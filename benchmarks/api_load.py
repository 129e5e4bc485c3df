"""Measures the HTTP API under load: ``python -m benchmarks.api_load``.

Fills the embedded PostgreSQL with 1,000,000 synthetic titles (kept in the folder that ``--folder``
names, for the next time), starts ``python main.py serve`` on it, and has ``wrk`` send 200 requests
a second for 60 seconds: for single titles, for lists (all filters, orders and cursors), for
searches (rare and very common words), for a mix of the three, for people, and for 20 requests of
the mix over and over. But for those, hardly any request is sent twice. Everything runs on this one
machine.

Requests are sent on a schedule and not when the last answer has come, over more connections than
are ever busy: a slow answer delays none that follows. ``late`` is by how many milliseconds the
latest request missed its moment; were it as long as a request takes, the percentiles would be too
good (coordinated omission). CPU is milliseconds a request, of the server and of PostgreSQL.

The command fails (exit status 1) when of title, list or search the 99th percentile is 50 ms or
more, when a request of any sort failed, or when less than 99 % of the requests were sent.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from benchmarks.api_questions import Questions, some_titles
from benchmarks.machine import machine_facts, machine_line
from benchmarks.measured_process import ROOT, CommandFailed
from benchmarks.options import whole_number
from benchmarks.synthetic_store import StoreSizes, fill_store
from infrastructure.container import database_url, embedded_database_dir
from infrastructure.repositories.postgres import open_postgres_repository
from shared.config import Settings

MOST_MS = 50
JUDGED = ("title", "list", "search")
LEAST_SENT = 0.99

_SCRIPT = Path(__file__).with_name("load.lua")
_CONNECTIONS = 64
_WARM_UP_SECONDS = 5
_SERVING = "Serving at "
_FILLED = "filled.json"
_HEADINGS = (
    "requests", "sent/s", "answered/s", "p50", "p90", "p99", "most", "late", "failed", "CPU",
    "database",
)  # fmt: skip
_ROW = "{:>8}" + "  {:>10}" * 2 + "  {:>6}" * 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What wrk says of one run; times in milliseconds, ``seconds`` how long it took."""

    seconds: float
    sent: int
    answered: int
    refused: int
    broken: int
    latest_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    most_ms: float


@dataclass(frozen=True, slots=True)
class Server:
    """A server at work: its address, its process and the one that has PostgreSQL's as children."""

    address: str
    process: psutil.Process
    database: psutil.Process

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU time so far, of the server and of PostgreSQL."""
        database = self.database.cpu_times()
        ended = database.children_user + database.children_system
        of_database = [_cpu(each) for each in (self.database, *self.database.children())]
        return _cpu(self.process), sum(of_database) + ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and give the exit status."""
    options = _parser().parse_args(arguments)
    sizes = StoreSizes.of(options.titles)
    with tempfile.TemporaryDirectory(prefix="imdb-benchmark-") as name:
        folder = options.folder or Path(name)
        try:
            questions = _filled(folder, sizes)
            print(
                f"{sizes.titles:,} titles, {sizes.people:,} people, {sizes.credits} credits a "
                f"title; {options.rate} requests/s for {options.seconds} s each; milliseconds"
            )
            print(machine_line(machine_facts()))
            print(_ROW.format(*_HEADINGS))
            with _served(folder) as server:
                return _measured(server, questions, options)
        except CommandFailed as error:
            print(error, file=sys.stderr)
            return 1


def _measured(server: Server, questions: Questions, options: argparse.Namespace) -> int:
    sorts = questions.paths(options.rate * (options.seconds + _WARM_UP_SECONDS))
    missed: list[str] = []
    for name, paths in sorts.items():
        if options.sorts and name not in options.sorts:
            continue
        warm = options.rate * _WARM_UP_SECONDS
        _load(server, paths[:warm], options.rate, _WARM_UP_SECONDS)
        before = server.cpu_seconds()
        load = _load(server, paths[warm:], options.rate, options.seconds)
        spent = [after - at for after, at in zip(server.cpu_seconds(), before, strict=True)]
        _print_row(name, load, spent)
        missed += _missed(name, load, options.rate)
    print("\n".join(missed) if missed else f"p99 below {MOST_MS} ms, nothing failed: met")
    return 1 if missed else 0


def _missed(name: str, load: Load, rate: int) -> Iterator[str]:
    if load.refused or load.broken:
        yield f"{name}: {load.refused} errors, {load.broken} without an answer: missed"
    if load.sent < LEAST_SENT * rate * load.seconds:
        yield f"{name}: {load.sent / load.seconds:.0f} of {rate} requests/s were sent: missed"
    if name in JUDGED and load.p99_ms >= MOST_MS:
        yield f"{name}: p99 {load.p99_ms:.0f} ms, at most {MOST_MS} ms: missed"


def _print_row(name: str, load: Load, spent: Sequence[float]) -> None:
    times = (load.p50_ms, load.p90_ms, load.p99_ms, load.most_ms, load.latest_ms)
    print(
        _ROW.format(
            name,
            f"{load.sent / load.seconds:.1f}",
            f"{load.answered / load.seconds:.1f}",
            *(f"{each:.1f}" for each in times),
            load.refused + load.broken,
            *(f"{1000 * seconds / load.answered:.2f}" for seconds in spent),
        ),
        flush=True,
    )


def _load(server: Server, paths: Sequence[str], rate: int, seconds: int) -> Load:
    """Send the paths with wrk. Raises `CommandFailed`."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="ascii") as file:
        file.write("".join(f"{path}\n" for path in paths))
        file.flush()
        command = [
            "wrk", "--threads", "1", "--connections", str(_CONNECTIONS),
            "--duration", f"{seconds}s", "--timeout", "10s", "--script", str(_SCRIPT),
            server.address, "--", file.name, str(rate),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise CommandFailed("wrk is not installed: apt-get install wrk") from error
    _, found, said = done.stdout.partition("load: ")
    if done.returncode or not found:
        raise CommandFailed(f"wrk ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return msgspec.json.decode(said, type=Load)


def _filled(folder: Path, sizes: StoreSizes) -> Questions:
    """Fill the database in a folder, unless it is; give questions about it."""
    settings = Settings(output_dir=folder)
    note = folder / _FILLED
    wanted = msgspec.json.encode(sizes)
    if embedded_database_dir(settings).exists() and (
        not note.exists() or note.read_bytes() != wanted
    ):
        raise CommandFailed(f"{folder} has another store: name another folder, or remove it")
    with database_url(settings) as url:
        with open_postgres_repository(url):
            pass
        if not note.exists():
            fill_store(url, sizes)
            note.write_bytes(wanted)
        return Questions(sizes, some_titles(url, sizes))


@contextmanager
def _served(folder: Path) -> Iterator[Server]:
    """Serve the store of a folder until the end of the block. Raises `CommandFailed`."""
    settings = {"OUTPUT_DIR": str(folder), "API_PORT": "0", "API_REQUESTS_PER_MINUTE": "0"}
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "serve"],
        cwd=folder,
        env=environment | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Server(_address(process), psutil.Process(process.pid), _postmaster(folder))
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None  # noqa: S101 - asked for above
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith(_SERVING):
            return line.removeprefix(_SERVING).split()[0]
    raise CommandFailed(f"the server did not start:\n{''.join(said)}")


def _postmaster(folder: Path) -> psutil.Process:
    file = embedded_database_dir(Settings(output_dir=folder)) / "pgdata" / "postmaster.pid"
    return psutil.Process(int(file.read_text(encoding="utf-8").splitlines()[0]))


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # its time is then among that of its parent's children
        return 0.0
    return float(times.user + times.system)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api_load", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--titles", type=whole_number, default=StoreSizes().titles)
    parser.add_argument("--folder", type=Path, help="where the store is kept (default: nowhere)")
    parser.add_argument("--rate", type=whole_number, default=200, help="requests a second (200)")
    parser.add_argument("--seconds", type=whole_number, default=60, help="for each sort (60)")
    parser.add_argument("sorts", nargs="*", help="only these: title, list, search, mix, ...")
    return parser


if __name__ == "__main__":
    sys.exit(main())
