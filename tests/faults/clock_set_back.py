"""The program with a clock that is an hour behind from the moment when a file appears.

``python clock_set_back.py FILE``
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

import application.scrape_titles as clock  # noqa: E402 - found by that path only
from infrastructure.cli.main import run  # noqa: E402

_SET_BACK = sys.argv[1]
_right_time = time.time


def _behind() -> int:
    return 3600 if os.path.exists(_SET_BACK) else 0  # noqa: PTH110 - asked again and again


def _time() -> float:
    return _right_time() - _behind()


def _utc_now() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=_behind())


if __name__ == "__main__":
    time.time = _time
    # Whoever has the function already has the new one, too.
    vars(clock)["_behind"] = _behind
    clock.utc_now.__code__ = _utc_now.__code__
    sys.exit(run([]))
