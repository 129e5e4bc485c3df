"""What the project does: its use cases, and the ports through which they reach the world.

As a library: `Imdb`, which ``infrastructure.container.open_imdb`` makes.
"""

from application.imdb import Imdb

__all__ = ["Imdb"]
