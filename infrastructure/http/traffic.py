"""What the client tells whoever watches it."""

from dataclasses import dataclass
from typing import Protocol


class Traffic(Protocol):
    """Is told of every request, by all threads at once; must be quick and must not raise."""

    def answered(self, route: str, status: int, seconds: float, received: int) -> None:
        """A whole answer came over a route, after so many seconds, with so many packed bytes."""

    def broke(self, route: str, seconds: float) -> None:
        """There was no answer, or not the whole of it, when so many seconds had passed."""


@dataclass(frozen=True, slots=True)
class HostState:
    """How fast a host may be asked now, and whether it is left alone.

    ``rate`` and ``limit`` are requests a second, infinite without a limit: the rate that is allowed
    now, and the one that is allowed without trouble.
    """

    netloc: str
    rate: float
    limit: float
    is_open: bool
