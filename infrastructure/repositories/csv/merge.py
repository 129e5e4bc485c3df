"""Bring newer versions of titles from the updates into the main files."""

from collections.abc import Iterator

from infrastructure.repositories.csv.index import HeldTitle
from infrastructure.repositories.csv.table import flush_folder, write_file
from infrastructure.repositories.csv.title_set import TitleSet


def merge(main: TitleSet, updates: TitleSet) -> None:
    """Rewrite the main files with the updates in place of what they replace; remove the updates.

    Both sets are in step with their files. Every main file is written anew beside the updates and
    then takes its place. The updates go last: a merge that is killed anywhere is done again from
    the start, with the same result. Credits without a title are left out. Titles are streamed, so
    memory does not grow with the files. Raises `OSError`; the updates are then still there.
    """
    scratch = updates.directory
    scratch.mkdir(parents=True, exist_ok=True)
    contents = (main.people_with(updates), _credits(main, updates), _titles(main, updates))
    targets = [table.path for table in main.tables]
    rewritten = [scratch / f"{target.name}.merged" for target in targets]
    try:
        for temporary, chunks in zip(rewritten, contents, strict=True):
            write_file(temporary, chunks)
        for temporary, target in zip(rewritten, targets, strict=True):
            temporary.replace(target)
    except OSError:
        for temporary in rewritten:
            temporary.unlink(missing_ok=True)
        raise
    flush_folder(main.directory)
    updates.remove()


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
