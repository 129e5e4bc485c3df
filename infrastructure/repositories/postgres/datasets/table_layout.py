"""How the files and the tables belong together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.datasets import DatasetName

SCHEMA = "imdb_datasets"
LOADING = "imdb_datasets_loading"
"""Where tables are loaded; what is there when an import begins was left by one that was killed."""
ROWS = "imdb_datasets_rows"
"""Where the partitions are that hold the rows of the tables in `SCHEMA`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One file and its table.

    ``header`` has the names in the file, ``columns`` those in the table, in the same order. ``key``
    are the columns that tell rows apart. ``indexes`` are columns with an index of their own.
    ``titles`` and ``names`` are columns with ids that title.basics and name.basics should have.
    ``ids`` are columns that hold ids as numbers (`id_numbers`), with the letters before the digits;
    then ``held_as`` is the table, and a view of the file's name gives the ids as texts.
    """

    name: DatasetName
    header: tuple[str, ...]
    columns: tuple[str, ...]
    key: tuple[str, ...]
    indexes: tuple[str, ...] = ()
    titles: tuple[str, ...] = ("tconst",)
    names: tuple[str, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    held_as: str = ""

    @property
    def table(self) -> str:
        """The table's name, in whichever schema."""
        return self.held_as or self.name.value.replace(".", "_")

    @property
    def facts(self) -> tuple[str, ...]:
        """The columns that are no part of the key."""
        return tuple(column for column in self.columns if column not in self.key)

    def as_text(self, column: str, row: str) -> str:
        """The SQL that gives a column of ``row``, an id that is held as a number as a text."""
        if column not in self.ids:
            return f"{row}.{column}"
        return f"'{self.ids[column]}' || right({row}.{column}::text, -1)"

    def shown(self, column: str) -> str:
        """A column's name for whoever knows the file's: of a number that of the id."""
        return self.header[self.columns.index(column)] if column in self.ids else column


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            DatasetName.TITLE_BASICS,
            ("tconst", "titleType", "primaryTitle", "originalTitle", "isAdult", "startYear",
             "endYear", "runtimeMinutes", "genres"),
            ("tconst", "title_type", "primary_title", "original_title", "is_adult", "start_year",
             "end_year", "runtime_minutes", "genres"),
            key=("tconst",),
            titles=(),
        ),
        Layout(
            DatasetName.TITLE_RATINGS,
            ("tconst", "averageRating", "numVotes"),
            ("tconst", "average_rating", "num_votes"),
            key=("tconst",),
            indexes=("num_votes",),
        ),
        Layout(
            DatasetName.TITLE_PRINCIPALS,
            ("tconst", "ordering", "nconst", "category", "job", "characters"),
            ("title_number", "ordering", "person_number", "category", "job", "characters"),
            key=("title_number", "ordering"),
            indexes=("person_number",),
            titles=("title_number",),
            names=("person_number",),
            ids={"title_number": "tt", "person_number": "nm"},
            held_as="principals",
        ),
        Layout(
            DatasetName.TITLE_AKAS,
            ("titleId", "ordering", "title", "region", "language", "types", "attributes",
             "isOriginalTitle"),
            ("title_id", "ordering", "title", "region", "language", "types", "attributes",
             "is_original_title"),
            key=("title_id", "ordering"),
            titles=("title_id",),
        ),
        Layout(
            DatasetName.TITLE_CREW,
            ("tconst", "directors", "writers"),
            ("tconst", "directors", "writers"),
            key=("tconst",),
        ),
        Layout(
            DatasetName.TITLE_EPISODE,
            ("tconst", "parentTconst", "seasonNumber", "episodeNumber"),
            ("tconst", "parent_tconst", "season_number", "episode_number"),
            key=("tconst",),
            indexes=("parent_tconst",),
            titles=("tconst", "parent_tconst"),
        ),
        Layout(
            DatasetName.NAME_BASICS,
            ("nconst", "primaryName", "birthYear", "deathYear", "primaryProfession",
             "knownForTitles"),
            ("nconst", "primary_name", "birth_year", "death_year", "primary_profession",
             "known_for_titles"),
            key=("nconst",),
            titles=(),
        ),
    )
}  # fmt: skip
"""Every file, by its name."""
