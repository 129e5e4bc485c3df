"""What was measured, kept in a file, so that tables and plots can be made again without a run."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.measured_process import ROOT
from benchmarks.race import Result

RESULTS_FILE = ROOT / "output" / "benchmarks" / "results.json"


@dataclass(slots=True)
class Race:
    """Contestants over the same work; ``results`` are by name, in the order of the tables."""

    titles: int
    delay_ms: int
    results: dict[str, Result]
    tls: bool = False


@dataclass(slots=True)
class Parts:
    """CPU seconds of a run of so many titles, by part of the work; they add up to the whole.

    ``parts`` is empty when the program could not say, and ``why`` has the reason.
    """

    titles: int
    parts: dict[str, float] = field(default_factory=dict)
    why: str | None = None


@dataclass(slots=True)
class MemoryCurve:
    """Resident memory of a run, all its processes together: (seconds from its start, bytes)."""

    titles: int
    delay_ms: int
    samples: list[tuple[float, int]]


@dataclass(slots=True)
class Results:
    """Everything that ``make bench`` measures; a part that was not measured is empty."""

    machine: dict[str, str]
    page_bytes: int
    reading: dict[str, float] = field(default_factory=dict)
    """Median CPU seconds of reading one page, by way."""
    systems: list[Race] = field(default_factory=list)
    strategies: list[Race] = field(default_factory=list)
    stages: dict[str, Parts] = field(default_factory=dict)
    memory: dict[str, MemoryCurve] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    """What benchmarks with limits of their own have printed, by part."""

    def race(self, delay_ms: int, *, tls: bool = False) -> Race | None:
        """The race of the systems under these conditions, or ``None``."""
        for race in self.systems:
            if (race.delay_ms, race.tls) == (delay_ms, tls):
                return race
        return None


def write_results(results: Results, path: Path) -> None:
    """Keep results in a file. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


def read_results(path: Path) -> Results:
    """Read kept results. Raises `OSError`, and `msgspec.DecodeError` when it is no such file."""
    return msgspec.json.decode(path.read_bytes(), type=Results)
