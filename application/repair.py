"""Bring the repositories level: copy from the one that has a title with the newer facts."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from application.composite_save import CompositeSave
from application.copying import COPIED_TITLES, copy_titles, titles_of
from application.ports import TitleRepository
from application.scrape_titles import utc_now
from domain.details import Detail, DetailName
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.run import Run, RunOutcome, RunReport
from domain.title import Title

Progress = Callable[[str, int, int], None]
"""Is told what is being done, how many titles are done, and how many there are."""

_Part = DetailName | None
"""What has an age of its own: a detail of a title, or (``None``) its facts and credits."""


class _Held(NamedTuple):
    """How new the titles are that a repository holds, and the details of those that have any."""

    moments: dict[TitleId, datetime]
    details: dict[TitleId, tuple[tuple[DetailName, datetime], ...]]

    def parts_of(self, imdb_id: TitleId) -> Iterator[tuple[_Part, datetime]]:
        """Give the parts that are held of a title, with their ages."""
        if imdb_id in self.moments:
            yield None, self.moments[imdb_id]
            yield from self.details.get(imdb_id, ())


@dataclass(slots=True)
class Differences:
    """In what the repositories differ.

    ``missing`` and ``older`` have, by repository, the titles that it lacks, or of which it has
    older facts, or an older version of a detail, or lacks one. ``differing`` has the others of
    which it has other facts, or has them from elsewhere, than the first repository has them from
    the same moment. ``titles`` is the number held by any.
    """

    titles: int = 0
    missing: dict[str, list[TitleId]] = field(default_factory=dict)
    older: dict[str, list[TitleId]] = field(default_factory=dict)
    differing: dict[str, list[TitleId]] = field(default_factory=dict)
    copies: dict[tuple[str, tuple[str, ...]], list[TitleId]] = field(default_factory=dict)
    """What to do about it: the titles by the repository to copy from, and those to copy to.

    One whose facts are newest here and whose details are newest there is copied both ways.
    """

    @property
    def ids(self) -> list[TitleId]:
        """The titles that are not the same everywhere, each once."""
        return list(dict.fromkeys(i for ids in self.copies.values() for i in ids))

    @property
    def count(self) -> int:
        """How many titles are not the same everywhere."""
        return len(self.ids)

    def note(
        self,
        imdb_id: TitleId,
        missing: Collection[str],
        older: Collection[str],
        differing: Collection[str],
    ) -> None:
        """Note the repositories in which a title is missing, older, or not the same."""
        kinds = ((self.missing, missing), (self.older, older), (self.differing, differing))
        for titles, names in kinds:
            for name in names:
                titles.setdefault(name, []).append(imdb_id)


class Repair:
    """Compares the repositories of a `CompositeSave`, and levels them. Used by one thread, once.

    Memory holds ids and times of all titles, and the facts of a hundred at a time. What other
    programs save meanwhile is safe: newer facts are never replaced by older ones. It may be
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
        found = Differences(titles=len(ids))
        for start in range(0, len(ids), COPIED_TITLES):
            self._tell("compared", start, len(ids))
            if self._stop.is_set():
                break
            self._compare_some(ids[start : start + COPIED_TITLES], held, found)
        return found

    def level(self, found: Differences, run: Run) -> RunReport:
        """Copy what is newest to where it is not; give the account, as a run of its own.

        The run asks for the titles that were not the same everywhere, all of which are saved
        already. Those that it did not get to, or that can no longer be read, it has not tried.
        """
        self._save.begin_run(run, None, found.ids)
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

    def _copied(self, found: Differences, run: Run) -> Iterator[list[TitleId]]:
        # What is of one moment goes along when the rest of a title is copied. That of the first
        # repository counts, so it has to be everywhere before another one is copied from.
        in_order = sorted(found.copies.items(), key=lambda plan: self._save.names.index(plan[0][0]))
        for (source, targets), ids in in_order:
            yield from copy_titles(self._save, run, ids, source=source, to=targets)

    def _compare_some(
        self, ids: Sequence[TitleId], held: Mapping[str, _Held], found: Differences
    ) -> None:
        holders = {imdb_id: _holders_of(imdb_id, held) for imdb_id in ids}
        facts = self._facts_of(
            [i for i in ids if any(len(names) > 1 for names in holders[i].values())]
        )
        for imdb_id in ids:
            titles = {name: known.get(imdb_id) for name, known in facts.items()}
            older: set[str] = set()
            differing: set[str] = set()
            sources: dict[str, set[str]] = {}
            for part, (source, *others) in holders[imdb_id].items():
                behind = held.keys() - {source, *others}
                unlike = {
                    name for name in others
                    if _part_of(titles[name], part) != _part_of(titles[source], part)
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

    def _facts_of(self, ids: Sequence[TitleId]) -> dict[str, dict[TitleId, Title]]:
        if not ids:
            return {}
        answers = self._save.ask(partial(titles_of, ids=ids))
        self._refuse_without(answers)
        return {name: {t.imdb_id: t for t in titles} for name, titles in answers.items()}

    def _refuse_without(self, answers: Mapping[str, object]) -> None:
        silent = [name for name in self._save.names if name not in answers]
        if silent:
            raise RepositoryUnavailable(" and ".join(silent), "cannot be read, see above")

    def _finish(self, run: Run, ids: Sequence[TitleId], copied: Collection[TitleId]) -> RunReport:
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


def _held_by(repository: TitleRepository) -> _Held:
    held = _Held({}, {})
    for imdb_id, fetched_at, details in repository.versions():
        held.moments[imdb_id] = fetched_at
        if details:
            held.details[imdb_id] = details
    return held


def _holders_of(imdb_id: TitleId, held: Mapping[str, _Held]) -> dict[_Part, list[str]]:
    """Give the repositories that hold the newest version of each part of a title."""
    moments: dict[_Part, dict[str, datetime]] = {}
    for name, known in held.items():
        for part, moment in known.parts_of(imdb_id):
            moments.setdefault(part, {})[name] = moment
    newest = {part: max(by_name.values()) for part, by_name in moments.items()}
    return {
        part: [name for name, moment in by_name.items() if moment == newest[part]]
        for part, by_name in moments.items()
    }


def _part_of(title: Title | None, part: _Part) -> Title | Detail | None:
    if title is None or not title.details:
        return title if part is None else None
    if part is None:
        return replace(title, details=())
    return next((detail for detail in title.details if detail.name is part), None)


def _well_held(found: Differences, names: Sequence[str]) -> dict[str, list[TitleId]]:
    """Which of the titles each repository had in their newest version before."""
    lacking: dict[str, set[TitleId]] = {name: set() for name in names}
    for (_, to), ids in found.copies.items():
        for name in to:
            lacking[name].update(ids)
    return {name: [i for i in found.ids if i not in lacking[name]] for name in names}
