"""``METRICS_PORT``: the metrics of a batch run, for a Prometheus to fetch."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server

from infrastructure.monitoring.metrics import Metrics

logger = logging.getLogger(__name__)


@contextmanager
def served(metrics: Metrics, host: str, port: int) -> Iterator[None]:
    """Answer ``GET http://host:port/metrics`` until the block ends.

    When the port cannot be had (another run has it) a warning says so, and the run goes on: it is
    worth more than its metrics.
    """
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        logger.warning(
            "no metrics at %s:%d (METRICS_HOST, METRICS_PORT): %s; the run goes on without",
            host, port, error.strerror or error,
        )  # fmt: skip
        yield
        return
    logger.debug("metrics at http://%s:%d/metrics", host, port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
