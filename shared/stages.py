"""Where the time of a run goes, by stage: what ``--profile`` and the benchmarks measure with.

The code says where a stage begins and ends (``with stage("unpack"):``). That costs next to nothing
until somebody measures.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

NETWORK = "network"
"""Asking, waiting for the answer, and reading its packed body."""
UNPACK = "unpack"
DECODE = "decode"
"""Finding the JSON of a page and decoding it into our types."""
BUILD = "build"
"""Making a checked `Title` of what was decoded."""
IN_PROCESSES = "parse in processes"
"""Waiting for another process that unpacks, decodes and builds (``PARSE_PROCESSES``)."""
SAVE = "save"
"""Saving a batch; the repository's name follows: ``save csv``."""

_NOBODY_MEASURES: AbstractContextManager[None] = nullcontext()


@dataclass(slots=True)
class StageTime:
    """What a stage took in all, without the stages inside it.

    ``wall_seconds`` adds up over threads, so that it can exceed the time of the run;
    ``cpu_seconds`` is the CPU time of the threads that were in the stage.
    """

    calls: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0


class StageClock:
    """Adds up the time of stages. Any number of threads may be in any stage at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, StageTime] = {}
        self._of_thread = threading.local()

    def times(self) -> dict[str, StageTime]:
        """What was measured until now, by stage; a stage that nobody entered is not in it."""
        with self._lock:
            return {
                name: StageTime(time.calls, time.wall_seconds, time.cpu_seconds)
                for name, time in self._times.items()
            }

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Count the block for this stage, and not for the one that it stands in."""
        outer: StageTime | None = getattr(self._of_thread, "inner", None)
        inner = self._of_thread.inner = StageTime()
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
            self._of_thread.inner = outer
            if outer is not None:
                outer.wall_seconds += wall
                outer.cpu_seconds += cpu
            self._add(name, wall - inner.wall_seconds, cpu - inner.cpu_seconds)

    def _add(self, name: str, wall_seconds: float, cpu_seconds: float) -> None:
        with self._lock:
            entry = self._times.setdefault(name, StageTime())
            entry.calls += 1
            entry.wall_seconds += wall_seconds
            entry.cpu_seconds += cpu_seconds


_clock: StageClock | None = None


def stage(name: str) -> AbstractContextManager[None]:
    """Mark a block as a stage: it is measured while a `measured_stages` block is open."""
    return _NOBODY_MEASURES if _clock is None else _clock.measure(name)


@contextmanager
def watched_stages() -> Iterator[StageClock]:
    """Give the clock of the `measured_stages` block that is open, or else measure until the end.

    For who wants to look on without taking the measurements of another away.
    """
    if _clock is not None:
        yield _clock
        return
    with measured_stages() as clock:
        yield clock


@contextmanager
def measured_stages() -> Iterator[StageClock]:
    """Measure the stages of all threads of this process until the end of the block.

    For one block at a time: an inner one takes the place of the outer until it ends.
    """
    global _clock  # noqa: PLW0603 - like a logger: the stages are deep inside, and everywhere
    before = _clock
    _clock = clock = StageClock()
    try:
        yield clock
    finally:
        _clock = before
