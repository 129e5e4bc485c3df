"""The Celery application, as both sides use it."""

from celery import Celery

TASK = "imdb.batch"

QUEUE = "imdb-batches"

JOB_TASK = "imdb.job"

JOB_QUEUE = "imdb-jobs"

GRACE_SECONDS = 60
"""A process whose batch has not ended so long after its time is killed, besides a request's time"""

BATCHES_PER_PROCESS = 200
"""After so many a worker's process is replaced, so that nothing grows for ever."""

_CONNECT_SECONDS = 5.0

_LEAST_VISIBILITY_SECONDS = 3600


def celery_app(
    redis_url: str,
    *,
    time_limit_seconds: float = 900,
    request_seconds: float = 10,
    queue: str = QUEUE,
    time_zone: str = "UTC",
) -> Celery:
    """Make the application for a Redis at this URL; nothing is connected yet.

    A batch, or job, may take ``time_limit_seconds``, and what is in flight then ``request_seconds``
    more. A message that nobody has acknowledged is handed out again, but never one of a living
    worker. ``queue`` is the one that a worker takes messages from; cron expressions are in
    ``time_zone``.
    """
    hard_limit = time_limit_seconds + request_seconds + GRACE_SECONDS
    app = Celery("imdb", broker=_broker_url(redis_url), set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_default_queue=queue,
        timezone=time_zone,
        # A message of a job is a hint that may get lost: jobs that wait are found in the ledger.
        task_acks_late=queue == QUEUE,
        task_reject_on_worker_lost=True,
        task_soft_time_limit=time_limit_seconds,
        task_time_limit=hard_limit,
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=BATCHES_PER_PROCESS,
        worker_proc_alive_timeout=60.0,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        beat_enable_remote_control=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": max(_LEAST_VISIBILITY_SECONDS, 2 * hard_limit),
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_keepalive": True,
        },
    )
    return app


def _broker_url(redis_url: str) -> str:
    """A Redis URL as kombu spells it."""
    scheme, _, rest = redis_url.partition("://")
    return f"redis+socket://{rest}" if scheme == "unix" else redis_url
