from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.errors import SourceBlocked, SourceUnavailable
from infrastructure.http import client as client_module
from infrastructure.http.client import HttpClient
from infrastructure.http.response import PackedResponse
from tests import clients
from tests.proxies import SECRET, middleman, proxy, refusing, strict_socks
from tests.servers import Handler, page, serving

CHALLENGE = SourceBlocked("https://site/", "a challenge")


def http_client(*proxies: str, **changes: object) -> HttpClient:
    return clients.http_client(**({"max_attempts": 2, "proxies": proxies} | changes))


def whole(address: str, scheme: str = "http") -> str:
    """The URL of a real proxy."""
    return f"{scheme}://user:{SECRET}@{address}"


@pytest.fixture(autouse=True)
def _quick_backoff(monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)


@pytest.mark.parametrize(("served", "scheme"), [("http", "http"), ("socks5", "socks5h")])
def test_pages_come_through_a_proxy_with_a_password(served, scheme):
    with proxy(served) as address, serving({"/": page(b"through")}) as server:
        with http_client(f"{scheme}://user:{SECRET}@{address}") as http:
            assert http.get(server.url + "/").body == b"through"


@pytest.mark.parametrize("scheme", ["socks5h", "http"])
def test_a_name_that_only_the_proxy_knows_is_looked_up_by_the_proxy(scheme):
    served = {"socks5h": "socks5"}.get(scheme, scheme)
    with serving({"/": page(b"found")}) as server:
        with proxy(served, knows={"site.invalid": "127.0.0.1"}) as address:
            with http_client(whole(address, scheme)) as http:
                assert http.get(f"http://site.invalid:{server.server_port}/").body == b"found"


def test_with_socks5_names_are_looked_up_here():
    with proxy("socks5", knows={"site.invalid": "127.0.0.1"}) as address:
        with http_client(whole(address, "socks5"), max_attempts=1) as http:
            with pytest.raises(SourceUnavailable, match="cannot be resolved"):
                http.get("http://site.invalid/")


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_that_refuses_the_password_is_reported_without_showing_it(scheme):
    with strict_socks() as address:
        with http_client(f"{scheme}://user:wr0ng-word@{address}") as http:
            with pytest.raises(SourceUnavailable, match="proxy 1.*refuses the user") as caught:
                http.get("http://127.0.0.1:9/")
    assert "wr0ng-word" not in str(caught.value)


def test_an_http_proxy_that_refuses_the_password_gives_no_page():
    with proxy("http") as address, serving({"/": page(b"x")}) as server:
        with http_client(f"http://user:wr0ng-word@{address}") as http:
            with pytest.raises(SourceUnavailable, match="through proxy 1"):
                http.get(server.url + "/")
    assert server.requests["/"] == 0


@pytest.mark.parametrize("wrong_scheme", ["http", "socks5h"])
def test_dead_proxies_cost_no_try_of_the_page(wrong_scheme):
    """One refuses, one hangs, one wants another password: the only try goes over the fourth."""
    with (
        refusing() as nothing,
        middleman() as hanging,
        proxy("http") as other,
        proxy("http") as good,
        serving({"/": page(b"through")}) as server,
    ):
        dead = [f"{wrong_scheme}://{nothing}", f"{wrong_scheme}://{hanging.address}"]
        given = [*dead, f"http://user:wrong@{other}", whole(good)]
        with http_client(*given, max_attempts=1) as http:
            assert [http.get(server.url + "/").body for _ in range(20)] == [b"through"] * 20
        assert hanging.connections == 1
    assert server.requests["/"] == 20


def test_a_slow_site_does_not_look_like_dead_proxies():
    """Both take longer than a proxy is waited for that may be dead."""
    with proxy("http") as good, serving({"/": page(b"at last")}) as server:
        with middleman(good, 1.3) as first, middleman(good, 1.3) as second:
            given = [whole(first.address), whole(second.address)]
            with http_client(*given, max_attempts=1) as http:
                assert http.get(server.url + "/").body == b"at last"


def test_when_every_proxy_is_dead_the_last_failure_is_told():
    with refusing() as first, refusing() as second:
        with http_client(f"http://{first}", f"http://{second}") as http:
            with pytest.raises(
                SourceUnavailable, match=r"proxy [12].*refused.*\(2 tries\)"
            ) as told:
                http.get("http://127.0.0.1:9/")
    assert told.value.hopeless


def test_a_later_kind_of_route_is_used_while_the_proxies_are_dead():
    with refusing() as nothing, serving({"/": page(b"straight")}) as server:
        with http_client(f"http://{nothing}", order=["proxies", "direct"], max_attempts=1) as http:
            assert http.get(server.url + "/").body == b"straight"


def test_a_bad_address_is_not_taken_for_a_dead_route():
    with middleman() as unused:
        with http_client(f"http://{unused.address}", order=["direct", "proxies"]) as http:
            with pytest.raises(SourceUnavailable, match=r"name of the host is none(?!.*tries)"):
                http.get("http://a..b/")
        assert unused.connections == 0


def test_each_proxy_keeps_its_own_connections():
    with (
        proxy("http", sends_from="127.0.0.2") as first,
        proxy("socks5", sends_from="127.0.0.3") as second,
        serving({"/": page(b"x")}) as server,
    ):
        with http_client(whole(first), whole(second, "socks5h")) as http:
            for _ in range(20):
                http.get(server.url + "/")
    assert sorted(host for host, _ in server.clients) == ["127.0.0.2", "127.0.0.3"]


def refusing_clients(*hosts: str):
    """Answers with a challenge whoever comes from one of these addresses."""

    def answer(handler: Handler) -> None:
        blocked = handler.client_address[0] in hosts
        handler.reply(202 if blocked else 200, b"" if blocked else b"welcome")

    return answer


def read(answer: PackedResponse) -> bytes:
    if answer.status == 202:
        raise CHALLENGE
    return bytes(answer.unpacked().body)


def test_a_page_that_one_proxy_is_refused_comes_through_another():
    with (
        proxy("http", sends_from="127.0.0.2") as first,
        proxy("http", sends_from="127.0.0.3") as second,
        serving({"/": refusing_clients("127.0.0.2")}) as server,
    ):
        with http_client(whole(first), whole(second), max_attempts=1) as http:
            assert [http.fetch(server.url + "/", read) for _ in range(10)] == [b"welcome"] * 10
    assert server.requests["/"] == 11


def test_when_all_proxies_are_refused_it_is_told_that_the_source_blocks_us():
    with (
        proxy("http", sends_from="127.0.0.2") as first,
        proxy("http", sends_from="127.0.0.3") as second,
        serving({"/": refusing_clients("127.0.0.2", "127.0.0.3")}) as server,
    ):
        with http_client(whole(first), whole(second)) as http:
            with pytest.raises(SourceBlocked, match="a challenge"):
                http.fetch(server.url + "/", read)
    assert server.requests["/"] == 2


def test_a_challenge_over_the_only_route_is_told_at_once():
    with serving({"/": refusing_clients("127.0.0.1")}) as server, http_client() as http:
        with pytest.raises(SourceBlocked):
            http.fetch(server.url + "/", read)
    assert server.requests["/"] == 1


def test_a_redirect_stays_on_the_proxy():
    def lead_on(handler: Handler) -> None:
        handler.reply(302, Location="/new")

    with (
        proxy("http", sends_from="127.0.0.2") as first,
        proxy("http", sends_from="127.0.0.3") as second,
        serving({"/old": lead_on, "/new": page(b"here")}) as server,
    ):
        with http_client(whole(first), whole(second)) as http:
            assert http.get(server.url + "/old").body == b"here"
    assert len({host for host, _ in server.clients}) == 1


def test_a_second_try_of_a_page_goes_through_another_proxy():
    hosts: list[str] = []

    def fail_once(handler: Handler) -> None:
        hosts.append(handler.client_address[0])
        handler.reply(503 if handler.number == 1 else 200, b"in the end")

    with (
        proxy("http", sends_from="127.0.0.2") as first,
        proxy("http", sends_from="127.0.0.3") as second,
        serving({"/": fail_once}) as server,
    ):
        with http_client(whole(first), whole(second)) as http:
            assert http.get(server.url + "/").body == b"in the end"
    assert sorted(hosts) == ["127.0.0.2", "127.0.0.3"]


def test_fifty_threads_do_not_all_wait_for_a_proxy_that_hangs():
    with middleman() as hanging, proxy("http") as good, serving({"/": page(b"x")}) as server:
        given = [f"http://{hanging.address}", whole(good)]
        with http_client(*given, max_attempts=1, max_connections=50) as http:
            with ThreadPoolExecutor(50) as pool:
                bodies = list(pool.map(lambda _: http.get(server.url + "/").body, range(500)))
        assert bodies == [b"x"] * 500
        assert hanging.connections < 10
    assert server.requests["/"] == 500
