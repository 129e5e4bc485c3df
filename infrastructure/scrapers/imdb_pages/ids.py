"""What the ids and types on IMDb's pages stand for."""

from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId, name_id, title_id
from domain.search import Thing
from domain.title import TitleKind

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


def identified(text: str) -> tuple[Thing, TitleId | NameId] | None:
    """Tell what has this id; ``None`` for companies, keywords, links and all else."""
    for thing, checked in ((Thing.TITLE, title_id), (Thing.PERSON, name_id)):
        try:
            return thing, checked(text)
        except InvalidTitle:
            continue
    return None


def kind_or_none(text: str | None) -> TitleKind | None:
    """The kind with this id of IMDb's. One that we do not know leaves a hit what it is."""
    return _KINDS.get(text or "")
