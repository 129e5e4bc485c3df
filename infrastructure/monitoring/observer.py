"""An observer that counts for the metrics what it hands on."""

from application.ports import BatchResult, RunObserver
from domain.person_profile import PersonProfile
from domain.run import Failure, Run
from domain.title import Title
from infrastructure.monitoring.metrics import Metrics


class MetricsObserver:
    """Counts what a run tells, and hands it on to another observer; as thread-safe as that is."""

    def __init__(self, metrics: Metrics, observer: RunObserver) -> None:
        self._metrics = metrics
        self._observer = observer

    def started(self, run: Run, asked: int | None) -> None:
        """Hand it on."""
        self._observer.started(run, asked)

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        """Count it by its source."""
        self._metrics.fetched(item.provenance.source, seconds)
        self._observer.fetched(item, seconds)

    def failed(self, failure: Failure) -> None:
        """Count it by its reason."""
        self._metrics.failed(failure.reason)
        self._observer.failed(failure)

    def saved(self, repository: str, result: BatchResult) -> None:
        """Count the titles by what the repository did with them."""
        self._metrics.saved(repository, result)
        self._observer.saved(repository, result)

    def notice(self, message: str) -> None:
        """Hand it on."""
        self._observer.notice(message)
