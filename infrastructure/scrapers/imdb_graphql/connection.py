"""Lists in answers of the API, which come in parts ("connections")."""

from msgspec import Struct


class PageInfo(Struct, frozen=True, rename="camel"):
    """Whether there are more, and what to name to get them."""

    has_next_page: bool
    end_cursor: str | None = None

    @property
    def next_cursor(self) -> str | None:
        """What to name to get the next part; ``None`` after the last one."""
        return self.end_cursor if self.has_next_page else None
