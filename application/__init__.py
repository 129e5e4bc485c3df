"""What the project does: its use cases, and the ports through which they reach the world.

As a library: `Imdb`, which ``infrastructure.container.open_imdb`` makes.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from application.imdb import Imdb

__all__ = ["Imdb"]


def __getattr__(name: str) -> object:
    """Load the facade when it is asked for: runs of the program have no use for it."""
    if name == "Imdb":
        from application.imdb import Imdb

        return Imdb
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
