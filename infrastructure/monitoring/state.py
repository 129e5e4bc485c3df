"""What is looked up when somebody asks for the metrics: the state of the run and the machine."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import psutil
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from domain.run import RunOutcome, RunReport
from shared.stages import StageClock

logger = logging.getLogger(__name__)


class HostState(Protocol):
    """How fast a host may be asked now, in requests a second, and whether it is left alone."""

    @property
    def netloc(self) -> str:
        """Its name and port."""

    @property
    def rate(self) -> float:
        """What is allowed now; infinite without a limit."""

    @property
    def limit(self) -> float:
        """What is allowed without trouble; infinite without a limit."""

    @property
    def is_open(self) -> bool:
        """Whether its circuit is open."""


class RepositoryState(Protocol):
    """Titles that wait to be saved in a repository."""

    @property
    def queued(self) -> int:
        """Not sent to it yet."""

    @property
    def lag(self) -> int:
        """Handed over, and not saved."""


class FetchState(Protocol):
    """How busy the threads are that fetch."""

    @property
    def threads(self) -> int:
        """How many there may be."""

    @property
    def busy(self) -> int:
        """How many are fetching now."""

    @property
    def waiting(self) -> int:
        """Titles that no thread has been given yet."""


class SourceState(Protocol):
    """The sources of a run: a `Chain`."""

    @property
    def circuits(self) -> Mapping[str, bool]:
        """Whether the circuit of each is open."""


class SaveState(Protocol):
    """The repositories of a run: a `CompositeSave`."""

    @property
    def loads(self) -> Mapping[str, RepositoryState]:
        """What each has to do."""


class RunState(NamedTuple):
    """The parts of a run whose state is looked up."""

    fetching: FetchState
    saving: SaveState
    sources: SourceState


class StateCollector(Collector):
    """Makes metrics of what is so at the moment when they are asked for.

    Any thread may call it; a lock guards what is watched. What is not known, such as the time of
    the last successful run before there was one, has no value. The last run, and the last client of
    each source, are remembered when they have ended: their last state is that of the program.
    """

    def __init__(self, output_dir: Path, stages: StageClock | None) -> None:
        self._output_dir = output_dir
        self._stages = stages
        self._lock = threading.Lock()
        self._hosts: dict[str, Callable[[], Sequence[HostState]]] = {}
        self._run: RunState | None = None
        self._report: RunReport | None = None
        self._succeeded_at: float | None = None

    def watch_hosts(self, source: str, hosts: Callable[[], Sequence[HostState]]) -> None:
        """Look up a source's hosts by ``hosts`` from now on."""
        with self._lock:
            self._hosts[source] = hosts

    def watch_run(self, run: RunState) -> None:
        """Look up this run from now on."""
        with self._lock:
            self._run = run

    def keep(self, report: RunReport) -> None:
        """Keep the account of the run that has finished last."""
        with self._lock:
            self._report = report
            if report.outcome is RunOutcome.COMPLETE:
                self._succeeded_at = report.finished_at.timestamp()

    def collect(self) -> Iterator[Metric]:
        """Give every family, also those that have no value now."""
        with self._lock:
            hosts, run = dict(self._hosts), self._run
            report, succeeded_at = self._report, self._succeeded_at
        yield from _of_hosts(hosts)
        yield from _of_run(run)
        yield from _of_report(report, succeeded_at)
        yield from _of_stages(self._stages)
        yield from _of_machine(self._output_dir)


def _of_hosts(hosts: Mapping[str, Callable[[], Sequence[HostState]]]) -> Iterator[Metric]:
    labels = ["source", "host"]
    rate = GaugeMetricFamily(
        "imdb_throttle_requests_per_second",
        "Requests a second that a host may be sent now; infinite without a limit.",
        labels=labels,
    )
    limit = GaugeMetricFamily(
        "imdb_throttle_limit_requests_per_second",
        "Requests a second that a host may be sent when it is not in trouble.",
        labels=labels,
    )
    circuit = GaugeMetricFamily(
        "imdb_host_circuit_open",
        "1 while a host is left alone because it fails again and again.",
        labels=labels,
    )
    for source, states in hosts.items():
        for host in states():
            rate.add_metric([source, host.netloc], host.rate)
            limit.add_metric([source, host.netloc], host.limit)
            circuit.add_metric([source, host.netloc], float(host.is_open))
    yield from (rate, limit, circuit)


def _of_run(run: RunState | None) -> Iterator[Metric]:
    circuit = GaugeMetricFamily(
        "imdb_source_circuit_open",
        "1 while a source is given up: it blocks us, or cannot be reached.",
        labels=["source"],
    )
    threads = GaugeMetricFamily("imdb_fetch_threads", "Threads that fetch.")
    busy = GaugeMetricFamily("imdb_fetch_threads_busy", "Threads that fetch something now.")
    waiting = GaugeMetricFamily(
        "imdb_fetch_queue_titles", "Titles, or people, that no thread has been given yet."
    )
    queued = GaugeMetricFamily(
        "imdb_save_queue_titles",
        "Titles, or people, that were handed to a repository and not sent yet.",
        labels=["repository"],
    )
    lag = GaugeMetricFamily(
        "imdb_repository_lag_titles",
        "Titles, or people, that were fetched and are not saved in a repository.",
        labels=["repository"],
    )
    if run is not None:
        for name, is_open in run.sources.circuits.items():
            circuit.add_metric([name], float(is_open))
        threads.add_metric([], run.fetching.threads)
        busy.add_metric([], run.fetching.busy)
        waiting.add_metric([], run.fetching.waiting)
        for name, load in run.saving.loads.items():
            queued.add_metric([name], load.queued)
            lag.add_metric([name], load.lag)
    yield from (circuit, threads, busy, waiting, queued, lag)


def _of_report(report: RunReport | None, succeeded_at: float | None) -> Iterator[Metric]:
    finished = GaugeMetricFamily(
        "imdb_run_last_finished_timestamp_seconds", "When the last run finished (Unix time)."
    )
    success = GaugeMetricFamily(
        "imdb_run_last_success_timestamp_seconds",
        "When the last run finished that saved all it was asked for (Unix time).",
    )
    seconds = GaugeMetricFamily("imdb_run_last_seconds", "How long the last run took.")
    titles = GaugeMetricFamily(
        "imdb_run_last_titles", "Titles, or people, of the last run.", labels=["state"]
    )
    missing = GaugeMetricFamily(
        "imdb_run_last_missing_titles",
        "Titles, or people, that the last run was asked for and a repository does not have.",
        labels=["repository"],
    )
    if succeeded_at is not None:
        success.add_metric([], succeeded_at)
    if report is not None:
        finished.add_metric([], report.finished_at.timestamp())
        seconds.add_metric([], report.seconds)
        for state, count in (
            ("asked", report.asked),
            ("already_saved", report.already_saved),
            ("fetched", report.fetched),
            ("failed", len(report.failures)),
            ("not_tried", len(report.not_tried)),
        ):
            titles.add_metric([state], count)
        for repository in report.repositories:
            missing.add_metric([repository.name], report.asked - repository.saved)
    yield from (finished, success, seconds, titles, missing)


def _of_stages(clock: StageClock | None) -> Iterator[Metric]:
    wall = SummaryMetricFamily(
        "imdb_stage_seconds",
        "Seconds in each stage (network, unpack, decode, build, save ...), of all threads.",
        labels=["stage"],
    )
    cpu = CounterMetricFamily(
        "imdb_stage_cpu_seconds", "Seconds of the CPU in each stage.", labels=["stage"]
    )
    for stage, time in (clock.times() if clock is not None else {}).items():
        wall.add_metric([stage], time.calls, time.wall_seconds)
        cpu.add_metric([stage], time.cpu_seconds)
    yield from (wall, cpu)


def _of_machine(output_dir: Path) -> Iterator[Metric]:
    free = GaugeMetricFamily("imdb_disk_free_bytes", "Room left on the disk of OUTPUT_DIR.")
    total = GaugeMetricFamily("imdb_disk_total_bytes", "Size of the disk of OUTPUT_DIR.")
    try:
        usage = shutil.disk_usage(_existing(output_dir))
    except OSError as error:
        logger.debug("the disk of %s cannot be looked at: %s", output_dir, error)
    else:
        free.add_metric([], usage.free)
        total.add_metric([], usage.total)
    received = CounterMetricFamily(
        "imdb_network_received_bytes", "Bytes that this machine, or container, has received."
    )
    sent = CounterMetricFamily(
        "imdb_network_sent_bytes", "Bytes that this machine, or container, has sent."
    )
    if (network := psutil.net_io_counters()) is not None:
        received.add_metric([], network.bytes_recv)
        sent.add_metric([], network.bytes_sent)
    yield from (free, total, received, sent)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there: a run has yet to make it."""
    absolute = folder.absolute()
    return next((path for path in (absolute, *absolute.parents) if path.exists()), absolute)
