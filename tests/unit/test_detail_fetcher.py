"""Handing out ids: how many at a time, and what is put back when another source takes more."""

import threading
from collections.abc import Callable, Sequence

import pytest

from application.detail_fetcher import DetailFetcher, Fetched, PutBack
from application.source_chain import SourceChain
from domain.errors import RunStopped, SourceBlocked, SourceUnavailable, TitleNotFound
from domain.identifiers import TitleId
from domain.title import Title
from tests.builders import a_title, title_number
from tests.fakes import FakeSource, new_circuit

BLOCKED = SourceBlocked("https://site/title", "challenge")


def ids_of(count: int) -> list[TitleId]:
    return [title_number(n) for n in range(1, count + 1)]


def holding(count: int, **options: object) -> FakeSource:
    return FakeSource({title_number(n): a_title(n) for n in range(1, count + 1)}, **options)


def fetch_all(
    chain: SourceChain,
    ids: Sequence[TitleId],
    threads: int = 4,
    go_on: Callable[[], bool] = lambda: True,
) -> list[Fetched[TitleId, Title]]:
    fetcher: DetailFetcher[TitleId, Title] = DetailFetcher(
        lambda ids, size: chain.titles(ids, cut_for=size),
        batch_size=lambda: chain.batch_size,
        max_threads=threads,
        go_on=go_on,
    )
    return list(fetcher.fetch(ids))


def chain_of(*sources: FakeSource) -> SourceChain:
    return SourceChain(sources, lambda notice: None, new_circuit)


class BlocksAfter:
    """Lets so many titles through, then blocks whoever asks."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._lock = threading.Lock()

    def __call__(self, imdb_id: TitleId) -> None:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise BLOCKED


@pytest.mark.parametrize("threads", [1, 4, 50])
@pytest.mark.parametrize("through", [0, 1, 60, 149, 150])
def test_when_a_source_blocks_in_the_middle_the_rest_goes_in_full_requests(threads, through):
    pages = holding(150, name="pages", before=BlocksAfter(through))
    api = holding(150, name="api", batch_size=40)
    fetched = fetch_all(chain_of(pages, api), ids_of(150), threads)
    assert sorted(done.imdb_id for done in fetched) == ids_of(150)
    assert all(isinstance(done.outcome, Title) for done in fetched)
    left = 150 - through
    sizes = sorted(map(len, api.requests), reverse=True)
    assert sizes == [40] * (left // 40) + [left % 40] * bool(left % 40)


def test_a_title_that_the_first_source_lacks_is_asked_of_the_next_at_once():
    pages, api = holding(9, name="pages"), holding(12, name="api", batch_size=40)
    fetched = fetch_all(chain_of(pages, api), ids_of(12))
    assert len(fetched) == 12
    assert sorted(api.requests) == [(title_number(n),) for n in (10, 11, 12)]


def test_a_title_that_the_first_source_cannot_give_for_now_is_asked_of_the_next_at_once():
    down = SourceUnavailable("https://site/title", "HTTP 500")
    pages = FakeSource({title_number(1): down, title_number(2): a_title(2)}, name="pages")
    api = holding(2, name="api", batch_size=40)
    fetched = fetch_all(chain_of(pages, api), ids_of(2), threads=1)
    assert [done.imdb_id for done in fetched] == ids_of(2)
    assert api.requests == [(title_number(1),)]


def test_what_a_source_said_of_a_title_before_it_was_given_up_is_not_forgotten():
    first_asked, blocked = threading.Event(), threading.Event()

    def before(imdb_id: TitleId) -> None:
        if imdb_id == title_number(1):
            first_asked.set()
            assert blocked.wait(20)
            raise TitleNotFound(imdb_id, "pages")
        assert first_asked.wait(20)
        raise BLOCKED

    class Pages(FakeSource):
        def titles(self, ids, details=()):
            try:
                return super().titles(ids, details)
            except TitleNotFound as error:
                return [error]

    chain = SourceChain(
        [Pages(name="pages", before=before), FakeSource(name="api", batch_size=40)],
        lambda notice: blocked.set(),
        new_circuit,
    )
    outcomes = {done.imdb_id: done.outcome for done in fetch_all(chain, ids_of(2), threads=2)}
    assert isinstance(outcomes[title_number(1)], TitleNotFound)
    assert outcomes[title_number(2)] is BLOCKED, "the API lacks it, and the pages were not asked"


def test_with_no_source_left_nothing_is_put_back_for_ever():
    pages = holding(9, name="pages", always=BLOCKED)
    api = FakeSource(name="api", batch_size=40, always=BLOCKED)
    chain = chain_of(pages, api)
    fetched = fetch_all(chain, ids_of(9), go_on=lambda: True)
    assert [done.imdb_id for done in fetched if done.outcome is not BLOCKED] == []
    assert sorted(done.imdb_id for done in fetched) == ids_of(9)


def test_what_was_put_back_when_the_run_is_stopped_is_not_tried():
    stop = threading.Event()
    asked: list[tuple[TitleId, ...]] = []
    size = 1

    def fetch(ids: Sequence[TitleId], cut_for: int) -> Sequence[Title]:
        nonlocal size
        asked.append(tuple(ids))
        size = 40
        stop.set()
        raise PutBack

    fetcher: DetailFetcher[TitleId, Title] = DetailFetcher(
        fetch, batch_size=lambda: size, max_threads=1, go_on=lambda: not stop.is_set()
    )
    assert list(fetcher.fetch(ids_of(3))) == []
    assert asked == [(title_number(1),)]


def test_a_stop_while_the_source_is_asked_is_no_outcome():
    def fetch(ids: Sequence[TitleId], cut_for: int) -> Sequence[Title]:
        raise RunStopped("https://site")

    fetcher: DetailFetcher[TitleId, Title] = DetailFetcher(
        fetch, batch_size=lambda: 2, max_threads=2, go_on=lambda: True
    )
    assert list(fetcher.fetch(ids_of(5))) == []
