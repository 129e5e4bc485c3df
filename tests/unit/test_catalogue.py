"""What may be asked of the catalogue, and how pages follow each other."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.catalogue import (
    LONGEST_CURSOR,
    PersonQuery,
    PersonSort,
    Place,
    TitleQuery,
    TitleSort,
    decoded_cursor,
    encoded_cursor,
)
from application.title_fields import FieldKind
from domain.discovery import Span
from domain.errors import InvalidConfiguration, InvalidCursor, InvalidFilter
from domain.identifiers import NameId
from infrastructure.container import open_catalogue
from shared.config import load_settings

TITLE_KEYS = {
    FieldKind.TEXT: st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200),
    FieldKind.WHOLE_NUMBER: st.integers(0, 2**31 - 1),
    FieldKind.NUMBER: st.floats(0, 10),
    FieldKind.MOMENT: st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
}


@settings(deadline=None)
@given(st.data(), st.sampled_from(TitleSort), st.booleans())
def test_a_cursor_says_where_the_next_page_begins(
    data: st.DataObject, sort: TitleSort, descending: bool
) -> None:
    key = data.draw(st.none() | TITLE_KEYS[sort.field.kind])
    place = Place(key, "tt0111161")
    cursor = encoded_cursor(sort, place, descending=descending)
    assert len(cursor) <= LONGEST_CURSOR
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert TitleQuery(sort=sort, descending=descending, after=cursor).place == place
    with pytest.raises(InvalidCursor):
        decoded_cursor(cursor, sort, descending=not descending)


def a_cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "!!!!", "é", "A" * 5000, "W10", base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 2000).decode(), base64.b64encode(b'["-votes",9').decode(),
        a_cursor("-votes", "1; DROP TABLE titles", "tt0111161"),
        a_cursor("-votes", 1.5, "tt0111161"),
        a_cursor("-votes", True, "tt0111161"), a_cursor("-votes", 2**31, "tt0111161"),
        a_cursor("-votes", 10**1000, "tt0111161"), a_cursor("-votes", [1], "tt0111161"),
        a_cursor("-votes", 1, "tt1' OR '1'='1"), a_cursor("-votes", 1, "nm0000001"),
        a_cursor("-votes", 1, None), a_cursor("-votes", 1), a_cursor("-votes", 1, "tt0111161", 1),
        a_cursor(None, 1, "tt0111161"), a_cursor("votes", 1, "tt0111161"),
        a_cursor("x" * 999, 1, "tt1"),
    ],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor, match=r"^after: ") as caught:
        TitleQuery(after=cursor)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("key", ["nonsense", "2026-01-01", "2026-01-01T00:00:00", 7, "0001-01-01"])
def test_a_moment_in_a_cursor_has_a_time_zone(key: object) -> None:
    with pytest.raises(InvalidCursor):
        TitleQuery(sort=TitleSort.UPDATED, after=a_cursor("-updated", key, "tt0111161"))


@pytest.mark.parametrize("key", ["NaN", "Infinity", "1e999", "-1e999", '"9"'])
def test_a_number_in_a_cursor_is_one(key: str) -> None:
    text = f'["-rating",{key},"tt0111161"]'
    with pytest.raises(InvalidCursor):
        TitleQuery(sort=TitleSort.RATING, after=base64.b64encode(text.encode()).decode())


def test_a_text_in_a_cursor_can_be_stored() -> None:
    for text in ("a\0b", "\ud800"):
        with pytest.raises(InvalidCursor):
            PersonQuery(after=a_cursor("name", text, "nm0000001"))


def test_a_cursor_of_people_is_none_of_titles() -> None:
    cursor = encoded_cursor(PersonSort.CREDITS, Place(3, "nm0000001"), descending=True)
    place = PersonQuery(sort=PersonSort.CREDITS, descending=True, after=cursor).place
    assert place == Place(3, "nm0000001")
    with pytest.raises(InvalidCursor):
        TitleQuery(after=cursor)
    with pytest.raises(InvalidCursor):
        PersonQuery(after=a_cursor("name", "x", "tt0000001"))


def test_moments_of_any_zone_are_the_same_moment() -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    cursor = encoded_cursor(TitleSort.UPDATED, Place(moment, "tt0111161"), descending=True)
    assert TitleQuery(sort=TitleSort.UPDATED, after=cursor).place == Place(moment, "tt0111161")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"text": ""}, "neither a letter nor a digit"),
        ({"text": "?!"}, "neither a letter nor a digit"),
        ({"text": "a\0"}, "NUL"),
        ({"text": "a\ud800"}, "surrogate"),
        ({"text": "a" * 301}, "301 characters"),
        ({"genres": ("",)}, "genre ''"),
        ({"genres": ("a\0",)}, "genre"),
        ({"genres": ("Drama",) * 11}, "at most 10"),
        ({"years": Span(1873, None)}, "year 1873: must be from 1,874 to 9,999"),
        ({"years": Span(2000, 1999)}, "the first is more than the second"),
        ({"ratings": Span(None, 10.1)}, "rating 10.1: must be from 0 to 10"),
        ({"ratings": Span(float("nan"), None)}, "rating nan"),
        ({"votes": Span(-1, None)}, "votes -1"),
        ({"votes": Span(None, 2**31)}, "votes 2147483648"),
        ({"metascores": Span(0, 101)}, "metascore 101"),
        ({"runtimes": Span(0, None)}, "runtime 0"),
        ({"person": NameId("tt0000001")}, "person"),
        ({"limit": 0}, "limit 0: must be from 1 to 200"),
        ({"limit": 201}, "limit 201: must be from 1 to 200"),
    ],
)
def test_what_cannot_be_wanted_is_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        TitleQuery(**wrong)
    (said,) = caught.value.problems
    assert problem in said


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidFilter) as caught:
        TitleQuery(text="", limit=0, votes=Span(-1, None))
    assert len(caught.value.problems) == 3
    with pytest.raises(InvalidFilter) as caught:
        PersonQuery(text="", limit=0)
    assert len(caught.value.problems) == 2


def test_titles_are_looked_through_in_postgresql_only() -> None:
    csv_only = load_settings({"repositories": "csv"}, env_file=None)
    with pytest.raises(InvalidConfiguration, match="add postgres"), open_catalogue(csv_only):
        pass
