"""Clients that are slow, silent or too many, over real connections on loopback."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import pytest
from starlette.responses import PlainTextResponse, Response

from infrastructure.web.connections import Connection, ConnectionLimits, Server

ASK = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
LARGE = 32 * 1024 * 1024
"""More than the buffers of both sides' kernels hold."""


class App:
    """Answers at once; at ``/wait`` when it is let, at ``/large`` with much."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.may_answer = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer: Response = PlainTextResponse("here")
        if scope["path"] == "/wait":
            self.asked.release()
            await asyncio.to_thread(self.may_answer.wait)
        if scope["path"] == "/large":
            answer = PlainTextResponse(bytes(LARGE))
        await answer(scope, receive, send)


class Served:
    """A server and its clients; ``lost`` is set when a connection has ended."""

    def __init__(self, app: Any, given: ConnectionLimits, clients: ExitStack) -> None:
        self.lost = threading.Event()
        self.is_up = threading.Event()
        self._clients = clients
        self.address: tuple[str, int] = ("", 0)
        self.server = Server(app, given, when_up=self.is_up.set)
        made = cast("type[Connection]", self.server.config.http)
        made.connection_lost = self._note(made.connection_lost)  # type: ignore[method-assign]

    def _note(self, lost: Callable[..., None]) -> Callable[..., None]:
        def noting(*given: object) -> None:
            lost(*given)
            self.lost.set()

        return noting

    def __call__(self) -> socket.socket:
        """Connect."""
        client = self._clients.enter_context(socket.socket())
        # Little of an answer is on its way while nobody reads it.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(60)
        client.connect(self.address)
        return client


@contextmanager
def served(app: Any, given: ConnectionLimits) -> Iterator[Served]:
    """Serve an application; what it gives connects to it as often as it is called."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as clients:
        here = Served(app, given, clients)
        here.address = listener.getsockname()
        thread = threading.Thread(target=here.server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert here.is_up.wait(60)
            yield here
        finally:
            here.server.should_exit = True
            thread.join()


def taken(client: socket.socket) -> bytes:
    """Whatever comes until the server closes the connection."""
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def is_answered(client: socket.socket) -> bool:
    """Whether a small answer comes."""
    got = b""
    while not got.endswith(b"here"):
        part = client.recv(65536)
        if not part:
            return False
        got += part
    return got.startswith(b"HTTP/1.1 200 ")


def answers(client: socket.socket) -> bool:
    """Whether a request is answered."""
    client.sendall(ASK)
    return is_answered(client)


@pytest.mark.parametrize("before", [b"", ASK], ids=["at once", "after a request"])
@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: he"], ids=["silent", "half"])
def test_who_does_not_ask_is_let_go(
    before: bytes, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.web.connections.IDLE_SECONDS", 0.5)
    with served(App(), ConnectionLimits(request_seconds=0.5)) as connect:
        client = connect()
        if before:
            assert answers(client)
        client.sendall(sent)
        assert taken(client) == b""
        assert answers(connect())


def test_a_body_that_nobody_reads_does_not_hold_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("infrastructure.web.connections.IDLE_SECONDS", 0.5)
    with served(App(), ConnectionLimits(request_seconds=0.5)) as connect:
        client = connect()
        client.sendall(ASK[:-2] + b"Content-Length: 100\r\n\r\n")
        assert is_answered(client)
        client.sendall(b"a byte or two")
        assert taken(client) == b""


def test_who_does_not_take_the_answer_is_cut_off() -> None:
    with served(App(), ConnectionLimits(stall_seconds=1)) as connect:
        lazy = connect()
        lazy.sendall(ASK.replace(b"/ ", b"/large "))
        assert answers(connect())
        assert connect.lost.wait(60)
        assert len(taken(lazy)) < LARGE


def test_who_takes_it_slowly_is_given_it_whole() -> None:
    limits = ConnectionLimits(stall_seconds=1, request_seconds=1)
    with served(App(), limits) as connect:
        client = connect()
        client.sendall(ASK.replace(b"/ ", b"/large ")[:-2] + b"Connection: close\r\n\r\n")
        size = 0
        while part := client.recv(LARGE // 64):
            size += len(part)
    assert size > LARGE


def test_a_new_client_takes_the_place_of_the_one_that_has_waited_longest() -> None:
    with served(App(), ConnectionLimits(most=3)) as connect:
        clients = [connect() for _ in range(3)]
        assert all(answers(client) for client in clients)
        assert answers(clients[0])  # now the second has waited longest
        assert answers(connect())
        assert taken(clients[1]) == b""
        assert answers(clients[0])
        assert answers(clients[2])


def test_when_all_are_being_answered_one_more_is_told_to_come_again() -> None:
    app = App()
    with served(app, ConnectionLimits(most=3)) as connect:
        clients = [connect() for _ in range(3)]
        for client in clients:
            client.sendall(ASK.replace(b"/ ", b"/wait "))
            assert app.asked.acquire(timeout=60)
        more = connect()
        more.sendall(ASK)
        head, _, body = taken(more).partition(b"\r\n\r\n")
        app.may_answer.set()
        assert all(is_answered(client) for client in clients)
    assert head.startswith(b"HTTP/1.1 429 ")
    assert b"retry-after: 10" in head.lower()
    assert b"x-content-type-options: nosniff" in head.lower()
    assert json.loads(body)["reason"] == "too_many_connections"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 what TLS begins with\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nX\xff y: 1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nHost: there\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_problem_as_any_other(sent: bytes) -> None:
    with served(App(), ConnectionLimits()) as connect:
        client = connect()
        client.sendall(sent)
        head, _, body = taken(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert b"x-content-type-options: nosniff" in head
    assert json.loads(body)["status"] == 400


def test_no_http_after_an_answer_that_came_before_the_body_is_a_problem_too() -> None:
    with served(App(), ConnectionLimits()) as connect:
        client = connect()
        client.sendall(ASK[:-2] + b"Content-Length: 2\r\n\r\n")
        assert is_answered(client)
        client.sendall(b"ab" + ASK[:-2] + b"Host: there\r\n\r\n")
        assert taken(client).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_turns_out_broken_after_the_answer_is_no_defect(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with served(App(), ConnectionLimits()) as connect:
        client = connect()
        client.sendall(ASK[:-2] + b"Transfer-Encoding: chunked\r\n\r\n")
        assert is_answered(client)
        client.sendall(b"this is no chunk\r\n")
        assert taken(client) == b""
    assert not [each for each in caplog.records if each.exc_info]


def test_another_protocol_that_is_offered_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    with served(App(), ConnectionLimits()) as connect:
        client = connect()
        client.sendall(ASK[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert is_answered(client)
        assert answers(client)
    assert not [each for each in caplog.records if each.levelname == "WARNING"]
