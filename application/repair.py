"""Bring the repositories level: copy from the one that has a title with the newer facts."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from application.composite_save import CompositeSave
from application.copying import COPIED_TITLES, copy_titles, titles_of
from application.ports import TitleRepository
from application.scrape_titles import utc_now
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.run import Run, RunOutcome, RunReport
from domain.title import Title

Progress = Callable[[str, int, int], None]
"""Is told what is being done, how many titles are done, and how many there are."""

_Moments = dict[TitleId, datetime]


@dataclass(slots=True)
class Differences:
    """In what the repositories differ.

    ``missing`` and ``older`` have, by repository, the titles that it lacks or has older facts of.
    ``differing`` has those of which it has other facts, or has them from elsewhere, than the first
    repository has them from the same moment. ``titles`` is the number held by any.
    """

    titles: int = 0
    missing: dict[str, list[TitleId]] = field(default_factory=dict)
    older: dict[str, list[TitleId]] = field(default_factory=dict)
    differing: dict[str, list[TitleId]] = field(default_factory=dict)
    copies: dict[tuple[str, tuple[str, ...]], list[TitleId]] = field(default_factory=dict)
    """What to do about it: the titles by the repository to copy from, and those to copy to."""

    @property
    def ids(self) -> list[TitleId]:
        """The titles that are not the same everywhere."""
        return [imdb_id for ids in self.copies.values() for imdb_id in ids]

    @property
    def count(self) -> int:
        """How many titles are not the same everywhere."""
        return sum(map(len, self.copies.values()))


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
        moments = self._save.ask(_moments_of)
        self._refuse_without(moments)
        ids = sorted(set().union(*moments.values()))
        found = Differences(titles=len(ids))
        for start in range(0, len(ids), COPIED_TITLES):
            self._tell("compared", start, len(ids))
            if self._stop.is_set():
                break
            self._compare_some(ids[start : start + COPIED_TITLES], moments, found)
        return found

    def level(self, found: Differences, run: Run) -> RunReport:
        """Copy what is newest to where it is not; give the account, as a run of its own.

        The run asks for the titles that were not the same everywhere, all of which are saved
        already. Those that it did not get to, or that can no longer be read, it has not tried.
        """
        self._save.begin_run(run, None, found.ids)
        copied: set[TitleId] = set()
        for done in self._copied(found, run):
            copied.update(done)
            self._tell("copied", len(copied), found.count)
            if self._stop.is_set():
                break
        self._save.note_before(copied, _well_held(found, self._save.names))
        return self._finish(run, found.ids, copied)

    def _copied(self, found: Differences, run: Run) -> Iterator[list[TitleId]]:
        for (source, targets), ids in found.copies.items():
            yield from copy_titles(self._save, run, ids, source=source, to=targets)

    def _compare_some(
        self, ids: Sequence[TitleId], moments: Mapping[str, _Moments], found: Differences
    ) -> None:
        newest = {i: max(held[i] for held in moments.values() if i in held) for i in ids}
        holders = {
            i: [name for name, held in moments.items() if held.get(i) == newest[i]] for i in ids
        }
        facts = self._facts_of([i for i in ids if len(holders[i]) > 1])
        for imdb_id in ids:
            source, *others = holders[imdb_id]
            for name, held in moments.items():
                if imdb_id not in held:
                    found.missing.setdefault(name, []).append(imdb_id)
                elif name not in holders[imdb_id]:
                    found.older.setdefault(name, []).append(imdb_id)
            differing = [
                name for name in others if facts[name].get(imdb_id) != facts[source].get(imdb_id)
            ]
            for name in differing:
                found.differing.setdefault(name, []).append(imdb_id)
            behind = {*(moments.keys() - {source, *others}), *differing}
            if behind:
                to = tuple(name for name in moments if name in behind)
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


def _moments_of(repository: TitleRepository) -> _Moments:
    return {version.imdb_id: version.fetched_at for version in repository.versions()}


def _well_held(found: Differences, names: Sequence[str]) -> dict[str, list[TitleId]]:
    """Which of the titles each repository had in their newest version before."""
    return {
        name: [i for (_, to), ids in found.copies.items() if name not in to for i in ids]
        for name in names
    }
