"""Tor's control port, with a real ``tor`` that has no network."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from domain.errors import SourceBlocked
from infrastructure.http.response import PackedResponse
from infrastructure.http.routes.tor import TorCircuits
from shared.setting_values import Secret
from tests import clients
from tests.proxies import SECRET, middleman, proxy, refusing
from tests.servers import Handler, serving
from tests.tor import TorDaemon, Watcher, hashed, needs_tor, tor_daemon

PASSWORD = 'c1rcu1t "s3cret"'  # noqa: S105 -- of a daemon that lives for a test


@pytest.fixture(scope="module")
def with_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorDaemon]:
    folder = tmp_path_factory.mktemp("tor")
    with tor_daemon(folder, "--HashedControlPassword", hashed(PASSWORD)) as daemon:
        yield daemon


@pytest.fixture
def with_cookie(tmp_path: Path) -> Iterator[TorDaemon]:
    with tor_daemon(tmp_path, "--CookieAuthentication", "1") as daemon:
        yield daemon


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@needs_tor
class TestARealTor:
    def test_takes_the_password(self, with_password, caplog):
        caplog.set_level(1)
        circuits = TorCircuits(with_password.control, Secret(PASSWORD))
        assert circuits.renew()
        assert "s3cret" not in caplog.text

    def test_takes_its_cookie(self, with_cookie):
        with closing(Watcher(with_cookie)) as watcher:
            assert TorCircuits(with_cookie.control, Secret("")).renew()
            assert watcher.new_circuits() == 1

    def test_is_spoken_to_over_a_socket_of_the_file_system(self, tmp_path):
        options = ("--CookieAuthentication", "1")
        with tor_daemon(tmp_path, *options, control=f"{tmp_path}/control") as daemon:
            assert daemon.control == f"{tmp_path}/control"
            assert TorCircuits(daemon.control, Secret("")).renew()

    @pytest.mark.parametrize(
        ("password", "reason"),
        [("n0t-th1s", "TOR_CONTROL_PASSWORD is wrong"), ("", "set TOR_CONTROL_PASSWORD")],
    )
    def test_refuses_any_other_password_which_is_said_once(
        self, with_password, password, reason, caplog
    ):
        caplog.set_level(1)
        circuits = TorCircuits(with_password.control, Secret(password))
        assert [circuits.renew() for _ in range(3)] == [False] * 3
        [told] = reasons(caplog)
        assert reason in told
        assert "n0t-th1s" not in caplog.text

    def test_is_asked_once_for_fifty_threads_that_are_blocked(self, with_cookie):
        """Through a real SOCKS proxy in Tor's place: what it connects to has no network here."""
        with closing(Watcher(with_cookie)) as watcher:

            def challenge_until_the_circuit_is_new(handler: Handler) -> None:
                with handler.server.lock:
                    seen["circuits"] += watcher.new_circuits()
                handler.reply(200 if seen["circuits"] else 202, b"welcome")

            seen = {"circuits": 0}
            with (
                proxy("socks5") as address,
                serving({"/": challenge_until_the_circuit_is_new}) as server,
                clients.http_client(
                    order=["tor"],
                    tor_socks_url=f"socks5h://user:{SECRET}@{address}",
                    circuits=TorCircuits(with_cookie.control, Secret("")),
                    max_attempts=1,
                    max_connections=50,
                ) as http,
                ThreadPoolExecutor(50) as pool,
            ):
                bodies = list(pool.map(lambda _: http.fetch(server.url + "/", read), range(50)))
            assert bodies == [b"welcome"] * 50
            assert seen["circuits"] + watcher.new_circuits() == 1

    def test_has_its_new_circuit_used_by_opening_new_connections(self, with_cookie):
        def challenge_once(handler: Handler) -> None:
            handler.reply(202 if handler.number == 2 else 200, b"welcome")

        with (
            proxy("socks5") as address,
            serving({"/": challenge_once}) as server,
            clients.http_client(
                order=["tor"],
                tor_socks_url=f"socks5h://user:{SECRET}@{address}",
                circuits=TorCircuits(with_cookie.control, Secret("")),
            ) as http,
        ):
            connections = []
            for _ in range(4):
                http.fetch(server.url + "/", read)
                connections.append(len(server.clients))
        assert connections == [1, 2, 2, 2]


def read(answer: PackedResponse) -> bytes:
    if answer.status == 202:
        raise SourceBlocked(answer.url, "a challenge")
    return bytes(answer.unpacked().body)


def test_a_control_port_where_nothing_listens_is_said_once(caplog):
    with refusing() as nothing:
        circuits = TorCircuits(f"tcp://{nothing}", Secret("x"))
        assert [circuits.renew() for _ in range(2)] == [False] * 2
    [told] = reasons(caplog)
    assert "TOR_CONTROL_URL cannot be reached" in told


def test_a_control_socket_that_is_not_there_is_said(tmp_path, caplog):
    assert not TorCircuits(f"{tmp_path}/control", Secret("")).renew()
    assert "TOR_CONTROL_URL cannot be reached" in caplog.text


def test_a_port_that_is_no_control_port_is_said(caplog):
    with proxy("socks5") as address:
        assert not TorCircuits(f"tcp://{address}", Secret("")).renew()
    assert "TOR_CONTROL_URL" in caplog.text


def test_a_control_port_that_does_not_answer_is_not_waited_for(monkeypatch, caplog):
    monkeypatch.setattr("infrastructure.http.routes.tor._TIMEOUT_SECONDS", 0.2)
    with middleman() as hanging:
        assert not TorCircuits(f"tcp://{hanging.address}", Secret("")).renew()
    assert "TOR_CONTROL_URL" in caplog.text


def test_a_blocked_tor_without_its_control_port_blocks_the_source():
    with (
        refusing() as nothing,
        proxy("socks5") as address,
        serving({"/": lambda handler: handler.reply(202)}) as server,
        clients.http_client(
            order=["tor"],
            tor_socks_url=f"socks5h://user:{SECRET}@{address}",
            circuits=TorCircuits(f"tcp://{nothing}", Secret("")),
        ) as http,
    ):
        with pytest.raises(SourceBlocked):
            http.fetch(server.url + "/", read)
        assert server.requests["/"] <= 2
