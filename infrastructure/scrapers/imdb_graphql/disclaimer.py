"""What the API's answers say that they may be used for."""

import threading
from collections.abc import Callable

from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_graphql.replies import SOURCE_NAME, Reply, read_reply


class Disclaimer:
    """Tells the user, once, what the answers say of their use.

    Any number of threads may call it; a lock guards whether it has been told.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._has_told = False

    def reply_of(self, answer: PackedAnswer) -> Reply:
        """Read an answer, and tell what it says; raises as `read_reply` does."""
        reply = read_reply(answer)
        if reply.disclaimer is not None:
            self._tell_once(reply.disclaimer)
        return reply

    def _tell_once(self, disclaimer: str) -> None:
        with self._lock:
            has_told, self._has_told = self._has_told, True
        if not has_told:
            self._tell(f"source {SOURCE_NAME} says: {disclaimer}")
