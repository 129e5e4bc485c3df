"""The ``saved`` source: pages that a user saved from a browser."""

from infrastructure.scrapers.saved_pages.files import read_page, read_stream
from infrastructure.scrapers.saved_pages.source import SavedPagesSource

__all__ = ["SavedPagesSource", "read_page", "read_stream"]
