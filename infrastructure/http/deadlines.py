"""Ending requests that take too long in all, whatever the server does."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from urllib3 import PoolManager

_CHECK_SECONDS = 0.25


class Deadline:
    """The end of one request; ``over`` tells whether it has come.

    The request's thread says which connection it `uses`, and the watcher may `cut` that one, in its
    own thread. A lock keeps it from a connection that has been given back: another request may
    have it by then.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._connection: Any = None

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self._at

    def end_within(self, seconds: float) -> None:
        """Bring the end forward to so many seconds from now, unless it is earlier anyway."""
        self._at = min(self._at, time.monotonic() + seconds)

    def uses(self, connection: Any) -> None:
        """Note which connection the request uses now; ``None`` when it has given it back."""
        with self._lock:
            self._connection = connection

    def cut(self) -> None:
        """End the connection under its thread's hands, which then finds no more to read."""
        with self._lock:
            open_socket = getattr(self._connection, "sock", None)
            if isinstance(open_socket, socket.socket):
                with suppress(OSError):  # it has ended by itself, or is at its TLS handshake
                    # Not the TLS socket's own, which would take the session from under its thread.
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)


class Deadlines:
    """Cuts connections of requests whose time is up.

    A time limit on a socket starts anew with each byte, so a server that sends one a second in its
    headers would hold a thread for hours. A thread of this object looks at all requests four times
    a second and cuts the connection of those that are over; their own threads then find it closed.
    Once ``stop`` is set, requests under way have ``grace_seconds`` left. The thread starts with the
    first request and ends with `close`. Any thread may call it; one lock guards the set of
    requests.
    """

    def __init__(self, stop: threading.Event, *, grace_seconds: float) -> None:
        self._stop = stop
        self._grace_seconds = grace_seconds
        self._lock = threading.Lock()
        self._running: set[Deadline] = set()
        self._closed = threading.Event()
        self._watcher: threading.Thread | None = None

    def close(self) -> None:
        """End the thread, when nothing is asked for any more."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join()

    @contextmanager
    def within(self, seconds: float) -> Iterator[Deadline]:
        """Limit what this thread asks for in the block."""
        deadline = Deadline(seconds)
        with self._lock:
            self._running.add(deadline)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="deadlines")
                self._watcher.start()
        _of_thread.deadline = deadline
        try:
            yield deadline
        finally:
            _of_thread.deadline = None
            deadline.uses(None)
            with self._lock:
                self._running.discard(deadline)

    def _watch(self) -> None:
        while not self._closed.wait(_CHECK_SECONDS):
            with self._lock:
                running = tuple(self._running)
            for deadline in running:
                if self._stop.is_set():
                    deadline.end_within(self._grace_seconds)
                if deadline.over:
                    deadline.cut()


_of_thread = threading.local()


def note_connections(manager: PoolManager) -> None:
    """Have the connections of a manager's pools known to the deadlines of their threads."""
    manager.pool_classes_by_scheme = {
        scheme: _noting(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _noting(pool_class: type[Any]) -> type[Any]:
    class NotingPool(pool_class):  # type: ignore[misc]  # one of several classes
        """Tells the thread's deadline which connection it is given, and when it gives it back."""

        def _get_conn(self, timeout: float | None = None) -> Any:
            connection = super()._get_conn(timeout)
            _note(connection)
            return connection

        def _put_conn(self, connection: Any) -> None:
            _note(None)
            super()._put_conn(connection)

    return NotingPool


def _note(connection: Any) -> None:
    deadline: Deadline | None = getattr(_of_thread, "deadline", None)
    if deadline is not None:
        deadline.uses(connection)
