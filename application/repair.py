"""Bring the repositories level: copy titles and people from where the facts are newer."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from application.composite_save import CompositeSave
from application.copying import COPIED_TITLES, copy_people, copy_titles, people_of, titles_of
from application.ports import TitleRepository
from application.scrape_titles import utc_now
from domain.details import Detail, DetailName
from domain.errors import RepositoryUnavailable
from domain.identifiers import ImdbId, NameId, TitleId
from domain.merged_id import MergedId, with_merged
from domain.person_profile import PersonProfile
from domain.run import Run, RunOutcome, RunReport
from domain.title import Title

Progress = Callable[[str, int, int], None]
"""Is told what is being done, how many titles and people are done, and how many there are."""

_Part = DetailName | None
"""What has an age of its own: a detail of a title, or (``None``) its facts and credits.

Of a person there is the profile as a whole.
"""


class _Held(NamedTuple):
    """How new the titles and profiles are that a repository holds, and the details of titles."""

    moments: dict[ImdbId, datetime]
    details: dict[ImdbId, tuple[tuple[DetailName, datetime], ...]]
    merged: dict[ImdbId, MergedId]

    def parts_of(self, imdb_id: ImdbId) -> Iterator[tuple[_Part, datetime]]:
        """Give the parts that are held of a title, or a person, with their ages."""
        if imdb_id in self.moments:
            yield None, self.moments[imdb_id]
            yield from self.details.get(imdb_id, ())


@dataclass(slots=True)
class Differences:
    """In what the repositories differ.

    ``missing`` and ``older`` have, by repository, the titles, and the people with a profile, that
    it lacks, or of which it has older facts, or an older version of a detail, or lacks one.
    ``differing`` has the others of which it has other facts, or has them from elsewhere, than the
    first repository has them from the same moment. ``titles`` and ``people`` are the numbers held
    by any. ``merged`` has, by repository, the old ids of which it does not know what they were
    merged into.
    """

    titles: int = 0
    people: int = 0
    missing: dict[str, list[ImdbId]] = field(default_factory=dict)
    older: dict[str, list[ImdbId]] = field(default_factory=dict)
    differing: dict[str, list[ImdbId]] = field(default_factory=dict)
    merged: dict[str, list[MergedId]] = field(default_factory=dict)
    copies: dict[tuple[str, tuple[str, ...]], list[ImdbId]] = field(default_factory=dict)
    """What to do about it: the titles by the repository to copy from, and those to copy to.

    One whose facts are newest here and whose details are newest there is copied both ways.
    """

    @property
    def ids(self) -> list[ImdbId]:
        """The titles and people that are not the same everywhere, each once."""
        return list(dict.fromkeys(i for ids in self.copies.values() for i in ids))

    @property
    def count(self) -> int:
        """How many titles and people are not the same everywhere."""
        return len(self.ids)

    @property
    def is_level(self) -> bool:
        """Whether there are no differences at all."""
        return not (self.copies or self.merged)

    def note(
        self,
        imdb_id: ImdbId,
        missing: Collection[str],
        older: Collection[str],
        differing: Collection[str],
    ) -> None:
        """Note the repositories in which one is missing, older, or not the same."""
        kinds = ((self.missing, missing), (self.older, older), (self.differing, differing))
        for ids, names in kinds:
            for name in names:
                ids.setdefault(name, []).append(imdb_id)


class Repair:
    """Compares the repositories of a `CompositeSave`, and levels them. Used by one thread, once.

    Memory holds ids and times of all titles and people, and the facts of a hundred at a time. What
    other programs save meanwhile is safe: newer facts are never replaced by older ones. It may be
    stopped by ``stop``, or killed, at any moment, and done again.
    """

    def __init__(
        self,
        save: CompositeSave,
        stop: threading.Event,
        tell: Progress,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._save = save
        self._stop = stop
        self._tell = tell
        self._now = now

    def compare(self) -> Differences:
        """Find the differences; what is as new everywhere is compared fact by fact.

        Raises `RepositoryUnavailable` when a repository cannot be read: then nothing can be said.
        When it is stopped it says what it has found up to then.
        """
        held = self._save.ask(_held_by)
        self._refuse_without(held)
        ids = sorted(set().union(*(known.moments for known in held.values())))
        people = [imdb_id for imdb_id in ids if _is_person(imdb_id)]
        titles = [imdb_id for imdb_id in ids if not _is_person(imdb_id)]
        found = Differences(len(titles), len(people), merged=_merged_elsewhere(held))
        for sort in (titles, people):
            for start in range(0, len(sort), COPIED_TITLES):
                self._tell("compared", start if sort is titles else len(titles) + start, len(ids))
                if self._stop.is_set():
                    return found
                self._compare_some(sort[start : start + COPIED_TITLES], held, found)
        return found

    def level(self, found: Differences, run: Run) -> RunReport:
        """Copy what is newest to where it is not; give the account, as a run of its own.

        The run asks for the titles and people that were not the same everywhere, all of which are
        saved already. Those that it did not get to, or that cannot be read any more, it has not
        tried.
        """
        self._save.begin_run(run, None, found.ids)
        if found.merged:
            self._save.note_merged([one for merged in found.merged.values() for one in merged])
        left = Counter(imdb_id for ids in found.copies.values() for imdb_id in ids)
        count = len(left)
        for done in self._copied(found, run):
            left.subtract(done)
            left = +left
            self._tell("copied", count - len(left), count)
            if self._stop.is_set():
                break
        copied = set(found.ids) - left.keys()
        self._save.note_before(copied, _well_held(found, self._save.names))
        return self._finish(run, found.ids, copied)

    def _copied(self, found: Differences, run: Run) -> Iterator[list[ImdbId]]:
        # What is of one moment goes along when the rest of a title is copied. That of the first
        # repository counts, so it has to be everywhere before another one is copied from.
        in_order = sorted(found.copies.items(), key=lambda plan: self._save.names.index(plan[0][0]))
        for (source, targets), ids in in_order:
            titles = [TitleId(i) for i in ids if not _is_person(i)]
            people = [NameId(i) for i in ids if _is_person(i)]
            yield from copy_titles(self._save, run, titles, source=source, to=targets)
            yield from copy_people(self._save, run, people, source=source, to=targets)

    def _compare_some(
        self, ids: Sequence[ImdbId], held: Mapping[str, _Held], found: Differences
    ) -> None:
        """Compare some titles, or some people."""
        holders = {imdb_id: _holders_of(imdb_id, held) for imdb_id in ids}
        facts = self._facts_of(
            [i for i in ids if any(len(names) > 1 for names in holders[i].values())]
        )
        for imdb_id in ids:
            items = {name: known.get(imdb_id) for name, known in facts.items()}
            older: set[str] = set()
            differing: set[str] = set()
            sources: dict[str, set[str]] = {}
            for part, (source, *others) in holders[imdb_id].items():
                behind = held.keys() - {source, *others}
                unlike = {
                    name for name in others
                    if _part_of(items[name], part) != _part_of(items[source], part)
                }  # fmt: skip
                older |= behind
                differing |= unlike
                if behind or unlike:
                    sources.setdefault(source, set()).update(behind, unlike)
            missing = {name for name, known in held.items() if imdb_id not in known.moments}
            found.note(imdb_id, missing, older - missing, differing - older)
            for source, behind in sources.items():
                to = tuple(name for name in held if name in behind)
                found.copies.setdefault((source, to), []).append(imdb_id)

    def _facts_of(self, ids: Sequence[ImdbId]) -> dict[str, dict[ImdbId, Title | PersonProfile]]:
        if not ids:
            return {}
        answers = self._save.ask(partial(_items_of, ids=ids))
        self._refuse_without(answers)
        return {name: {item.imdb_id: item for item in items} for name, items in answers.items()}

    def _refuse_without(self, answers: Mapping[str, object]) -> None:
        silent = [name for name in self._save.names if name not in answers]
        if silent:
            raise RepositoryUnavailable(" and ".join(silent), "cannot be read, see above")

    def _finish(self, run: Run, ids: Sequence[ImdbId], copied: Collection[ImdbId]) -> RunReport:
        report = RunReport(
            run=run,
            finished_at=self._now(),
            outcome=RunOutcome.INCOMPLETE,
            asked=len(ids),
            already_saved=len(copied),
            fetched=0,
            not_tried=tuple(imdb_id for imdb_id in ids if imdb_id not in copied),
            repositories=self._save.settle(),
            fetched_from={},
        )
        report = replace(report, outcome=self._outcome(report))
        after = replace(report, repositories=self._save.finish_run(report))
        return replace(after, outcome=self._outcome(after))

    def _outcome(self, report: RunReport) -> RunOutcome:
        if any(kept.error or kept.refused or kept.missing for kept in report.repositories):
            return RunOutcome.INCOMPLETE
        if report.not_tried:
            stopped = self._stop.is_set()
            return RunOutcome.INTERRUPTED if stopped else RunOutcome.INCOMPLETE
        return RunOutcome.COMPLETE


def _is_person(imdb_id: ImdbId) -> bool:
    return imdb_id.startswith("nm")


def _items_of(
    repository: TitleRepository, ids: Sequence[ImdbId]
) -> Sequence[Title] | Sequence[PersonProfile]:
    """Give what a repository holds of titles, or of people: the ids are all of one sort."""
    if _is_person(ids[0]):
        return people_of(repository, [NameId(imdb_id) for imdb_id in ids])
    return titles_of(repository, [TitleId(imdb_id) for imdb_id in ids])


def _held_by(repository: TitleRepository) -> _Held:
    held = _Held({}, {}, {one.old: one for one in repository.merged_ids()})
    for imdb_id, fetched_at, details in repository.versions():
        held.moments[imdb_id] = fetched_at
        if details:
            held.details[imdb_id] = details
    held.moments.update(repository.profile_versions())
    return held


def _merged_elsewhere(held: Mapping[str, _Held]) -> dict[str, list[MergedId]]:
    """Give the merged ids that a repository does not know as all together do, by repository."""
    known = sorted(
        (one for kept in held.values() for one in kept.merged.values()),
        key=lambda one: (one.seen_at, one.old, one.new),
    )
    united = with_merged({}, known)
    lacking = {
        name: [one for one in united.values() if kept.merged.get(one.old) != one]
        for name, kept in held.items()
    }
    return {name: merged for name, merged in lacking.items() if merged}


def _holders_of(imdb_id: ImdbId, held: Mapping[str, _Held]) -> dict[_Part, list[str]]:
    """Give the repositories that hold the newest version of each part of a title, or a person."""
    moments: dict[_Part, dict[str, datetime]] = {}
    for name, known in held.items():
        for part, moment in known.parts_of(imdb_id):
            moments.setdefault(part, {})[name] = moment
    newest = {part: max(by_name.values()) for part, by_name in moments.items()}
    return {
        part: [name for name, moment in by_name.items() if moment == newest[part]]
        for part, by_name in moments.items()
    }


def _part_of(
    item: Title | PersonProfile | None, part: _Part
) -> Title | PersonProfile | Detail | None:
    if not isinstance(item, Title) or not item.details:
        return item if part is None else None
    if part is None:
        return replace(item, details=())
    return next((detail for detail in item.details if detail.name is part), None)


def _well_held(found: Differences, names: Sequence[str]) -> dict[str, list[ImdbId]]:
    """Which of the titles and people each repository had in their newest version before."""
    lacking: dict[str, set[ImdbId]] = {name: set() for name in names}
    for (_, to), ids in found.copies.items():
        for name in to:
            lacking[name].update(ids)
    return {name: [i for i in found.ids if i not in lacking[name]] for name in names}
