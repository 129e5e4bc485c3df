"""The wishes of a host to robots: its ``/robots.txt`` (RFC 9309), read once."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from domain.errors import RobotsDisallowed, SourceUnavailable
from infrastructure.http.response import Response
from shared.log_context import in_log_context

if TYPE_CHECKING:
    from protego import Protego

logger = logging.getLogger(__name__)

MOST_BYTES = 500 * 1024
"""What is read of a robots.txt (RFC 9309, 2.5); rules beyond it are not known."""
_SERVER_ERRORS = 500
_PAUSE_SECONDS = 10.0
"""Before a robots.txt that could not be had is asked for again."""


class Robots:
    """Tells which pages a host lets robots read, and how fast.

    ``fetch`` gets a page without asking here; ``user_agent`` is how the program names itself, of
    which the part before the slash counts. Each host's file is fetched once, by the first thread
    that needs it, while the others wait for it (a lock a host). Any number of threads may call
    `check`; `read_ahead` and `close` are for the thread that made it.
    """

    def __init__(self, fetch: Callable[[str], Response], user_agent: str) -> None:
        self._fetch = fetch
        self._product = user_agent.partition("/")[0].strip() or user_agent
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}
        self._ahead: ThreadPoolExecutor | None = None

    def read_ahead(self, url: str) -> None:
        """Begin to read the file of a page's host, before somebody needs it; return at once.

        What goes wrong is told to whoever asks `check` about the host then.
        """
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="robots")
        self._ahead.submit(in_log_context(self.check), url)
        import protego  # noqa: F401 - takes as long to load as an answer is on its way

    def close(self) -> None:
        """Wait for what was begun."""
        if self._ahead is not None:
            self._ahead.shutdown()

    def check(self, url: str) -> float | None:
        """Give the seconds that the host wants between two requests, or ``None`` for no wish.

        Raises `RobotsDisallowed` when it does not want the page to be read, and `SourceUnavailable`
        when its robots.txt cannot be had: a host that has one, but does not give it now, is left
        alone (RFC 9309, 2.3.1.4). One that answers that there is none (4xx) allows everything.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            file = self._files.setdefault(origin, _File())
        rules = self._known(file, f"{origin}/robots.txt")
        if not rules.can_fetch(url, self._product):
            raise RobotsDisallowed(url, f"{origin}/robots.txt", self._product)
        delay = rules.crawl_delay(self._product)
        return None if delay is None else float(delay)

    def _known(self, file: "_File", address: str) -> "Protego":
        with file.lock:
            if file.rules is None:
                if file.trouble is not None and time.monotonic() < file.not_before:
                    raise SourceUnavailable(
                        address, file.trouble.cause, hopeless=file.trouble.hopeless
                    )
                try:
                    file.rules = self._rules(address)
                except SourceUnavailable as error:
                    file.not_before = time.monotonic() + _PAUSE_SECONDS
                    file.trouble = _Trouble(error.cause, hopeless=error.hopeless)
                    raise
            return file.rules

    def _rules(self, address: str) -> "Protego":
        answer = self._fetch(address)
        if answer.status >= _SERVER_ERRORS:
            cause = f"HTTP {answer.status}, so it is not known what the site allows robots to read"
            raise SourceUnavailable(address, cause)
        text = bytes(answer.body[:MOST_BYTES]) if answer.status == 200 else b""
        logger.debug("%s: HTTP %d, %d bytes", address, answer.status, len(text))
        from protego import Protego

        return Protego.parse(text.decode("utf-8", errors="replace"))


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a file could not be had, and whether there is no hope for its host."""

    cause: str
    hopeless: bool


@dataclass(slots=True)
class _File:
    """A host's rules, once they are known, or why they are not; its lock guards it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    rules: "Protego | None" = None
    trouble: _Trouble | None = None
    not_before: float = 0.0
