"""Proxies on loopback: real ones with passwords, and those that refuse, hang or are slow."""

import selectors
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress

SECRET = "pr0xy-s3cret"  # noqa: S105 -- of a proxy that lives for one test

# It looks for uvloop, with which it does not start.
_PROXY = """
import socket, sys
sys.modules["uvloop"] = None
known, ask = {names!r}, socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **named: ask(known.get(host, host), *rest, **named)
from pproxy.server import main
main()
"""


def free_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def proxy(
    scheme: str, *, sends_from: str | None = None, knows: Mapping[str, str] | None = None
) -> Iterator[str]:
    """A real proxy that wants a user name and a password; gives its host and port.

    It connects from the loopback address ``sends_from``, and ``knows`` addresses of hosts that
    nobody else does.
    """
    address = free_address()
    out = f"@{sends_from}" if sends_from else ""
    program = ["-c", _PROXY.format(names=dict(knows or {}))]
    listen = ["-l", f"{scheme}://{address}/{out}#user:{SECRET}"]
    command = [sys.executable, "-u", *program, *listen]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            assert process.stdout is not None
            assert any(b"Serving on" in line for line in process.stdout), "it did not start"
            # What it says from now on would fill the pipe.
            reader = threading.Thread(target=process.stdout.read)
            reader.start()
            yield address
        finally:
            process.kill()
            reader.join()


@contextmanager
def refusing() -> Iterator[str]:
    """An address where nothing listens, and nothing will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


class _NoPassword(socketserver.BaseRequestHandler):
    """Wants a user and a password, and takes none (RFC 1928, 3; RFC 1929, 2)."""

    def handle(self) -> None:
        self.request.recv(512)
        self.request.sendall(b"\x05\x02")
        self.request.recv(512)
        self.request.sendall(b"\x01\x01")


@contextmanager
def strict_socks() -> Iterator[str]:
    """A SOCKS 5 proxy that refuses every password, and says so, as `proxy` does not."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _NoPassword) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class Middleman(threading.Thread):
    """Takes connections, and passes them on after a delay, or never; counts them.

    One thread does it all, so that a test has nothing to wait for but this one.
    """

    def __init__(self, to: str | None = None, delay_seconds: float = 0.0) -> None:
        super().__init__(name="middleman")
        self.connections = 0
        self._to = to
        self._delay_seconds = delay_seconds
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._stopping = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def run(self) -> None:
        self._listening.settimeout(0.05)
        threads = []
        with self._listening:
            while not self._stopping.is_set():
                with suppress(TimeoutError):
                    taken, _ = self._listening.accept()
                    self.connections += 1
                    threads.append(threading.Thread(target=self._serve, args=(taken,)))
                    threads[-1].start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        self._stopping.set()
        self.join()

    def _serve(self, taken: socket.socket) -> None:
        with taken:
            if self._to is None:
                self._stopping.wait()
            elif not self._stopping.wait(self._delay_seconds):
                self._pass_on(taken)

    def _pass_on(self, taken: socket.socket) -> None:
        host, _, port = (self._to or "").partition(":")
        with (
            socket.create_connection((host, int(port))) as onward,
            selectors.DefaultSelector() as selector,
            suppress(OSError),
        ):
            selector.register(taken, selectors.EVENT_READ, onward)
            selector.register(onward, selectors.EVENT_READ, taken)
            while not self._stopping.is_set():
                for key, _ in selector.select(0.05):
                    data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                    if not data:
                        return
                    key.data.sendall(data)


@contextmanager
def middleman(to: str | None = None, delay_seconds: float = 0.0) -> Iterator[Middleman]:
    with closing(Middleman(to, delay_seconds)) as thread:
        thread.start()
        yield thread
