"""What a system is asked to do, given to it in the settings of the program."""

import os
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_SECONDS = 30
"""How long a system waits for an answer; none is that late."""


@dataclass(frozen=True, slots=True)
class Job:
    """Fetch ``limit`` titles of the Top 250 from a site, and save them in a folder and a database.

    ``threads`` is how many requests may be under way at once.
    """

    site_url: str
    database_url: str
    folder: Path
    limit: int
    threads: int

    @property
    def chart_url(self) -> str:
        """Address of the chart page."""
        return f"{self.site_url}/chart/top/"

    def title_url(self, imdb_id: str) -> str:
        """Address of a title page."""
        return f"{self.site_url}/title/{imdb_id}/"


def job_from_environment() -> Job:
    """Read the job from the same variables as `python main.py`; raises `KeyError` without one."""
    return Job(
        site_url=os.environ["BASE_URL"],
        database_url=os.environ["DATABASE_URL"],
        folder=Path(os.environ["OUTPUT_DIR"]),
        limit=int(os.environ["LIMIT"]),
        threads=int(os.environ["MAX_THREADS"]),
    )
