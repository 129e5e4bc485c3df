"""Choosing among titles: every repository chooses the same, in the same order."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports import TitleSelector
from application.title_fields import FIELDS, NUMBERS, FieldKind, TitleField
from application.title_filter import parse_filter
from application.title_order import parse_order
from domain.details import DetailName
from domain.title import Title, TitleKind
from tests.builders import a_run, a_title
from tests.contract.factories import CsvFactory, PostgresFactory, in_billing_order
from tests.databases import execute
from tests.strategies import detailed_titles, name_ids, texts, title_ids

_SCALARS = [field.name for field in FIELDS.values() if not field.is_list]
_FEW_TEXTS = st.sampled_from(["a", "A", "é", "z", "1994", "'", "\\", '"', "%", "%s", "nm0000001"])


@st.composite
def _literals(draw: st.DrawFn, field: TitleField, known: tuple[Title, ...]) -> str:
    """A value that a title has, or one near it, or any."""
    values = [value for title in known if (value := field.value(title)) is not None]
    if field.name == "kind":
        return repr(draw(st.sampled_from(TitleKind)).value)
    if field.kind in NUMBERS:
        near = st.sampled_from(values) if values else st.nothing()
        number = draw(near | st.integers(-5, 3000) | st.floats(0, 10))
        return repr(draw(st.sampled_from([number, number + 1, number - 0.1])))
    if field.kind is FieldKind.TEXTS:
        inside = [text for value in values for text in value]
    elif field.kind is FieldKind.CREDITS:
        inside = [c.name for value in values for c in value]
        inside += [c.person_id for value in values for c in value if c.person_id]
    elif field.kind is FieldKind.TEXT:
        inside = [*values, *(value[:1] for value in values)]
    elif field.kind is FieldKind.MOMENT:
        inside = [str(value.year) for value in values]
    else:
        inside = []
    near = st.sampled_from(inside) if inside else st.nothing()
    return repr(draw(near | _FEW_TEXTS | texts | name_ids | title_ids))


@st.composite
def _conditions(draw: st.DrawFn, known: tuple[Title, ...]) -> str:
    field = draw(st.sampled_from(list(FIELDS.values())))
    literals = _literals(field, known)
    shapes = ["known"]
    if field.is_list:
        shapes += ["has"]
    else:
        shapes += ["compare", "one of", "fields"]
        shapes += [] if field.kind in NUMBERS or field.name == "kind" else ["contains"]
    shape = draw(st.sampled_from(shapes))
    operator = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    negated = draw(st.sampled_from(["", "not "]))
    if shape == "known":
        return f"{field.name} is {negated}None"
    if shape in {"has", "contains"}:
        return f"{draw(literals)} {negated}in {field.name}"
    if shape == "one of":
        return f"{field.name} {negated}in [{draw(literals)}, {draw(literals)}]"
    if shape == "fields":
        same = [n for n in _SCALARS if (FIELDS[n].kind in NUMBERS) == (field.kind in NUMBERS)]
        return f"{field.name} {operator} {draw(st.sampled_from(same))}"
    return f"{field.name} {operator} {draw(literals)}"


@st.composite
def _questions(draw: st.DrawFn) -> tuple[tuple[Title, ...], list[str], str]:
    """Some titles, filters of any depth, and an order."""
    found = draw(st.lists(detailed_titles, min_size=1, max_size=6, unique_by=lambda t: t.imdb_id))
    titles = tuple(in_billing_order(title) for title in found)
    conditions = st.recursive(
        _conditions(titles),
        lambda parts: (
            parts.map(lambda part: f"not ({part})")
            | st.tuples(parts, st.sampled_from(["and", "or"]), parts).map(
                lambda three: f"({three[0]}) {three[1]} ({three[2]})"
            )
        ),
        max_leaves=4,
    )
    keys = draw(st.lists(st.sampled_from(_SCALARS), min_size=1, max_size=3, unique=True))
    order = ",".join(draw(st.sampled_from(["", "-"])) + key for key in keys)
    return titles, draw(st.lists(conditions, min_size=1, max_size=8)), order


@pytest.fixture(scope="module")
def database(postgres_server: str) -> Iterator[str]:
    from tests.databases import drop_database, new_database

    url = new_database(postgres_server)
    yield url
    drop_database(postgres_server, url)


@given(question=_questions())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_both_repositories_choose_what_the_conditions_say(
    database: str, question: tuple[tuple[Title, ...], list[str], str]
) -> None:
    titles, filters, order_text = question
    order = parse_order(order_text)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        opened = [
            stack.enter_context(factory())
            for factory in (CsvFactory(Path(folder)), PostgresFactory(database))
        ]
        execute(database, "TRUNCATE titles, people CASCADE")
        for repository in opened:
            repository.save(titles, a_run())
        for text in filters:
            condition = parse_filter(text)
            expected = [t.imdb_id for t in titles if condition.holds(t) is True]
            chosen = [[t.imdb_id for t in r.selected(condition, order)] for r in opened]
            assert chosen[0] == chosen[1], text
            assert sorted(chosen[0]) == sorted(expected), text
            unordered = [sorted(t.imdb_id for t in r.selected(condition, ())) for r in opened]
            assert unordered == [sorted(expected)] * 2, text
        everything = [list(r.selected(None, ())) for r in opened]
        for found in everything:
            by_id = {title.imdb_id: title for title in found}
            assert {i: in_billing_order(t) for i, t in by_id.items()} == {
                title.imdb_id: title for title in titles
            }


def the_order(repository: TitleSelector, text: str) -> list[str]:
    return [title.title for title in repository.selected(None, parse_order(text))]


@pytest.mark.parametrize("name", ["csv", "postgres"])
def test_unknown_comes_last_whichever_way_and_text_goes_by_code_points(
    name: str, request: pytest.FixtureRequest
) -> None:
    factory = (
        CsvFactory(request.getfixturevalue("tmp_path"))
        if name == "csv"
        else PostgresFactory(request.getfixturevalue("postgres_url"))
    )
    titles = [
        a_title(1, title="b", year=1990),
        a_title(2, title="a", year=1990),
        a_title(3, title="Z", year=None),
        a_title(4, title="é", year=2001),
        a_title(5, title="a", year=1980),
    ]
    with factory() as repository:
        repository.save(titles, a_run())
        assert the_order(repository, "year,title") == ["a", "a", "b", "é", "Z"]
        assert the_order(repository, "-year, title") == ["é", "a", "b", "a", "Z"]
        assert the_order(repository, "title") == ["Z", "a", "a", "b", "é"]
        by_title = [t.imdb_id for t in repository.selected(None, parse_order("title"))]
        assert by_title[1:3] == ["tt0000002", "tt0000005"]
        assert list(repository.selected(parse_filter("year > 3000"), parse_order("title"))) == []


@pytest.mark.parametrize("name", ["csv", "postgres"])
def test_many_titles_come_in_order_each_once(name: str, request: pytest.FixtureRequest) -> None:
    factory = (
        CsvFactory(request.getfixturevalue("tmp_path"))
        if name == "csv"
        else PostgresFactory(request.getfixturevalue("postgres_url"))
    )
    titles = [
        replace(a_title(number), year=1900 + number * 37 % 101) for number in range(1, 351)
    ]  # fmt: skip
    with factory() as repository:
        repository.save(titles, a_run())
        found = [(t.year, t.imdb_id) for t in repository.selected(None, parse_order("-year"))]
    assert found == sorted(((t.year, t.imdb_id) for t in titles), key=lambda p: (-p[0], p[1]))


def test_every_detail_can_be_asked_for() -> None:
    assert {name.value for name in DetailName} <= set(FIELDS)
