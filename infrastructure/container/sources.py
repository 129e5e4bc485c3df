"""Where titles and people come from, each source by its name in the settings."""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

from application.ports import CircuitBreaker, PersonSource, TitleSource
from application.source_chain import PATIENCE, REST_SECONDS
from domain.chart import ChartName
from domain.errors import InvalidConfiguration
from domain.run import DetailFailure
from infrastructure.container.network import http_cache, http_client
from infrastructure.container.repositories import database_url
from shared.config import Settings

if TYPE_CHECKING:
    from infrastructure.monitoring import Metrics
    from infrastructure.repositories.postgres.datasets.titles import DatasetTitles
    from infrastructure.scrapers.imdb_graphql import Endpoint
    from infrastructure.scrapers.imdb_html import TitleReader
    from infrastructure.scrapers.saved_pages import SavedPagesSource


def new_circuit() -> CircuitBreaker:
    """A circuit breaker for a source."""
    from infrastructure.http.circuit_breaker import CircuitBreaker as Circuit

    return Circuit(failures=PATIENCE, rest_seconds=REST_SECONDS)


def open_source(
    name: str,
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    note: Callable[[DetailFailure], None] = lambda _: None,
    *,
    read_ahead: bool = False,
    metrics: "Metrics | None" = None,
    team: str | None = None,
) -> AbstractContextManager[TitleSource]:
    """Open one source by its name in the settings.

    ``tell`` takes what the source has to say to the user, such as what its data may be used for;
    ``note`` the details that titles come without.
    With ``read_ahead`` it may begin with what comes before all titles and takes time. ``metrics``
    count its requests. Processes of one ``team`` leave a host alone together that is down, when
    there is a Redis.
    """
    if name == "html":
        return _open_html(
            settings, stop, tell, note, read_ahead=read_ahead, metrics=metrics, team=team
        )
    if name == "graphql":
        return _open_graphql(
            settings, stop, tell, note, read_ahead=read_ahead, metrics=metrics, team=team
        )
    if name == "datasets":
        return _open_datasets(settings)
    return nullcontext(_saved_pages(settings, tell, note))


def charts_of_sources() -> dict[str, Collection[ChartName]]:
    """The charts that each source can give, by the names in the settings; opens none of them."""
    from infrastructure.scrapers.imdb_datasets import ImdbDatasetsSource
    from infrastructure.scrapers.imdb_graphql import ImdbGraphqlSource
    from infrastructure.scrapers.imdb_html import ImdbHtmlSource
    from infrastructure.scrapers.saved_pages import SavedPagesSource

    sources = (ImdbHtmlSource, ImdbGraphqlSource, ImdbDatasetsSource, SavedPagesSource)
    return {source.name: source.charts for source in sources}


PERSON_SOURCES = ("html", "graphql", "saved")


def person_sources(settings: Settings) -> tuple[str, ...]:
    """The names of the chosen sources that give people.

    Raises `InvalidConfiguration` when none of them does.
    """
    return sources_able(settings, PERSON_SOURCES, "give people")


def sources_able(settings: Settings, able: Sequence[str], what: str) -> tuple[str, ...]:
    """The chosen sources that are ``able``; raises `InvalidConfiguration` without any."""
    names = tuple(name for name in settings.sources if name in able)
    if not names:
        chosen, known = ", ".join(settings.sources), ", ".join(able)
        raise InvalidConfiguration([f"SOURCES: {chosen} cannot {what}: name one of {known}"])
    return names


def open_person_source(
    name: str,
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    *,
    read_ahead: bool,
    metrics: "Metrics | None" = None,
) -> AbstractContextManager[PersonSource]:
    """Open one source of people by its name in the settings; as `open_source`."""
    if name == "html":
        return _open_html_people(settings, stop, read_ahead, metrics)
    if name == "graphql":
        return _open_graphql_people(settings, stop, tell, read_ahead, metrics)
    return nullcontext(_saved_pages(settings))


@contextmanager
def _open_html_people(
    settings: Settings, stop: threading.Event, read_ahead: bool, metrics: "Metrics | None"
) -> Iterator[PersonSource]:
    cache = http_cache(settings, metrics)
    with http_client("html", settings, stop, cache, metrics) as client:
        if read_ahead:
            client.read_ahead(settings.base_url)
        from infrastructure.scrapers.imdb_html import ImdbHtmlPeople

        yield ImdbHtmlPeople(client, settings.base_url)


@contextmanager
def _open_html(
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    note: Callable[[DetailFailure], None],
    *,
    read_ahead: bool,
    metrics: "Metrics | None",
    team: str | None,
) -> Iterator[TitleSource]:
    cache = http_cache(settings, metrics)
    with http_client("html", settings, stop, cache, metrics, team=team) as client:
        if read_ahead:
            client.read_ahead(settings.base_url)
        from infrastructure.scrapers.imdb_html import ImdbHtmlSource, PageLocale

        locale = PageLocale(settings.language, settings.country, tell)
        with _title_reader(settings.parse_processes) as read_title:
            yield ImdbHtmlSource(client, read_title, settings.base_url, locale, note)


@contextmanager
def _open_datasets(settings: Settings) -> Iterator[TitleSource]:
    """The imported dataset files; the database is opened when it is first asked."""
    from infrastructure.repositories.postgres.datasets import open_dataset_titles
    from infrastructure.scrapers.imdb_datasets import ImdbDatasetsSource

    with ExitStack() as stack:
        lock = threading.Lock()

        @cache
        def opened() -> "DatasetTitles":
            url = stack.enter_context(database_url(settings))
            return stack.enter_context(open_dataset_titles(url))

        def tables() -> "DatasetTitles":
            with lock:
                return opened()

        yield ImdbDatasetsSource(tables)


@contextmanager
def _open_graphql(
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    note: Callable[[DetailFailure], None],
    *,
    read_ahead: bool,
    metrics: "Metrics | None",
    team: str | None,
) -> Iterator[TitleSource]:
    from infrastructure.scrapers.imdb_graphql import ImdbGraphqlSource

    endpoint = graphql_endpoint(settings)
    # Without the cache: answers to questions are not kept (see `HttpClient.post`).
    with http_client("graphql", settings, stop, None, metrics, team=team) as client:
        if read_ahead:
            client.read_ahead(settings.graphql_url)
        yield ImdbGraphqlSource(client, endpoint, settings.graphql_batch_size, tell, note)


@contextmanager
def _open_graphql_people(
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    read_ahead: bool,
    metrics: "Metrics | None",
) -> Iterator[PersonSource]:
    from infrastructure.scrapers.imdb_graphql import ImdbGraphqlPeople

    with http_client("graphql", settings, stop, None, metrics) as client:
        if read_ahead:
            client.read_ahead(settings.graphql_url)
        yield ImdbGraphqlPeople(
            client, graphql_endpoint(settings), settings.graphql_batch_size, tell
        )


def graphql_endpoint(settings: Settings) -> "Endpoint":
    """Where the API is asked, as which client, and in which language."""
    from infrastructure.scrapers.imdb_graphql import Endpoint

    return Endpoint(
        url=settings.graphql_url,
        client_name=settings.graphql_client_name,
        language=settings.language,
        country=settings.country,
    )


def _title_reader(processes: int) -> AbstractContextManager["TitleReader"]:
    from infrastructure.scrapers.imdb_html import ReadInThread

    if processes == 0:
        return nullcontext(ReadInThread())
    from infrastructure.scrapers.imdb_html.parse_pool import ParsePool

    return ParsePool(processes)


def _saved_pages(
    settings: Settings,
    tell: Callable[[str], None] = lambda _: None,
    note: Callable[[DetailFailure], None] = lambda _: None,
) -> "SavedPagesSource":
    from infrastructure.scrapers.saved_pages import SavedPagesSource

    if settings.saved_pages_dir is None:
        raise InvalidConfiguration(["SAVED_PAGES_DIR: must name a folder for the saved source"])
    return SavedPagesSource(settings.saved_pages_dir, settings.max_body_bytes, tell, note)
