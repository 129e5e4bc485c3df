"""``kill -9`` of an import of dataset files at any moment: the old rows whole, or the new ones.

A few moments by default; ``KILLS=100`` for as many as one likes.
"""

import gzip
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic_datasets import Sizes, write_datasets
from tests.databases import drop_database, new_database, rows_of
from tests.e2e.program import run, start
from tests.faults.row import PROPERTY, Row
from tests.faults.test_kills import KILLS

FILES = {
    "title.basics": "tconst, title_type, primary_title, original_title, is_adult::int, start_year,"
    " end_year, runtime_minutes, genres",
    "name.basics": "*",
    "title.principals": "*",
    "title.ratings": "*",
}
"""The columns of each file's table as the file has them."""
OLD, NEW = Sizes.of(1_000), Sizes.of(8_000)

_Lines = dict[str, Counter[str]]


def lines_of(files: dict[str, Path]) -> _Lines:
    """How often each line is in each file, without the headers."""
    texts = {name: gzip.decompress(files[name].read_bytes()).decode() for name in FILES}
    return {name: Counter(text.splitlines()[1:]) for name, text in texts.items()}


_AS_LINE = """
    SELECT array_to_string(ARRAY(SELECT value FROM json_each_text(to_json(r))), E'\\t', '\\N')
    FROM (SELECT {columns} FROM imdb_datasets.{table}) r
"""


def lines_held(url: str) -> _Lines:
    """The same of the rows in the tables."""
    held = {}
    for name, columns in FILES.items():
        query = _AS_LINE.format(columns=columns, table=name.replace(".", "_"))
        held[name] = Counter(line for (line,) in rows_of(url, query))
    return held


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files with a few titles, and with more."""
    old, new = tmp_path_factory.mktemp("old"), tmp_path_factory.mktemp("new")
    write_datasets(old, OLD)
    write_datasets(new, NEW)
    return old, new


def command(folder: Path) -> tuple[str, ...]:
    return ("datasets", "import", "--dir", str(folder), "--only", ",".join(FILES))


def killed_import(tmp_path: Path, folder: Path, server: str, old: Path, seconds: float) -> str:
    """The database where an import was killed; one that had ended is done again, killed sooner."""
    url = new_database(server)
    assert run(tmp_path, *command(old), database_url=url).status == 0
    with start(tmp_path, *command(folder), database_url=url) as process:
        time.sleep(seconds)  # the moment is what is tested: any will do
        process.kill()
        process.communicate(timeout=60)
    if process.returncode == -signal.SIGKILL:
        return url
    drop_database(server, url)
    return killed_import(tmp_path, folder, server, old, seconds / 2)


@pytest.mark.parametrize("number", range(KILLS))
def test_an_import_killed_at_any_moment_is_done_by_the_next(
    postgres_server: str,
    tmp_path: Path,
    folders: tuple[Path, Path],
    record_property: Any,
    number: int,
) -> None:
    old, new = folders
    before, after = (lines_of({n: f / f"{n}.tsv.gz" for n in FILES}) for f in folders)
    seconds = random.Random(number).uniform(0, 4)
    url = killed_import(tmp_path, new, postgres_server, old, seconds)
    try:
        assert lines_held(url) in (before, after)
        while "another import" in (result := run(tmp_path, *command(new), database_url=url)).err:
            pass  # PostgreSQL takes a moment to notice that the killed one is gone
        assert result.status == 0, result.out + result.err
        held = lines_held(url)
    finally:
        drop_database(postgres_server, url)
    asked, saved = (sum(map(Counter.total, lines.values())) for lines in (after, held))
    row = Row(
        section="import", fault="`kill -9` at a random moment, the same command",
        asked=asked, saved=saved, failed=0, not_tried=0, missing=0,
        lost=sum((after[name] - held[name]).total() for name in FILES),
        doubled=sum(n - 1 for lines in held.values() for n in lines.values()),
        wrong=sum((held[name] - after[name]).total() for name in FILES),
        status="killed, then 0",
    )  # fmt: skip
    record_property(PROPERTY, row.as_json())
    assert (row.lost, row.doubled, row.wrong) == (0, 0, 0)
