"""Measures the import of dataset files: ``python -m benchmarks.datasets_import``.

Synthetic files, the same every time, are first sent by bare COPY into plain unlogged tables of text
columns, one after the other over one connection, and then imported by ``python main.py datasets
import``: typed, checked, with keys and indexes, in tables that survive a crash, and with the
account of every line. Of the import the whole program counts, from its start to its end. Each
begins with an empty database on the embedded server, or on the one of ``DATABASE_URL``.

The bare COPY is measured twice: as anyone writes it, ``copy_expert`` of what ``gzip.open`` gives;
and fed by the import's own reader, which unpacks ahead in a thread and so keeps the server busy all
the time. The second is the limit for one connection: what the import does beside it is the price of
checks, keys, indexes and a log that survives a crash.

The command fails (exit status 1) when the import makes less than 60 % of the rows a second of the
COPY that is fed ahead, when its process takes more than 200 MB of memory, or when a row is missing.
"""

import argparse
import gzip
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import IO, cast

import psycopg2

from benchmarks.database import new_database
from benchmarks.machine import machine_facts, machine_line
from benchmarks.measured_process import ROOT, CommandFailed, run_measured
from benchmarks.options import whole_number
from benchmarks.save_titles import server
from benchmarks.synthetic_datasets import Sizes, write_datasets
from domain.datasets import DatasetName
from infrastructure.repositories.postgres.datasets.stream import Chunk, chunks_of, read_ahead
from infrastructure.repositories.postgres.datasets.table_layout import LAYOUTS, Layout

LEAST_SHARE = 0.60
MOST_BYTES = 200e6

_SEND_BYTES = 1 << 18
_ENDING = ".tsv.gz"
_ROW = "{:>6}  {:>12}  {:>12}  {:>12}  {:>7}  {:>12}  {:>9}"
_HEADINGS = ("run", "COPY", "COPY, ahead", "import", "share", "share, ahead", "peak, MB")

_Open = Callable[[Path, Layout], AbstractContextManager[IO[bytes]]]
"""Opens a file for a COPY: gives its unpacked lines after the header."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and give the exit status."""
    options = _parser().parse_args(arguments)
    print(machine_line(machine_facts()))
    with tempfile.TemporaryDirectory(prefix="imdb-datasets-") as name, server() as server_url:
        folder = options.files or Path(name)
        held = {path.name.removesuffix(_ENDING): path for path in folder.glob(f"*{_ENDING}")}
        files = held or write_datasets(folder, Sizes.of(options.titles))
        size = sum(path.stat().st_size for path in files.values())
        print(f"{size / 1e6:.0f} MB packed; load {_load()}")
        print("rows a second; share of the rows a second of a COPY")
        print(_ROW.format(*_HEADINGS))
        try:
            measured = [_measured(n, files, server_url) for n in range(1, options.runs + 1)]
        except CommandFailed as error:
            print(error, file=sys.stderr)
            return 1
    share, ahead = (statistics.median(run[n] for run in measured) for n in (0, 1))
    peak = max(run[2] for run in measured)
    shares = (f"{share:.2f}", f"{ahead:.2f}")
    print(_ROW.format("median", "", "", "", *shares, f"{peak / 1e6:.0f}"))
    return 0 if ahead >= LEAST_SHARE and peak <= MOST_BYTES else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.datasets_import", description=__doc__
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--titles", type=whole_number, default=Sizes().titles)
    parser.add_argument("--runs", type=whole_number, default=1)
    parser.add_argument("--files", type=Path, help="folder of files: made when empty")
    return parser


def _load() -> str:
    """How busy the machine is with other things."""
    return f"{os.getloadavg()[0]:.1f}"


def _measured(
    number: int, files: Mapping[str, Path], server_url: str
) -> tuple[float, float, float]:
    """The shares of the rows a second of both COPYs that the import makes, and its peak, bytes."""
    with new_database(server_url) as url:
        rows, bare_seconds = _bare_copy(files, url, _unpacked)
    with new_database(server_url) as url:
        _, ahead_seconds = _bare_copy(files, url, _unpacked_ahead)
    with new_database(server_url) as url:
        seconds, peak = _import(files, url, rows)
    rates = (f"{rows / taken:,.0f}" for taken in (bare_seconds, ahead_seconds, seconds))
    share, ahead = bare_seconds / seconds, ahead_seconds / seconds
    print(
        _ROW.format(number, *rates, f"{share:.2f}", f"{ahead:.2f}", f"{peak / 1e6:.0f}"), flush=True
    )
    return share, ahead, peak


def _bare_copy(files: Mapping[str, Path], url: str, open_file: _Open) -> tuple[int, float]:
    """Copy all files into tables of text; give how many rows there are, and the seconds."""
    rows = 0
    began = time.perf_counter()
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as statements:
            for name, path in files.items():
                layout = LAYOUTS[DatasetName(name)]
                columns = ", ".join(f"{column} text" for column in layout.columns)
                statements.execute(f"CREATE UNLOGGED TABLE {layout.table} ({columns})")
                with open_file(path, layout) as lines:
                    statements.copy_expert(
                        f"COPY {layout.table} FROM STDIN", lines, size=_SEND_BYTES
                    )
                rows += statements.rowcount
    return rows, time.perf_counter() - began


@contextmanager
def _unpacked(path: Path, _: Layout) -> Iterator[IO[bytes]]:
    with gzip.open(path, "rb") as lines:
        lines.readline()
        yield cast("IO[bytes]", lines)


@contextmanager
def _unpacked_ahead(path: Path, layout: Layout) -> Iterator[IO[bytes]]:
    with read_ahead(chunks_of(path, layout.header, lambda _: None)) as chunks:
        yield cast("IO[bytes]", _Unpacked(chunks))


class _Unpacked(io.RawIOBase):
    """The unpacked bytes as the file that psycopg2 reads for a COPY."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = memoryview(next((chunk.data for chunk in self._chunks), b""))
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)


def _import(files: Mapping[str, Path], url: str, rows: int) -> tuple[float, float]:
    """Import all files; give the seconds and the peak in bytes of the whole program.

    Raises `CommandFailed` also when a row is missing.
    """
    folder = next(iter(files.values())).parent
    with tempfile.TemporaryDirectory(prefix="imdb-datasets-") as name:
        log = Path(name, "log")
        cost = run_measured(
            [sys.executable, str(ROOT / "main.py"), "datasets", "import", "--json", "--dir",
             str(folder), "--only", ",".join(files)],
            folder=Path(name),
            environment={"PATH": os.environ["PATH"], "DATABASE_URL": url, "LOG_LEVEL": "ERROR"},
            log=log,
        )  # fmt: skip
        account = json.loads(log.read_text("utf-8"))
    loaded = sum(file["loaded"] for file in account["files"])
    if loaded != rows:
        raise CommandFailed(f"{loaded:,} of {rows:,} rows were imported")
    return cost.wall_seconds, cost.peak_bytes


if __name__ == "__main__":
    sys.exit(main())
