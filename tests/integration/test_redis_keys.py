"""A Redis that is full forgets pages and answers, and neither messages to workers nor rates."""

import asyncio
import random
from collections.abc import Iterator

import pytest
import redis

from domain.job import JobName
from infrastructure.http.cache import HttpCache
from infrastructure.http.cache_storage import RedisStorage
from infrastructure.web.answer_cache import KeptAnswer, Question
from infrastructure.web.answer_redis import open_redis_answers
from infrastructure.workers import CeleryJobQueue, CeleryQueue, celery_app
from tests.clients import http_client
from tests.integration.test_compose import SERVICES
from tests.redis_server import redis_server
from tests.servers import page, serving

MESSAGES = 50
PAGES = 60
PAGE_BYTES = 200_000
MEMORY = "6mb"
"""So much less than the pages are."""


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A small Redis, which is full as that of Compose is."""
    command = SERVICES["redis"]["command"]
    policy = command[command.index("--maxmemory-policy") + 1]
    with redis_server() as url:
        with redis.Redis.from_url(url) as client:
            client.config_set("maxmemory", MEMORY)
            client.config_set("maxmemory-policy", policy)
        yield url


def fetch_pages(url: str, ttl_seconds: float) -> None:
    """Keep pages that cannot be packed."""
    noise = random.Random(1)
    pages = {f"/{n}": page(noise.randbytes(PAGE_BYTES)) for n in range(PAGES)}
    cache = HttpCache(RedisStorage(url), ttl_seconds=ttl_seconds, max_body_bytes=1 << 20)
    with serving(pages) as server, http_client(cache=cache) as http:
        for path in pages:
            http.get(f"{server.url}{path}")


def test_messages_outlive_pages(redis_url: str) -> None:
    app = celery_app(redis_url)
    batches, jobs = CeleryQueue(app, "test"), CeleryJobQueue(app, "test")
    batches.send(range(MESSAGES))
    jobs.send(JobName.CHARTS)

    fetch_pages(redis_url, 3600)

    with redis.Redis.from_url(redis_url) as client:
        assert client.info("stats")["evicted_keys"] > 0
    assert (batches.waiting(), jobs.waiting()) == (MESSAGES, 1)
    batches.send([0])
    assert batches.waiting() == MESSAGES + 1


@pytest.mark.parametrize("ttl_seconds", [0, 1, 31_536_000])
def test_what_is_kept_has_an_end_of_its_own(redis_url: str, ttl_seconds: float) -> None:
    fetch_pages(redis_url, ttl_seconds)
    with open_redis_answers(redis_url) as answers:
        question = Question(version="1", request=b"/")
        asyncio.run(answers.put(question, KeptAnswer(headers=(), body=b"x", route="/")))
    with redis.Redis.from_url(redis_url) as client:
        endless = [key for key in client.scan_iter() if client.ttl(key) == -1]
        assert all(client.type(key) == b"hash" for key in endless), endless
        assert len(endless) <= 1
        assert client.dbsize() > len(endless)
