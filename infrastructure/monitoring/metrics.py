"""Every metric of the program, in one registry. Names and units follow Prometheus' practice.

docs/monitoring.md describes each of them; a test compares the two.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder

from application.detail_fetcher import UnexpectedFailure
from application.ports import BatchResult
from domain.errors import (
    InvalidTitle,
    PageChanged,
    PersonNotFound,
    RobotsDisallowed,
    SourceBlocked,
    SourceUnavailable,
    TitleNotFound,
)
from domain.run import RunOutcome, RunReport
from infrastructure.monitoring.state import (
    FetchState,
    HostState,
    RunState,
    SaveState,
    SourceState,
    StateCollector,
)
from infrastructure.monitoring.traffic import SourceTraffic
from shared.stages import StageClock

_FETCH_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: a page takes a tenth of one to several, and a time-out ten."""

_SERVE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds: an answer from an index takes milliseconds."""

_FORESEEN = (
    SourceUnavailable,
    SourceBlocked,
    RobotsDisallowed,
    TitleNotFound,
    PersonNotFound,
    PageChanged,
    InvalidTitle,
    UnexpectedFailure,
)
"""Failures whose counts begin with 0: Prometheus sees no rise in a count that begins with 5."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""The methods that have a label of their own: a client may send any word for one."""


class Metrics:
    """The metrics of this process, in a registry of its own.

    Any number of threads may call every method. What happens often is counted through children
    that are looked up once (`traffic_of`); what merely is so (threads busy, rates, circuits, the
    disk of ``output_dir``) is looked up when somebody asks for the metrics, and costs nothing else.
    ``stages`` is where the times of stages come from.
    """

    def __init__(self, output_dir: Path, stages: StageClock | None = None) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._state = StateCollector(output_dir, stages)
        registry.register(self._state)
        self._make_source_metrics(registry)
        self._make_run_metrics(registry)
        self._make_server_metrics(registry)

    def _make_source_metrics(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "imdb_source_requests",
            "Requests to sources, by the status of the answer (error: no whole answer).",
            ["source", "route", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "imdb_source_request_seconds",
            "Seconds from a request's turn to the end of its answer.",
            ["source"],
            buckets=_FETCH_BUCKETS,
            registry=registry,
        )
        self._received = Counter(
            "imdb_source_received_bytes",
            "Bytes of answers' bodies, as they came over the wire.",
            ["source"],
            registry=registry,
        )
        self._cache = Counter(
            "imdb_http_cache_lookups",
            "Look-ups of pages in the HTTP cache: hits were not asked for again.",
            ["result"],
            registry=registry,
        )
        self._cache_children = {name: self._cache.labels(name) for name in ("hits", "misses")}

    def _make_run_metrics(self, registry: CollectorRegistry) -> None:
        self._fetched = Counter(
            "imdb_titles_fetched",
            "Titles, or people, that were fetched and read.",
            ["source"],
            registry=registry,
        )
        self._fetch_seconds = Histogram(
            "imdb_title_fetch_seconds",
            "Seconds from asking for a title to its facts, with waiting and further tries.",
            buckets=_FETCH_BUCKETS,
            registry=registry,
        )
        self._failures = Counter(
            "imdb_title_failures",
            "Titles, or people, that could not be fetched or read.",
            ["reason"],
            registry=registry,
        )
        for error in _FORESEEN:
            self._failures.labels(error.reason)
        self._saved = Counter(
            "imdb_titles_saved",
            "Titles, or people, by what a repository did with them.",
            ["repository", "result"],
            registry=registry,
        )
        self._runs = Counter(
            "imdb_runs", "Runs that have finished.", ["outcome"], registry=registry
        )
        for outcome in RunOutcome:
            self._runs.labels(outcome.value)

    def _make_server_metrics(self, registry: CollectorRegistry) -> None:
        self._served_seconds = Histogram(
            "imdb_http_server_request_duration_seconds",
            "Seconds from a request to the program's API to the end of the answer.",
            ["method", "route", "status"],
            buckets=_SERVE_BUCKETS,
            registry=registry,
        )
        self.serving = Gauge(
            "imdb_http_server_requests_in_progress",
            "Requests to the program's API that are being answered.",
            registry=registry,
        )
        self._answer_cache = Counter(
            "imdb_http_server_cache_lookups",
            "Look-ups in the API's cache of answers.",
            ["result"],
            registry=registry,
        )
        self._answer_cache_hit = self._answer_cache.labels("hits")
        self._answer_cache_miss = self._answer_cache.labels("misses")
        self._answer_cache_failures = Counter(
            "imdb_http_server_cache_failures",
            "Failures of Redis to keep or to give answers of the API.",
            registry=registry,
        )
        self._answer_cache_bytes = Gauge(
            "imdb_http_server_cache_bytes",
            "Memory that kept answers of the API take in this process.",
            registry=registry,
        )

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Give all metrics as a body and its ``Content-Type``, in a format that is accepted."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def traffic_of(self, source: str) -> SourceTraffic:
        """What a source's HTTP client tells of its requests, to be kept by the client."""
        self._fetched.labels(source)  # begins with 0, as failures do
        return SourceTraffic(
            source,
            self._requests,
            self._request_seconds.labels(source),
            self._received.labels(source),
        )

    def cache_counted(self, what: str) -> None:
        """Count a look-up in the HTTP cache: ``hits`` or ``misses``; nothing else is counted."""
        if (child := self._cache_children.get(what)) is not None:
            child.inc()

    def watch_hosts(self, source: str, hosts: Callable[[], Sequence[HostState]]) -> None:
        """Look up how a source's hosts are, from now on, by ``hosts``, which any thread calls."""
        self._state.watch_hosts(source, hosts)

    def watch_run(self, fetching: FetchState, saving: SaveState, sources: SourceState) -> None:
        """Look up how the run is, from now on, in its parts; the run before is forgotten."""
        self._state.watch_run(RunState(fetching, saving, sources))

    def fetched(self, source: str, seconds: float) -> None:
        """Count a title, or person, that was fetched in so many seconds."""
        self._fetched.labels(source).inc()
        self._fetch_seconds.observe(seconds)

    def failed(self, reason: str) -> None:
        """Count one that could not be fetched or read."""
        self._failures.labels(reason).inc()

    def saved(self, repository: str, result: BatchResult) -> None:
        """Count what a repository did with a batch."""
        for name, titles in (
            ("inserted", result.inserted),
            ("updated", result.updated),
            ("unchanged", result.unchanged),
            ("refused", len(result.refused)),
        ):
            self._saved.labels(repository, name).inc(titles)

    def finished(self, report: RunReport) -> None:
        """Keep the account of a run."""
        self._runs.labels(report.outcome.value).inc()
        self._state.keep(report)

    def answer_looked_up(self, *, hit: bool) -> None:
        """Count a look-up in the API's cache of answers."""
        (self._answer_cache_hit if hit else self._answer_cache_miss).inc()

    def answer_cache_failed(self) -> None:
        """Count a failure of Redis, without which answers go on."""
        self._answer_cache_failures.inc()

    def watch_answer_cache(self, bytes_held: Callable[[], float]) -> None:
        """Look up how much memory kept answers take, from now on."""
        self._answer_cache_bytes.set_function(bytes_held)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer of the API; ``route`` is its template, never the path that was asked."""
        known = method if method in METHODS else "other"
        self._served_seconds.labels(known, route, str(status)).observe(seconds)
