"""The HTTP API, and the pages for people on top of it."""

from infrastructure.web.app import create_app
from infrastructure.web.services import Services

__all__ = ["Services", "create_app"]
