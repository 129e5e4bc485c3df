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
    """The end of one request; ``over`` tells whether it has come."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.connection: Any = None
        self._at = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self._at


class Deadlines:
    """Cuts connections of requests whose time is up.

    A time limit on a socket starts anew with each byte, so a server that sends one a second in its
    headers would hold a thread for hours. A thread of this object looks at all requests four times
    a second and shuts the connection of those that are over; their own threads then find it closed.
    The thread starts with the first request and ends with `close`. Any thread may call it; one
    lock guards the set of requests.
    """

    def __init__(self) -> None:
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
            with self._lock:
                self._running.discard(deadline)

    def _watch(self) -> None:
        while not self._closed.wait(_CHECK_SECONDS):
            with self._lock:
                over = [deadline for deadline in self._running if deadline.over]
            for deadline in over:
                _shut(deadline.connection)


_of_thread = threading.local()


def note_connections(manager: PoolManager) -> None:
    """Have the connections of a manager's pools known to the deadlines of their threads."""
    manager.pool_classes_by_scheme = {
        scheme: _noting(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _noting(pool_class: type[Any]) -> type[Any]:
    class NotingPool(pool_class):  # type: ignore[misc]  # one of several classes
        """Tells the thread's deadline which connection it is given."""

        def _get_conn(self, timeout: float | None = None) -> Any:
            connection = super()._get_conn(timeout)
            deadline: Deadline | None = getattr(_of_thread, "deadline", None)
            if deadline is not None:
                deadline.connection = connection
            return connection

    return NotingPool


def _shut(connection: Any) -> None:
    """End a connection under its thread's hands, which then finds no more to read."""
    open_socket = getattr(connection, "sock", None)
    if isinstance(open_socket, socket.socket):
        with suppress(OSError):  # it has ended by itself, or is at its TLS handshake
            # Not the TLS socket's own, which would take the session from under its thread.
            socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
