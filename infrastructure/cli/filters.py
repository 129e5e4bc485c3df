"""Filters as they are given on the command line."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from domain.discovery import SortBy, Span, TitleFilter, genre_named, keyword_named, words_of
from domain.errors import InvalidFilter, InvalidTitle
from domain.identifiers import CompanyId, NameId, UserId, company_id, name_id_from, user_id_from
from domain.title import TitleKind

_MOST_DIGITS = 10
_NUMBER = r"[0-9]{1,10}(?:\.[0-9]{1,3})?"
_SPAN = re.compile(rf"(?P<low>{_NUMBER})?(?P<dash>\s*-\s*)?(?P<high>{_NUMBER})?")

_Number = TypeVar("_Number", int, float)
_Value = TypeVar("_Value")
_ANY_RATING: Span[float] = Span()


def filter_from(
    *,
    kinds: Sequence[str] = (),
    genres: Sequence[str] = (),
    year: str | None = None,
    rating: str | None = None,
    votes: str | None = None,
    min_votes: str | None = None,
    runtime: str | None = None,
    countries: Sequence[str] = (),
    languages: Sequence[str] = (),
    keywords: Sequence[str] = (),
    words: str | None = None,
    people: Sequence[str] = (),
    companies: Sequence[str] = (),
    rated_by: str | None = None,
    sort: str = SortBy.POPULARITY.value,
    ascending: bool | None = None,
    adult: bool = False,
    limit: str = "50",
) -> TitleFilter:
    """The filter that options stand for; raises `InvalidFilter` with every problem at once."""
    problems: list[str] = []
    read = partial(_read, problems)
    good: dict[str, Any] = {
        "kinds": tuple(_all(kinds, _kind, problems)),
        "genres": tuple(map(genre_named, genres)),
        "years": read(lambda: _span("year", year, int), Span()),
        "ratings": read(lambda: _span("rating", rating, float), _ANY_RATING),
        "votes": read(lambda: _votes(votes, min_votes), Span()),
        "runtimes": read(lambda: _span("runtime", runtime, int), Span()),
        "countries": tuple(country.strip().upper() for country in countries),
        "languages": tuple(language.strip().lower() for language in languages),
        "keywords": tuple(map(keyword_named, keywords)),
        "people": tuple(_all(people, _person, problems)),
        "companies": tuple(_all(companies, _company, problems)),
        "rated_by": read(lambda: None if rated_by is None else _user(rated_by), None),
        "words": None if words is None else words_of(words),
        "sort": read(lambda: _sort(sort), SortBy.POPULARITY),
        "ascending": ascending,
        "with_adult": adult,
        "limit": read(lambda: _whole("limit", limit), 1),
    }
    return _made(good, problems)


def _read(problems: list[str], make: Callable[[], _Value], otherwise: _Value) -> _Value:
    """What is made, or ``otherwise`` and one problem more."""
    try:
        return make()
    except ValueError as error:
        problems.append(str(error))
        return otherwise


def _made(values: Mapping[str, Any], problems: Sequence[str]) -> TitleFilter:
    try:
        wanted = TitleFilter(**values)
    except InvalidFilter as error:
        raise InvalidFilter([*problems, *error.problems]) from error
    if problems:
        raise InvalidFilter(problems)
    return wanted


def _all(
    texts: Iterable[str], read: Callable[[str], _Value], problems: list[str]
) -> Iterable[_Value]:
    for text in texts:
        try:
            yield read(text)
        except ValueError as error:
            problems.append(str(error))


def _kind(text: str) -> TitleKind:
    kinds = {kind.value.lower(): kind for kind in TitleKind}
    known = kinds.get(text.strip().lower())
    if known is None:
        raise ValueError(f"kind {text[:40]!r}: known are {', '.join(TitleKind)}")
    return known


def _person(text: str) -> NameId:
    try:
        return name_id_from(text)
    except InvalidTitle as error:
        raise ValueError(f"person {text[:60]!r}: {error.rule}") from error


def _company(text: str) -> CompanyId:
    try:
        return company_id(text.strip().lower())
    except InvalidTitle as error:
        raise ValueError(f"company {text[:60]!r}: {error.rule}") from error


def _user(text: str) -> UserId:
    try:
        return user_id_from(text)
    except InvalidTitle as error:
        raise ValueError(f"user {text[:60]!r}: {error.rule}") from error


def _sort(text: str) -> SortBy:
    try:
        return SortBy(text.strip().lower())
    except ValueError as error:
        raise ValueError(f"sort {text[:40]!r}: known are {', '.join(SortBy)}") from error


def _votes(votes: str | None, min_votes: str | None) -> Span[int]:
    if min_votes is None:
        return _span("votes", votes, int)
    if votes is not None:
        raise ValueError("--votes and --min-votes both say how many votes: give one")
    return Span(_whole("min-votes", min_votes), None)


def _whole(name: str, text: str) -> int:
    digits = text.strip().replace(",", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS):
        raise ValueError(f"{name} {text[:40]!r}: must be a whole number")
    return int(digits)


def _span(name: str, text: str | None, kind: type[_Number]) -> Span[_Number]:
    """``1970-1979``, ``1970-`` (and later), ``-1979`` (and earlier) or ``1975`` (alone)."""
    if text is None:
        return Span()
    found = _SPAN.fullmatch(text.strip().replace(",", ""))
    ends = (found["low"], found["high"]) if found else (None, None)
    is_fit = any(ends) and (kind is float or not any("." in end for end in ends if end))
    if found is None or not is_fit:
        whole = "whole numbers" if kind is int else "numbers"
        forms = "7-10, 7- (and more), -10 (and less) or 7"
        raise ValueError(f"{name} {text[:40]!r}: must be {whole} such as {forms}")
    low, high = (None if end is None else kind(end) for end in ends)
    return Span(low, low) if found["dash"] is None else Span(low, high)
