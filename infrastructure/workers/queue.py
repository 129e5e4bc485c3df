"""Handing batches and jobs to workers through Redis."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import redis
from celery import Celery
from kombu.exceptions import KombuError, OperationalError

from domain.errors import QueueUnavailable
from domain.job import JobName
from infrastructure.workers.app import JOB_QUEUE, JOB_TASK, QUEUE, TASK

_ANSWER_SECONDS = 5.0


class CeleryQueue:
    """Fulfils `BatchQueue`; any number of threads may call it."""

    def __init__(self, app: Celery, location: str) -> None:
        self._app = app
        self._location = location

    def send(self, batch_ids: Sequence[int]) -> None:
        """Send a message for each batch."""
        if not batch_ids:
            return
        with self._translated(), self._app.producer_or_acquire() as producer:
            for batch_id in batch_ids:
                self._app.send_task(
                    TASK, args=[batch_id], queue=QUEUE, producer=producer, retry=False
                )

    def waiting(self) -> int:
        """Count the messages in the list that workers take them from."""
        with self._translated():
            return _waiting(self._app, QUEUE)

    def _translated(self) -> AbstractContextManager[None]:
        return _translated(self._location)


class CeleryJobQueue:
    """Fulfils `JobQueue`; any number of threads may call it."""

    def __init__(self, app: Celery, location: str) -> None:
        self._app = app
        self._location = location

    def send(self, job: JobName) -> None:
        """Send a message."""
        with _translated(self._location), self._app.producer_or_acquire() as producer:
            self._app.send_task(
                JOB_TASK, args=[job.value], queue=JOB_QUEUE, producer=producer, retry=False
            )

    def waiting(self) -> int:
        """Count the messages in the list that workers take them from."""
        with _translated(self._location):
            return _waiting(self._app, JOB_QUEUE)


def _waiting(app: Celery, queue: str) -> int:
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0)
        return int(connection.default_channel.queue_declare(queue).message_count)


@contextmanager
def _translated(location: str) -> Iterator[None]:
    try:
        yield
    except (OperationalError, KombuError, redis.RedisError, OSError) as error:
        raise QueueUnavailable(f"Redis at {location}: {error}") from error


def check_broker(redis_url: str, location: str) -> None:
    """Ask Redis for an answer. Raises `QueueUnavailable`."""
    try:
        with redis.Redis.from_url(redis_url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise QueueUnavailable(f"Redis at {location}: {error}") from error


def answers(app: Celery, location: str, *, is_beat: bool) -> bool:
    """Ask a worker of this machine, or the schedule's clock, whether it works.

    Raises `QueueUnavailable`.
    """
    node = f"{'celerybeat' if is_beat else 'celery'}@{socket.gethostname()}"
    with _translated(location):
        return bool(app.control.ping(destination=[node], timeout=_ANSWER_SECONDS, limit=1))
