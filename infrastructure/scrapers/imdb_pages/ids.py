"""What the ids, types and numbers on IMDb's pages stand for, which are texts there."""

from collections.abc import Callable

from domain.errors import InvalidTitle
from domain.identifiers import company_id, name_id, title_id
from domain.search import FoundId, Thing
from domain.title import TitleKind

_MOST_DIGITS = 9
_CHECKED_IDS: tuple[tuple[Thing, Callable[[object], FoundId]], ...] = (
    (Thing.TITLE, title_id),
    (Thing.PERSON, name_id),
    (Thing.COMPANY, company_id),
)
_KINDS = {kind.value: kind for kind in TitleKind}

KINDS_IN_WORDS = {
    "Movie": TitleKind.MOVIE,
    "TV Series": TitleKind.TV_SERIES,
    "TV Mini Series": TitleKind.TV_MINI_SERIES,
    "TV Episode": TitleKind.TV_EPISODE,
    "TV Movie": TitleKind.TV_MOVIE,
    "TV Special": TitleKind.TV_SPECIAL,
    "TV Short": TitleKind.TV_SHORT,
    "Short": TitleKind.SHORT,
    "Video": TitleKind.VIDEO,
    "Video Game": TitleKind.VIDEO_GAME,
    "Music Video": TitleKind.MUSIC_VIDEO,
    "Podcast Series": TitleKind.PODCAST_SERIES,
    "Podcast Episode": TitleKind.PODCAST_EPISODE,
}
"""Types as pages in English show them."""


def identified(text: str) -> tuple[Thing, FoundId] | None:
    """Tell what has this id, a title, a person or a company; ``None`` for links and all else."""
    for thing, checked in _CHECKED_IDS:
        try:
            return thing, checked(text)
        except InvalidTitle:
            continue
    return None


def number_or_none(text: str | None) -> int | None:
    """A whole number of at most nine digits: no rank, season or episode has more."""
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > _MOST_DIGITS:
        return None
    return int(text)


def kind_or_none(text: str | None) -> TitleKind | None:
    """The kind with this id of IMDb's. One that we do not know leaves a hit what it is."""
    return _KINDS.get(text or "")
