"""What is counted of a process."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from application.composite_save import CompositeSave
from application.detail_fetcher import FetchLoad
from application.ports import RunObserver
from application.source_chain import PersonChain, SourceChain
from shared.config import Settings

if TYPE_CHECKING:
    from infrastructure.monitoring import Metrics


@contextmanager
def open_metrics(settings: Settings) -> "Iterator[Metrics | None]":
    """Give the metrics of this process: at ``METRICS_PORT``, and sent to ``METRICS_PUSH_URL``.

    ``None`` when the settings want neither: then nothing is counted, nor is the library loaded.
    """
    if not settings.metrics_port and not settings.metrics_push_url:
        yield None
        return
    from infrastructure.monitoring import pushed, served

    with ExitStack() as stack:
        metrics = stack.enter_context(new_metrics(settings))
        if url := settings.metrics_push_url.reveal():
            stack.enter_context(pushed(metrics, url))
        if settings.metrics_port:
            host, port = settings.metrics_host, settings.metrics_port
            stack.enter_context(served(metrics, host, port))
        yield metrics


@contextmanager
def new_metrics(settings: Settings) -> "Iterator[Metrics]":
    """Make the metrics of a process that answers for them itself, such as the API.

    Stages are measured until this is left.
    """
    from infrastructure.monitoring import Metrics
    from shared.stages import watched_stages

    with watched_stages() as stages:
        yield Metrics(settings.output_dir, stages)


def counting(observer: RunObserver, metrics: "Metrics | None") -> RunObserver:
    """The observer, with all that it is told counted first, where there are metrics."""
    if metrics is None:
        return observer
    from infrastructure.monitoring import MetricsObserver

    return MetricsObserver(metrics, observer)


def watch(
    metrics: "Metrics | None",
    load: FetchLoad,
    save: CompositeSave,
    chain: SourceChain | PersonChain,
) -> None:
    """Have the metrics ask a run how busy it is whenever they are read, where there are any."""
    if metrics is not None:
        metrics.watch_run(load, save, chain)
