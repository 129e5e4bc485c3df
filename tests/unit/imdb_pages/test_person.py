import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import (
    InvalidTitle,
    PageChanged,
    PersonNotFound,
    SourceBlocked,
    SourceError,
    TitleError,
)
from domain.partial_date import PartialDate
from domain.person_fact import PersonFact, PersonFactCategory
from domain.person_profile import FilmographyCredit, PersonProfile
from domain.title import TitleKind
from infrastructure.scrapers.imdb_pages import Page, PageKind, identify, parse_person, parse_title
from tests.unit.imdb_pages import pages, person_pages
from tests.unit.test_parser_properties import keys

LAYOUTS = {"V1": person_pages.v1(), "V2": person_pages.v2()}


def page(body: str | bytes, **changes: Any) -> Page:
    return pages.page(body, url=person_pages.URL, **changes)


def a_fact(category: str, text: str, **changes: Any) -> PersonFact:
    return PersonFact(category=PersonFactCategory(category), text=text, **changes)


def read(props: dict[str, Any]) -> PersonProfile:
    return parse_person(page(person_pages.html(props)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_fact_of_a_page_is_read(layout: str) -> None:
    person = read(LAYOUTS[layout])
    assert person.imdb_id == "nm7000002"
    assert person.name == "Li Wen"
    assert person.birth_date == PartialDate(year=1564, month=4)
    assert person.birth_place == "Stratford"
    assert person.death_date == PartialDate(year=1620, month=5, day=3)
    assert person.death_place is None
    assert person.professions == ("Actress", "Writer")
    assert person.biography == 'Born "somewhere" & moved.\n\nMoved again.'
    assert person.known_for == ("tt7000004",)
    assert person.total_credits == 91
    assert person.provenance.source == "html"
    assert person.provenance.found_by == "next_data"
    assert person.provenance.fetched_at == pages.FETCHED_AT
    assert person.filmography == (
        FilmographyCredit(
            category="actress", title_id="tt7000001", title="Title tt7000001",
            kind=TitleKind.TV_SERIES, year=1990, end_year=1994, rating=7.5, votes=348,
            characters=("Io", "Self"), episodes=17,
        ),
        FilmographyCredit(
            category="actress", title_id="tt7000002", title="Title tt7000002",
            kind=TitleKind.MOVIE, year=1987, votes=0, characters=("Ada",), attributes=("voice",),
        ),
        FilmographyCredit(
            category="writer", title_id="tt7000003", title="Title tt7000003",
            kind=TitleKind.SHORT, rating=8.0, votes=12, jobs=("story by",),
        ),
        FilmographyCredit(
            category="writer", title_id="tt7000004", title="Title tt7000004",
            kind=TitleKind.MOVIE, year=1957, rating=9.0, votes=918667, jobs=("screenplay",),
        ),
    )  # fmt: skip


FACTS_ALIKE = (
    a_fact("birth_name", "Wen Li"),
    a_fact("nickname", "Lee"),
    a_fact("nickname", "El"),
    a_fact("alternative_name", "Lee"),
    a_fact("height", "182.9"),
    a_fact("death_cause", "fever"),
    a_fact("image", "Li Wen", url="https://example.org/i.jpg"),
    a_fact(
        "spouse", "An Wen (May 1, 1590 - 1600) (divorced, 2 children)", year=1590,
        related_id="nm7000005",
    ),
    a_fact("relation", "Bo Wen (Child)", related_id="nm7000009"),
    a_fact("trivia", "A & b"),
    a_fact("quote", "So?"),
    a_fact("other_work", "A play", year=1599),
    a_fact("salary", "Known: $100", related_id="tt7000004"),
    a_fact("external_link", "Fans", url="https://example.org/"),
    a_fact("external_link", "Official sites", url="https://example.org/li"),
)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_else_is_said_of_a_person_is_read(layout: str) -> None:
    assert read(LAYOUTS[layout]).facts == FACTS_ALIKE


def award(*, won: bool, event: str | None = "Fair", **changes: Any) -> dict[str, Any]:
    edition = {"year": 1601, "event": {"text": event}}
    return {"isWinner": won, "award": {"text": "Prize", "eventEdition": edition}} | changes


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (award(won=True), a_fact("award_win", "Fair, Prize", year=1601)),
        (award(won=False, event="Prize"), a_fact("award_nomination", "Prize", year=1601)),
        (
            award(
                won=False,
                category={"text": "Best Play"},
                awardedEntities={
                    "secondaryAwardTitles": [
                        {"title": {"id": "tt7000004", "titleText": {"text": "Known"}}}
                    ]
                },
            ),
            a_fact(
                "award_nomination", "Fair, Prize: Best Play (Known)", year=1601,
                related_id="tt7000004",
            ),
        ),
        ({"isWinner": True, "award": None}, None),
    ],
)  # fmt: skip
def test_an_award_says_what_for_and_whether_it_was_won(
    node: dict[str, Any], expected: PersonFact | None
) -> None:
    assert facts_in(awardNominations={"edges": [{"node": node}]}) == (
        (expected and [expected]) or []
    )


@pytest.mark.parametrize(
    ("node", "text", "year", "related_id"),
    [
        (
            {"category": {"text": "Interview"}, "publication": "Times", "date": "1602-05-06",
             "heading": {"text": "Asking Li"}},
            "Interview: Times, Asking Li", 1602, None,
        ),
        ({"heading": {"text": "A Life"}, "publisher": "Press"}, "A Life, Press", None, None),
        (
            {"category": {"text": "Film biography"},
             "film": {"id": "tt7000004", "titleText": {"text": "Known"}}},
            "Film biography: Known", None, "tt7000004",
        ),
    ],
)  # fmt: skip
def test_a_publication_says_where_and_what(
    node: dict[str, Any], text: str, year: int | None, related_id: str | None
) -> None:
    [found] = facts_in(publicityListings={"edges": [{"node": node}]})
    assert found == a_fact("publicity", text, year=year, related_id=related_id)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (
            {"articleTitle": {"plainText": "Plays on"}, "date": "1603-04-05T00:00:00Z",
             "externalUrl": "https://example.org/plays"},
            [a_fact("news", "Plays on", year=1603, url="https://example.org/plays")],
        ),
        ({"articleTitle": {"plainText": "Plays on"}}, [a_fact("news", "Plays on")]),
        ({"articleTitle": None}, []),
    ],
)  # fmt: skip
def test_a_headline_says_when_and_where(node: dict[str, Any], expected: list[PersonFact]) -> None:
    assert facts_in(news={"edges": [{"node": node}]}) == expected


@pytest.mark.parametrize(
    ("height", "expected"),
    [
        ({"measurement": {"value": 183, "unit": "CENTIMETER"}}, ["183"]),
        ({"measurement": {"value": 1.845, "unit": "METER"}}, ["184.5"]),
        (person_pages.shown("6\u2032 0\u00bd\u2033 (1.84 m)"), ["184"]),
        ({"measurement": {"value": 6, "unit": "FOOT"}}, []),
        ({"measurement": {"value": None, "unit": None}}, []),
        (None, []),
    ],
)
def test_a_height_is_in_centimetres_or_unknown(height: Any, expected: list[str]) -> None:
    assert [fact.text for fact in facts_in(height=height)] == expected


@pytest.mark.parametrize(
    ("span", "year"),
    [("1963 - 1970", 1963), ("? - 1970", None), ("May 1, 1963 - present", 1963), (None, None)],
)
def test_a_marriage_has_the_year_of_the_wedding(span: str | None, year: int | None) -> None:
    node = {
        "spouse": {"name": None, "asMarkdown": {"plainText": "An"}},
        "attributes": None,
        "timeRange": span and person_pages.shown(span),
    }
    [found] = facts_in(personalDetailsSpouses=[node])
    assert found == a_fact("spouse", f"An ({span})" if span else "An", year=year)


def facts_in(**main: Any) -> list[PersonFact]:
    """The facts of a page that says nothing else."""
    above = {"id": "nm7000002", "nameText": {"text": "Li Wen"}}
    props = {"aboveTheFold": above, "mainColumnData": {"released": {"edges": []}, **main}}
    return [*read(props).facts]


def test_a_saved_page_has_its_own_time() -> None:
    person = parse_person(page(person_pages.html(person_pages.v2()), page_clock=True))
    assert person.provenance.fetched_at == pages.SERVED_AT


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"year": 496, "isBCE": True}, "-0496"),
        ({"year": 1920, "month": 12, "day": 10, "isBCE": None}, "1920-12-10"),
        ({"year": 1920, "month": None, "day": 10}, "1920"),
        ({"year": None, "month": 12, "day": 10}, None),
        (None, None),
    ],
)
def test_a_birth_is_dated_as_far_as_it_is_known(parts: Any, expected: str | None) -> None:
    born = read(
        pages.having(person_pages.v1(), "aboveTheFold.birthDate.dateComponents", parts)
    ).birth_date
    assert (born.isoformat() if born else None) == expected


def test_a_title_that_is_there_twice_in_a_category_is_one_credit() -> None:
    props = person_pages.v2()
    groups = props["mainColumnData"]["released"]["edges"]
    again = json.loads(json.dumps(groups[0]["node"]["credits"]["edges"][0]))
    again["node"]["creditedRoles"]["edges"][0]["node"]["characters"]["edges"][0]["node"] = {
        "name": "Another"
    }
    groups[0]["node"]["credits"]["edges"].append(again)
    first = read(props).filmography[0]
    assert first.characters == ("Io", "Self", "Another")
    assert sum(c.title_id == first.title_id for c in read(props).filmography) == 1


def test_a_bare_page_gives_what_there_is() -> None:
    bare = {
        "aboveTheFold": {"id": "nm7000002", "nameText": {"text": "Li Wen"}, "bio": None},
        "mainColumnData": {"released": {"edges": []}},
    }
    person = read(bare)
    assert person == PersonProfile(imdb_id="nm7000002", name="Li Wen", provenance=person.provenance)


@pytest.mark.parametrize(
    ("layout", "path", "field"),
    [
        ("V1", "aboveTheFold.nameText", "aboveTheFold.nameText"),
        ("V1", "mainColumnData.releasedPrimaryCredits", "mainColumnData.released"),
        ("V2", "mainColumnData.released", "mainColumnData.released"),
    ],
)
def test_a_page_without_what_must_be_there_names_it(layout: str, path: str, field: str) -> None:
    with pytest.raises(PageChanged) as changed:
        read(pages.without(LAYOUTS[layout], path))
    assert changed.value.field == field


def test_an_unknown_kind_of_title_is_an_error_and_no_guess() -> None:
    path = "mainColumnData.releasedPrimaryCredits.0.credits.edges.0.node.title.titleType.id"
    with pytest.raises(PageChanged, match="titleType"):
        read(pages.having(person_pages.v1(), path, "tvOpera"))


def test_a_fact_that_breaks_a_rule_names_the_person() -> None:
    with pytest.raises(InvalidTitle, match="^nm7000002: date "):
        read(pages.having(person_pages.v1(), "aboveTheFold.birthDate.dateComponents.month", 13))


@pytest.mark.parametrize("article", [True, False])
def test_without_its_data_a_page_is_read_from_its_json_ld(article: bool) -> None:
    head = pages.canonical("/name/nm7000002/") + person_pages.json_ld(article=article)
    person = parse_person(page(pages.html_page(None, head=head)))
    assert person == PersonProfile(
        imdb_id="nm7000002", name='Li "Lee" Wen', birth_date=PartialDate(year=1564, month=4),
        death_date=PartialDate(year=1620, month=5, day=3), professions=("Actress", "Writer"),
        provenance=person.provenance,
    )  # fmt: skip
    assert person.provenance.found_by == "json_ld"


@pytest.mark.parametrize(
    ("head", "field"),
    [
        (person_pages.json_ld(name=None), "JSON-LD name"),
        (person_pages.json_ld(url=None), "canonical address"),
        ('<link rel="canonical" href="https://example.org/li"/>' + person_pages.json_ld(),
         "canonical address"),
        (person_pages.json_ld(name=7), "name"),
        (pages.json_ld(), "__NEXT_DATA__"),
        ("", "__NEXT_DATA__"),
    ],
)  # fmt: skip
def test_json_ld_that_is_not_a_persons_of_imdb_is_refused(head: str, field: str) -> None:
    with pytest.raises(PageChanged) as changed:
        parse_person(page(pages.html_page(None, head=head)))
    assert changed.value.field == field


def test_a_page_that_says_that_there_is_nobody() -> None:
    for body in (person_pages.html({"statusCode": 404}, "/_error"), person_pages.html({}, "/404")):
        with pytest.raises(PersonNotFound, match="nm7000002"):
            parse_person(page(body))


def test_a_page_of_a_title_is_no_person_and_a_person_is_no_title() -> None:
    with pytest.raises(PageChanged, match=r"is /title/\[tconst\], not a person's page"):
        parse_person(page(pages.title_html(pages.v2())))
    with pytest.raises(PageChanged, match=r"is /name/\[nmconst\], not a title page"):
        parse_title(page(person_pages.html(person_pages.v2())))


def test_a_challenge_is_told_as_such() -> None:
    with pytest.raises(SourceBlocked):
        parse_person(page(pages.html_page(None, body="<div id='challenge-container'></div>")))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_data_alone_is_a_page(layout: str) -> None:
    body = person_pages.next_data(LAYOUTS[layout])
    assert parse_person(page(body)) == read(LAYOUTS[layout])


@pytest.mark.parametrize(
    "body",
    [
        person_pages.html(person_pages.v1()),
        person_pages.html(person_pages.v2(), None),
        person_pages.next_data(person_pages.v2()),
        pages.html_page(None, head=pages.canonical("/name/nm7000002/")),
        pages.html_page(None, head=pages.canonical("/de/name/nm7000002/?ref_=x")),
    ],
)
def test_a_page_of_a_person_is_known_as_one(body: str) -> None:
    identity = identify(page(body))
    assert (identity.kind, identity.person_id) == (PageKind.PERSON, "nm7000002")


def test_a_page_below_a_persons_is_something_else() -> None:
    head = pages.canonical("/name/nm7000002/bio/")
    assert identify(page(pages.html_page(None, head=head))).kind is PageKind.OTHER


def attempt(body: bytes) -> PersonProfile | None:
    """The person, or ``None`` for an error that the domain knows; any other fails the test."""
    try:
        return parse_person(page(body))
    except (TitleError, SourceError):
        return None


@pytest.mark.parametrize("layout", LAYOUTS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_page_cut_anywhere_gives_the_person_or_nobody(layout: str, data: st.DataObject) -> None:
    whole = person_pages.html(LAYOUTS[layout]).encode()
    found = attempt(whole[: data.draw(st.integers(0, len(whole)))])
    assert found in (None, read(LAYOUTS[layout]))


@pytest.mark.parametrize("layout", LAYOUTS)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_page_with_anything_in_it_gives_the_right_person_or_nobody(
    layout: str, data: st.DataObject
) -> None:
    props = LAYOUTS[layout]
    value = data.draw(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
        | st.sampled_from([[], {}, [None], [{}], {"edges": None}, {"edges": [None]}])
    )  # fmt: skip
    path = data.draw(st.sampled_from(keys(props)))
    found = attempt(person_pages.html(pages.having(props, path, value)).encode())
    if found is not None and path != "aboveTheFold.id":
        assert found.imdb_id == "nm7000002"


@given(st.binary(max_size=300))
def test_no_bytes_are_too_strange(body: bytes) -> None:
    assert attempt(body) is None
