"""Fetch again what failed in an earlier run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from application.composite_save import CompositeSave
from application.run_history import RunHistory
from application.scrape_titles import ScrapeTitles
from domain.errors import NothingToDo, RepositoryUnavailable, UnknownRun
from domain.identifiers import TitleId
from domain.run import Failure, Run, RunReport

NOT_FOUND = "not_found"
"""The reason of titles that no source has: asking again is rarely of use."""


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run and the titles that it could not fetch."""

    run: Run
    failures: tuple[Failure, ...]


class RetryFailures:
    """Fetches the titles that failed in a run, as a run of its own; which, says `RetryPlan`.

    Used by one thread, once; ``save`` is an open `CompositeSave`.
    """

    def __init__(self, save: CompositeSave, scrape_titles: ScrapeTitles) -> None:
        self._plan = RetryPlan(save)
        self._scrape_titles = scrape_titles

    def execute(
        self,
        run: Run,
        *,
        of: str | None,
        with_not_found: bool,
        reported: FailedRun | None,
        begun: Callable[[Run], None] = lambda run: None,
    ) -> RunReport:
        """Fetch what `RetryPlan.make` says; ``begun`` is told the run when there is something."""
        run, wanted = self._plan.make(run, of=of, with_not_found=with_not_found, reported=reported)
        begun(run)
        return self._scrape_titles.execute(wanted, run)


class RetryPlan:
    """Says which titles that failed in a run are to be fetched again.

    What a repository refused is not, as it would be refused again; nor are people, who are simply
    named again. Used by one thread; ``save`` is an open `CompositeSave`.
    """

    def __init__(self, save: CompositeSave) -> None:
        self._save = save
        self._history = RunHistory(save)

    def make(
        self, run: Run, *, of: str | None, with_not_found: bool, reported: FailedRun | None
    ) -> tuple[Run, Sequence[TitleId]]:
        """Give what failed in the run ``of``, or in the newest one that had failures.

        And ``run``, with the details that the other one was begun with besides its own.
        Left out are titles that every repository has got since, and, unless ``with_not_found``,
        those that were not found. ``reported`` is the run of the report file: it is taken when no
        repository knows what failed. Raises `NothingToDo`, `UnknownRun` or
        `RepositoryUnavailable`.
        """
        failed = self._failed_run(of, reported)
        ids = self._still_missing(failed)
        wanted = [
            TitleId(failure.imdb_id) for failure in failed.failures
            if failure.imdb_id in ids and (with_not_found or failure.reason != NOT_FOUND)
        ]  # fmt: skip
        if not wanted:
            raise NothingToDo(_why_nothing(failed, len(ids)))
        details = dict.fromkeys((*failed.run.details, *run.details))
        return replace(run, details=tuple(details)), wanted

    def _failed_run(self, run_id: str | None, reported: FailedRun | None) -> FailedRun:
        fits = (
            reported is not None
            and run_id in {None, reported.run.run_id}
            and not reported.run.is_about_people
        )
        try:
            found = self._newest() if run_id is None else self._named(run_id)
        except (UnknownRun, RepositoryUnavailable):
            if not fits:
                raise
            found = None
        if found is not None and found.failures:
            return found
        if reported is not None and fits and reported.failures:
            return reported
        if found is None:
            self._history.need_all()
            raise NothingToDo("no run that is known had titles that failed")
        return found

    def _newest(self) -> FailedRun | None:
        failed = (r for r in self._history.latest() if r.failed and not r.at_work)
        newest = next((record for record in failed if not record.run.is_about_people), None)
        return None if newest is None else self._with_failures(newest.run)

    def _named(self, run_id: str) -> FailedRun:
        run = self._history.named(run_id).run
        if run.is_about_people:
            raise NothingToDo(f"run {run_id} was about people: name those again that failed")
        return self._with_failures(run)

    def _with_failures(self, run: Run) -> FailedRun:
        answers = self._history.ask(lambda repository: repository.failures_of(run.run_id))
        by_id = {failure.imdb_id: failure for found in answers.values() for failure in found}
        return FailedRun(run, tuple(by_id.values()))

    def _still_missing(self, failed: FailedRun) -> frozenset[TitleId]:
        ids = frozenset(TitleId(failure.imdb_id) for failure in failed.failures)
        # Details are not what failed.
        plain = replace(failed.run, details=())
        held = self._save.ask(lambda repository: repository.held_since(ids, plain))
        return ids - frozenset.intersection(*held.values()) if held else ids


def _why_nothing(failed: FailedRun, missing: int) -> str:
    run_id = failed.run.run_id
    if not failed.failures:
        return f"no title failed in run {run_id}"
    if not missing:
        return f"every title that failed in run {run_id} has been saved since"
    return f"what failed in run {run_id} ({missing}) is not found anywhere: --all asks again"
