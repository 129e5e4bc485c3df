"""What the facade makes of what its sources give, where the demo site has no such thing."""

import pytest

from application import Imdb
from application.search_titles import SearchTitles
from application.source_chain import SourceChain
from domain.details import Detail, DetailName
from domain.details.items import Episode
from domain.errors import SourceUnavailable
from domain.search import SearchHit, SearchQuery
from tests.builders import a_detail, a_title, title_number
from tests.fakes import FakeSource, new_circuit

SERIES = title_number(1)


class NoSearch:
    name = "none"

    def find(self, query: SearchQuery) -> tuple[SearchHit, ...]:
        return ()


def imdb_with(*details: Detail) -> Imdb:
    source = FakeSource({SERIES: a_title(1, details=details)})
    chain = SourceChain([source], print, new_circuit)
    return Imdb(chain, None, SearchTitles([NoSearch()], print), max_threads=2)


def test_the_episodes_of_a_series_or_of_a_season() -> None:
    first, second, unknown = (
        Episode(episode_id=title_number(2), season=1, number=1),
        Episode(episode_id=title_number(3), season=2, number=1),
        Episode(episode_id=title_number(4)),
    )
    imdb = imdb_with(a_detail(DetailName.EPISODES, first, second, unknown))
    assert imdb.episodes(SERIES) == (first, second, unknown)
    assert imdb.episodes(SERIES, season=2) == (second,)
    assert imdb.episodes(SERIES, season=9) == ()


def test_a_title_without_episodes_has_none() -> None:
    assert imdb_with(a_detail(DetailName.EPISODES)).episodes(SERIES) == ()


def test_episodes_that_nobody_gives_are_not_taken_for_none() -> None:
    with pytest.raises(SourceUnavailable, match="no episodes of tt0000001"):
        imdb_with().episodes(SERIES)
