import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import RunStopped, SourceBlocked
from infrastructure.http.causes import Cause
from infrastructure.http.routes import DIRECT, Route, RouteFailed, RoutePool, route_groups
from infrastructure.http.routes.health import (
    BLOCKED_REST_SECONDS,
    LONGEST_REST_SECONDS,
    RouteHealth,
)
from infrastructure.http.routes.journey import Journey, Leg
from infrastructure.http.routes.pool import CIRCUITS_TRIED
from shared.setting_values import ProxyUrl, TorSocksUrl

TOR = "socks5h://tor:9050"
REFUSED = RouteFailed("refused", Cause("connection refused"))
TIMED_OUT = RouteFailed("timed out", Cause("no answer"))
BLOCKED = SourceBlocked("https://site/", "challenge")


class Clock:
    """Goes when a test says so, or a step whenever somebody looks at it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.step = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class FakeCircuits:
    """Gives a new circuit every ten seconds of the test's clock, or never."""

    def __init__(self, clock: Clock, *, works: bool = True) -> None:
        self.clock = clock
        self.works = works
        self.asked = 0
        self.allowed_at = 0.0

    def next_at(self) -> float:
        return self.allowed_at

    def renew(self) -> bool:
        self.asked += 1
        self.allowed_at = self.clock() + 10
        return self.works


class Routes:
    """A pool under test, with its clock: ``p1``, ``p2``, ... are the proxies, in order."""

    def __init__(self, proxies: int, order: Sequence[str] = ("proxies",), **circuits: bool) -> None:
        self.clock = Clock()
        self.stop = threading.Event()
        self.circuits = FakeCircuits(self.clock, **circuits)
        urls = [ProxyUrl(f"http://p{number}:1") for number in range(1, proxies + 1)]
        self.pool = RoutePool(
            route_groups(order, urls, TorSocksUrl(TOR)),
            max_connections=1,
            stop=self.stop,
            circuits=self.circuits,
            clock=self.clock,
        )

    def journey(self) -> Journey:
        return self.pool.journey("https://site/")

    def go(
        self,
        error: Exception | None = None,
        *,
        seconds: float = 0.1,
        journey: Journey | None = None,
    ) -> str:
        """One try that takes so long and ends like this; gives the route that it went over."""
        leg = (journey or self.journey()).leg()
        return self.end(leg, error, seconds=seconds)

    def end(self, leg: Leg, error: Exception | None = None, *, seconds: float = 0.1) -> str:
        try:
            with leg:
                leg.sends()
                self.clock.now += seconds
                if error is not None:
                    raise error
                leg.answered()
        except (RouteFailed, SourceBlocked):
            pass
        return short(leg.route)

    def prove_all(self, number: int) -> None:
        legs = [self.journey().leg() for _ in range(number)]
        for leg in legs:
            self.end(leg)


def short(route: Route) -> str:
    """``p1`` for ``proxy 1 (http://p1:1)``."""
    return f"p{route.name.split()[1]}" if route.kind == "proxies" else route.kind


def test_routes_that_do_well_take_turns():
    routes = Routes(3)
    routes.prove_all(3)
    assert [routes.go() for _ in range(6)] == ["p1", "p2", "p3"] * 2


def test_a_route_that_is_not_proven_gets_one_request_at_a_time():
    routes = Routes(3)
    first = [routes.journey().leg() for _ in range(3)]
    assert sorted(short(leg.route) for leg in first) == ["p1", "p2", "p3"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: routes.journey().leg())
        assert not waiting.done()
        routes.end(first[1])
        assert short(waiting.result(timeout=60).route) == short(first[1].route)


def test_a_proven_route_takes_what_the_others_have_no_room_for():
    routes = Routes(2)
    assert routes.go() == "p1"
    legs = [routes.journey().leg() for _ in range(10)]
    assert [short(leg.route) for leg in legs] == ["p2"] + ["p1"] * 9


def test_the_only_route_is_never_short_of_room():
    routes = Routes(0, ["direct"])
    routes.go(REFUSED)
    assert {short(routes.journey().leg().route) for _ in range(50)} == {"direct"}


def test_of_two_proven_routes_the_faster_one_has_more_requests_under_way():
    routes = Routes(2)
    legs = [routes.journey().leg() for _ in range(2)]
    routes.end(legs[0], seconds=0.1)
    routes.end(legs[1], seconds=0.3)
    taken = [short(routes.journey().leg().route) for _ in range(40)]
    assert 2 * taken.count("p2") < taken.count("p1") < 4 * taken.count("p2")


def test_a_route_that_is_much_slower_than_another_is_left_alone():
    routes = Routes(2)
    quick, slow = (routes.journey().leg() for _ in range(2))
    routes.end(quick, seconds=0.1)
    routes.end(slow, seconds=3)
    assert {routes.go() for _ in range(20)} == {"p1"}


def test_a_slow_route_is_tried_again_after_a_while_and_not_waited_for():
    routes = Routes(2)
    quick, slow = (routes.journey().leg() for _ in range(2))
    routes.end(quick, seconds=0.1)
    routes.end(slow, seconds=3)
    routes.clock.now += 61
    leg = routes.journey().leg()
    assert (short(leg.route), leg.patience_seconds) == ("p2", 1.0)


def test_a_route_that_fails_rests_ever_longer():
    health, now, rests = RouteHealth(DIRECT), 1000.0, []
    for _ in range(11):
        health.note_failure(now, "refused", now)
        rests.append(health.rests_until - now)
        now = health.rests_until
    assert rests == [1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST_REST_SECONDS, LONGEST_REST_SECONDS]


def test_a_route_that_fails_now_and_then_is_told_of_once_a_minute(caplog):
    caplog.set_level("INFO")
    routes = Routes(1, order=("direct", "proxies"))
    for _ in range(13):  # a minute and two seconds
        assert routes.go() == "direct"
        assert routes.go(RouteFailed("timed out", Cause("no answer in time"))) == "direct"
        routes.clock.now += 5
    assert [record.getMessage() for record in caplog.records] == [
        "direct: no answer in time; others are used first"
    ] * 2


def test_a_wrong_password_is_not_tried_again_soon():
    routes = Routes(2)
    wrong = RouteFailed("wrong password", Cause("it refuses the password"))
    assert routes.go(wrong) == "p1"
    routes.clock.now += LONGEST_REST_SECONDS - 1
    assert {routes.go() for _ in range(10)} == {"p2"}


def test_requests_that_fail_together_count_as_one_failure():
    routes = Routes(2)
    routes.prove_all(2)
    legs = [routes.journey().leg() for _ in range(50)]
    routes.clock.now += 10
    for leg in legs:
        routes.end(leg, TIMED_OUT, seconds=0)
    assert {leg.health.failures_in_a_row for leg in legs} == {1}


def test_an_answer_ends_the_rest_unless_it_was_asked_for_before_the_failure():
    routes = Routes(2)
    routes.prove_all(2)
    early, failing = (routes.pool.journey("https://site/").leg() for _ in range(2))
    late = routes.journey().leg()
    assert early.health is late.health
    routes.end(failing, REFUSED)
    health = failing.health
    assert health.rests(routes.clock())
    health.note_answer(began=routes.clock() - 5, circuit=0, latency=0.1, now=routes.clock())
    assert health.rests(routes.clock())
    health.note_answer(began=routes.clock(), circuit=0, latency=0.1, now=routes.clock())
    assert not health.rests(routes.clock())


def test_a_later_group_is_used_only_while_those_before_it_rest():
    routes = Routes(2, ["proxies", "tor", "direct"])
    assert [routes.go(REFUSED) for _ in range(2)] == ["p1", "p2"]
    assert routes.go() == "tor"
    assert routes.go(REFUSED, seconds=0) == "tor"
    assert routes.go(seconds=0) == "direct"
    routes.clock.now += 10
    assert routes.go() == "p1"


def test_when_all_rest_the_one_whose_rest_ends_first_is_used():
    routes = Routes(2)
    journey = routes.journey()
    assert [routes.go(REFUSED, journey=journey) for _ in range(2)] == ["p1", "p2"]
    assert not journey.goes_on
    assert routes.go(REFUSED, seconds=0) == "p1"
    assert [routes.go(REFUSED, seconds=0) for _ in range(2)] == ["p2", "p1"]


def test_a_request_goes_on_at_once_while_there_is_a_route_that_it_has_not_tried():
    routes = Routes(3)
    journey = routes.journey()
    for route, goes_on in (("p1", True), ("p2", True), ("p3", False)):
        assert routes.go(REFUSED, journey=journey) == route
        assert journey.goes_on == goes_on


def test_a_second_try_goes_over_another_route_and_redirects_over_the_same():
    routes = Routes(3)
    routes.prove_all(3)
    journey = routes.journey()
    first = routes.go(journey=journey)
    assert [routes.go(journey=journey) for _ in range(3)] == [first] * 3
    routes.go(REFUSED, journey=journey)
    assert routes.go(journey=journey) != first


def test_a_second_try_does_not_try_out_another_doubtful_route():
    routes = Routes(3)
    assert routes.go() == "p1"
    journey = routes.journey()
    assert routes.go(TIMED_OUT, journey=journey) == "p2"
    assert routes.go(journey=journey) == "p1"


def test_a_leg_that_was_not_used_says_nothing_of_its_route():
    routes = Routes(2)
    routes.prove_all(2)
    journey = routes.journey()
    unused, other = journey.leg(), routes.journey().leg()
    assert not unused.is_outdated
    unused.health.note_failure(routes.clock(), "refused", routes.clock())
    assert unused.is_outdated
    with unused:
        pass
    assert not journey.tries
    assert short(journey.leg().route) == short(other.route)


class TestPatience:
    def test_has_no_limit_with_the_only_route_and_with_a_proven_one(self):
        assert Routes(0, ["direct"]).journey().leg().patience_seconds == float("inf")
        routes = Routes(2)
        routes.prove_all(2)
        assert routes.journey().leg().patience_seconds == float("inf")

    @pytest.mark.parametrize(("latency", "patience"), [(0.01, 1.0), (0.2, 1.0), (0.5, 2.5)])
    def test_beside_a_proven_route_is_five_times_what_that_takes(self, latency, patience):
        routes = Routes(2)
        routes.go(seconds=latency)
        leg = routes.journey().leg()
        assert short(leg.route) == "p2"
        assert leg.patience_seconds == pytest.approx(patience)

    def test_grows_with_each_time_out_and_is_not_limited_for_the_last_route(self):
        routes = Routes(5)
        journey = routes.journey()
        patience = []
        for _ in range(5):
            leg = journey.leg()
            patience.append(leg.patience_seconds)
            routes.end(leg, TIMED_OUT, seconds=0)
        assert patience == [0.5, 0.5, 1, 2, float("inf")]

    def test_no_route_is_left_in_haste_for_one_of_a_later_group(self):
        routes = Routes(1, ["proxies", "direct"])
        assert routes.journey().leg().patience_seconds == float("inf")


class TestABlockedRoute:
    def test_is_left_alone_for_long_and_another_is_used(self):
        routes = Routes(2)
        routes.prove_all(2)
        journey = routes.journey()
        assert routes.go(BLOCKED, journey=journey) == "p1"
        assert journey.goes_on
        routes.clock.now += BLOCKED_REST_SECONDS - 10
        assert {routes.go() for _ in range(5)} == {"p2"}
        routes.clock.now += 20
        assert routes.go() == "p1"

    def test_is_the_end_when_all_are_blocked(self):
        routes = Routes(2)
        journey = routes.journey()
        assert [routes.go(BLOCKED, journey=journey) for _ in range(2)] == ["p1", "p2"]
        assert not journey.goes_on

    def test_is_no_end_while_another_one_rests_for_a_moment(self):
        routes = Routes(2)
        routes.prove_all(2)
        routes.go(REFUSED)
        journey = routes.journey()
        assert routes.go(BLOCKED, journey=journey, seconds=0) == "p2"
        assert journey.goes_on
        assert routes.go(journey=journey) == "p1"

    def test_is_the_end_when_the_other_one_has_never_answered(self):
        routes = Routes(2)
        assert routes.go(REFUSED, seconds=0) == "p1"
        journey = routes.journey()
        assert routes.go(BLOCKED, journey=journey, seconds=0) == "p2"
        assert not journey.goes_on

    def test_is_the_end_when_there_is_no_other(self):
        routes = Routes(0, ["direct"])
        journey = routes.journey()
        routes.go(BLOCKED, journey=journey)
        assert not journey.goes_on
        assert routes.circuits.asked == 0


class TestTor:
    def test_gets_a_new_circuit_at_once_when_it_is_blocked(self):
        routes = Routes(0, ["tor"])
        journey = routes.journey()
        routes.go(BLOCKED, journey=journey)
        assert journey.goes_on
        assert routes.go(journey=journey) == "tor"
        assert routes.circuits.asked == 1

    def test_gets_one_circuit_for_all_requests_that_were_blocked_on_the_last(self):
        routes = Routes(0, ["tor"])
        routes.go()
        journeys = [routes.journey() for _ in range(50)]
        legs = [journey.leg() for journey in journeys]
        for leg in legs:
            routes.end(leg, BLOCKED, seconds=0)
        assert all(journey.goes_on for journey in journeys)
        with ThreadPoolExecutor(50) as pool:
            after = list(pool.map(lambda journey: routes.go(journey=journey), journeys))
        assert after == ["tor"] * 50
        assert routes.circuits.asked == 1

    def test_is_not_asked_again_for_what_was_blocked_on_the_circuit_before(self):
        routes = Routes(0, ["tor"])
        routes.go()
        late_journey = routes.journey()
        late = late_journey.leg()
        routes.go(BLOCKED)
        routes.go()
        routes.end(late, BLOCKED)
        assert late_journey.goes_on
        assert routes.go(journey=late_journey) == "tor"
        assert routes.circuits.asked == 1

    def test_new_circuits_come_at_most_once_in_the_interval_and_other_routes_are_used_meanwhile(
        self,
    ):
        routes = Routes(0, ["tor", "direct"])
        assert routes.go(BLOCKED, seconds=0) == "tor"
        assert routes.go(BLOCKED, seconds=0) == "tor"
        assert routes.circuits.asked == 1
        assert routes.go(seconds=0) == "direct"
        routes.clock.now += 9.9
        assert routes.go(seconds=0) == "direct"
        routes.clock.now += 0.2
        assert routes.go(seconds=0) == "tor"
        assert routes.circuits.asked == 2

    def test_is_waited_for_when_it_is_the_only_route(self):
        routes = Routes(0, ["tor"])
        journey = routes.journey()
        for _ in range(2):
            routes.go(BLOCKED, journey=journey, seconds=0)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(lambda: routes.go(journey=journey))
            assert not waiting.done()
            assert routes.circuits.asked == 1
            routes.clock.now += 10
            assert waiting.result(timeout=60) == "tor"
        assert routes.circuits.asked == 2

    def test_is_blocked_when_several_new_circuits_are(self):
        routes = Routes(0, ["tor"])
        journey = routes.journey()
        for _ in range(CIRCUITS_TRIED):
            routes.go(BLOCKED, journey=journey)
            assert journey.goes_on
            routes.clock.now += 10
        routes.go(BLOCKED, journey=journey)
        assert not journey.goes_on
        assert routes.circuits.asked == CIRCUITS_TRIED

    def test_only_rests_when_no_new_circuit_can_be_had(self):
        routes = Routes(0, ["tor", "direct"], works=False)
        assert routes.go(BLOCKED) == "tor"
        assert [routes.go() for _ in range(3)] == ["direct"] * 3
        assert routes.circuits.asked == 1

    def test_leaves_nobody_waiting_when_asking_for_a_circuit_goes_wrong(self, monkeypatch):
        routes = Routes(0, ["tor", "direct"])
        routes.go(BLOCKED)
        monkeypatch.setattr(routes.circuits, "renew", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            routes.go()
        assert routes.go() == "direct"

    def test_connections_through_the_old_circuit_are_closed_when_the_last_request_is_done(self):
        routes = Routes(0, ["tor"])
        routes.go()
        slow = routes.journey().leg()
        routes.go(BLOCKED)
        closed = threading.Event()
        slow.adapter.close = closed.set
        leg = routes.journey().leg()
        assert leg.adapter is not slow.adapter
        assert not closed.is_set()
        routes.end(slow)
        assert closed.is_set()


def test_stopping_ends_the_waiting_for_a_route():
    routes = Routes(2)
    _legs = [routes.journey().leg() for _ in range(2)]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: routes.journey().leg())
        routes.stop.set()
        with pytest.raises(RunStopped):
            waiting.result(timeout=60)


def test_a_pool_without_routes_is_refused():
    with pytest.raises(ValueError, match="at least one route"):
        RoutePool([[]], max_connections=1, stop=threading.Event())


ENDS = st.sampled_from([None, REFUSED, TIMED_OUT, BLOCKED])


@given(
    st.integers(1, 4),
    st.sampled_from([["proxies"], ["proxies", "direct"], ["proxies", "tor", "direct"]]),
    st.lists(st.tuples(st.lists(ENDS, min_size=1), st.floats(0, 900)), max_size=30),
)
@settings(deadline=None)
def test_whatever_happens_a_request_gets_a_route_and_comes_to_an_end(proxies, order, requests):
    routes = Routes(proxies, order)
    routes.clock.step = 10.0  # so that nobody waits for long
    for ends, pause in requests:
        journey = routes.journey()
        for number, end in enumerate(ends * (proxies + 2 + CIRCUITS_TRIED + 1)):
            assert number <= proxies + 2 + CIRCUITS_TRIED
            routes.go(end, journey=journey, seconds=1)
            if not journey.goes_on:
                break
        routes.clock.now += pause
    assert all(health.in_flight == 0 for health in routes.pool._all)


def test_nothing_shows_the_credentials_of_a_route():
    secret = "hunter2"  # noqa: S105 -- the point of the test
    proxies = [ProxyUrl(f"socks5h://me:{secret}@host:1080"), ProxyUrl(f"http://{secret}@[::1]:80")]
    groups = route_groups(["proxies", "tor"], proxies, TorSocksUrl(f"socks5h://{secret}:x@t:9"))
    routes = [route for group in groups for route in group]
    assert [route.name for route in routes] == [
        "proxy 1 (socks5h://***@host:1080)",
        "proxy 2 (http://***@[::1]:80)",
        "tor (socks5h://***@t:9)",
    ]
    assert secret not in repr(groups) + str(groups)
    assert routes[0].proxies["https"] == f"socks5h://me:{secret}@host:1080"
    assert DIRECT.proxies == {}
