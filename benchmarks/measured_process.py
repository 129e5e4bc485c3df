"""Runs a command to its end and says what it cost."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TIME_LIMIT_SECONDS = 600
"""A command that takes longer is killed."""

_LINES_SHOWN = 15


class CommandFailed(Exception):
    """A command ended with another exit status than 0; the message has the end of its output."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process cost, with its start and its imports.

    ``cpu_seconds`` is user and system time, ``peak_bytes`` the largest resident memory.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def run_measured(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path
) -> Cost:
    """Run a command in ``folder``, its output going to ``log``. Raises `CommandFailed`.

    The peak cannot be told from one below the memory of the calling process, which a new process
    shares until it executes its program (Linux carries the figure over): callers should be small.
    """
    started = time.perf_counter()
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        limit = threading.Timer(TIME_LIMIT_SECONDS, process.kill)
        limit.start()
        # Unlike `getrusage`, this counts one child, and not all of them up to now.
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - started
        limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_SHOWN:]
        shown = "\n".join(lines)
        raise CommandFailed(f"{' '.join(command)} ended with {process.returncode}:\n{shown}")
    return Cost(wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
