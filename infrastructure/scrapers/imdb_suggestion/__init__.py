"""The suggestion API: what the search box of the site asks while somebody types."""

from infrastructure.scrapers.imdb_suggestion.source import SuggestionSearch

__all__ = ["SuggestionSearch"]
