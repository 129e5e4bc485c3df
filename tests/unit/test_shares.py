"""What share of the titles has what is asked for, by PostgreSQL's statistics."""

import threading

import pytest

from infrastructure.repositories.postgres.shares import Column, Elements, KeptShares, shares_from

# Of a hundred rows 20 are unknown, 30 are 5, 10 are 50, and 40 lie evenly from 0 to 100.
COLUMN = Column(0.2, {5.0: 0.3, 50.0: 0.1}, [0.0, 25.0, 50.0, 75.0, 100.0])


@pytest.mark.parametrize(
    ("low", "high", "share"),
    [
        (None, None, 0.8), (0, 100, 0.8), (5, 5, 0.3), (50, None, 0.3), (51, None, 0.196),
        (None, 49, 0.496), (6, 49, 0.172), (101, None, 0), (None, -1, 0), (60, 40, 0),
    ],
)  # fmt: skip
def test_a_span_has_its_common_values_and_its_part_of_the_others(
    low: float | None, high: float | None, share: float
) -> None:
    assert COLUMN.between(low, high) == pytest.approx(share, abs=1e-9)


def test_texts_have_a_place_between_bounds() -> None:
    column = Column(bounds=["a", "c", "e", "g", "i"])
    assert column.between("d", None) == pytest.approx(0.625)
    assert column.between("d", "f") == pytest.approx(0.25)


def test_values_that_are_not_common_are_none() -> None:
    assert Column(0, {"movie": 0.25, "short": 0.5}).of_values(["movie", "video"]) == 0.25


def test_elements_are_found_by_their_beginnings() -> None:
    words = Elements({"the": 0.2, "then": 0.01, "of": 0.1}, least=0.01)
    assert words.share("the") == 0.2
    assert words.share("nowhere") == 0.005
    assert words.beginning("the") == pytest.approx(0.22, abs=0.01)
    assert words.beginning("of") >= 0.1
    assert words.beginning("nowhere") < 0.01


def test_rare_words_count_as_often_as_the_frequent_ones_with_a_beginning() -> None:
    words = Elements({"wave": 0.001, "waves": 0.001, "the": 0.2}, least=0.0002)
    assert 0.004 <= words.beginning("wave") < 0.006


def test_nothing_known_is_no_error() -> None:
    shares = shares_from([])
    assert 0 < shares.column("year").between(1990, 1999) < 1
    assert 0 < shares.genres.share("Drama") < 1
    assert shares.rows > 0


def test_they_are_read_once_a_minute() -> None:
    now, reads = [0.0], []
    kept = KeptShares(clock=lambda: now[0])
    for moment in (0, 1, 59, 61, 62):
        now[0] = moment
        kept.current(lambda: reads.append(now[0]) or [])  # type: ignore[func-returns-value]
    assert reads == [0, 61]


def test_who_asks_while_another_reads_does_not_wait() -> None:
    kept = KeptShares()
    reading, done = threading.Event(), threading.Event()

    def read() -> list[tuple[object, ...]]:
        reading.set()
        done.wait(30)
        return []

    reader = threading.Thread(target=kept.current, args=(read,))
    reader.start()
    assert reading.wait(30)
    assert kept.current(lambda: pytest.fail("read twice")).rows > 0
    done.set()
    reader.join()
