"""Running the real program under a fault: its exit status, what it said, its peak memory."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.program import ROOT, environment

_LAUNCHER = ROOT / "benchmarks" / "launcher.py"
"""Stands between, as a program is charged with the memory of the process that starts it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the program ended. ``output`` has both its streams, ``peak_bytes`` its own memory."""

    status: int
    output: str
    peak_bytes: int


def run_program(
    folder: Path, *arguments: str, time_limit_seconds: int = 120, **settings: object
) -> Ended:
    """Run ``python main.py`` in a folder, with its output in ``output`` there, to its end.

    One that takes longer than the limit is killed, which its status then says (-9).
    """
    log = folder / "log"
    given = {"output_dir": folder / "output"} | settings
    done = subprocess.run(
        [
            sys.executable, "-I", "-S", str(_LAUNCHER), str(log), str(time_limit_seconds),
            sys.executable, str(ROOT / "main.py"), *arguments,
        ],
        cwd=folder, env=environment(**given), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    status, _, _, peak_kilobytes = done.stdout.splitlines()[-1].split()
    return Ended(int(status), log.read_text("utf-8"), int(peak_kilobytes) * 1024)
