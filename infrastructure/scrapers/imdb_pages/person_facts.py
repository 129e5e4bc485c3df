"""What is said of a person beside dates and credits, on their page and in answers of the API.

Both say it in the same shapes: the query calls lists by the names that the page has for them. The
page has the first of long lists, and of awards and publicity only their number.
"""

import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from domain.person_fact import PersonFact
from domain.person_fact import PersonFactCategory as Category
from infrastructure.scrapers.imdb_pages.details.shapes import Listed, RichText

_CENTIMETRES = {"CENTIMETER": 1.0, "METER": 100.0}
_METRES = re.compile(r"([0-9]\.[0-9]{1,4})\s*m\b")
_YEAR = re.compile(r"\b[0-9]{4}\b")


class Value(Struct, frozen=True):
    """The text of a property."""

    value: RichText | None = None


class Property(Struct, frozen=True, rename="camel"):
    """Something that is shown as a text; an answer may have the plain ``text`` beside."""

    text: str | None = None
    displayable_property: Value | None = None

    @property
    def shown(self) -> str | None:
        """The text; ``None`` when there is none."""
        shown = self.displayable_property and self.displayable_property.value
        return self.text or (shown.text if shown else None)


class Length(Struct, frozen=True):
    """A length in a unit: ``CENTIMETER`` or ``METER``."""

    value: float | None = None
    unit: str | None = None


class Height(Property, frozen=True):
    """How tall somebody is; a page may have only the text (``6 feet (1.83 m)``)."""

    measurement: Length | None = None


class Image(Struct, frozen=True):
    """A portrait."""

    url: str | None = None
    caption: RichText | None = None


class Id(Struct, frozen=True):
    """Somebody, by their id."""

    id: str


class Spouse(Struct, frozen=True, rename="camel"):
    """The name of a spouse, who may have an id."""

    name: Id | None = None
    as_markdown: RichText | None = None


class Remark(Struct, frozen=True):
    """What is said of a marriage (``divorced``)."""

    text: str | None = None


class Marriage(Struct, frozen=True, rename="camel"):
    """A marriage, from when to when, and how it ended."""

    spouse: Spouse | None = None
    attributes: list[Remark] | None = None
    time_range: Property | None = None


class RelationName(Property, frozen=True, rename="camel"):
    """The name of a relation, who may have an id."""

    name: Id | None = None
    name_text: str | None = None


class Relation(Struct, frozen=True, rename="camel"):
    """A relation, and what they are to the person (``Child``)."""

    relation_name: RelationName | None = None
    relationship_type: Remark | None = None


class Article(Struct, frozen=True):
    """A text as the page shows it."""

    body: RichText | None = None


class Said(Struct, frozen=True, rename="camel"):
    """A piece of trivia, a quote, a trademark or another work."""

    text: RichText | None = None
    displayable_article: Article | None = None
    from_date: str | None = None

    @property
    def words(self) -> str | None:
        """The text; ``None`` when there is none."""
        body = self.displayable_article and self.displayable_article.body
        return (self.text and self.text.text) or (body.text if body else None)


class Title(Struct, frozen=True, rename="camel"):
    """A title of which the id and the name are told."""

    id: str
    title_text: Remark | None = None


class Salary(Property, frozen=True):
    """What somebody was paid for a title."""

    title: Title | None = None


class Event(Struct, frozen=True):
    """Who gives awards."""

    text: str | None = None


class Edition(Struct, frozen=True):
    """The awards of a year."""

    year: int | None = None
    event: Event | None = None


class Award(Struct, frozen=True, rename="camel"):
    """An award (``Oscar``)."""

    text: str | None = None
    event_edition: Edition | None = None


class AwardedTitle(Struct, frozen=True):
    """A title that an award is for."""

    title: Title | None = None


class Awarded(Struct, frozen=True, rename="camel"):
    """Whom or what a nomination names beside the person."""

    award_titles: list[AwardedTitle] | None = None
    secondary_award_titles: list[AwardedTitle] | None = None


class Nomination(Struct, frozen=True, rename="camel"):
    """A nomination, won or not."""

    is_winner: bool = False
    award: Award | None = None
    category: Event | None = None
    awarded_entities: Awarded | None = None


class Publication(Struct, frozen=True):
    """An article, an interview, a cover, a book, or a title about the person."""

    category: Event | None = None
    publication: str | None = None
    publisher: str | None = None
    date: str | None = None
    heading: Remark | None = None
    film: Title | None = None


class Link(Struct, frozen=True, rename="camel"):
    """Another site."""

    url: str | None = None
    label: str | None = None
    external_link_category: Event | None = None


class Headline(Struct, frozen=True, rename="camel"):
    """An article about the person, elsewhere."""

    article_title: RichText | None = None
    date: str | None = None
    external_url: str | None = None


class PersonalDetails(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is said of a person. A key that is absent says nothing, as does null."""

    birth_name: Property | None = None
    nick_names: list[Property] | None = None
    akas: Listed[Property] | None = None
    height: Height | None = None
    death_cause: Property | None = None
    primary_image: Image | None = None
    spouses: list[Marriage] | None = msgspec.field(default=None, name="personalDetailsSpouses")
    relations: Listed[Relation] | None = None
    parents: Listed[Relation] | None = None
    children: Listed[Relation] | None = None
    others: Listed[Relation] | None = None
    trivia: Listed[Said] | None = None
    quotes: Listed[Said] | None = None
    trademarks: Listed[Said] | None = None
    other_works: Listed[Said] | None = None
    title_salaries: Listed[Salary] | None = None
    award_nominations: Listed[Nomination] | None = None
    publicity_listings: Listed[Publication] | None = None
    external_links: Listed[Link] | None = msgspec.field(
        default=None, name="personalDetailsExternalLinks"
    )
    news: Listed[Headline] | None = None


def facts_of(details: PersonalDetails) -> tuple[PersonFact, ...]:
    """All facts, by category, each in the order of the source; what has no text is left out.

    Raises `InvalidTitle` when one breaks a rule of the domain.
    """
    return (*_names(details), *_of_body(details), *_of_family(details), *_of_work(details))


def _names(details: PersonalDetails) -> Iterator[PersonFact]:
    akas = details.akas.nodes if details.akas else []
    for category, named in (
        (Category.BIRTH_NAME, [details.birth_name]),
        (Category.NICKNAME, details.nick_names or []),
        (Category.ALTERNATIVE_NAME, akas),
    ):
        yield from (_fact(category, name.shown) for name in named if name and name.shown)


def _of_body(details: PersonalDetails) -> Iterator[PersonFact]:
    height = details.height and _centimetres(details.height)
    if height:
        yield _fact(Category.HEIGHT, height)
    if details.death_cause and details.death_cause.shown:
        yield _fact(Category.DEATH_CAUSE, details.death_cause.shown)
    image = details.primary_image
    if image and image.url:
        caption = image.caption.text if image.caption else None
        yield _fact(Category.IMAGE, caption or image.url, url=image.url)


def _of_family(details: PersonalDetails) -> Iterator[PersonFact]:
    yield from (fact for marriage in details.spouses or () for fact in _marriage(marriage))
    for listed in (details.relations, details.parents, details.children, details.others):
        for relation in listed.nodes if listed else ():
            yield from _relation(relation)


def _of_work(details: PersonalDetails) -> Iterator[PersonFact]:
    for category, said in (
        (Category.TRIVIA, details.trivia),
        (Category.QUOTE, details.quotes),
        (Category.TRADEMARK, details.trademarks),
        (Category.OTHER_WORK, details.other_works),
    ):
        for node in said.nodes if said else ():
            if node.words:
                yield _fact(category, node.words, year=_year(node.from_date))
    for salary in details.title_salaries.nodes if details.title_salaries else ():
        yield from _salary(salary)
    for nomination in details.award_nominations.nodes if details.award_nominations else ():
        yield from _nomination(nomination)
    for publication in details.publicity_listings.nodes if details.publicity_listings else ():
        yield from _publication(publication)
    for link in details.external_links.nodes if details.external_links else ():
        kind = link.external_link_category and link.external_link_category.text
        if link.url:
            yield _fact(Category.EXTERNAL_LINK, link.label or kind or link.url, url=link.url)
    for headline in details.news.nodes if details.news else ():
        text = headline.article_title and headline.article_title.text
        if text:
            url = headline.external_url or None
            yield _fact(Category.NEWS, text, year=_year(headline.date), url=url)


def _fact(
    category: Category,
    text: str,
    *,
    year: int | None = None,
    url: str | None = None,
    related_id: str | None = None,
) -> PersonFact:
    return PersonFact(category=category, text=text, year=year, url=url, related_id=related_id)


def _centimetres(height: Height) -> str | None:
    """The height in centimetres, to a tenth; ``None`` in a unit that we do not know."""
    measured = height.measurement
    factor = _CENTIMETRES.get(measured.unit or "") if measured else None
    if measured and measured.value and factor:
        return f"{round(measured.value * factor, 1):g}"
    metres = _METRES.search(height.shown or "")
    return f"{round(float(metres[1]) * 100, 1):g}" if metres else None


def _marriage(marriage: Marriage) -> Iterator[PersonFact]:
    spouse = marriage.spouse
    name = spouse.as_markdown.text if spouse and spouse.as_markdown else None
    if spouse is None or name is None:
        return
    span = marriage.time_range.shown if marriage.time_range else None
    remarks = ", ".join(remark.text for remark in marriage.attributes or () if remark.text)
    text = " ".join((name, *(f"({part})" for part in (span, remarks) if part)))
    since = re.split(r"\s[-\u2013]\s", span or "", maxsplit=1)[0]
    known = spouse.name.id if spouse.name else None
    yield _fact(Category.SPOUSE, text, year=_year(since), related_id=known)


def _relation(relation: Relation) -> Iterator[PersonFact]:
    named = relation.relation_name
    name = named and (named.name_text or named.shown)
    if named is None or not name:
        return
    kind = relation.relationship_type and relation.relationship_type.text
    known = named.name.id if named.name else None
    yield _fact(Category.RELATION, f"{name} ({kind})" if kind else name, related_id=known)


def _salary(salary: Salary) -> Iterator[PersonFact]:
    if salary.shown:
        name = salary.title and salary.title.title_text and salary.title.title_text.text
        text = f"{name}: {salary.shown}" if name else salary.shown
        known = salary.title.id if salary.title else None
        yield _fact(Category.SALARY, text, related_id=known)


def _nomination(nomination: Nomination) -> Iterator[PersonFact]:
    award, awarded = nomination.award or Award(), nomination.awarded_entities or Awarded()
    edition = award.event_edition or Edition()
    event = edition.event and edition.event.text
    what = [part for part in (event, award.text) if part]
    if not what:
        return
    text = ", ".join(dict.fromkeys(what))
    category = nomination.category and nomination.category.text
    title = next(
        (
            one.title
            for one in (*(awarded.award_titles or ()), *(awarded.secondary_award_titles or ()))
            if one.title
        ),
        None,
    )
    name = title and title.title_text and title.title_text.text
    won = Category.AWARD_WIN if nomination.is_winner else Category.AWARD_NOMINATION
    yield _fact(
        won,
        text + (f": {category}" if category else "") + (f" ({name})" if name else ""),
        year=edition.year,
        related_id=title.id if title else None,
    )


def _publication(publication: Publication) -> Iterator[PersonFact]:
    film = publication.film
    heading = (publication.heading and publication.heading.text) or (
        film and film.title_text and film.title_text.text
    )
    what = ", ".join(p for p in (publication.publication, heading, publication.publisher) if p)
    if what:
        kind = publication.category and publication.category.text
        yield _fact(
            Category.PUBLICITY,
            f"{kind}: {what}" if kind else what,
            year=_year(publication.date),
            related_id=film.id if film else None,
        )


def _year(text: str | None) -> int | None:
    found = _YEAR.search(text or "")
    return int(found[0]) or None if found else None
