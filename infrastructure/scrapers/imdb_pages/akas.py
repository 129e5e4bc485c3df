"""An alternative title as pages and answers of the GraphQL API spell it."""

from msgspec import Struct

from domain.details.items import AlternativeTitle
from infrastructure.scrapers.imdb_pages.facts import PlainText


class Coded(Struct, frozen=True):
    """A country or a language, by its code."""

    id: str


class AkaProperty(Struct, frozen=True, rename="camel"):
    """The title as it is shown, and remarks such as ``working title``."""

    value: PlainText
    qualifiers_in_markdown_list: list[PlainText] | None = None


class AkaNode(Struct, frozen=True, rename="camel"):
    """An alternative title."""

    displayable_property: AkaProperty
    country: Coded | None = None
    language: Coded | None = None


def alternative_title(node: AkaNode) -> AlternativeTitle:
    """Build the item; raises `InvalidTitle` when a fact breaks a rule."""
    shown = node.displayable_property
    remarks = (remark.plain_text for remark in shown.qualifiers_in_markdown_list or ())
    return AlternativeTitle(
        title=shown.value.plain_text or "",
        region=node.country.id if node.country else None,
        language=node.language.id if node.language else None,
        attributes=tuple(remark for remark in remarks if remark),
    )
