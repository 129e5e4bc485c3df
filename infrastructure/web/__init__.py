"""The HTTP API, and the pages for people on top of it."""

from infrastructure.web.app import create_app
from infrastructure.web.connections import ConnectionLimits, Server
from infrastructure.web.services import Services

__all__ = ["ConnectionLimits", "Server", "Services", "create_app"]
