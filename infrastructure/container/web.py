"""The HTTP API with its dashboard."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from domain.run import RunReport
from infrastructure.container.exporting import text_writer
from infrastructure.container.metrics import new_metrics
from infrastructure.container.reading import open_catalogue
from infrastructure.container.repositories import database_url, need_postgres, open_postgres
from infrastructure.container.run_control import open_run_control
from shared.config import Settings

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from application.retry_failures import FailedRun
    from infrastructure.monitoring import Metrics
    from infrastructure.web.answer_cache import KeepsAnswers


@contextmanager
def open_web(
    settings: Settings,
    *,
    reported: "Callable[[], FailedRun | None]" = lambda: None,
    when_ended: Callable[[RunReport], object] = lambda report: None,
) -> "Iterator[FastAPI]":
    """Make the HTTP API, with the database open for as long as it may be asked.

    A run that was started over it is cancelled and waited for at the end; ``reported`` and
    ``when_ended`` are for its runs, as in `open_run_control`.
    An embedded database is made when there is none, and runs until this is left. Raises
    `InvalidConfiguration` without PostgreSQL, `RepositoryUnavailable`.
    """
    need_postgres(settings, "the server reads PostgreSQL")
    from infrastructure.monitoring import HttpServerMetrics
    from infrastructure.repositories.postgres.figures import open_postgres_figures
    from infrastructure.repositories.postgres.observations import open_postgres_history
    from infrastructure.repositories.postgres.run_board import open_run_board
    from infrastructure.web import Services, create_app

    with (
        new_metrics(settings) as metrics,
        open_catalogue(settings) as catalogue,
        open_postgres(settings) as repository,
        database_url(settings) as url,
        open_postgres_history(url, pool_size=_WEB_CONNECTIONS) as history,
        open_postgres_figures(url) as figures,
        open_run_board(url) as board,
        open_run_control(
            settings, reported=reported, when_ended=when_ended, metrics=metrics, board=board
        ) as runs,
        _keeping_answers(settings, url, metrics) as keeps_answers,
    ):
        app = create_app(
            settings,
            Services(
                catalogue=catalogue,
                repository=repository,
                selector=repository,
                text_writer=partial(text_writer, settings),
                history=history,
                figures=figures,
                runs=runs,
                check_ready=partial(repository.runs, 1),
                render_metrics=metrics.render,
                keeps_answers=keeps_answers,
            ),
        )
        app.add_middleware(HttpServerMetrics, metrics=metrics)
        yield app


@contextmanager
def _keeping_answers(
    settings: Settings, url: str, metrics: "Metrics"
) -> "Iterator[KeepsAnswers | None]":
    """What keeps the server's answers: memory, and behind it Redis if there is one."""
    if not settings.api_cache_mb:
        yield None
        return
    from infrastructure.monitoring import route_of
    from infrastructure.repositories.postgres.store_version import open_store_version
    from infrastructure.web.answer_cache import AnswerCache, KeepsAnswers
    from infrastructure.web.answer_memory import MemoryAnswers, NearAndFarAnswers

    near = MemoryAnswers(settings.api_cache_mb * 1024 * 1024)
    metrics.watch_answer_cache(lambda: near.bytes_held)
    with ExitStack() as opened:
        cache: AnswerCache = near
        if settings.redis_url:
            from infrastructure.web.answer_redis import open_redis_answers

            far = open_redis_answers(
                settings.redis_url.reveal(), failed=metrics.answer_cache_failed
            )
            cache = NearAndFarAnswers(near, opened.enter_context(far))
        yield KeepsAnswers(
            cache=cache,
            version=opened.enter_context(open_store_version(url)),
            route_of=route_of,
            looked_up=metrics.answer_looked_up,
        )


def web_server(
    app: "FastAPI", *, connections: int, when_up: Callable[[], object]
) -> "uvicorn.Server":
    """What serves the HTTP API to at most so many clients; ``when_up`` is called when it does."""
    from infrastructure.web import ConnectionLimits, Server

    return Server(app, ConnectionLimits(most=connections), when_up=when_up)


_WEB_CONNECTIONS = 4
"""Connections of the server for each kind of question."""
