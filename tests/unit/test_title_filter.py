"""The filter language: what it means, and what is said of a filter that cannot be read."""

import warnings
from dataclasses import replace

import pytest

from application.title_filter import DEEPEST, LONGEST, parse_filter
from domain.details import DetailName
from domain.errors import InvalidSelection
from domain.release_date import ReleaseDate
from domain.title import CreditCategory, TitleKind
from tests.builders import a_detail, a_title, credit, keywords, person_number

TITLE = a_title(
    title="Dawn of the 'Dead'", year=1978, rating=7.9, votes=120_000, genres=("Horror", "Thriller"),
    release_date=ReleaseDate(year=1978, month=9), metascore=None, certificate=None, credits=(
        credit(person_number(1), 1, category=CreditCategory.DIRECTOR),
        credit(person_number(2), 1, characters=("Andy",)),
        credit("Nameless", 2),
    ), details=(keywords("zombie", "mall"),),
)  # fmt: skip
BARE = a_title(
    title="Bare", original_title=None, year=None, runtime_minutes=None, rating=None, votes=None,
    metascore=None, certificate=None, genres=(), release_date=None, plot=None, credits=(),
)  # fmt: skip


def holds(text: str, title=TITLE) -> bool | None:
    return parse_filter(text).holds(title)


@pytest.mark.parametrize(
    "text",
    [
        "year >= 1970 and year < 1980 and 'Horror' in genres and rating > 7",
        "1970 <= year < 1980",
        "year == 1978",
        "year != 1979",
        "not year == 1979",
        "year in (1977, 1978)",
        "year not in [1977, 1979]",
        "kind == 'movie'",
        "kind in {'movie', 'short'}",
        "kind > 'm'",
        "'Dead' in title",
        "'dead' not in title",
        "title == \"Dawn of the 'Dead'\"",
        "'Comedy' not in genres",
        "'Person 1' in directors",
        "'nm0000001' in directors",
        "'nm0000001' not in cast",
        "'Nameless' in cast",
        "release_date >= '1978'",
        "release_date < '1978-10'",
        "metascore is None",
        "rating is not None",
        "creators is None",
        "genres is not None",
        "keywords is not None and akas is None",
        "'mall' in keywords",
        "'beach' not in keywords",
        "rating > 7.8 and rating <= 7.9",
        "votes > runtime_minutes",
        "title < original_title or title > original_title",
        "fetched_at >= '2026-01-01' and fetched_at < '2026-01-02'",
        "votes > -1",
        "(year > 1970\n and rating > 7)",
        "votes < 1e999",
        "votes < 100000000000000000000",
        "metascore > 90 or rating > 7",
    ],
)
def test_is_true_of_a_title(text):
    assert holds(text) is True
    assert holds(f"not ({text})") is False


@pytest.mark.parametrize(
    "text",
    [
        "year == 1978",
        "year != 1978",
        "year < 1978 or year >= 1978",
        "year in (1977, 1978)",
        "year not in (1977, 1978)",
        "'Horror' in genres",
        "'Horror' not in genres",
        "'x' in plot",
        "'x' not in plot",
        "'nm0000001' in cast",
        "'nm0000001' not in cast",
        "'zombie' in keywords",
        "'zombie' not in keywords",
        "end_year > year",
        "rating > 7 and title == 'Bare'",
        "rating > 7 or title == 'Other'",
        "not rating > 7",
    ],
)
def test_unknown_is_equal_to_nothing_and_not_unequal_either(text):
    assert holds(text, BARE) is None


def test_what_is_known_decides_where_it_can():
    assert holds("rating > 7 and title == 'Other'", BARE) is False
    assert holds("rating > 7 or title == 'Bare'", BARE) is True


def test_a_detail_that_is_held_and_empty_does_not_have_anything():
    empty = replace(BARE, details=(a_detail(DetailName.KEYWORDS),))
    assert holds("'zombie' in keywords", empty) is False
    assert holds("keywords is None", empty) is False


def test_of_a_detail_that_was_read_in_part_only_what_it_has_is_known():
    part = replace(keywords("zombie"), is_whole=False)
    title = replace(BARE, details=(part,))
    assert holds("'zombie' in keywords", title) is True
    assert holds("'mall' in keywords", title) is None


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("ratng > 7", "no field ratng: did you mean rating?", "ratng"),
        ("year >= 1970 and", "this cannot be read", ""),
        ("genres == 'Horror'", "genres is a list: write 'Drama' in genres", "genres"),
        ("year > 'then'", "year is a number, this is not", "'then'"),
        ("title == 7", "title is a text, this is not", "7"),
        ("title > year", "is a text, this is not", "year"),
        ("open('x') > 1", "functions cannot be called", "open('x')"),
        ("year.real > 1", "there are no attributes", "year.real"),
        ("year + 1 > 1970", "there is no arithmetic", "year + 1"),
        ("genres[0] == 'x'", "there are no subscripts", "genres[0]"),
        ("f'{year}' == title", "write the text without f", "f'{year}'"),
        ("(lambda: year) > 1", "there are no functions", "lambda: year"),
        ("year >= 1970 und year < 1980", "this cannot be read", "u"),
        ("(year > 3", "never closed", "("),
        ("year > 3)", "unmatched", ")"),
        ("'é' == title and yer > 3", "no field yer: did you mean year?", "yer"),
        ("1 < 2", "compare a field with something", "1 < 2"),
        ("year", "say what year should be, for example year > 7", "year"),
        ("genres", "'Drama' in genres", "genres"),
        ("nothing", "no field nothing", "nothing"),
        ("year == None", "write year is None", "None"),
        ("year is 3", "after is comes None", "3"),
        ("3 in genres", "put it in quotes", "3"),
        ("title in original_title", "only a text in quotes", "title"),
        ("'7' in rating", "rating is a number", "rating"),
        ("year > True", "a field, a text in quotes or a number", "True"),
        ("kind == 'film'", "there is no kind 'film'", "'film'"),
        ("kind in ('movies', 'x')", "did you mean movie", "'movies'"),
        ("year in ()", "nothing is in an empty list", "()"),
        ("year in (title, 3)", "only texts and numbers", "title"),
        ("year in (1990, 'x')", "year is a number", "'x'"),
        ("genres in ('Horror',)", "genres is a list", "genres"),
        ("title == 'a\\0'", "no text has NUL", "'a\\0'"),
        ("title == 'abc", "unterminated string", "'"),
        ("(year > 3\nand yer < 4)", "no field yer", "yer"),
    ],
)  # fmt: skip
def test_a_mistake_is_shown_where_it_is(text, message, marked):
    with pytest.raises(InvalidSelection) as caught:
        parse_filter(text)
    said, line, marks = str(caught.value).split("\n")
    assert message in said
    start = marks.index("^")
    assert line[start : start + marks.count("^")].rstrip() == marked


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "not " * (DEEPEST + 1) + "year > 1",
        "(" * 9_000,
        "-" * 9_000 + "1 < year",
        "year > 1 or " * LONGEST,
        "year > " + "9" * 5_000,
        "year > 1j",
        "title == b'x'",
        "year > 1; year < 3",
        "[year for year in genres]",
        "(year := 3) > 1",
        "year > 1 if year else 3",
        "__import__('os').system('true')",
        "title == '\ud800'",
        "year > 1\0",
    ],
)
def test_whatever_else_is_refused_in_words(text):
    with pytest.raises(InvalidSelection):
        parse_filter(text)


def test_a_long_filter_is_shown_around_the_mistake_only():
    text = "year > 1 and " * 100 + "yer > 3" + " and year > 1" * 100
    with pytest.raises(InvalidSelection) as caught:
        parse_filter(text)
    _, line, marks = str(caught.value).split("\n")
    assert len(line) < 80
    assert line[marks.index("^") : marks.index("^") + 3] == "yer"


def test_a_backslash_is_no_warning():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert holds(r"'\d' not in title") is True
    assert seen == []


def test_every_kind_of_title_can_be_asked_for():
    for kind in TitleKind:
        assert holds(f"kind == '{kind}'", replace(TITLE, kind=kind)) is True
