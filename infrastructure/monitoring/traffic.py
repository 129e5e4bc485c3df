"""Counting the requests of one source."""

from prometheus_client import Counter, Histogram


class SourceTraffic:
    """Counts requests by route and status. All threads of a client call it.

    The children of the counter are kept by route and status, so that a request costs a look-up in
    a dict; the library would check and lock for each.
    """

    def __init__(
        self, source: str, requests: Counter, seconds: Histogram, received: Counter
    ) -> None:
        self._source = source
        self._requests = requests
        self._seconds = seconds
        self._received = received
        self._by_status: dict[tuple[str, int], Counter] = {}

    def answered(self, route: str, status: int, seconds: float, received: int) -> None:
        """Count a whole answer: its seconds, and the packed bytes of its body."""
        self._count(route, status)
        self._seconds.observe(seconds)
        self._received.inc(received)

    def broke(self, route: str, seconds: float) -> None:
        """Count a request without a whole answer."""
        self._count(route, 0)
        self._seconds.observe(seconds)

    def _count(self, route: str, status: int) -> None:
        child = self._by_status.get((route, status))
        if child is None:
            child = self._requests.labels(self._source, route, str(status) if status else "error")
            self._by_status[route, status] = child
        child.inc()
