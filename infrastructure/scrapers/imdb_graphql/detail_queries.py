"""The queries with details: a fragment for each is in the folder ``details`` beside this module."""

from collections.abc import Sequence
from functools import cache

from domain.details import DetailName
from infrastructure.scrapers.imdb_graphql.endpoint import FOLDER

_HEAD = "query Titles($ids: [ID!]!) {\n"
_SPREAD = "    ...Credits\n"
_PART = """\
query Part($id: ID!{variables}) {{
  title(id: $id) {{
    ...{name}
  }}
}}

{fragment}"""
_VARIABLES = ", $first: Int!, $after: ID"


def titles_query(plain: str, details: Sequence[DetailName]) -> str:
    """The query for titles with these details; without any it is ``plain``, as it is."""
    if not details:
        return plain
    fragments = [_fragment(name) for name in details]
    variables = _VARIABLES if any(map(_is_in_parts, fragments)) else ""
    spreads = "".join(f"    ...{_name_of(name)}\n" for name in details)
    head = f"query Titles($ids: [ID!]!{variables}) {{\n"
    query = plain.replace(_HEAD, head).replace(_SPREAD, _SPREAD + spreads, 1)
    return "\n".join([query, *fragments])


def part_query(name: DetailName) -> str:
    """The query for more of a detail of one title."""
    fragment = _fragment(name)
    variables = _VARIABLES if _is_in_parts(fragment) else ""
    return _PART.format(variables=variables, name=_name_of(name), fragment=fragment)


def has_parts(details: Sequence[DetailName]) -> bool:
    """Whether the query for these details says how many items it wants of some."""
    return any(_is_in_parts(_fragment(name)) for name in details)


def _is_in_parts(fragment: str) -> bool:
    return "$first" in fragment


def _name_of(name: DetailName) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


@cache
def _fragment(name: DetailName) -> str:
    return (FOLDER / "details" / f"{name}.graphql").read_text(encoding="utf-8")
