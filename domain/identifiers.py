"""IMDb's identifiers: two letters that say what it is, and seven or more digits.

``tt`` is for titles, ``nm`` for people, ``co`` for companies and ``kw`` for keywords.
"""

import re
from typing import NewType

from domain.errors import InvalidTitle

TitleId = NewType("TitleId", str)
"""``tt`` and seven or more digits, for example ``tt0111161``."""

NameId = NewType("NameId", str)
"""``nm`` and seven or more digits, for example ``nm0000151``."""

CompanyId = NewType("CompanyId", str)
"""``co`` and seven or more digits, for example ``co0040620``."""

KeywordId = NewType("KeywordId", str)
"""``kw`` and seven or more digits, for example ``kw0004237``."""

ListId = NewType("ListId", str)
"""``ls`` and seven or more digits, for example ``ls048276758``: somebody's list."""

UserId = NewType("UserId", str)
"""``ur`` and five or more digits, for example ``ur12345678``: somebody with an account."""

ImdbId = TitleId | NameId
"""What a run is asked for: titles, or people."""

_TITLE_ID = re.compile(r"tt[0-9]{7,15}")
_NAME_ID = re.compile(r"nm[0-9]{7,15}")
_COMPANY_ID = re.compile(r"co[0-9]{7,15}")
_KEYWORD_ID = re.compile(r"kw[0-9]{7,15}")
_USER_ID = re.compile(r"ur[0-9]{5,15}")
_LIST_ID = re.compile(r"ls[0-9]{7,15}")
_PAGE_URL = re.compile(
    r"(?:https?://)?(?:[a-z0-9-]+\.)*imdb\.com/(?:[a-z]{2}(?:-[a-z]{2})?/)?"
    r"(?:title/(?P<title>tt[0-9]{7,15})|name/(?P<name>nm[0-9]{7,15})|list/(?P<list>ls[0-9]{7,15})"
    r"|user/(?P<user>ur[0-9]{5,15}))(?:[/?#].*)?",
    re.IGNORECASE,
)


def title_id(value: object) -> TitleId:
    """Give ``value`` back as a title id; raise `InvalidTitle` when it is not one."""
    if isinstance(value, str) and _TITLE_ID.fullmatch(value):
        return TitleId(value)
    raise InvalidTitle("imdb_id", value, "must be 'tt' and 7 or more digits")


def name_id(value: object) -> NameId:
    """Give ``value`` back as a person's id; raise `InvalidTitle` when it is not one."""
    if isinstance(value, str) and _NAME_ID.fullmatch(value):
        return NameId(value)
    raise InvalidTitle("person_id", value, "must be 'nm' and 7 or more digits")


def company_id(value: object) -> CompanyId:
    """Give ``value`` back as a company's id; raise `InvalidTitle` when it is not one."""
    if isinstance(value, str) and _COMPANY_ID.fullmatch(value):
        return CompanyId(value)
    raise InvalidTitle("company_id", value, "must be 'co' and 7 or more digits")


def keyword_id(value: object) -> KeywordId:
    """Give ``value`` back as a keyword's id; raise `InvalidTitle` when it is not one."""
    if isinstance(value, str) and _KEYWORD_ID.fullmatch(value):
        return KeywordId(value)
    raise InvalidTitle("keyword_id", value, "must be 'kw' and 7 or more digits")


def imdb_id(value: str) -> ImdbId:
    """Give ``value`` back as the id of a title or a person; raise `InvalidTitle` for neither."""
    return name_id(value) if value.startswith("nm") else title_id(value)


def title_id_from(text: str) -> TitleId:
    """Read a title id as people write it: an id in any case, or the URL of a title page.

    Raises `InvalidTitle` when the text is neither, and says so when it means a person.
    """
    found = _id_in(text)
    if _TITLE_ID.fullmatch(found):
        return TitleId(found)
    rule = "must be 'tt' and 7 or more digits, or the URL of a title page"
    if _NAME_ID.fullmatch(found):
        rule = "is a person, not a title"
    raise InvalidTitle("imdb_id", text, rule)


def name_id_from(text: str) -> NameId:
    """Read a person's id as people write it: an id in any case, or the URL of a person's page.

    Raises `InvalidTitle` when the text is neither, and says so when it means a title.
    """
    found = _id_in(text)
    if _NAME_ID.fullmatch(found):
        return NameId(found)
    rule = "must be 'nm' and 7 or more digits, or the URL of a person's page"
    if _TITLE_ID.fullmatch(found):
        rule = "is a title, not a person"
    raise InvalidTitle("person_id", text, rule)


def list_id_from(text: str) -> ListId:
    """Read a list's id as people write it: an id in any case, or the URL of the list's page.

    Raises `InvalidTitle` when the text is neither.
    """
    found = _id_in(text)
    if _LIST_ID.fullmatch(found):
        return ListId(found)
    raise InvalidTitle("list_id", text, "must be 'ls' and 7 or more digits, or the URL of a list")


def user_id_from(text: str) -> UserId:
    """Read a user's id as people write it: an id in any case, or the URL of a page of theirs.

    Raises `InvalidTitle` when the text is neither.
    """
    found = _id_in(text)
    if _USER_ID.fullmatch(found):
        return UserId(found)
    raise InvalidTitle("user_id", text, "must be 'ur' and 5 or more digits, or the URL of a user")


def _id_in(text: str) -> str:
    """The id that an address names, or the text itself, in lower case."""
    cleaned = text.strip()
    match = _PAGE_URL.fullmatch(cleaned)
    return (match[match.lastgroup or 0] if match else cleaned).lower()
