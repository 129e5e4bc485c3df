import pickle
from datetime import UTC, datetime

import pytest

from domain import errors
from domain.chart import Chart, ChartEntry, ChartName
from domain.errors import InvalidTitle, ScraperError
from domain.identifiers import company_id, keyword_id, name_id, title_id, title_id_from
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from domain.title import Credit, CreditCategory, Person
from tests.builders import a_chart, a_title, cast_of, credit, person_number, title_number

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 -- the point is that it has no time zone


@pytest.mark.parametrize("good", ["tt0111161", "tt1234567", "tt33764258"])
def test_title_ids_have_seven_or_more_digits(good):
    assert title_id(good) == good


@pytest.mark.parametrize(
    "bad", ["tt123456", "nm0000001", "0111161", "tt01111 61", "", None, 7, "tt٠١٢٣٤٥٦"]
)
def test_what_is_no_title_id_is_refused_by_name(bad):
    with pytest.raises(InvalidTitle) as caught:
        title_id(bad)
    assert (caught.value.field, caught.value.value) == ("imdb_id", bad)


@pytest.mark.parametrize("bad", ["tt0111161", "nm1", None, "NM0000151"])
def test_what_is_no_name_id_is_refused(bad):
    with pytest.raises(InvalidTitle, match="nm"):
        name_id(bad)


@pytest.mark.parametrize("bad", ["tt0111161", "co123456", "co", None, 7, "CO0040620", "kw0000001"])
def test_what_is_no_company_id_is_refused(bad):
    assert company_id("co0040620") == "co0040620"
    with pytest.raises(InvalidTitle, match="'co' and 7 or more digits"):
        company_id(bad)


@pytest.mark.parametrize("bad", ["prison-escape", "kw123456", None, 7, "co0040620"])
def test_what_is_no_keyword_id_is_refused(bad):
    assert keyword_id("kw0000001") == "kw0000001"
    with pytest.raises(InvalidTitle, match="'kw' and 7 or more digits"):
        keyword_id(bad)


@pytest.mark.parametrize(
    "text",
    [
        "tt0111161",
        " TT0111161\n",
        "https://www.imdb.com/title/tt0111161/",
        "https://www.imdb.com/title/tt0111161/?ref_=chttp_i_1",
        "http://m.imdb.com/title/tt0111161",
        "imdb.com/title/tt0111161/reference",
        "https://www.imdb.com/de/title/tt0111161/",
    ],
)
def test_ids_are_read_as_people_write_them(text):
    assert title_id_from(text) == "tt0111161"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shawshank",
        "https://evil.example/title/tt0111161/",
        "https://imdb.com.evil.example/title/tt0111161/",
        "https://www.imdb.com/name/nm0000151/",
        "tt0111161 tt0068646",
    ],
)
def test_what_is_neither_an_id_nor_a_title_page_is_refused(text):
    with pytest.raises(InvalidTitle):
        title_id_from(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("imdb_id", "tt1"),
        ("title", ""),
        ("title", "a\x00b"),
        ("title", "\ud800"),
        ("title", None),
        ("original_title", ""),
        ("certificate", ""),
        ("plot", ""),
        ("genres", ("",)),
        ("year", 1873),
        ("year", 10_000),
        ("year", "1994"),
        ("end_year", 0),
        ("runtime_minutes", 0),
        ("runtime_minutes", -1),
        ("runtime_minutes", 2**31),
        ("rating", -0.1),
        ("rating", 10.1),
        ("rating", float("nan")),
        ("rating", True),
        ("votes", -1),
        ("votes", 2**31),
        ("votes", True),
        ("metascore", -1),
        ("metascore", 101),
        ("metascore", 50.5),
    ],
)
def test_a_title_with_an_impossible_fact_is_refused_naming_field_and_title(field, value):
    with pytest.raises(InvalidTitle) as caught:
        a_title(**{field: value})
    assert caught.value.field == field
    if field != "imdb_id":
        assert caught.value.imdb_id == "tt0111161"
        assert "tt0111161" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("year", 1874),
        ("rating", 0.0),
        ("rating", 10),
        ("votes", 0),
        ("metascore", 0),
        ("metascore", 100),
        ("runtime_minutes", 1),
        ("title", "M"),
        ("title", "七人の侍"),
    ],
)
def test_facts_at_the_edge_are_kept_as_they_are(field, value):
    assert getattr(a_title(**{field: value}), field) == value


@pytest.mark.parametrize(
    "field",
    ["original_title", "year", "end_year", "runtime_minutes", "rating", "votes", "metascore",
     "certificate", "release_date", "plot"],
)  # fmt: skip
def test_every_optional_fact_may_be_unknown(field):
    assert getattr(a_title(**{field: None}), field) is None


def test_two_credits_cannot_have_one_place():
    with pytest.raises(InvalidTitle, match="one category and position"):
        a_title(credits=(credit(person_number(1), 1), credit(person_number(2), 1)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"position": 0},
        {"position": None},
        {"name": ""},
        {"person_id": "nm1"},
        {"characters": ("",)},
    ],
)
def test_a_credit_with_an_impossible_fact_is_refused(wrong):
    given = {"category": CreditCategory.CAST, "position": 1, "name": "A"}
    with pytest.raises(InvalidTitle):
        Credit(**(given | wrong))


def test_people_are_told_apart_by_id_and_names_without_id_are_no_people():
    twin = Person(person_number(9).imdb_id, person_number(3).name)
    title = a_title(credits=cast_of(person_number(3), twin, "Somebody", person_number(1)))
    assert [person.imdb_id for person in title.people] == ["nm0000001", "nm0000003", "nm0000009"]


def test_credits_of_a_category_come_in_billing_order():
    shuffled = (
        credit(person_number(2), 2),
        credit(person_number(3), 3),
        credit(person_number(1), 1),
    )
    title = a_title(credits=shuffled)
    assert [c.position for c in title.credits_of(CreditCategory.CAST)] == [1, 2, 3]
    assert title.credits_of(CreditCategory.WRITER) == ()


@pytest.mark.parametrize(
    ("known", "text"),
    [({}, "1994"), ({"month": 10}, "1994-10"), ({"month": 2, "day": 28}, "1994-02-28")],
)
def test_a_release_date_is_as_precise_as_it_is_known(known, text):
    released = ReleaseDate(year=1994, **known)
    assert released.isoformat() == text
    assert ReleaseDate.fromisoformat(text) == released


@pytest.mark.parametrize(
    "wrong",
    [{"day": 1}, {"month": 0}, {"month": 13}, {"month": 2, "day": 30}, {"month": 1, "day": 0},
     {"month": 1, "day": 2**31}, {"year": 1800}, {"year": None}],
)  # fmt: skip
def test_a_date_that_no_calendar_has_is_refused(wrong):
    with pytest.raises(InvalidTitle):
        ReleaseDate(**({"year": 1994} | wrong))


@pytest.mark.parametrize("text", ["", "94", "1994-1", "1994-10-14T00", "1994-13", "١٩٩٤"])
def test_text_that_is_no_release_date_is_refused(text):
    with pytest.raises(InvalidTitle):
        ReleaseDate.fromisoformat(text)


def test_times_need_a_time_zone():
    with pytest.raises(InvalidTitle, match="time zone"):
        Provenance(source="html", found_by="dom", fetched_at=NAIVE)
    with pytest.raises(InvalidTitle, match="time zone"):
        Chart(ChartName.TOP, (), NAIVE)


@pytest.mark.parametrize("rank", [0, -1, True, None, "1"])
def test_ranks_start_at_one(rank):
    with pytest.raises(InvalidTitle):
        ChartEntry(rank, title_number(1))


def test_a_chart_names_a_title_and_a_rank_once():
    entry, now = ChartEntry(1, title_number(1)), datetime.now(UTC)
    with pytest.raises(InvalidTitle, match="same rank"):
        Chart(ChartName.TOP, (entry, ChartEntry(1, title_number(2))), now)
    with pytest.raises(InvalidTitle, match="same title_id"):
        Chart(ChartName.TOP, (entry, ChartEntry(2, title_number(1))), now)


def test_the_first_entries_of_a_chart():
    assert a_chart(5, 6, 7).first(2) == a_chart(5, 6)
    assert a_chart(5, 6).first(250) == a_chart(5, 6)


def test_every_error_has_a_reason_of_its_own():
    def below(kind):
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))]

    ours = [kind for kind in below(ScraperError) if kind.__module__ == errors.__name__]
    reasons = [kind.reason for kind in ours]
    assert len(ours) > 30
    assert len(set(reasons)) == len(reasons)


def test_a_long_bad_value_is_cut_in_the_message():
    assert len(str(InvalidTitle("plot", "x" * 5000, "must be short"))) < 200


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidConfiguration(["LIMIT=0: too small", "CHART=x: unknown"]),
        errors.SourceUnavailable("https://site", "HTTP 503", hopeless=True),
        errors.RobotsDisallowed("https://site/x", "https://site/robots.txt", "us"),
        errors.CacheUnavailable("the HTTP cache in here cannot be used"),
        errors.SourceBlocked("https://site", "challenge"),
        errors.RunStopped("https://site"),
        errors.TitleNotFound("tt0000001", "https://site"),
        errors.ChartNotFound("top", "https://site"),
        errors.PageChanged("https://site", "titleText", "missing"),
        InvalidTitle("votes", -1, "must be from 0 on", imdb_id="tt0000001"),
        errors.RepositoryUnavailable("csv", "disk full", may_pass=True),
        errors.SpillUnavailable("the file in which titles wait is full"),
    ],
)
def test_an_error_crosses_to_another_process_whole(error):
    came = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own bytes
    assert (type(came), str(came), vars(came)) == (type(error), str(error), vars(error))
