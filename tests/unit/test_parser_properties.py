"""Damaged pages: a parser gives a typed error or a title, and where damage cannot change a fact
without breaking the page, the right one."""

import html
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.chart import Chart, ChartName
from domain.errors import SourceError, TitleError
from domain.title import Title
from infrastructure.scrapers.imdb_pages import Page, identify, parse_chart, parse_title
from infrastructure.scrapers.imdb_pages.texts import unescaped
from tests.fuzz.mutations import RAW_VALUES
from tests.unit.imdb_pages import pages

FACTS = (
    "kind",
    "title",
    "original_title",
    "year",
    "end_year",
    "runtime_minutes",
    "rating",
    "votes",
    "metascore",
    "certificate",
    "plot",
)

TITLE_PROPS = {
    "V1": (pages.v1(), "/title/[tconst]"),
    "V2": (pages.v2(), "/title/[tconst]"),
    "reference V1": (pages.reference("v1"), "/title/[tconst]/reference"),
    "reference V2": (pages.reference("v2"), "/title/[tconst]/reference"),
}
JSON_ONLY = {name: pages.title_html(*props).encode() for name, props in TITLE_PROPS.items()}
WHOLE = pages.html_page(
    pages.next_data(pages.v2()), head=pages.json_ld(), body=pages.full_markup()
).encode()
MARKUP = pages.html_page(None, head=pages.json_ld(), body=pages.full_markup()).encode()
CHART = pages.title_html(pages.chart(5), "/chart/top").encode()
EVERY_PAGE = [*JSON_ONLY.values(), WHOLE, MARKUP, CHART]


def attempt(page: Page) -> Title | None:
    """The title, or ``None`` for an error that the domain knows; any other error fails the test."""
    try:
        return parse_title(page)
    except (TitleError, SourceError):
        return None


def attempt_chart(page: Page) -> Chart | None:
    try:
        return parse_chart(page, ChartName.TOP)
    except (TitleError, SourceError):
        return None


def read_everything(body: bytes) -> None:
    page = pages.page(body)
    attempt(page)
    attempt_chart(page)
    try:
        identify(page)
    except SourceError:
        return


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """Every dotted path of a JSON value."""
    children: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        path = f"{prefix}.{key}" if prefix else str(key)
        yield path
        yield from paths(child, path)


def keys(props: dict[str, Any]) -> list[str]:
    """The paths that end in a key, not in a place of a list."""
    return sorted(path for path in paths(props) if not path.rpartition(".")[2].isdecimal())


def assert_no_wrong_fact(found: Title, right: Title) -> None:
    """Each fact is the right one or unknown, each credit is one of the right ones."""
    assert found.imdb_id == right.imdb_id
    for field in FACTS:
        assert getattr(found, field) in (getattr(right, field), None), field
    # The newer list of genres, read when the full one is gone, has the first two only.
    assert found.genres in (right.genres, right.genres[:2], ())
    if found.release_date is not None and right.release_date is not None:
        assert right.release_date.isoformat().startswith(found.release_date.isoformat())
    known = {(c.category, c.name): c for c in right.credits}
    for credit in found.credits:
        listed = known[credit.category, credit.name]
        assert credit.person_id in (listed.person_id, None)
        assert set(credit.characters) <= set(listed.characters)


@pytest.mark.parametrize("layout", JSON_ONLY)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_page_cut_anywhere(layout: str, data: st.DataObject) -> None:
    whole = JSON_ONLY[layout]
    length = data.draw(st.integers(0, len(whole)))
    found = attempt(pages.page(whole[:length]))
    assert found in (None, parse_title(pages.page(whole)))


@given(length=st.integers(0, len(WHOLE)))
@settings(max_examples=60, deadline=None)
def test_a_page_with_markup_cut_anywhere(length: int) -> None:
    assert attempt(pages.page(WHOLE[:length])) in (None, parse_title(pages.page(WHOLE)))


@given(length=st.integers(0, len(MARKUP) - 1))
@settings(max_examples=60, deadline=None)
def test_markup_alone_cut_anywhere(length: int) -> None:
    assert attempt(pages.page(MARKUP[:length])) is None


@given(length=st.integers(0, len(CHART)))
@settings(max_examples=60, deadline=None)
def test_a_chart_cut_anywhere(length: int) -> None:
    whole = parse_chart(pages.page(CHART), ChartName.TOP)
    assert attempt_chart(pages.page(CHART[:length])) in (None, whole)


@given(
    body=st.sampled_from(EVERY_PAGE),
    flips=st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), min_size=1, max_size=8),
)
@settings(max_examples=120, deadline=None)
def test_flipped_bytes(body: bytes, flips: list[tuple[int, int]]) -> None:
    damaged = bytearray(body)
    for place, mask in flips:
        damaged[place % len(damaged)] ^= mask
    read_everything(bytes(damaged))


@given(
    body=st.sampled_from(EVERY_PAGE),
    start=st.integers(0, 2**20),
    length=st.integers(1, 400),
    put=st.binary(max_size=20),
)
@settings(max_examples=120, deadline=None)
def test_replaced_and_lost_bytes(body: bytes, start: int, length: int, put: bytes) -> None:
    start %= len(body)
    read_everything(body[:start] + put + body[start + length :])


@pytest.mark.parametrize("layout", TITLE_PROPS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_lost_keys(layout: str, data: st.DataObject) -> None:
    props, route = TITLE_PROPS[layout]
    right = parse_title(pages.page(pages.title_html(props, route)))
    for _ in range(data.draw(st.integers(1, 3))):
        props = pages.without(props, data.draw(st.sampled_from(keys(props))))
    found = attempt(pages.page(pages.title_html(props, route)))
    if found is not None:
        assert_no_wrong_fact(found, right)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@pytest.mark.parametrize("layout", TITLE_PROPS)
@given(data=st.data(), value=JSON_VALUES)
@settings(max_examples=60, deadline=None)
def test_values_of_any_type(layout: str, data: st.DataObject, value: Any) -> None:
    props, route = TITLE_PROPS[layout]
    path = data.draw(st.sampled_from(sorted(paths(props))))
    read_everything(pages.title_html(pages.having(props, path, value), route).encode())


@pytest.mark.parametrize("layout", TITLE_PROPS)
@given(data=st.data(), raw=st.sampled_from(RAW_VALUES))
@settings(max_examples=40, deadline=None)
def test_what_no_encoder_writes(layout: str, data: st.DataObject, raw: str) -> None:
    props, route = TITLE_PROPS[layout]
    path = data.draw(st.sampled_from(sorted(paths(props))))
    page = pages.title_html(pages.having(props, path, "in the place"), route)
    read_everything(page.replace('"in the place"', raw).encode())


@given(text=st.text(st.sampled_from("&#xX0159aAf;l t"), max_size=12) | st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_texts_are_unescaped_as_html_says(text: str) -> None:
    assert unescaped(text) == html.unescape(text)


@given(body=st.binary(max_size=300) | JSON_VALUES.map(lambda v: json.dumps(v).encode()))
@settings(max_examples=60, deadline=None)
def test_bodies_that_are_no_page(body: bytes) -> None:
    read_everything(body)
    assert attempt(pages.page(body)) is None
