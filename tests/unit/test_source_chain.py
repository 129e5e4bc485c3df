import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from application.source_chain import PATIENCE, SourceChain
from domain.chart import ChartName
from domain.details import DetailName
from domain.errors import (
    ChartNotFound,
    PageChanged,
    RunStopped,
    SourceBlocked,
    SourceLeftAlone,
    SourceUnavailable,
    TitleNotFound,
)
from infrastructure.http.circuit_breaker import CircuitBreaker
from tests.builders import a_chart, a_title, title_number
from tests.clock import Clock
from tests.fakes import FakeSource, new_circuit

BLOCKED = SourceBlocked("https://site/title", "challenge")
UNAVAILABLE = SourceUnavailable("https://site/title", "HTTP 503")
UNREACHABLE = SourceUnavailable("https://site/title", "refused", hopeless=True)


def chain_of(*sources: FakeSource) -> tuple[SourceChain, list[str]]:
    told: list[str] = []
    return SourceChain(sources, told.append, new_circuit), told


def holding(*numbers: int, **options: object) -> FakeSource:
    return FakeSource({title_number(n): a_title(n) for n in numbers}, **options)


def test_a_chain_without_sources_is_refused():
    with pytest.raises(ValueError, match="at least one source"):
        SourceChain([], print, new_circuit)


def test_outcomes_come_in_the_order_of_the_ids():
    chain, _ = chain_of(holding(1, 2, 3))
    outcomes = chain.titles([title_number(n) for n in (3, 1, 2)])
    assert [outcome.imdb_id for outcome in outcomes] == ["tt0000003", "tt0000001", "tt0000002"]


def test_a_title_that_one_source_lacks_is_asked_of_the_next():
    second = holding(2, name="second")
    chain, told = chain_of(holding(1, name="first"), second)
    outcomes = chain.titles([title_number(1), title_number(2)])
    assert outcomes == [a_title(1), a_title(2)]
    assert second.requests == [(title_number(2),)]
    assert told == []


@pytest.mark.parametrize("error", [BLOCKED, UNREACHABLE])
def test_a_source_that_refuses_us_is_given_up_and_not_asked_again_for_a_while(error):
    first = FakeSource(name="first", always=error)
    chain, told = chain_of(first, holding(1, 2, name="second"))
    assert chain.titles([title_number(1)]) == [a_title(1)]
    assert chain.titles([title_number(2)]) == [a_title(2)]
    assert len(first.requests) == 1
    assert len(told) == 1
    assert "first is given up" in told[0]
    assert "going on with second" in told[0]
    assert not chain.exhausted


def test_after_a_rest_one_title_is_asked_as_a_trial_and_its_failure_is_not_told_again():
    clock, told = Clock(), []
    first = FakeSource(name="first", always=BLOCKED)
    chain = SourceChain(
        [first, holding(*range(9), name="second")],
        told.append,
        lambda: CircuitBreaker(failures=PATIENCE, rest_seconds=60, clock=clock),
    )
    chain.titles([title_number(1)])
    clock.now += 60
    assert [chain.titles([title_number(n)]) for n in (2, 3)] == [[a_title(2)], [a_title(3)]]
    assert len(first.requests) == 2
    assert len(told) == 1


def test_a_source_that_answers_again_is_used_again_and_that_is_told():
    clock, told = Clock(), []
    first = FakeSource(name="first", always=BLOCKED)
    second = holding(*range(9), name="second")
    chain = SourceChain(
        [first, second],
        told.append,
        lambda: CircuitBreaker(failures=PATIENCE, rest_seconds=60, clock=clock),
    )
    chain.titles([title_number(1)])
    first.recover({title_number(n): a_title(n) for n in range(9)})
    clock.now += 60
    assert [chain.titles([title_number(n)]) for n in (2, 3)] == [[a_title(2)], [a_title(3)]]
    assert len(second.requests) == 1
    assert told[1:] == ["source first answers again"]
    assert chain.notices == tuple(told)


@pytest.mark.parametrize("trouble", [RuntimeError("a bug"), RunStopped("https://site/title")])
def test_a_trial_that_told_nothing_does_not_keep_others_from_a_trial(trouble):
    clock = Clock()

    def get_into_trouble(imdb_id):
        if imdb_id == title_number(3):
            raise trouble

    source = FakeSource(always=BLOCKED, before=get_into_trouble)
    chain = SourceChain(
        [source], lambda _: None,
        lambda: CircuitBreaker(failures=PATIENCE, rest_seconds=60, clock=clock),
    )  # fmt: skip
    chain.titles([title_number(1)])
    clock.now += 61
    source.recover({title_number(2): a_title(2)})
    with pytest.raises(type(trouble)):
        chain.titles([title_number(3)])
    assert chain.titles([title_number(2)]) == [a_title(2)]
    assert not chain.exhausted


def test_who_comes_while_a_source_is_being_given_up_is_told_why():
    late: list[Future] = []

    class Slow(CircuitBreaker):
        """Lets somebody else ask between its opening and the end of the call."""

        def trip(self) -> bool:
            has_opened = super().trip()
            if has_opened:
                late.append(pool.submit(chain.titles, [title_number(2)]))
                assert refused.wait(60)
            return has_opened

        def allows(self) -> bool:
            is_allowed = super().allows()
            if not is_allowed:
                refused.set()
            return is_allowed

    refused = threading.Event()
    source = FakeSource(always=BLOCKED)
    chain = SourceChain([source], lambda _: None, lambda: Slow(failures=9, rest_seconds=60))
    with ThreadPoolExecutor(1) as pool:
        assert chain.titles([title_number(1)]) == [BLOCKED]
        assert late[0].result(60) == [BLOCKED]
    assert len(source.requests) == 1


def test_an_exhausted_chain_stays_so_whatever_the_time():
    clock = Clock()
    chain = SourceChain(
        [FakeSource(always=BLOCKED)],
        print,
        lambda: CircuitBreaker(failures=PATIENCE, rest_seconds=60, clock=clock),
    )
    chain.titles([title_number(1)])
    clock.now += 3600
    assert chain.exhausted


def test_a_source_is_given_up_after_many_failures_in_a_row_and_not_before():
    chain, told = chain_of(FakeSource(name="only", always=UNAVAILABLE))
    for number in range(PATIENCE - 1):
        assert chain.titles([title_number(number)]) == [UNAVAILABLE]
    assert not chain.exhausted
    chain.titles([title_number(PATIENCE)])
    assert chain.exhausted
    assert len(told) == 1
    assert "no other source is left" in told[0]


def test_an_answer_between_failures_starts_the_count_again():
    ids = [title_number(n) for n in range(2 * PATIENCE)]
    flaky = FakeSource(
        {i: UNAVAILABLE if n % PATIENCE else a_title(n) for n, i in enumerate(ids)},
        name="flaky",
    )
    chain, told = chain_of(flaky)
    for imdb_id in ids:
        chain.titles([imdb_id])
    assert not chain.exhausted
    assert told == []


def test_a_title_error_of_a_page_goes_to_the_next_source_without_giving_up():
    changed = PageChanged("https://site/title", "titleText")
    first = FakeSource({title_number(1): changed}, name="first")
    chain, told = chain_of(first, holding(1, name="second"))
    assert chain.titles([title_number(1)]) == [a_title(1)]
    assert told == []


def test_the_most_telling_of_several_errors_is_reported():
    changed = PageChanged("https://site/title", "titleText")
    chain, _ = chain_of(FakeSource(name="saved"), FakeSource({title_number(1): changed}))
    assert chain.titles([title_number(1)]) == [changed]
    chain, _ = chain_of(FakeSource(name="saved"), FakeSource(name="other"))
    [outcome] = chain.titles([title_number(1)])
    assert isinstance(outcome, TitleNotFound)
    assert outcome.where == "saved"


def test_what_a_source_that_was_not_asked_may_have_is_not_called_not_found():
    chain, _ = chain_of(FakeSource(name="site", always=BLOCKED), holding(1, name="saved"))
    ids = [title_number(n) for n in (1, 2)]
    assert chain.titles(ids) == [a_title(1), BLOCKED]
    assert chain.titles(ids) == [a_title(1), BLOCKED]


def test_what_all_sources_lack_is_not_found_also_after_one_was_given_up_and_is_back():
    clock = Clock()
    first = FakeSource(name="first", always=BLOCKED)
    chain = SourceChain(
        [first, holding(name="second")], lambda _: None,
        lambda: CircuitBreaker(failures=PATIENCE, rest_seconds=60, clock=clock),
    )  # fmt: skip
    chain.titles([title_number(1)])
    clock.now += 61
    first.recover({})
    (outcome,) = chain.titles([title_number(1)])
    assert isinstance(outcome, TitleNotFound)


def test_an_exhausted_chain_says_why_for_every_title():
    chain, _ = chain_of(FakeSource(always=BLOCKED))
    chain.titles([title_number(1)])
    assert chain.exhausted
    assert chain.titles([title_number(2), title_number(3)]) == [BLOCKED, BLOCKED]


def test_ids_are_cut_into_requests_of_the_size_of_each_source():
    first = holding(*range(4), name="first", batch_size=3)
    second = holding(*range(10), name="second", batch_size=2)
    chain, _ = chain_of(first, second)
    assert chain.batch_size == 3
    ids = [title_number(n) for n in range(7)]
    assert [title.imdb_id for title in chain.titles(ids)] == ids
    assert [len(request) for request in first.requests] == [3, 3, 1]
    assert [len(request) for request in second.requests] == [2, 1]


def test_a_chart_comes_from_the_first_source_that_has_it():
    chart = a_chart(1, 2)
    without = FakeSource(name="saved", chart=ChartNotFound("top", "folder"))
    chain, told = chain_of(without, FakeSource(name="site", chart=chart))
    assert chain.chart(ChartName.TOP) is chart
    assert told == []


def test_a_chart_that_no_source_gives_raises_the_most_telling_error():
    without = FakeSource(name="saved", chart=ChartNotFound("top", "folder"))
    chain, _ = chain_of(without, FakeSource(name="site", always=BLOCKED))
    with pytest.raises(SourceBlocked):
        chain.chart(ChartName.TOP)
    assert not chain.exhausted


def test_an_error_does_not_keep_the_page_that_it_is_about():
    class Page(bytearray):
        """A body that can be watched."""

    pages: list[weakref.ref] = []

    class Parsing(FakeSource):
        def titles(self, ids, details=()):
            page = Page(1000)
            pages.append(weakref.ref(page))
            try:
                self.read(page)
            except PageChanged as error:
                return [error]

        def read(self, page):
            raise PageChanged("https://site", "titleText") from ValueError(len(page))

    chain, _ = chain_of(Parsing())
    outcomes = chain.titles([title_number(1)])
    assert isinstance(outcomes[0], PageChanged)
    assert pages[0]() is None


class ShrinkingSource(FakeSource):
    """Finds out, while it is asked for the first titles, that it takes fewer at once."""

    def titles(self, ids, details=()):
        self.batch_size = 2
        return super().titles(ids, details)


def test_no_title_is_left_out_when_a_source_takes_fewer_at_once_than_it_did():
    ids = [title_number(n) for n in range(10)]
    source = ShrinkingSource({title_number(n): a_title(n) for n in range(10)}, batch_size=4)
    chain, _ = chain_of(source)
    assert [outcome.imdb_id for outcome in chain.titles(ids)] == ids
    assert sorted(i for asked in source.requests for i in asked) == ids


def test_what_a_source_has_to_say_is_told_and_remembered_for_the_report():
    chain, told = chain_of(holding(1))
    chain.tell("only for private use")
    assert told == ["only for private use"]
    assert chain.notices == ("only for private use",)


def test_a_source_is_asked_for_the_details_that_it_can_give_and_the_others_are_told_once():
    able = FakeSource(
        {title_number(1): a_title(1)}, name="able", gives={DetailName.AKAS, DetailName.TRIVIA}
    )
    chain, told = chain_of(able)
    asked = (DetailName.AKAS, DetailName.REVIEWS, DetailName.GOOFS)
    for _ in range(2):
        [title] = chain.titles([title_number(1)], asked)
        assert title == a_title(1)
    assert able.details_asked == {(DetailName.AKAS,)}
    assert told == ["source able has no reviews, goofs: its titles come without"]
    assert chain.notices == tuple(told)


def test_a_source_that_is_not_asked_says_nothing_of_details():
    first = FakeSource({title_number(1): a_title(1)}, name="first", gives=set(DetailName))
    chain, told = chain_of(first, FakeSource(name="second"))
    chain.titles([title_number(1)], tuple(DetailName))
    assert told == []
    assert chain.gives == frozenset()


def test_what_refused_one_chain_the_others_leave_alone_until_one_of_them_may_try_again():
    clock = Clock()
    circuits = {"first": CircuitBreaker(failures=PATIENCE, rest_seconds=60, clock=clock)}

    def chain_with(source: FakeSource) -> SourceChain:
        return SourceChain([source], lambda _: None, new_circuit, circuits)

    refused = chain_with(FakeSource(name="first", always=BLOCKED))
    assert not refused.exhausted
    assert refused.titles([title_number(1)]) == [BLOCKED]
    source = holding(1, 2, name="first")
    another = chain_with(source)
    assert another.exhausted
    assert another.rest_seconds == 60
    [outcome] = another.titles([title_number(1)])
    assert isinstance(outcome, SourceLeftAlone)
    with pytest.raises(SourceLeftAlone):
        another.chart(ChartName.TOP)
    assert source.requests == []

    clock.now += 60
    assert not another.exhausted
    assert another.titles([title_number(1)]) == [a_title(1)]
    assert another.rest_seconds == 0
    assert refused.rest_seconds == 0
