import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidTitle
from domain.identifiers import name_id_from, title_id_from
from domain.partial_date import PartialDate
from domain.person_fact import PersonFactCategory
from domain.release_date import ReleaseDate
from tests.builders import a_filmography_credit, a_person_fact, a_profile


@pytest.mark.parametrize(
    "text",
    [
        "nm0000151", "NM0000151", " nm0000151\n", "https://www.imdb.com/name/nm0000151/",
        "imdb.com/name/nm0000151?ref_=nv_sr_1", "https://m.imdb.com/de/name/nm0000151/bio#mini",
    ],
)  # fmt: skip
def test_a_person_is_named_by_an_id_or_an_address(text):
    assert name_id_from(text) == "nm0000151"


@pytest.mark.parametrize(
    "text",
    ["", "nm123", "co0000001", "https://example.org/name/nm0000151/", "Morgan Freeman"],
)
def test_what_names_no_person_is_refused(text):
    with pytest.raises(InvalidTitle, match="must be 'nm' and 7 or more digits"):
        name_id_from(text)


@pytest.mark.parametrize("text", ["tt0111161", "https://www.imdb.com/title/tt0111161/"])
def test_a_title_where_a_person_is_asked_for_is_told_as_such(text):
    with pytest.raises(InvalidTitle, match="is a title, not a person"):
        name_id_from(text)


@pytest.mark.parametrize("text", ["nm0000151", "https://www.imdb.com/name/nm0000151/"])
def test_a_person_where_a_title_is_asked_for_is_told_as_such(text):
    with pytest.raises(InvalidTitle, match="is a person, not a title"):
        title_id_from(text)


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({"year": 1564}, "1564"),
        ({"year": 1564, "month": 4}, "1564-04"),
        ({"year": 1564, "month": 4, "day": 23}, "1564-04-23"),
        ({"year": -496}, "-0496"),
        ({"year": -44, "month": 3, "day": 15}, "-0044-03-15"),
        ({"year": -1, "month": 2, "day": 29}, "-0001-02-29"),
        ({"year": 5}, "0005"),
    ],
)
def test_a_date_of_any_age_is_as_precise_as_it_is_known(known, text):
    date = PartialDate(**known)
    assert date.isoformat() == text
    assert PartialDate.fromisoformat(text) == date


@pytest.mark.parametrize(
    "known",
    [
        {"year": 0}, {"year": None}, {"year": True}, {"year": 10_000}, {"year": -10_000},
        {"year": 1900, "month": 2, "day": 29}, {"year": -44, "month": 2, "day": 30},
        {"year": 1900, "month": 13}, {"year": 1900, "month": 0},
        {"year": 1900, "day": 1}, {"year": 1900, "month": 1, "day": 0},
    ],
)  # fmt: skip
def test_what_is_no_date_of_any_calendar_is_refused(known):
    with pytest.raises(InvalidTitle, match=r"^date "):
        PartialDate(**known)


def test_a_release_date_keeps_its_own_rule():
    with pytest.raises(InvalidTitle, match="release_date 1564"):
        ReleaseDate(year=1564)
    assert ReleaseDate(year=1994) != PartialDate(year=1994)


@given(st.dates(), st.sampled_from([1, 2, 3]))
def test_any_date_reads_back_as_it_was_written(date, parts):
    known = dict(list({"year": date.year, "month": date.month, "day": date.day}.items())[:parts])
    assert PartialDate.fromisoformat(PartialDate(**known).isoformat()) == PartialDate(**known)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("birth_place", ""), ("death_place", "\0"), ("biography", "\ud800"),
        ("professions", ("",)), ("known_for", ("nm0000151",)), ("total_credits", -1),
    ],
)  # fmt: skip
def test_a_profile_that_breaks_a_rule_is_refused_with_id_and_field(field, value):
    with pytest.raises(InvalidTitle, match=rf"^(nm0000001: )?({field}|imdb_id)") as refused:
        a_profile(1, **{field: value})
    assert refused.value.imdb_id == "nm0000001"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", ""), ("title", ""), ("year", 1873), ("end_year", 10_000), ("rating", 10.1),
        ("rating", float("nan")), ("votes", -1), ("episodes", 0), ("characters", ("",)),
        ("jobs", ("\0",)), ("attributes", ("",)),
    ],
)  # fmt: skip
def test_a_credit_that_breaks_a_rule_is_refused_with_its_field(field, value):
    with pytest.raises(InvalidTitle) as refused:
        a_filmography_credit(1, **{field: value})
    assert refused.value.field == field


def test_a_title_is_in_a_filmography_once_in_a_category():
    one, other = a_filmography_credit(1), a_filmography_credit(1, category="director")
    assert a_profile(1, filmography=(one, other)).filmography == (one, other)
    with pytest.raises(InvalidTitle, match="twice in one category"):
        a_profile(1, filmography=(one, other, one))


def test_a_filmography_by_category_keeps_the_order_of_the_source():
    credits_ = tuple(
        a_filmography_credit(number, category=category)
        for number, category in ((3, "writer"), (1, "actor"), (2, "writer"))
    )
    found = a_profile(1, filmography=credits_).by_category
    assert list(found) == ["writer", "actor"]
    assert [credit.title_id for credit in found["writer"]] == ["tt0000003", "tt0000002"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", "trivia"), ("text", ""), ("text", None), ("year", 0), ("year", 10_000),
        ("url", ""), ("related_id", "co0000001"), ("related_id", "nm1"), ("related_id", ""),
    ],
)  # fmt: skip
def test_a_fact_that_breaks_a_rule_is_refused(field, value):
    with pytest.raises(InvalidTitle):
        a_person_fact(**{field: value})


def test_facts_are_found_by_their_category_in_their_order():
    quotes = [a_person_fact(category=PersonFactCategory.QUOTE, text=text) for text in "ba"]
    profile = a_profile(facts=(quotes[0], a_person_fact(), quotes[1]))
    assert profile.facts_of(PersonFactCategory.QUOTE) == tuple(quotes)
    assert profile.facts_of(PersonFactCategory.HEIGHT) == ()
