"""Tor's control port: asking for another circuit when the site blocks the one in use."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.setting_values import Secret

if TYPE_CHECKING:
    from stem.socket import ControlSocket

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 10.0
"""Tor puts off a NEWNYM that comes sooner after the last one (control-spec, 3.7. SIGNAL)."""

_TIMEOUT_SECONDS = 10.0


class TorUnusable(Exception):
    """The control port cannot be used; the text says why, without the password."""


class TorCircuits:
    """Asks Tor for new circuits, at most once in `INTERVAL_SECONDS`.

    ``address`` is ``tcp://host:port`` or the absolute path of a socket. Tor says whether it wants
    the password or its cookie, which is a file that must be readable here. `RoutePool` calls
    `renew` in one thread at a time; a lock guards the time of the last one all the same. Each call
    opens a connection and closes it.
    """

    def __init__(self, address: str, password: Secret) -> None:
        self._address = address
        self._password = password
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._has_told = False

    def next_at(self) -> float:
        """The time, in seconds of `time.monotonic`, from which Tor takes the next request."""
        with self._lock:
            return self._next_at

    def renew(self) -> bool:
        """Ask for a new circuit; when that fails, say why (once) and give false."""
        try:
            with self._controlled() as control:
                control.send("SIGNAL NEWNYM")
                answer = control.recv()
        except TorUnusable as error:
            return self._cannot(str(error))
        if not answer.is_ok():
            return self._cannot(f"Tor refuses: {answer}")
        with self._lock:
            self._next_at = time.monotonic() + INTERVAL_SECONDS
        logger.info("Tor uses a new circuit from now on")
        return True

    def check(self) -> None:
        """Authenticate, and do nothing. Raises `TorUnusable`."""
        with self._controlled():
            pass

    def _cannot(self, why: str) -> bool:
        with self._lock:
            has_told, self._has_told = self._has_told, True
        if not has_told:
            logger.warning("no new Tor circuits: %s", why)
        return False

    @contextmanager
    def _controlled(self) -> Iterator["ControlSocket"]:
        """An authenticated connection. Raises `TorUnusable`, also for errors in the block."""
        import stem
        from stem.connection import AuthenticationFailure, authenticate

        # Importing it switches on the records of all that is sent, the password too.
        logging.getLogger("stem").setLevel(logging.WARNING)
        try:
            with _connection(self._address) as control:
                authenticate(control, password=self._password.reveal() or None)
                yield control
        except AuthenticationFailure as error:
            raise TorUnusable(self._why_not(error)) from error
        except (stem.ControllerError, OSError) as error:
            cause = _first_line(error)
            raise TorUnusable(f"TOR_CONTROL_URL cannot be reached ({cause})") from error

    def _why_not(self, error: Exception) -> str:
        from stem import connection

        if isinstance(error, connection.IncorrectPassword):
            return "TOR_CONTROL_PASSWORD is wrong"
        if isinstance(error, connection.MissingPassword):
            return "Tor wants a password: set TOR_CONTROL_PASSWORD"
        if isinstance(error, connection.IncorrectSocketType):
            return "what answers at TOR_CONTROL_URL is no control port (Tor's is 9051, not 9050)"
        if isinstance(error, connection.CookieAuthFailed):
            return f"Tor's cookie is of no use: {_first_line(error)}"
        return f"TOR_CONTROL_URL: {_first_line(error)}; is it Tor's control port?"


def _connection(address: str) -> "ControlSocket":
    """Connect. Raises `stem.SocketError`.

    How a socket is made is for a subclass to say (`stem.socket.BaseSocket`), or an instance: stem's
    own have no time limit, and know IPv4 only.
    """
    import stem
    from stem.socket import ControlPort, ControlSocketFile

    def made() -> socket.socket:
        try:
            if address.startswith("/"):
                return _connected_to_file(address)
            parts = urlsplit(address)
            return socket.create_connection((parts.hostname, parts.port), _TIMEOUT_SECONDS)
        except OSError as error:
            raise stem.SocketError(error) from error

    control = (ControlSocketFile if address.startswith("/") else ControlPort)(connect=False)
    control._make_socket = made
    control.connect()
    return control


def _connected_to_file(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_TIMEOUT_SECONDS)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
