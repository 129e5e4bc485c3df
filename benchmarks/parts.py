"""The parts of ``make bench``: each measures one thing, on a site of its own."""

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from benchmarks.contestants import OURS, REFERENCE, STAGED, STRATEGIES, SYSTEMS, Contestant
from benchmarks.measured_process import ROOT, CommandFailed
from benchmarks.race import Course, race
from benchmarks.replica import Workload, demo_site, new_authority
from benchmarks.results import MemoryCurve, Parts, Race
from infrastructure.repositories.postgres.embedded import embedded_postgres

STAGES_VARIABLE = "BENCHMARK_STAGES"
STAGES_NAME = "stages.json"
"""The variable that has a strategy measure its stages, and the file in its output folder."""

REMEMBERED = (
    "scrapy, parsel, orjson",
    "50 threads, session, orjson",
    "aiohttp, orjson",
    OURS.name,
    REFERENCE.name,
)
"""The systems whose memory is drawn: those whose runs are of a like length."""

_SAMPLE_SECONDS = 0.05
_SLOW_RUN_SECONDS = 80
_OWN_SECONDS = 0.01
"""About what a page costs a sequential strategy, on top of the delay."""


@dataclass(frozen=True, slots=True)
class Heat:
    """Systems that run over the same work, and how often each of them; the delay in ms."""

    delay_ms: int
    entries: Mapping[Contestant, int]
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where everything is measured: the weight of the pages, a database server, a folder."""

    page_bytes: int
    server_url: str
    folder: Path

    @contextmanager
    def course(self, titles: int, delay_ms: int, *, tls: bool = False) -> Iterator[Course]:
        """Start a site of so many titles; it is gone at the end of the block."""
        authority = new_authority(self.folder) if tls else None
        workload = Workload(titles, delay_ms / 1000, self.page_bytes)
        with demo_site(workload, authority) as site_url:
            yield Course(site_url, self.server_url, self.folder, authority)


@contextmanager
def open_workshop(page_bytes: int) -> Iterator[Workshop]:
    """Start a PostgreSQL server, which is gone at the end of the block, with all that it held."""
    with (
        tempfile.TemporaryDirectory(prefix="imdb-benchmark-") as folder,
        embedded_postgres(Path(folder) / "postgres") as server_url,
    ):
        yield Workshop(page_bytes, server_url, Path(folder))


class _Stages(msgspec.Struct):
    stages: dict[str, dict[str, float]]
    process_cpu_seconds: float
    titles: int


def measure_systems(workshop: Workshop, titles: int, heats: Sequence[Heat]) -> list[Race]:
    """Each heat, one after the other."""
    races = []
    for heat in heats:
        how = " over TLS" if heat.tls else ""
        print(f"  {titles} titles, {heat.delay_ms} ms{how}", flush=True)
        with workshop.course(titles, heat.delay_ms, tls=heat.tls) as course:
            results = race(course, heat.entries, titles)
        races.append(Race(titles, heat.delay_ms, results, heat.tls))
    return races


def measure_strategies(workshop: Workshop, grid: Mapping[int, Sequence[int]]) -> list[Race]:
    """All strategies, once at each point; ``grid`` has the numbers of titles by delay in ms."""
    races = []
    for delay_ms, lengths in grid.items():
        with workshop.course(max(lengths), delay_ms) as course:
            for titles in lengths:
                print(f"  {titles} titles, {delay_ms} ms", flush=True)
                entries = {c: 1 for c in STRATEGIES if _affordable(c, titles, delay_ms)}
                races.append(Race(titles, delay_ms, race(course, entries, titles)))
    return races


def _affordable(contestant: Contestant, titles: int, delay_ms: int) -> bool:
    seconds = titles * (delay_ms / 1000 + _OWN_SECONDS)
    return not contestant.slow or seconds <= _SLOW_RUN_SECONDS


def measure_stages(workshop: Workshop, titles: int, delay_ms: int, rounds: int) -> dict[str, Parts]:
    """Where the CPU time of the strategies goes that have all of it in one process."""
    measured = {}
    with workshop.course(titles, delay_ms) as course:
        for contestant in STAGED:
            parts = _parts(course, contestant, titles, 1 if contestant.slow else rounds)
            measured[contestant.name] = parts
            print(f"    {contestant.name}: {parts.why or _in_words(parts)}", flush=True)
    return measured


def _in_words(parts: Parts) -> str:
    per_title = {name: 1000 * seconds / parts.titles for name, seconds in parts.parts.items()}
    return ", ".join(f"{name} {milliseconds:.2f} ms" for name, milliseconds in per_title.items())


def _parts(course: Course, contestant: Contestant, titles: int, rounds: int) -> Parts:
    """Start-up is what a run of one title costs, network what is left when all else is taken."""
    try:
        whole = _median_cpu(course, contestant, titles, rounds)
        start = _median_cpu(course, contestant, 1, rounds)
        stages = _staged_run(course, contestant, titles)
    except (CommandFailed, OSError, msgspec.DecodeError) as error:
        return Parts(titles, why=str(error).splitlines()[-1])
    parts = {name: _cpu_of(stages, name) for name in ("unpack", "decode", "build", "save")}
    network = whole - start - sum(parts.values())
    return Parts(titles, {"start-up": start, "network": network, **parts})


def _median_cpu(course: Course, contestant: Contestant, titles: int, rounds: int) -> float:
    return statistics.median(course.run(contestant, titles).cpu_seconds for _ in range(rounds))


def _cpu_of(stages: _Stages, name: str) -> float:
    """Of a stage, and of those that are named after it: ``save csv`` is saving."""
    return sum(
        spent["cpu_seconds"]
        for stage, spent in stages.stages.items()
        if stage == name or stage.startswith(f"{name} ")
    )


def _staged_run(course: Course, contestant: Contestant, titles: int) -> _Stages:
    """Run once more with the stages measured; the run itself is slower for it and not timed.

    Raises `CommandFailed` when the program knows no such thing, `OSError` or `msgspec.DecodeError`
    when it leaves no account.
    """
    kept: list[_Stages] = []

    def look(output: Path) -> None:
        file = output / "profile" / "stages.json" if contestant is OURS else output / STAGES_NAME
        kept.append(msgspec.json.decode(file.read_bytes(), type=_Stages))

    course.run(
        contestant,
        titles,
        arguments=["--profile"] if contestant is OURS else [],
        environment={} if contestant is OURS else {STAGES_VARIABLE: STAGES_NAME},
        look=look,
    )
    return kept[0]


def measure_memory(workshop: Workshop, titles: int, delay_ms: int) -> dict[str, MemoryCurve]:
    """Resident memory over time of systems whose runs are of a like length."""
    curves = {}
    with workshop.course(titles, delay_ms) as course:
        for contestant in SYSTEMS:
            if contestant.name in REMEMBERED:
                samples: list[tuple[float, int]] = []
                try:
                    course.run(contestant, titles, watch=_sampler(samples))
                except CommandFailed as error:
                    print(f"    {contestant.name}: failed: {error}", flush=True)
                    continue
                curves[contestant.name] = MemoryCurve(titles, delay_ms, samples)
                highest = max(resident for _, resident in samples)
                print(f"    {contestant.name}: up to {highest / 1e6:.0f} MB", flush=True)
    return curves


def printed_by(command: str) -> str:
    """What a benchmark that has limits of its own prints, whether they are met or not.

    ``command`` is its module and its options. Raises `CommandFailed` when it prints nothing.
    """
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.strip():
        raise CommandFailed(f"{command} printed nothing:\n{done.stderr}")
    print(done.stdout, flush=True)
    return done.stdout.rstrip()


def _sampler(samples: list[tuple[float, int]]) -> Callable[[int], None]:
    def sample(process_id: int) -> None:
        started = time.perf_counter()
        pause = threading.Event()
        try:
            process = psutil.Process(process_id)
            while process.status() != psutil.STATUS_ZOMBIE:
                family = [process, *process.children(recursive=True)]
                resident = sum(member.memory_info().rss for member in family)
                if resident:  # a process that is just ending has none
                    samples.append((time.perf_counter() - started, resident))
                pause.wait(_SAMPLE_SECONDS)
        except psutil.NoSuchProcess:
            return

    return sample
