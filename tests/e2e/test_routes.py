"""Runs over proxies, and the command that tests them."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from tests.e2e.program import report, run, start
from tests.proxies import SECRET, Middleman, middleman, proxy, refusing, strict_socks
from tests.servers import Handler, page, serving
from tests.tor import hashed, needs_tor, tor_daemon

FACTS = load_facts()


@pytest.fixture(scope="module")
def good() -> Iterator[str]:
    """Host and port of a real proxy."""
    with proxy("http") as address:
        yield address


def test_with_three_of_five_proxies_dead_or_slow_every_title_is_saved(tmp_path: Path, good: str):
    with ExitStack() as stack:
        site = stack.enter_context(DemoSite(FACTS))
        other = stack.enter_context(proxy("socks5"))
        nothing = stack.enter_context(refusing())
        hanging: Middleman = stack.enter_context(middleman())
        slow: Middleman = stack.enter_context(middleman(good, 4))
        user = f"user:{SECRET}"
        proxies = [
            f"http://{user}@{nothing}",
            f"http://{user}@{hanging.address}",
            f"http://{user}@{slow.address}",
            f"http://{user}@{good}",
            f"socks5h://{user}@{other}",
        ]
        result = run(
            tmp_path,
            base_url=site.url,
            proxies=",".join(proxies),
            repositories="csv",
            requests_per_second=0,
            max_attempts=1,
        )
        tried = hanging.connections + slow.connections
    assert result.status == 0, result.err
    assert report(tmp_path / "output")["fetched"] == 250
    assert tried < 25
    assert SECRET not in result.out + result.err


def cells(out: str) -> dict[str, list[str]]:
    """The table's rows, by the route without its address."""
    rows = [re.split(r" {2,}", line.strip()) for line in out.splitlines() if "  " in line]
    return {row[0].partition(" (")[0]: row[1:] for row in rows}


def test_routes_shows_how_each_route_is(tmp_path: Path, good: str):
    with ExitStack() as stack:
        site = stack.enter_context(serving({"/robots.txt": page(b"User-agent: *")}))
        challenge = {f"{site.url}/robots.txt": lambda handler: handler.reply(202)}
        blocked = stack.enter_context(serving(challenge))
        nothing = stack.enter_context(refusing())
        proxies = [
            f"http://user:{SECRET}@{good}",
            f"socks5://user:{SECRET}@{stack.enter_context(proxy('socks5'))}",
            f"socks5h://user:{SECRET}@{stack.enter_context(strict_socks())}",
            f"http://user:{SECRET}x@{stack.enter_context(proxy('http'))}",
            f"http://{nothing}",
            f"http://{stack.enter_context(middleman()).address}",
            blocked.url,
        ]
        result = run(
            tmp_path,
            "routes",
            base_url=site.url,
            routes="direct,proxies,tor",
            proxies=",".join(proxies),
            tor_socks_url=f"socks5h://me:{SECRET}@{nothing}",
            request_timeout_seconds=1,
        )
    assert result.status == 0, result.err
    shown = cells(result.out)
    by_proxy = "name resolved by proxy"
    assert [shown[name][0] for name in ("direct", "proxy 1", "proxy 2")] == [
        "IPv4",
        by_proxy,
        "IPv4",
    ]
    assert {name: row[-1].partition(" (")[0] for name, row in shown.items()} == {
        "route": "state",
        "direct": "ok",
        "proxy 1": "ok",
        "proxy 2": "ok",
        "proxy 3": "wrong password",
        "proxy 4": "wrong password",
        "proxy 5": "refused",
        "proxy 6": "timed out",
        "proxy 7": "blocked",
        "tor": "refused",
    }
    assert all(float(shown[name][1]) > 0 for name in ("direct", "proxy 1", "proxy 2"))
    assert "no new circuits: TOR_CONTROL_URL is empty" in result.out
    assert SECRET not in result.out + result.err


def test_routes_says_when_none_works(tmp_path: Path):
    with refusing() as nothing:
        result = run(tmp_path, "routes", base_url=f"http://{nothing}")
    assert result.status == 3
    assert "No route reaches" in result.out


def test_routes_asks_with_the_headers_of_a_run(tmp_path: Path):
    with serving({"/robots.txt": page(b"")}) as site:
        run(tmp_path, "routes", base_url=site.url, user_agent="mine/1", language="de-AT")
        run(tmp_path, "doctor", base_url=site.url, user_agent="mine/1", language="de-AT",
            repositories="csv")  # fmt: skip
    tested, *asked = [{k: v for k, v in h.items() if k != "Host"} for h in site.headers_seen]
    assert tested["User-Agent"] == "mine/1"
    assert asked
    assert all(headers == tested for headers in asked)


def test_routes_does_not_wait_for_an_answer_that_drips(tmp_path: Path):
    over = threading.Event()

    def drip(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not over.wait(0.1):
            handler.wfile.write(b"x")

    with serving({"/robots.txt": drip}) as site:
        result = run(tmp_path, "routes", base_url=site.url, request_timeout_seconds=0.5)
        over.set()
    assert result.status == 3
    assert "timed out (no whole answer within 1 s)" in result.out


def test_routes_can_be_interrupted(tmp_path: Path):
    with ExitStack() as stack:
        hanging = [stack.enter_context(middleman()) for _ in range(50)]
        proxies = ",".join(f"http://{each.address}" for each in hanging)
        settings = {"base_url": "http://site.example", "request_timeout_seconds": 600}
        process = stack.enter_context(start(tmp_path, "routes", proxies=proxies, **settings))
        while sum(each.connections for each in hanging) < 20:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert sum(each.connections for each in hanging) == 20
    assert process.returncode == 130
    assert "Traceback" not in out + err


@needs_tor
@pytest.mark.parametrize(
    ("given", "told"),
    [(SECRET, "new circuits can be asked for"), ("another", "TOR_CONTROL_PASSWORD is wrong")],
)
def test_routes_tries_the_password_of_tors_control_port(tmp_path: Path, given: str, told: str):
    options = ("--HashedControlPassword", hashed(SECRET))
    with refusing() as nothing, tor_daemon(tmp_path / "tor", *options) as daemon:
        result = run(
            tmp_path,
            "routes",
            base_url=f"http://{nothing}",
            tor_socks_url=f"socks5h://{nothing}",
            tor_control_url=daemon.control,
            tor_control_password=given,
        )
    assert told in result.out
    assert given not in result.out + result.err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"routes": "proxies"}, "ROUTES: names 'proxies', and PROXIES is empty"),
        ({"routes": "direct,tor"}, "ROUTES: names 'tor', and TOR_SOCKS_URL is empty"),
    ],
)
def test_a_route_that_is_not_configured_is_told_before_anything_starts(
    tmp_path: Path, given: dict[str, str], told: str
):
    result = run(tmp_path, **given)
    assert result.status == 2
    assert told in result.err
