"""What is said of a person beside who they are and what they have done for titles."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import InvalidTitle
from domain.identifiers import name_id, title_id
from domain.rules import check_integer, check_optional_text, check_text

_EARLIEST_YEAR = 1
_LATEST_YEAR = 9999


class PersonFactCategory(StrEnum):
    """What a fact is about.

    ``HEIGHT`` is in centimetres (``183``, ``182.9``); ``IMAGE`` has the address of the portrait.
    """

    BIRTH_NAME = "birth_name"
    NICKNAME = "nickname"
    ALTERNATIVE_NAME = "alternative_name"
    HEIGHT = "height"
    DEATH_CAUSE = "death_cause"
    IMAGE = "image"
    SPOUSE = "spouse"
    RELATION = "relation"
    TRIVIA = "trivia"
    QUOTE = "quote"
    TRADEMARK = "trademark"
    OTHER_WORK = "other_work"
    SALARY = "salary"
    AWARD_WIN = "award_win"
    AWARD_NOMINATION = "award_nomination"
    PUBLICITY = "publicity"
    EXTERNAL_LINK = "external_link"
    NEWS = "news"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFact:
    """One fact of a person.

    ``year`` is that of the award, of the publication or headline, of the wedding, or in which
    another work began. ``url`` is where an image, a site or an article is; ``related_id`` the
    spouse or relation, or the title of a salary or an award. What is unknown is ``None``. Raises
    `InvalidTitle` naming the field that breaks a rule.
    """

    category: PersonFactCategory
    text: str
    year: int | None = None
    url: str | None = None
    related_id: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.category, PersonFactCategory):
            raise InvalidTitle("category", self.category, "must be a category of facts of people")
        check_text("text", self.text)
        check_integer("year", self.year, _EARLIEST_YEAR, _LATEST_YEAR)
        check_optional_text("url", self.url)
        if self.related_id is not None:
            (name_id if self.related_id[:2] == "nm" else title_id)(self.related_id)
