"""Bring newer versions of titles and details from the updates into the main files."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from domain.details import DetailName
from domain.identifiers import TitleId
from infrastructure.repositories.csv.detail_set import DetailSet, newest
from infrastructure.repositories.csv.index import HeldTitle
from infrastructure.repositories.csv.table import (
    CsvTable,
    flush_folder,
    replace_file,
    write_file,
)
from infrastructure.repositories.csv.title_set import TitleSet

_MARKER = "merged"
"""Names the files that are written anew: from then on the merge is finished by whoever comes."""


def merge(main: TitleSet, updates: TitleSet) -> None:
    """Rewrite the main files with the updates in place of what they replace; remove the updates.

    Both sets are in step with their files. Every main file that changes is written anew beside the
    updates; when all are there, a marker is put, and they take their places. A merge that is killed
    before the marker is done again from the start, one that is killed later is finished by
    `finish_merge`, with the same result. Rows without a title are left out. Titles are streamed, so
    memory does not grow with the files. Raises `OSError`; the updates are then still there.
    """
    scratch = updates.directory
    scratch.mkdir(parents=True, exist_ok=True)
    contents: list[tuple[Path, Iterable[bytes]]] = [
        *((table.path, chunks) for table, chunks in _details(main.details, updates.details)),
        (main.people_table.path, main.people_with(updates)),
        (main.credit_table.path, _credits(main, updates)),
        (main.title_table.path, _titles(main, updates)),
    ]
    names = [target.name for target, _ in contents]
    try:
        for name, (_, chunks) in zip(names, contents, strict=True):
            write_file(_rewritten(scratch, name), chunks)
        marked = [f"{name}\n".encode() for name in names]
        replace_file(scratch / _MARKER, scratch / f"{_MARKER}.new", marked)
    except OSError:
        for name in names:
            _rewritten(scratch, name).unlink(missing_ok=True)
        raise
    finish_merge(main.directory, updates)


def finish_merge(directory: Path, updates: TitleSet) -> None:
    """Put the files of a merge into their places, if there is one that is this far.

    Nobody may know what the main files hold until this is done, for it replaces them all.
    """
    marker = updates.directory / _MARKER
    try:
        names = marker.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        with suppress(FileNotFoundError):  # in its place already
            _rewritten(updates.directory, name).replace(directory / name)
    flush_folder(directory)
    # Before the updates: without them it would take the next ones for merged.
    marker.unlink()
    flush_folder(updates.directory)
    updates.remove()


def _rewritten(scratch: Path, name: str) -> Path:
    return scratch / f"{name}.merged"


def _newest(main: TitleSet, updates: TitleSet) -> Iterator[tuple[TitleSet, HeldTitle]]:
    """Give each title's newest version and the set that has it, in the order of the main file."""
    for held in main.titles:
        newer = updates.titles.get(held.imdb_id)
        yield (main, held) if newer is None else (updates, newer)
    for held in updates.titles:
        if held.imdb_id not in main.titles:
            yield updates, held


def _credits(main: TitleSet, updates: TitleSet) -> Iterator[bytes]:
    yield main.credit_table.header
    for titles, held in _newest(main, updates):
        yield titles.credit_table.read(held.credits_start, held.credits_end)


def _titles(main: TitleSet, updates: TitleSet) -> Iterator[bytes]:
    yield main.title_table.header
    for titles, held in _newest(main, updates):
        yield titles.title_table.read(held.title_start, held.title_end)


def _details(main: DetailSet, updates: DetailSet) -> Iterator[tuple[CsvTable, Iterator[bytes]]]:
    """Give the files of details that change, and what is to be in them."""
    if not (len(updates.index) or main.has_strays):
        return
    # First: other files without it would look as if somebody had taken it away.
    yield main.ledger, _ledger(main, updates)
    for name in DetailName:
        if name in updates.tables or (name in main.tables and _changes(main, updates, name)):
            yield main.table(name), _items(main, updates, name)


def _changes(main: DetailSet, updates: DetailSet, name: DetailName) -> bool:
    return main.has_strays or any(updates.index.get(i, name) for i in updates.index)


def _with_details(main: DetailSet, updates: DetailSet) -> Iterator[TitleId]:
    yield from main.index
    yield from (imdb_id for imdb_id in updates.index if imdb_id not in main.index)


def _ledger(main: DetailSet, updates: DetailSet) -> Iterator[bytes]:
    yield main.ledger.header
    for imdb_id in _with_details(main, updates):
        found = newest(main, updates, imdb_id)
        for name in sorted(found, key=tuple(DetailName).index):
            details, held = found[name]
            yield details.ledger.read(held.ledger_start, held.ledger_end)


def _items(main: DetailSet, updates: DetailSet, name: DetailName) -> Iterator[bytes]:
    yield main.table(name).header
    for imdb_id in _with_details(main, updates):
        if found := newest(main, updates, imdb_id).get(name):
            details, held = found
            yield details.read_items(held)
