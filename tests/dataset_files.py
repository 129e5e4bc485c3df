"""Small dataset files, written by hand, and what an import has made of them."""

import gzip
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.datasets import DatasetFile, DatasetFilter, DatasetName, FileAccount
from infrastructure.repositories.postgres.datasets import DatasetTables
from tests.databases import rows_of

BASICS = DatasetName.TITLE_BASICS
RATINGS = DatasetName.TITLE_RATINGS
PRINCIPALS = DatasetName.TITLE_PRINCIPALS
EPISODE = DatasetName.TITLE_EPISODE
NAMES = DatasetName.NAME_BASICS
AKAS = DatasetName.TITLE_AKAS
CREW = DatasetName.TITLE_CREW

HEADERS = {
    BASICS: "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes "
    "genres",
    RATINGS: "tconst averageRating numVotes",
    PRINCIPALS: "tconst ordering nconst category job characters",
    AKAS: "titleId ordering title region language types attributes isOriginalTitle",
    CREW: "tconst directors writers",
    EPISODE: "tconst parentTconst seasonNumber episodeNumber",
    NAMES: "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
}
MADE_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NO_CHOICE = DatasetFilter()


def header(name: DatasetName) -> bytes:
    return HEADERS[name].replace(" ", "\t").encode()


def title_line(number: int, title: str = "A title", kind: str = "movie") -> bytes:
    return f"tt{number:07d}\t{kind}\t{title}\t{title}\t0\t1994\t\\N\t142\tDrama".encode()


def rating_line(number: int, votes: int, rating: str = "7.5") -> bytes:
    return f"tt{number:07d}\t{rating}\t{votes}".encode()


def principal_line(title: int, ordering: int, name: int) -> bytes:
    return f'tt{title:07d}\t{ordering}\tnm{name:07d}\tactor\t\\N\t["Andy"]'.encode()


def name_line(number: int, name: str = "Somebody") -> bytes:
    return f"nm{number:07d}\t{name}\t1958\t\\N\tactor,producer\ttt0000001".encode()


def content(name: DatasetName, lines: Iterable[bytes], end: bytes = b"\n") -> bytes:
    return b"".join(line + end for line in (header(name), *lines))


def write(folder: Path, name: DatasetName, lines: Iterable[bytes], end: bytes = b"\n") -> Path:
    """A packed file with these lines after its header."""
    return write_bytes(folder, name, content(name, lines, end))


def write_bytes(folder: Path, name: DatasetName, data: bytes) -> Path:
    path = folder / f"{name}.tsv.gz"
    path.write_bytes(gzip.compress(data, mtime=0))
    return path


def dataset_file(path: Path, modified_at: datetime = MADE_AT) -> DatasetFile:
    return DatasetFile(DatasetName(path.name.partition(".tsv")[0]), path, modified_at)


def import_into(
    url: str,
    *paths: Path,
    choice: DatasetFilter = NO_CHOICE,
    modified_at: datetime = MADE_AT,
    checks_ids: bool = False,
) -> list[FileAccount]:
    files = [dataset_file(path, modified_at) for path in paths]
    return DatasetTables(url).import_files(files, choice, lambda *_: None, checks_ids=checks_ids)


def table(url: str, name: DatasetName) -> list[tuple[Any, ...]]:
    """All rows, by their keys."""
    return rows_of(url, f"SELECT * FROM imdb_datasets.{name.replace('.', '_')} ORDER BY 1, 2")


def rejects(url: str) -> list[tuple[Any, ...]]:
    return rows_of(
        url, "SELECT file, line, reason, content FROM imdb_datasets.rejects ORDER BY file, line"
    )
