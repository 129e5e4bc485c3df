"""The dataset files that IMDb publishes, and the account of their import.

What the files have is described at https://developer.imdb.com/non-commercial-datasets/.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from domain.errors import DatasetsUnusable


class DatasetName(StrEnum):
    """The files by the first two parts of their names, ``<name>.tsv.gz``."""

    TITLE_BASICS = "title.basics"
    TITLE_RATINGS = "title.ratings"
    TITLE_PRINCIPALS = "title.principals"
    TITLE_AKAS = "title.akas"
    TITLE_CREW = "title.crew"
    TITLE_EPISODE = "title.episode"
    NAME_BASICS = "name.basics"

    @property
    def is_of_titles(self) -> bool:
        """Whether each of its rows is about a title, so that a choice of titles cuts it."""
        return self is not DatasetName.NAME_BASICS


@dataclass(frozen=True, slots=True)
class DatasetFilter:
    """Which titles are imported: those of these kinds, with so many votes at least.

    ``kinds`` are IMDb's ids (``movie``, ``tvSeries``, ...), ``min_votes`` a number of votes;
    nothing of either means all. Rows about people are never left out.
    """

    min_votes: int | None = None
    kinds: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.min_votes is not None or bool(self.kinds)

    @property
    def rests_on(self) -> tuple[DatasetName, ...]:
        """The files that say which titles these are."""
        votes = (DatasetName.TITLE_RATINGS,) if self.min_votes is not None else ()
        return (DatasetName.TITLE_BASICS, *votes) if self else ()

    def __str__(self) -> str:
        votes = [] if self.min_votes is None else [f"min_votes={self.min_votes}"]
        kinds = [f"kinds={','.join(sorted(set(self.kinds)))}"] if self.kinds else []
        return " ".join(votes + kinds)


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """A file on this machine, packed or not.

    ``etag`` is what the server called it; ``modified_at`` (with a time zone) is when its facts were
    written down, as far as is known: the server's time of the file, or this machine's.
    """

    name: DatasetName
    path: Path
    modified_at: datetime
    etag: str | None = None


def check_choice(names: Collection[DatasetName], choice: DatasetFilter) -> None:
    """Raise `DatasetsUnusable` when a choice of titles rests on files that are not imported."""
    missing = [name.value for name in choice.rests_on if name not in names]
    if missing and any(name.is_of_titles for name in names):
        needed = "both" if len(missing) > 1 else "it"
        raise DatasetsUnusable(
            f"{choice}: which titles these are is looked up in {' and '.join(missing)}: import"
            f" {needed}, too (--only)"
        )


class ImportOutcome(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    SKIPPED = "unchanged"
    """It is the file that was imported last, with the same choice of titles."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAccount:
    """The account of one file, in rows, without its header line.

    ``lines`` = ``loaded`` + ``filtered`` + ``rejected``, of this import, or of the one before for a
    file that was skipped. The loaded rows are ``inserted``, ``updated`` or ``unchanged``;
    ``removed`` are rows that an earlier file had. ``unknown_titles`` and ``unknown_names`` count
    ids in the loaded rows which title.basics or name.basics does not have (``None``: not
    counted, or that is not imported): such rows are kept.
    """

    name: DatasetName
    outcome: ImportOutcome
    lines: int = 0
    loaded: int = 0
    filtered: int = 0
    rejected: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    unknown_titles: int | None = None
    unknown_names: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The accounts of all files that were asked for, in the order of `DatasetName`.

    ``seconds`` is how long it took, without the download.
    """

    files: Sequence[FileAccount]
    seconds: float

    @property
    def is_complete(self) -> bool:
        """Whether no file has failed; rejected rows are accounted for, and no failure."""
        return all(account.outcome is not ImportOutcome.FAILED for account in self.files)
