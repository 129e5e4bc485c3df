"""``METRICS_PUSH_URL``: the metrics of a batch run, sent to a Pushgateway."""

import http.client
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

from prometheus_client import pushadd_to_gateway
from prometheus_client.exposition import basic_auth_handler, default_handler

from infrastructure.monitoring.metrics import Metrics

logger = logging.getLogger(__name__)

EVERY_SECONDS = 15.0
"""As often as Prometheus asks by itself."""

TIMEOUT_SECONDS = 5.0
"""The end of a run waits no longer for a gateway that does not answer."""

JOB = "imdb-batch"
"""The group at the gateway. A run takes the place of the one before."""


@contextmanager
def pushed(metrics: Metrics, url: str, *, every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """Send the metrics to the gateway now and then until the block ends, and once more then.

    What is sent takes the place of the metrics of the same names only, so that the time of the last
    successful run stays when a run fails. A gateway that is away is said once, with what to do, and
    tried again. ``url`` may have a user and a password, which are never shown.
    """
    gateway = _Gateway(metrics, url)
    over = threading.Event()
    thread = threading.Thread(
        target=gateway.push_until, args=(over, every_seconds), name="push-metrics"
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Gateway:
    """Where metrics are sent to; used by one thread."""

    def __init__(self, metrics: Metrics, url: str) -> None:
        self._metrics = metrics
        parts = urlsplit(url)
        self._address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        self._handler: Callable[..., Any] = default_handler
        if parts.username is not None:
            self._handler = partial(
                basic_auth_handler,
                username=unquote(parts.username),
                password=unquote(parts.password or ""),
            )
        self._is_away = False

    def push_until(self, over: threading.Event, every_seconds: float) -> None:
        """Send again and again, and a last time when it is ``over``."""
        while not over.wait(every_seconds):
            self._push()
        self._push()

    def _push(self) -> None:
        try:
            pushadd_to_gateway(
                self._address,
                JOB,
                self._metrics.registry,
                timeout=TIMEOUT_SECONDS,
                handler=self._handler,
            )
        except (OSError, http.client.HTTPException) as error:
            if not self._is_away:
                logger.warning(
                    "the metrics cannot be sent to %s (METRICS_PUSH_URL): %s; the run goes on, see "
                    "that the Pushgateway is there and takes them",
                    self._address, error,
                )  # fmt: skip
            self._is_away = True
            return
        if self._is_away:
            logger.info("the metrics can be sent to %s again", self._address)
        self._is_away = False
