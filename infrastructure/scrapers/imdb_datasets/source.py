"""Titles from the dataset files that were imported: no network, no charts, no plots."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from application.ports import TitleOutcome
from domain.chart import Chart, ChartName
from domain.details import DetailName
from domain.errors import (
    ChartNotFound,
    InvalidTitle,
    RepositoryUnavailable,
    SourceUnavailable,
    TitleNotFound,
)
from domain.identifiers import NameId, TitleId
from domain.provenance import Provenance
from domain.title import Credit, CreditCategory, Title, TitleKind

_PLACE = "imdb_datasets"

_CATEGORIES = {
    "director": CreditCategory.DIRECTOR,
    "writer": CreditCategory.WRITER,
    "creator": CreditCategory.CREATOR,
    "actor": CreditCategory.CAST,
    "actress": CreditCategory.CAST,
    "self": CreditCategory.CAST,
}
"""What the files' categories are to us; others (producers, composers, ...) we have no place for."""


class Tables(Protocol):
    """The part of `DatasetTitles` that is needed."""

    def file_time(self) -> datetime | None:
        """When the file of titles was made; ``None`` when it was never imported."""

    def titles(self, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        """Id, kind, titles, years, minutes, genres, rating and votes of those that there are."""

    def credits(self, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        """Title, category, person, name and characters (as JSON) of credits, in billing order."""


class ImdbDatasetsSource:
    """Reads titles from the tables; ``tables`` opens them when they are first asked for.

    Any number of threads may call it: it keeps nothing.
    """

    name = "datasets"
    gives: Collection[DetailName] = frozenset()
    charts: Collection[ChartName] = frozenset()
    batch_size = 250

    def __init__(self, tables: Callable[[], Tables]) -> None:
        self._tables = tables

    def chart(self, name: ChartName) -> Chart:
        """Raise `ChartNotFound`: the files have no charts."""
        raise ChartNotFound(name, f"{_PLACE} (the dataset files have no charts)")

    def titles(
        self, ids: Sequence[TitleId], details: Collection[DetailName] = ()
    ) -> Sequence[TitleOutcome]:
        """Read titles with their credits; raises `SourceUnavailable` when nothing was imported."""
        if not ids:
            return []
        try:
            tables = self._tables()
            made_at = tables.file_time()
            rows = {row[0]: row[1:] for row in tables.titles(ids)} if made_at else {}
            found = _by_title(tables.credits(list(rows))) if rows else {}
        except RepositoryUnavailable as error:
            raise SourceUnavailable(_PLACE, str(error), hopeless=True) from error
        if made_at is None:
            cause = "no titles were imported yet: `python main.py datasets import` does"
            raise SourceUnavailable(_PLACE, cause, hopeless=True)
        provenance = Provenance(
            source=self.name, found_by="title.basics", fetched_at=made_at.astimezone(UTC)
        )
        return [
            _outcome(imdb_id, rows.get(imdb_id), found.get(imdb_id, ()), provenance)
            for imdb_id in ids
        ]


def _by_title(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    found = defaultdict(list)
    for title, *facts in rows:
        found[title].append(tuple(facts))
    return found


def _outcome(
    imdb_id: TitleId,
    row: tuple[Any, ...] | None,
    credit_rows: Iterable[tuple[Any, ...]],
    provenance: Provenance,
) -> TitleOutcome:
    if row is None:
        return TitleNotFound(imdb_id, _PLACE)
    kind, title, original, year, end_year, minutes, genres, rating, votes = row
    try:
        return Title(
            imdb_id=imdb_id,
            kind=_kind(kind),
            title=title,
            original_title=original or None,
            year=year,
            end_year=end_year,
            # A title that lasts no minute is one of which nobody knows how long it lasts.
            runtime_minutes=minutes or None,
            rating=None if rating is None else float(rating),
            votes=votes,
            genres=tuple(genre for genre in genres if genre),
            credits=tuple(_credits(credit_rows)),
            provenance=provenance,
        )
    except InvalidTitle as error:
        return error


def _kind(text: str | None) -> TitleKind:
    try:
        return TitleKind(text or "")
    except ValueError as error:
        raise InvalidTitle("kind", text, "must be one of IMDb's title types") from error


def _credits(rows: Iterable[tuple[Any, ...]]) -> Iterable[Credit]:
    """The credits that we have a place for, of people whose names are known, in billing order."""
    positions: dict[CreditCategory, int] = defaultdict(int)
    for category_id, person_id, name, characters in rows:
        category = _CATEGORIES.get(category_id)
        if category is None or not name:
            continue
        positions[category] += 1
        yield Credit(
            category=category,
            position=positions[category],
            name=name,
            person_id=NameId(person_id),
            characters=_characters(characters),
        )


def _characters(text: str | None) -> tuple[str, ...]:
    """The names of characters; none when the text is not the list of texts that it should be."""
    try:
        return tuple(filter(None, msgspec.json.decode(text or "[]", type=tuple[str, ...])))
    except msgspec.DecodeError:
        return ()
