"""The errors of the domain, grouped by what a caller does next.

::

    ScraperError
    ├── InvalidConfiguration     before any work: correct the settings
    ├── InvalidSearch            before any work: search for something else
    │   ├── InvalidFilter        before any work: one or more filters are wrong
    │   └── InvalidCursor        before any work: begin again at the first page
    ├── InvalidSelection         before any work: ask for other titles, columns or an order
    ├── ExportFailed             what was to be written cannot be: the message says what to do
    ├── SourceError              try later, or another source
    │   ├── SourceUnavailable    unreachable, timed out, or answered with an error
    │   ├── SourceBlocked        answered with a challenge or a captcha: it refuses us
    │   ├── SourceLeftAlone      another worker was refused, or found it away: not asked
    │   ├── RobotsDisallowed     the site's robots.txt asks robots not to read the page
    │   └── RunStopped           the run was being stopped before the source had answered
    ├── TitleError               count it and go on with the next title, or person
    │   ├── TitleNotFound        there is no such title (or this source does not have it)
    │   ├── PersonNotFound       there is no such person (or this source does not have them)
    │   ├── ChartNotFound        this source does not have the chart
    │   ├── ListNotFound         there is no such list, or not for everybody
    │   ├── PageChanged          the page no longer has what we read
    │   └── InvalidTitle         a fact breaks a rule of the domain
    ├── RepositoryUnavailable    this repository cannot store anything now; the others go on
    ├── CacheUnavailable         pages cannot be kept now; a run goes on without
    ├── QueueUnavailable         batches cannot be handed to workers now; they stay noted
    ├── SpillUnavailable         titles cannot wait for their repository: count them as missing
    ├── UnknownRun               no repository knows a run of this id
    ├── RunAtWork                another program is at work on the run
    ├── AnotherRunAtWork         this process does one run at a time: wait for it, or cancel it
    ├── NotRunningHere           a run that is not at work in this process cannot be cancelled here
    ├── NotDistributed           only a run that workers do can be paused
    ├── RunIsOver                a run that has ended can be neither paused nor continued
    ├── TooManyWatchers          this process shows runs to as many as it can: try later
    ├── ShuttingDown             this process takes no new runs any more
    ├── DatasetDamaged           a dataset file cannot be imported: get it again
    ├── DatasetsUnusable         no dataset file can be imported as asked: the message says why
    ├── NoHistory                what was asked for has never been seen: say what is missing
    ├── NoTitles                 nothing is saved that could be shown or written
    └── NothingToDo              there is no run to continue, or nothing left to fetch
"""

from collections.abc import Sequence


class ScraperError(Exception):
    """Base of every error that the project raises on purpose; ``str()`` is for the user to read."""

    reason = "error"
    """Short machine-readable name, used in reports and in the ``failures`` table."""

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error cross to another process, which an ``__init__`` of one's own prevents."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[ScraperError], arguments: tuple[object, ...], fields: dict[str, object]
) -> ScraperError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(fields)
    return error


class InvalidConfiguration(ScraperError):
    """One or more settings are wrong. ``problems`` has one readable line for each of them."""

    reason = "invalid_configuration"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class InvalidSearch(ScraperError):
    """What is searched for cannot be found by anybody; the message says why."""

    reason = "invalid_search"


class InvalidFilter(InvalidSearch):
    """One or more filters are wrong. ``problems`` has one readable line for each of them."""

    reason = "invalid_filter"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class InvalidCursor(InvalidSearch):
    """What says where the next page begins cannot be read, or belongs to another order."""

    reason = "invalid_cursor"


class InvalidSelection(ScraperError):
    """A filter, an order or columns of titles cannot be understood; the message shows where."""

    reason = "invalid_selection"


class ExportFailed(ScraperError):
    """What was to be written cannot be: a missing library, a file that is in the way."""

    reason = "export_failed"


class SourceError(ScraperError):
    """A source gave no answer that we can use: try later, or another source."""

    reason = "source_error"


class SourceUnavailable(SourceError):
    """A source could not be reached, timed out, or answered with an error.

    ``hopeless`` is true when asking it for more titles in this run is pointless: the host has
    never answered, or it wants to be left alone for longer than we wait.
    """

    reason = "unavailable"

    def __init__(self, url: str, cause: str, *, hopeless: bool = False) -> None:
        self.url = url
        self.cause = cause
        self.hopeless = hopeless
        super().__init__(f"{url}: {cause}")


class SourceBlocked(SourceError):
    """A source answered with a bot challenge or a captcha. We report it and never solve it."""

    reason = "blocked"

    def __init__(self, url: str, how: str) -> None:
        self.url = url
        self.how = how
        super().__init__(f"{url}: blocked ({how})")


class SourceLeftAlone(SourceError):
    """A source was not asked: others have found it away, or were refused, a moment ago."""

    reason = "left_alone"

    def __init__(self, source: str) -> None:
        super().__init__(f"source {source} is left alone for now: it is away, or refuses us")


class RobotsDisallowed(SourceError):
    """The site's robots.txt asks programs like this one not to read a page, and we do not."""

    reason = "robots"

    def __init__(self, url: str, robots_url: str, user_agent: str) -> None:
        self.url = url
        self.robots_url = robots_url
        super().__init__(
            f"{url}: {robots_url} asks {user_agent} not to read it (ROBOTS=ignore reads it all the "
            "same: your decision)"
        )


class RunStopped(SourceError):
    """The run was being stopped before the source had answered: it is no failure of the source."""

    reason = "stopped"

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(f"{url}: no answer yet when the run was stopped")


class TitleError(ScraperError):
    """One title, or person, cannot be had; every other one is unharmed."""

    reason = "title_error"


class TitleNotFound(TitleError):
    """The source has no such title."""

    reason = "not_found"

    def __init__(self, imdb_id: str, where: str) -> None:
        self.imdb_id = imdb_id
        self.where = where
        super().__init__(f"{imdb_id}: not found at {where}")


class PersonNotFound(TitleError):
    """The source has no such person."""

    reason = "person_not_found"

    def __init__(self, imdb_id: str, where: str) -> None:
        self.imdb_id = imdb_id
        self.where = where
        super().__init__(f"{imdb_id}: no such person at {where}")


class ChartNotFound(TitleError):
    """The source does not have the chart."""

    reason = "chart_not_found"

    def __init__(self, chart: str, where: str) -> None:
        self.chart = chart
        self.where = where
        super().__init__(f"chart {chart}: not found at {where}")


class ListNotFound(TitleError):
    """There is no such list of titles, or its owner keeps it to themselves."""

    reason = "list_not_found"

    def __init__(self, list_id: str, where: str) -> None:
        self.list_id = list_id
        self.where = where
        super().__init__(f"list {list_id}: there is none, or it is private, at {where}")


class PageChanged(TitleError):
    """A page does not have what we read. ``field`` names what is missing or of another shape."""

    reason = "page_changed"

    def __init__(self, url: str, field: str, detail: str = "missing") -> None:
        self.url = url
        self.field = field
        self.detail = detail
        super().__init__(f"{url}: {field}: {detail}")


class InvalidTitle(TitleError):
    """A fact breaks a rule of the domain. ``field`` and ``value`` say which one."""

    reason = "invalid_title"

    def __init__(self, field: str, value: object, rule: str, *, imdb_id: str | None = None) -> None:
        self.field = field
        self.value = value
        self.rule = rule
        self.imdb_id = imdb_id
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        prefix = f"{imdb_id}: " if imdb_id else ""
        super().__init__(f"{prefix}{field} {shown}: {rule}")


class RepositoryUnavailable(ScraperError):
    """A repository cannot store anything now.

    ``transient`` says whether trying again in a moment can help (a restarting database), or not (a
    wrong password). ``may_pass`` says whether what worked before may work again later (a full
    disk): whatever is transient may pass.
    """

    reason = "repository_unavailable"

    def __init__(
        self, repository: str, cause: str, *, transient: bool = False, may_pass: bool = False
    ) -> None:
        self.repository = repository
        self.cause = cause
        self.transient = transient
        self.may_pass = transient or may_pass
        super().__init__(f"{repository}: {cause}")


class CacheUnavailable(ScraperError):
    """The HTTP cache cannot be used; the message says where it is, why, and what to do."""

    reason = "cache_unavailable"


class QueueUnavailable(ScraperError):
    """The broker of the workers cannot be reached; the message says where it is, and why."""

    reason = "queue_unavailable"


class SpillUnavailable(ScraperError):
    """Titles cannot wait for a repository that is away: there is no room, or they were lost."""

    reason = "spill_unavailable"


class UnknownRun(ScraperError):
    """No repository that could be asked knows a run of this id."""

    reason = "unknown_run"

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"no run {run_id} is known: `python main.py runs` shows those that are")


class RunAtWork(ScraperError):
    """Another program is at work on the run: nothing was started."""

    reason = "run_at_work"

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"another program is at work on run {run_id}: let it finish first")


class AnotherRunAtWork(ScraperError):
    """This process is at work on a run, and does one at a time: nothing was started.

    ``run_id`` is ``None`` while the other one is still being looked up.
    """

    reason = "another_run_at_work"

    def __init__(self, run_id: str | None) -> None:
        self.run_id = run_id
        other = "another run is being started" if run_id is None else f"run {run_id} is at work"
        super().__init__(f"{other}, and there is one at a time: wait for its end, or cancel it")


class NotRunningHere(ScraperError):
    """A run that is to be cancelled is not at work in this process: nothing was done."""

    reason = "not_running_here"

    def __init__(self, run_id: str, *, at_work: bool) -> None:
        self.run_id = run_id
        where = "another program is at work on it: stop it there" if at_work else "it is over"
        super().__init__(f"run {run_id} cannot be cancelled here: {where}")


class NotDistributed(ScraperError):
    """A run that one program does is to be paused or to go on: nothing was done."""

    reason = "not_distributed"

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(
            f"run {run_id} is not done by workers: it can be cancelled and resumed, not paused"
        )


class RunIsOver(ScraperError):
    """A run that is to be paused or to go on has ended, or is about to: nothing was done."""

    reason = "run_is_over"

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id} is cancelled or over: it neither pauses nor goes on")


class TooManyWatchers(ScraperError):
    """Runs of this process are watched by as many as it can serve."""

    reason = "too_many_watchers"

    def __init__(self, most: int) -> None:
        super().__init__(f"runs are watched by {most} already: try again later")


class ShuttingDown(ScraperError):
    """This process is about to end, and starts no runs any more."""

    reason = "shutting_down"

    def __init__(self) -> None:
        super().__init__("the service is shutting down: start the run when it is up again")


class DatasetDamaged(ScraperError):
    """A dataset file is missing, cut short, or not what its name says; ``path`` is where it is.

    Nothing of it has replaced what an earlier file brought.
    """

    reason = "dataset_damaged"

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        super().__init__(f"{path}: {what}")


class DatasetsUnusable(ScraperError):
    """Nothing can be imported as asked; the message says why, and what to do."""

    reason = "datasets_unusable"


class NoHistory(ScraperError):
    """Nothing was kept of what was asked for over time; the message says what to do."""

    reason = "no_history"


class NoTitles(ScraperError):
    """No titles are held where they were looked for; the message says what to do."""

    reason = "no_titles"


class NothingToDo(ScraperError):
    """What was asked for is done already; the message says why."""

    reason = "nothing_to_do"


class JobFailed(ScraperError):
    """A job of the schedule could not be done; the message says why."""

    reason = "job_failed"


class JobStopped(ScraperError):
    """A job of the schedule has ended early, as it was asked to."""

    reason = "job_stopped"

    def __init__(self) -> None:
        super().__init__("it was stopped")
