"""Measures the import of dataset files: ``python -m benchmarks.datasets_import``.

Synthetic files, the same every time, are first sent by bare COPY into plain unlogged tables of text
columns, one after the other over one connection, and then imported by ``python main.py datasets
import``: typed, checked, with keys and indexes, in tables that survive a crash, and with the
account of every line. Of the import the whole program counts, from its start to its end; both read
the files in the same way. Each begins with an empty database on the embedded server, or on the one
of ``DATABASE_URL``.

The command fails (exit status 1) when the import makes less than 60 % of the rows a second of the
bare COPY, when its process takes more than 200 MB of memory, or when a row is missing.
"""

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import psycopg2

from benchmarks.database import new_database
from benchmarks.machine import machine_facts, machine_line
from benchmarks.measured_process import ROOT, CommandFailed, run_measured
from benchmarks.options import whole_number
from benchmarks.save_titles import server
from benchmarks.synthetic_datasets import Sizes, write_datasets
from domain.datasets import DatasetName
from infrastructure.repositories.postgres.datasets.stream import Chunk, chunks_of, read_ahead
from infrastructure.repositories.postgres.datasets.table_layout import LAYOUTS

LEAST_SHARE = 0.60
MOST_BYTES = 200e6

_SEND_BYTES = 1 << 18
_ENDING = ".tsv.gz"
_ROW = "{:>8}  {:>14}  {:>14}  {:>6}  {:>9}"


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
        print(_ROW.format("run", "COPY, rows/s", "import, rows/s", "share", "peak, MB"))
        try:
            measured = [_measured(n, files, server_url) for n in range(1, options.runs + 1)]
        except CommandFailed as error:
            print(error, file=sys.stderr)
            return 1
    share = statistics.median(share for share, _ in measured)
    peak = max(peak for _, peak in measured)
    print(_ROW.format("median", "", "", f"{share:.2f}", f"{peak / 1e6:.0f}"))
    return 0 if share >= LEAST_SHARE and peak <= MOST_BYTES else 1


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


def _measured(number: int, files: Mapping[str, Path], server_url: str) -> tuple[float, float]:
    """The share of the bare COPY's rows per second that the import makes, and its peak in bytes."""
    with new_database(server_url) as url:
        rows, bare_seconds = _bare_copy(files, url)
    with new_database(server_url) as url:
        seconds, peak = _import(files, url, rows)
    share = bare_seconds / seconds
    rates = (f"{rows / bare_seconds:,.0f}", f"{rows / seconds:,.0f}")
    print(_ROW.format(number, *rates, f"{share:.2f}", f"{peak / 1e6:.0f}"), flush=True)
    return share, peak


def _bare_copy(files: Mapping[str, Path], url: str) -> tuple[int, float]:
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
                with read_ahead(chunks_of(path, layout.header, lambda _: None)) as chunks:
                    statements.copy_expert(
                        f"COPY {layout.table} FROM STDIN", _Unpacked(chunks), size=_SEND_BYTES
                    )
                rows += statements.rowcount
    return rows, time.perf_counter() - began


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
