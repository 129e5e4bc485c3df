"""Profiles of people in three CSV files (see `ProfileSet`), made when there are some."""

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from io import FileIO
from os import pread
from pathlib import Path

from domain.errors import InvalidTitle
from domain.identifiers import NameId
from domain.person_profile import PersonProfile
from domain.run import ProfileCounts
from infrastructure.repositories.csv.failures import malformed
from infrastructure.repositories.csv.profile_rows import (
    ProfileRows,
    filmography_credit_from,
    person_fact_from,
    profile_from,
)
from infrastructure.repositories.csv.profile_set import (
    MOST_PEOPLE_AT_ONCE,
    HeldProfile,
    ProfileSet,
)
from infrastructure.repositories.csv.rows import decode, decode_one
from infrastructure.repositories.csv.table import flush_folder, write_file


class ProfileFiles:
    """Saves and reads profiles, as `CsvRepository` does titles. Its caller holds the folder's lock.

    New profiles are appended. One that is held already goes to ``.profile-updates/``, and from
    there into the files when they are merged. Raises `OSError`, or `RepositoryUnavailable` naming a
    row or a file that is not as we write it.
    """

    def __init__(self, directory: Path, *, escape_formulas: bool = False) -> None:
        self._escape_formulas = escape_formulas
        self._main = ProfileSet(directory, updates=False)
        self._updates = ProfileSet(directory / ".profile-updates", updates=True)

    def check(self) -> None:
        """Raise `RepositoryUnavailable` for files of another program. Writes nothing."""
        for table in self._main.tables:
            table.header_size()

    def save(self, profiles: Sequence[PersonProfile], run_id: str) -> Counter[str]:
        """Store each profile; count those inserted, updated and unchanged."""
        counts: Counter[str] = Counter()
        people = [
            ProfileRows.of(profile, run_id, escape_formulas=self._escape_formulas)
            for profile in profiles
        ]
        for part in _without_repeats(people):
            counts.update(self._save(part))
        return counts

    def read(self, ids: Collection[NameId] | None, stack: ExitStack) -> Iterator[PersonProfile]:
        """Give the profiles held now, or those of ``ids`` that are.

        Where they stand is looked up at once, and the files, which ``stack`` closes, are read as
        the caller goes on: later saves do not disturb it, and the lock need not be held any more.
        """
        self.merge()
        if not self._main.exists():
            return iter(())
        self._main.sync()
        held = self._main.held
        wanted = list(held.values()) if ids is None else [held[i] for i in ids if i in held]
        files = [stack.enter_context(FileIO(table.path)) for table in self._main.tables]
        return self._stream(wanted, files)

    def counts(self) -> ProfileCounts:
        """Count the profiles held, with their credits."""
        self._sync()
        held = {**self._main.held, **self._updates.held}
        return ProfileCounts(
            profiles=len(held), credits=sum(profile.credits_count for profile in held.values())
        )

    def moments(self) -> dict[NameId, int]:
        """Give when each profile held was fetched, as `rows.moment_of` says it."""
        self._sync()
        held = {**self._main.held, **self._updates.held}
        return {imdb_id: profile.fetched_at for imdb_id, profile in held.items()}

    def merge(self) -> None:
        """Bring the updates into the files, and leave out rows that do not count.

        All files are written anew beside the updates and then take their places. The updates go
        last: a merge that is killed anywhere is done again from the start, with the same result.
        """
        self._sync()
        main, updates = self._main, self._updates
        if not (updates.held or main.has_strays):
            if updates.exists():
                updates.remove()
            return
        updates.directory.mkdir(parents=True, exist_ok=True)
        rewritten = [updates.directory / f"{table.path.name}.merged" for table in main.tables]
        try:
            for part, temporary in enumerate(rewritten):
                write_file(temporary, self._merged(part))
            for temporary, table in zip(rewritten, main.tables, strict=True):
                temporary.replace(table.path)
        except OSError:
            for temporary in rewritten:
                temporary.unlink(missing_ok=True)
            raise
        flush_folder(main.directory)
        updates.remove()
        main.forget()

    @property
    def has_updates(self) -> bool:
        """Whether there are updates to merge."""
        return self._updates.exists()

    def finish(self) -> None:
        """Merge the updates, and wait until what was saved would survive a power cut as well."""
        self._main.flush_to_disk()
        if self.has_updates:
            self.merge()

    def forget(self) -> None:
        """Let go of the files."""
        self._main.forget()
        self._updates.forget()

    def _sync(self) -> None:
        """Know what the files hold, if they are there."""
        # The updates first: they tell whose rows a merge may have been killed at.
        for profiles in (self._updates, self._main):
            if profiles.exists():
                profiles.sync(() if profiles is self._updates else self._updates.held)
            else:
                profiles.forget()

    def _save(self, people: Sequence[ProfileRows]) -> Counter[str]:
        self._sync()
        self._main.sync(self._updates.held)
        if self._main.has_strays or any(rows.imdb_id in self._updates.held for rows in people):
            # Nobody may stand twice in the updates.
            self.merge()
            self._main.sync()
        new: list[ProfileRows] = []
        newer: list[ProfileRows] = []
        counts: Counter[str] = Counter()
        for rows in people:
            held = self._main.held.get(rows.imdb_id)
            if held is None:
                new.append(rows)
                counts["inserted"] += 1
            elif rows.moment < held.fetched_at:
                counts["unchanged"] += 1
            else:
                known = self._main.read(held)
                counts["unchanged" if rows.have_the_facts_of(*known) else "updated"] += 1
                if not rows.are(*known):
                    newer.append(rows)
        self._main.append(new)
        if newer:
            self._updates.sync()
            self._updates.append(newer)
        return counts

    def _merged(self, part: int) -> Iterator[bytes]:
        """A new file in the place of that of `ProfileSet.tables`, in the order of the old one."""
        main, updates = self._main, self._updates
        yield main.tables[part].header
        for held in main.held.values():
            newer = updates.held.get(held.imdb_id)
            yield (main.read(held) if newer is None else updates.read(newer))[part]
        for held in updates.held.values():
            if held.imdb_id not in main.held:
                yield updates.read(held)[part]

    def _stream(
        self, wanted: Sequence[HeldProfile], files: Sequence[FileIO]
    ) -> Iterator[PersonProfile]:
        for held in wanted:
            rows = [
                pread(file.fileno(), place.end - place.start, place.start)
                for file, place in zip(files, held.places, strict=True)
            ]
            yield self._profile(held, *rows)

    def _profile(
        self, held: HeldProfile, facts: bytes, filmography: bytes, row: bytes
    ) -> PersonProfile:
        try:
            return profile_from(
                decode_one(row),
                [filmography_credit_from(cells) for cells in decode(filmography)],
                [person_fact_from(cells) for cells in decode(facts)],
            )
        except (csv.Error, ValueError, InvalidTitle) as error:
            where = f"the person at byte {held.start}, with the credits and facts beside it"
            raise malformed(self._main.profile_table.path, where, str(error)) from error


def _without_repeats(people: Sequence[ProfileRows]) -> Iterator[list[ProfileRows]]:
    """Cut a batch so that nobody stands twice in a part and none is large, keeping its order."""
    part: dict[NameId, ProfileRows] = {}
    for rows in people:
        if rows.imdb_id in part or len(part) == MOST_PEOPLE_AT_ONCE:
            yield list(part.values())
            part = {}
        part[rows.imdb_id] = rows
    yield list(part.values())
