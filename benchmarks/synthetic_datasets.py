"""Dataset files of any size, as IMDb describes them: ``python -m benchmarks.synthetic_datasets``.

All values are invented, and the same for the same sizes. Their distributions are like those of the
real files: most titles are episodes, a third of the people have a birth year, half of the titles
have votes, five principals a title of which two have characters.
"""

import argparse
import gzip
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.options import whole_number

_LINES_AT_ONCE = 20_000
_KINDS = ("tvEpisode",) * 7 + ("movie", "short", "tvSeries", "video", "tvMovie", "tvMiniSeries")
_GENRES = ("Drama", "Comedy", "Talk-Show", "Documentary", "Romance", "News", "Family", "Crime")
_CATEGORIES = ("actor", "actress", "director", "writer", "producer", "composer", "self", "editor")
_PROFESSIONS = ("actor", "actress", "producer", "writer", "director", "composer", "soundtrack")
_WORDS = (
    "night", "return", "city", "of", "the", "last", "dream", "river", "episode", "winter", "glass",
    "house", "blue", "long", "secret", "king", "summer", "lost", "garden", "señor", "straße",
)  # fmt: skip

Value = str | int | float | None
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows each file has; a file without rows is not written."""

    titles: int = 1_000_000
    names: int = 1_000_000
    principals: int = 5_000_000
    ratings: int = 500_000
    crew: int = 0
    akas: int = 0
    episodes: int = 0

    @classmethod
    def of(cls, titles: int) -> "Sizes":
        """The same four files for so many titles."""
        return cls(titles, titles, 5 * titles, titles // 2)

    @classmethod
    def all_seven(cls, titles: int) -> "Sizes":
        """All files for so many titles."""
        return cls(titles, titles, 5 * titles, titles // 2, titles, titles, titles // 2)


@dataclass(frozen=True, slots=True)
class _File:
    header: str
    rows: int
    row: Callable[[random.Random, int, Sizes], Row]


def write_datasets(folder: Path, sizes: Sizes) -> dict[str, Path]:
    """Write the files that have rows, packed; give their paths by name (``title.basics``, ...)."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        name: _write(folder / f"{name}.tsv.gz", file.header, _lines(name, file, sizes))
        for name, file in _files(sizes).items()
        if file.rows
    }


def _files(sizes: Sizes) -> dict[str, _File]:
    return {
        "title.basics": _File(
            "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes "
            "genres",
            sizes.titles,
            _title,
        ),
        "name.basics": _File(
            "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
            sizes.names,
            _name,
        ),
        "title.principals": _File(
            "tconst ordering nconst category job characters", sizes.principals, _principal
        ),
        "title.ratings": _File("tconst averageRating numVotes", sizes.ratings, _rating),
        "title.crew": _File("tconst directors writers", sizes.crew, _crew),
        "title.akas": _File(
            "titleId ordering title region language types attributes isOriginalTitle",
            sizes.akas,
            _aka,
        ),
        "title.episode": _File(
            "tconst parentTconst seasonNumber episodeNumber", sizes.episodes, _episode
        ),
    }


def _write(path: Path, header: str, lines: Iterator[str]) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header.replace(" ", "\t").encode() + b"\n")
        while chunk := list(islice(lines, _LINES_AT_ONCE)):
            file.write("".join(chunk).encode())
    return path


def _lines(name: str, file: _File, sizes: Sizes) -> Iterator[str]:
    chance = random.Random(name)
    for number in range(file.rows):
        values = file.row(chance, number, sizes)
        yield "\t".join(r"\N" if value is None else str(value) for value in values) + "\n"


def title_of(number: int) -> str:
    """The id of a title by its number, from 0 on."""
    return f"tt{number + 1:07d}"


def name_of(number: int) -> str:
    """The id of a person by the number, from 0 on."""
    return f"nm{number + 1:07d}"


def _words(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randint(1, 5))).capitalize()


def _some(chance: random.Random, values: tuple[str, ...]) -> str:
    return ",".join(sorted(set(chance.choices(values, k=chance.randint(1, 3)))))


def _title(chance: random.Random, number: int, sizes: Sizes) -> Row:
    title = _words(chance)
    kind = chance.choice(_KINDS)
    year = chance.randint(1900, 2026)
    return (
        title_of(number),
        kind,
        title,
        title if chance.random() < 0.9 else _words(chance),
        0,
        year,
        year + 2 if kind == "tvSeries" and chance.random() < 0.5 else None,
        chance.randint(1, 180) if chance.random() < 0.4 else None,
        _some(chance, _GENRES),
    )


def _name(chance: random.Random, number: int, sizes: Sizes) -> Row:
    born = chance.randint(1880, 2010) if chance.random() < 0.33 else None
    died = born + chance.randint(20, 90) if born is not None and chance.random() < 0.4 else None
    known = [title_of(chance.randrange(sizes.titles)) for _ in range(chance.randint(1, 4))]
    name = f"{_words(chance)} {number}"
    return name_of(number), name, born, died, _some(chance, _PROFESSIONS), ",".join(known)


def _principal(chance: random.Random, number: int, sizes: Sizes) -> Row:
    each = max(1, sizes.principals // sizes.titles)
    title = min(number // each, sizes.titles - 1)
    category = chance.choice(_CATEGORIES)
    return (
        title_of(title),
        number - title * each + 1,
        name_of(chance.randrange(sizes.names)),
        category,
        "written by" if category == "writer" and chance.random() < 0.3 else None,
        f'["{_words(chance)}"]' if category in {"actor", "actress"} else None,
    )


def _rating(chance: random.Random, number: int, sizes: Sizes) -> Row:
    votes = int(5 * chance.paretovariate(0.7)) % 3_000_000 + 5
    title = number * sizes.titles // sizes.ratings
    return title_of(title), chance.randint(10, 100) / 10, votes


def _crew(chance: random.Random, number: int, sizes: Sizes) -> Row:
    def people(most: int) -> str | None:
        ids = {name_of(chance.randrange(sizes.names)) for _ in range(chance.randint(0, most))}
        return ",".join(sorted(ids)) or None

    return title_of(number), people(2), people(3)


def _aka(chance: random.Random, number: int, sizes: Sizes) -> Row:
    title = number * sizes.titles // sizes.akas
    region = chance.choice(("US", "DE", "FR", "JP", "HU", None))
    kind = chance.choice(("imdbDisplay", "original", None))
    return title_of(title), number % 3 + 1, _words(chance), region, None, kind, None, 0


def _episode(chance: random.Random, number: int, sizes: Sizes) -> Row:
    season = chance.randint(1, 20) if chance.random() < 0.8 else None
    return (
        title_of(number * sizes.titles // sizes.episodes),
        title_of(chance.randrange(sizes.titles)),
        season,
        None if season is None else chance.randint(1, 24),
    )


def main() -> None:
    """Write the files into the folder that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path)
    parser.add_argument("--titles", type=whole_number, default=Sizes().titles)
    parser.add_argument("--all", action="store_true", help="all seven files instead of four")
    options = parser.parse_args()
    sizes = (Sizes.all_seven if options.all else Sizes.of)(options.titles)
    for name, path in write_datasets(options.folder, sizes).items():
        print(f"{name}: {path} ({path.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
