"""The connections of a route, which can be replaced while they are used."""

from collections import Counter

from infrastructure.http.adapter import SharedContextAdapter


class Connections:
    """The pool of connections of a route, and those before it that requests still use.

    For the holder of the lock of `RoutePool`. What its methods give is to be closed without it.
    """

    def __init__(self, adapter: SharedContextAdapter) -> None:
        self.adapter = adapter
        self._lent: Counter[SharedContextAdapter] = Counter()

    def lend(self) -> SharedContextAdapter:
        """The adapter to send a request with."""
        self._lent[self.adapter] += 1
        return self.adapter

    def give_back(self, adapter: SharedContextAdapter) -> SharedContextAdapter | None:
        """Take an adapter back; gives it when it is an earlier one that nobody uses any more."""
        self._lent[adapter] -= 1
        if self._lent[adapter]:
            return None
        del self._lent[adapter]
        return None if adapter is self.adapter else adapter

    def replace(self, adapter: SharedContextAdapter) -> SharedContextAdapter | None:
        """Use another adapter from now on; gives the one before when nobody uses it."""
        old, self.adapter = self.adapter, adapter
        return None if self._lent[old] else old
