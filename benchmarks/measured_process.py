"""Runs a command to its end and says what it cost."""

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder of the project, where benchmarks start their programs."""

TIME_LIMIT_SECONDS = 600
"""A command that takes longer is killed."""

_SLOWS_PYTHON = frozenset({"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"})
"""Variables without which all are measured: a program's second start is what counts."""

_LAUNCHER = Path(__file__).with_name("launcher.py")
_LINES_SHOWN = 15


class CommandFailed(Exception):
    """A command ended with another exit status than 0; the message has the end of its output."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process cost, with its start, its imports and the child processes it waited for.

    ``cpu_seconds`` is user and system time, ``peak_bytes`` the largest resident memory (of the
    largest process, where there are several).
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def run_measured(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    watch: Callable[[int], None] | None = None,
) -> Cost:
    """Run a command in ``folder``, its output going to ``log``. Raises `CommandFailed`.

    ``watch`` is called with the process's id, in a thread of its own, while the command runs.
    """
    # Isolated and without the site module: the launcher is to be small (it says why).
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(log), str(TIME_LIMIT_SECONDS)]
    with subprocess.Popen(
        [*launcher, *command],
        cwd=folder,
        env={name: value for name, value in environment.items() if name not in _SLOWS_PYTHON},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        started = process.stdout.readline()
        watching = _watched(watch, started)
        account = process.stdout.readline().split()
        if watching:
            watching.join()
    if len(account) != 4:
        raise CommandFailed(f"{command[0]} could not be started")
    status, wall_seconds, cpu_seconds, peak_kilobytes = account
    if status != "0":
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_SHOWN:]
        shown = "\n".join(lines)
        raise CommandFailed(f"{' '.join(command)} ended with {status}:\n{shown}")
    return Cost(float(wall_seconds), float(cpu_seconds), int(peak_kilobytes) * 1024)


def _watched(watch: Callable[[int], None] | None, process_id: str) -> threading.Thread | None:
    if watch is None or not process_id:
        return None
    thread = threading.Thread(target=watch, args=(int(process_id),))
    thread.start()
    return thread
