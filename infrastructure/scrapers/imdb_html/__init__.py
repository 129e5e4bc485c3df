"""The ``html`` source: the pages of the web site."""

from infrastructure.scrapers.imdb_html.answers import ReadInThread, TitleReader
from infrastructure.scrapers.imdb_html.locale import PageLocale
from infrastructure.scrapers.imdb_html.people import ImdbHtmlPeople
from infrastructure.scrapers.imdb_html.source import ImdbHtmlSource

__all__ = ["ImdbHtmlPeople", "ImdbHtmlSource", "PageLocale", "ReadInThread", "TitleReader"]
