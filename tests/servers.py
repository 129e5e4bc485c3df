"""A server on loopback that answers as a test says, over real HTTP."""

import gzip
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Hands every GET and POST to the test's function for the path; ``body`` is what was sent."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "ScriptedServer"

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests[self.path] += 1
            self.number = self.server.requests[self.path]
            self.server.headers_seen.append(dict(self.headers))
            self.server.clients.add(self.client_address)
        answer = self.server.answers.get(self.path)
        if answer is None:
            self.reply(404, b"no such page")
        else:
            answer(self)

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reply_packed(self, body: bytes) -> None:
        self.reply(200, gzip.compress(body), Content_Encoding="gzip")

    def log_message(self, *arguments: object) -> None:
        """Say nothing: the tests do."""


class ScriptedServer(ThreadingHTTPServer):
    """Counts requests by path and remembers the headers and the connections they came with."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = dict(answers)
        self.requests: Counter[str] = Counter()
        self.headers_seen: list[dict[str, str]] = []
        self.clients: set[tuple[str, int]] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what some tests are about."""


@contextmanager
def serving(
    answers: Mapping[str, Answer], tls: ssl.SSLContext | None = None
) -> Iterator[ScriptedServer]:
    """Serve until the end of the block, over TLS when there is a context for it."""
    with ScriptedServer(answers) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def page(body: bytes) -> Answer:
    return lambda handler: handler.reply(200, body)
