"""The command for people: a run, and who was found."""

import threading
from collections.abc import Sequence

from application.guarded_observer import GuardedObserver
from application.ports import RunObserver
from domain.identifiers import NameId
from domain.person_profile import PersonProfile
from domain.run import PEOPLE
from domain.title import Title
from infrastructure.cli.exit_status import OF_OUTCOME
from infrastructure.cli.interruption import stop_on_signals
from infrastructure.cli.progress import RunCounts, observed
from infrastructure.cli.runs import tell_of
from infrastructure.container import new_run, open_metrics, open_people
from shared.config import Settings
from shared.log_context import note_run, run_log

SHOWN = 20
"""So many people are shown; all are in the files and tables."""


@run_log()
def scrape_people(settings: Settings, ids: Sequence[NameId], rejected: Sequence[str]) -> int:
    """Fetch and save people, show them, report; give the exit status.

    ``rejected`` has what the user named and is nobody. Raises `InvalidConfiguration` when no chosen
    source gives people.
    """
    run = new_run(settings, PEOPLE)
    note_run(run.run_id)
    stop = threading.Event()
    with stop_on_signals(stop):
        with (
            open_metrics(settings) as metrics,
            observed(RunCounts(), lines_only=settings.log_format == "json") as shown,
        ):
            observer = _FirstPeople(shown)
            with open_people(settings, observer, stop, metrics) as people:
                # What the end needs is loaded now, while the first answer is on its way.
                from infrastructure.cli.people_table import print_people
                from infrastructure.cli.summary import SummaryConsole

                report = people.execute(ids, run, rejected=rejected)
            if metrics is not None:
                metrics.finished(report)
        print_people(SummaryConsole(), observer.people, report)
        tell_of(report, settings)
    return OF_OUTCOME[report.outcome]


class _FirstPeople(GuardedObserver):
    """Keeps the first people who are fetched, to be shown. Told by the run's thread."""

    def __init__(self, observer: RunObserver) -> None:
        super().__init__(observer)
        self.people: list[PersonProfile] = []

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        if isinstance(item, PersonProfile) and len(self.people) < SHOWN:
            self.people.append(item)
        super().fetched(item, seconds)
