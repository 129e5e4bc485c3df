"""What every `AnswerCache` does, over memory, a real Redis, and the one before the other."""

import asyncio
import socket
from collections.abc import Awaitable, Iterator
from typing import TypeVar

import pytest
import redis

from infrastructure.web.answer_cache import (
    MOST_ANSWER_BYTES,
    AnswerCache,
    KeptAnswer,
    Question,
)
from infrastructure.web.answer_memory import MemoryAnswers, NearAndFarAnswers
from infrastructure.web.answer_redis import open_redis_answers
from tests.redis_server import redis_server
from tests.servers import page, serving

ROOM = 16 * MOST_ANSWER_BYTES
ADAPTERS = ("memory", "redis", "memory before redis")

Result = TypeVar("Result")


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(params=ADAPTERS)
def cache(request: pytest.FixtureRequest) -> Iterator[AnswerCache]:
    near = MemoryAnswers(ROOM)
    if request.param == "memory":
        yield near
        return
    url = request.getfixturevalue("redis_url")
    with redis.Redis.from_url(url) as store:
        store.flushall()
    with open_redis_answers(url) as far:
        yield far if request.param == "redis" else NearAndFarAnswers(near, far)


def asked(name: str, version: str = "one") -> Question:
    return Question(version, f"{name}\n\n".encode())


def an_answer(body: bytes = b'{"title": "x"}', **headers: str) -> KeptAnswer:
    given = {"content-type": "application/json", "etag": '"tag"'} | headers
    pairs = tuple((name.encode(), value.encode("latin-1")) for name, value in given.items())
    return KeptAnswer(pairs, body, "/api/v1/titles/{imdb_id}")


def done(work: Awaitable[Result]) -> Result:
    async def wait() -> Result:
        return await work

    return asyncio.run(wait())


def test_what_was_kept_is_given_again(cache: AnswerCache) -> None:
    question, answer = asked("kept"), an_answer(bytes(range(256)), etag='"\xff"')
    done(cache.put(question, answer))
    assert done(cache.get(question)) == answer
    assert done(cache.get(question)) == answer


def test_what_was_not_kept_is_not_there(cache: AnswerCache) -> None:
    assert done(cache.get(asked("never"))) is None


def test_another_version_is_another_question(cache: AnswerCache) -> None:
    done(cache.put(asked("changed", "one"), an_answer(b"1")))
    assert done(cache.get(asked("changed", "two"))) is None
    done(cache.put(asked("changed", "two"), an_answer(b"2")))
    kept = [done(cache.get(asked("changed", version))) for version in ("one", "two")]
    assert [each and each.body for each in kept] == [b"1", b"2"]


def test_the_end_of_a_version_is_no_part_of_the_request(cache: AnswerCache) -> None:
    done(cache.put(Question("ab", b"c"), an_answer()))
    assert done(cache.get(Question("a", b"bc"))) is None


def test_a_question_that_is_answered_again_has_the_new_answer(cache: AnswerCache) -> None:
    done(cache.put(asked("again"), an_answer(b"before")))
    done(cache.put(asked("again"), an_answer(b"after")))
    kept = done(cache.get(asked("again")))
    assert kept is not None
    assert kept.body == b"after"


def test_the_largest_answer_is_kept(cache: AnswerCache) -> None:
    answer = an_answer(b"x" * MOST_ANSWER_BYTES)
    done(cache.put(asked("large"), answer))
    assert done(cache.get(asked("large"))) == answer


def test_many_may_ask_at_once(cache: AnswerCache) -> None:
    async def ask(number: int) -> bool:
        question, answer = asked(f"many {number % 20}"), an_answer(b"%d" % (number % 20))
        await cache.put(question, answer)
        return await cache.get(question) in (answer, None)

    async def ask_all() -> list[bool]:
        return await asyncio.gather(*map(ask, range(300)))

    assert all(asyncio.run(ask_all()))


def test_memory_holds_no_more_than_it_may() -> None:
    cache = MemoryAnswers(100_000)
    for number in range(100):
        done(cache.put(asked(str(number)), an_answer(b"x" * 5_000)))
        done(cache.get(asked("0")))
        assert cache.bytes_held <= 100_000
    kept = [number for number in range(100) if done(cache.get(asked(str(number))))]
    # Those that were asked for last.
    assert kept[0] == 0
    assert kept[1:] == list(range(101 - len(kept), 100))


def test_short_answers_are_bounded_in_number() -> None:
    cache = MemoryAnswers(100_000)
    for number in range(1_000):
        done(cache.put(asked(str(number)), an_answer(b"")))
    kept = [number for number in range(1_000) if done(cache.get(asked(str(number))))]
    assert 10 < len(kept) < 100


def test_one_answer_does_not_take_all_the_room() -> None:
    cache = MemoryAnswers(100_000)
    done(cache.put(asked("short"), an_answer()))
    done(cache.put(asked("long"), an_answer(b"x" * 50_000)))
    assert done(cache.get(asked("long"))) is None
    assert done(cache.get(asked("short"))) is not None


def test_what_is_kept_again_is_counted_once() -> None:
    cache = MemoryAnswers(100_000)
    done(cache.put(asked("x"), an_answer(b"1")))
    held = cache.bytes_held
    done(cache.put(asked("x"), an_answer(b"2")))
    assert cache.bytes_held == held


def test_what_is_found_far_is_near_from_then_on() -> None:
    near, far = MemoryAnswers(ROOM), MemoryAnswers(ROOM)
    done(far.put(asked("x"), an_answer()))
    assert done(NearAndFarAnswers(near, far).get(asked("x"))) == an_answer()
    assert done(near.get(asked("x"))) == an_answer()


def test_a_redis_that_accepts_and_never_answers_is_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures: list[None] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://:secret@127.0.0.1:{silent.getsockname()[1]}/0"
        with open_redis_answers(url, failed=lambda: failures.append(None)) as cache:
            for _ in range(20):
                assert done(cache.get(asked("x"))) is None
            done(cache.put(asked("x"), an_answer()))
    assert len(failures) == 1
    (record,) = caplog.records
    assert "does not keep answers" in record.getMessage()
    assert "secret" not in record.getMessage()


def test_what_is_no_redis_is_left_alone() -> None:
    failures: list[None] = []
    with serving({"/": page(b"x")}) as server:
        url = server.url.replace("http", "redis")
        with open_redis_answers(url, failed=lambda: failures.append(None)) as cache:
            assert done(cache.get(asked("x"))) is None
            assert done(cache.get(asked("x"))) is None
    assert len(failures) == 1
