"""Clients of HTTP, with the routes, limits and cache of the settings."""

import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.errors import CacheUnavailable
from shared.config import Settings

if TYPE_CHECKING:
    from infrastructure.http.cache import HttpCache
    from infrastructure.http.cache_storage import Storage
    from infrastructure.http.client import HttpClient
    from infrastructure.http.routes import Route, RoutePool
    from infrastructure.http.routes.check import RouteCheck
    from infrastructure.http.routes.tor import TorCircuits
    from infrastructure.http.shared_limits import SharedLimits
    from infrastructure.monitoring import Metrics

logger = logging.getLogger(__name__)


def http_client(
    source: str,
    settings: Settings,
    stop: threading.Event,
    cache: "HttpCache | None",
    metrics: "Metrics | None" = None,
    *,
    team: str | None = None,
) -> "HttpClient":
    """A client for a source, with routes of its own; with Redis its limits are everybody's."""
    from infrastructure.http.client import HttpClient

    if settings.robots == "ignore":
        logger.warning("ROBOTS=ignore: source %s reads no robots.txt, by your own decision", source)
    client = HttpClient(
        timeout_seconds=settings.request_timeout_seconds,
        max_attempts=settings.max_attempts,
        max_body_bytes=settings.max_body_bytes,
        user_agent=settings.user_agent,
        language=settings.language,
        country=settings.country,
        requests_per_second=settings.requests_per_second,
        obeys_robots=settings.robots == "obey",
        routes=_route_pool(settings, stop),
        stop=stop,
        cache=cache,
        traffic=None if metrics is None else metrics.traffic_of(source),
        limits=shared_limits(settings, team),
    )
    if metrics is not None:
        metrics.watch_hosts(source, client.host_states)
    return client


def shared_limits(settings: Settings, team: str | None) -> "SharedLimits | None":
    """The limits of all processes that use one Redis, or ``None`` where there is none."""
    if not settings.redis_url:
        return None
    from infrastructure.http.shared_limits import SharedLimits
    from infrastructure.http.shared_memory import SharedMemory

    return SharedLimits(SharedMemory(settings.redis_url.reveal()), team)


def http_cache(settings: Settings, metrics: "Metrics | None" = None) -> "HttpCache | None":
    """The cache of pages that the settings ask for; ``None`` for none, or when it cannot be had."""
    if settings.http_cache == "off":
        return None
    from infrastructure.http.cache import HttpCache

    try:
        storage = cache_storage(settings)
    except CacheUnavailable as error:
        logger.warning("%s; going on without it", error)
        return None
    return HttpCache(
        storage,
        ttl_seconds=settings.http_cache_ttl_seconds,
        max_body_bytes=settings.max_body_bytes,
        counted=_count_nothing if metrics is None else metrics.cache_counted,
    )


def _count_nothing(_: str) -> None:
    pass


def cache_storage(settings: Settings) -> "Storage":
    """Where the HTTP cache keeps its pages: in Redis, or else in a folder of ``OUTPUT_DIR``.

    Raises `CacheUnavailable`.
    """
    from infrastructure.http.cache_storage import FolderStorage, RedisStorage

    if settings.http_cache == "redis":
        return RedisStorage(settings.redis_url.reveal())
    return FolderStorage(settings.output_dir / "http_cache")


def check_routes(settings: Settings) -> Iterator["RouteCheck"]:
    """Ask the site's ``robots.txt`` once over each configured route, and tell how they are."""
    from infrastructure.http.headers import request_headers
    from infrastructure.http.routes.check import RouteChecker
    from infrastructure.scrapers.imdb_pages import block_reason

    checker = RouteChecker(
        url=f"{settings.base_url}/robots.txt",
        timeout_seconds=settings.request_timeout_seconds,
        headers=request_headers(settings.user_agent, settings.language, settings.country),
        block_reason=block_reason,
        circuits=_tor_circuits(settings),
    )
    return checker.check([route for group in _route_groups(settings) for route in group])


def _route_pool(settings: Settings, stop: threading.Event) -> "RoutePool":
    from infrastructure.http.routes import RoutePool

    return RoutePool(
        _route_groups(settings),
        max_connections=settings.max_threads,
        circuits=_tor_circuits(settings),
        stop=stop,
    )


def _route_groups(settings: Settings) -> "list[list[Route]]":
    from infrastructure.http.routes import route_groups

    return route_groups(settings.route_order, settings.proxies, settings.tor_socks_url)


def _tor_circuits(settings: Settings) -> "TorCircuits | None":
    if not settings.tor_control_url or "tor" not in settings.route_order:
        return None
    from infrastructure.http.routes.tor import TorCircuits

    return TorCircuits(settings.tor_control_url, settings.tor_control_password)
