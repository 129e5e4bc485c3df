"""``--profile``: where the time of a run goes, by stage and by function."""

import ctypes
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from shared.stages import StageTime, measured_stages

logger = logging.getLogger(__name__)

STAGES_NAME = "stages.json"
SAMPLES_NAME = "samples.svg"

_SAMPLES_PER_SECOND = 100
_SECONDS_TO_WRITE = 60
_PR_SET_PTRACER = 0x59616D61
"""Linux's ``prctl`` option for who may trace this process (Documentation/admin-guide/LSM/Yama)."""
_ANYBODY = -1


@dataclass(slots=True)
class Profile:
    """What a run cost: seconds of the clock and of the CPU, in all and by stage.

    ``startup_cpu_seconds`` is what the process had used when the measuring began: starting Python,
    importing, reading the settings. ``stages`` is filled when the measuring ends.
    """

    startup_cpu_seconds: float
    process_cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    stages: dict[str, StageTime] = field(default_factory=dict)

    @property
    def other_cpu_seconds(self) -> float:
        """What no stage accounts for: handing things from thread to thread, counting, showing."""
        staged = sum(stage.cpu_seconds for stage in self.stages.values())
        return self.process_cpu_seconds - self.startup_cpu_seconds - staged


@contextmanager
def profiled(folder: Path) -> Iterator[Profile]:
    """Measure the stages of the block, and sample its functions into ``samples.svg``.

    Without permission to sample (or without py-spy) a warning says so, and the stages remain.
    Raises `OSError` when the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    profile = Profile(startup_cpu_seconds=time.process_time())
    began = time.perf_counter()
    with _sampled(folder / SAMPLES_NAME), measured_stages() as clock:
        yield profile
        profile.wall_seconds = time.perf_counter() - began
        profile.process_cpu_seconds = time.process_time()
        profile.stages = clock.times()


def write_stages(profile: Profile, titles: int, folder: Path) -> Path:
    """Write ``stages.json``; give its path. Raises `OSError`."""
    path = folder / STAGES_NAME
    content = {"titles": titles} | asdict(profile)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def print_profile(console: Console, profile: Profile, titles: int, folder: Path) -> None:
    """Print what each stage cost, and where the files are."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("stage")
    for name in ("calls", "CPU s", "share of CPU", "CPU ms/title", "s in all threads"):
        table.add_column(name, justify="right")
    for name, stage in profile.stages.items():
        cells = _cost(stage.cpu_seconds, profile, titles)
        table.add_row(name, f"{stage.calls:,}", *cells, f"{stage.wall_seconds:.2f}")
    table.add_row("start-up", "", *_cost(profile.startup_cpu_seconds, profile, titles), "")
    table.add_row("other", "", *_cost(profile.other_cpu_seconds, profile, titles), "")
    table.add_row(
        "in all",
        "",
        *_cost(profile.process_cpu_seconds, profile, titles),
        f"{profile.wall_seconds:.2f} on the clock",
        style="bold",
    )
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    console.print(f"\n  profile: {folder / STAGES_NAME}", soft_wrap=True, highlight=False)
    if (folder / SAMPLES_NAME).exists():
        where = f"  samples: {folder / SAMPLES_NAME} (open it in a browser)"
        console.print(where, soft_wrap=True, highlight=False)
    console.print()


def _cost(seconds: float, profile: Profile, titles: int) -> tuple[str, str, str]:
    share = seconds / profile.process_cpu_seconds if profile.process_cpu_seconds else 0.0
    per_title = f"{1000 * seconds / titles:.2f}" if titles else ""
    return f"{seconds:.2f}", f"{share:.0%}", per_title


@contextmanager
def _sampled(target: Path) -> Iterator[None]:
    """Have py-spy look at this process a hundred times a second, and draw what it saw."""
    target.unlink(missing_ok=True)
    py_spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    if py_spy is None:
        logger.warning("no samples: py-spy is not installed beside %s", sys.executable)
        yield
        return
    _let_trace(_ANYBODY)
    # A session of its own: Ctrl-C ends the run in order, and the sampler after it. Nonblocking:
    # stopping fifty threads for each look would make the run three times as slow.
    with subprocess.Popen(  # noqa: S603 - our own arguments
        [py_spy, "record", "--pid", str(os.getpid()), "--output", str(target),
         "--format", "flamegraph", "--rate", str(_SAMPLES_PER_SECOND), "--nonblocking"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    ) as sampler:  # fmt: skip
        _let_trace(sampler.pid)
        try:
            yield
        finally:
            _finish(sampler, target)


def _finish(sampler: subprocess.Popen[str], target: Path) -> None:
    """Have the samples written; say why when they cannot be."""
    if sampler.poll() is None:
        sampler.send_signal(signal.SIGINT)
    try:
        _, said = sampler.communicate(timeout=_SECONDS_TO_WRITE)
    except subprocess.TimeoutExpired:
        sampler.kill()
        said = f"py-spy did not end within {_SECONDS_TO_WRITE} s"
    if not target.exists():
        reason = next((line for line in reversed(said.splitlines()) if line.strip()), "unknown")
        logger.warning("no samples: %s", reason.strip())


def _let_trace(process_id: int) -> None:
    """Let a process trace this one where Linux allows that to parents only (Yama's scope 1)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(process_id), 0, 0, 0)
