"""The rules of details: what an item may hold, and what is said of what it may not."""

import math
import pickle
import re
import subprocess
import sys
from dataclasses import MISSING, fields
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.details import Detail, DetailName, Field, Item, Kind, Range, fields_of, item_of
from domain.details.items import (
    ITEMS,
    AlternativeTitle,
    AwardCounts,
    BoxOfficeFigure,
    BoxOfficeKind,
    Connection,
    CountryReleaseDate,
    Episode,
    FullCredit,
    Keyword,
    Quote,
    Review,
    Tagline,
)
from domain.errors import InvalidTitle
from domain.identifiers import title_id
from domain.release_date import ReleaseDate
from domain.title import Title
from tests import strategies
from tests.builders import a_detail, a_title, keywords, title_number

PROJECT = Path(__file__).parents[2]
LARGEST = 2**63 - 1


def least(field: Field) -> object:
    """Some value that the field may hold."""
    samples: dict[Kind, object] = {
        Kind.TEXT: "x",
        Kind.WHOLE_NUMBER: field.range_.low if field.range_ else 0,
        Kind.NUMBER: 0.0,
        Kind.FLAG: False,
        Kind.DATE: ReleaseDate(year=1994),
        Kind.TEXTS: (),
    }
    if isinstance(field.made_of, type) and issubclass(field.made_of, Enum):
        return next(iter(field.made_of)).value
    if field.made_of is title_id:
        return title_number(1)
    return samples[field.kind]


@pytest.mark.parametrize("name", DetailName)
def test_an_item_needs_no_more_than_what_is_required(name: DetailName) -> None:
    kind = item_of(name)
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    item = kind(**{field.name: least(field) for field in fields_of(kind) if field.name in needed})
    assert {field.name for field in fields_of(kind) if field.required} <= needed
    for field in fields_of(kind):
        if field.name not in needed:
            assert getattr(item, field.name) == (None if field.nullable else ())


@pytest.mark.parametrize("name", DetailName)
def test_what_is_required_cannot_be_unknown(name: DetailName) -> None:
    kind = item_of(name)
    required = {field.name: least(field) for field in fields_of(kind) if field.required}
    required |= {"lines": ()} if kind is Quote else {}
    for unknown in required:
        with pytest.raises(InvalidTitle) as caught:
            kind(**(required | {unknown: None}))
        assert caught.value.field == unknown
        assert not caught.value.rule.endswith("or None")


def test_every_detail_has_a_kind_of_item_of_its_own() -> None:
    assert list(ITEMS) == list(DetailName)
    assert len(set(ITEMS.values())) == len(ITEMS)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(details=strategies.every_detail)
def test_details_of_every_sort_travel_between_processes(details: tuple[Detail, ...]) -> None:
    title = a_title(details=details)
    came: Title = pickle.loads(pickle.dumps(title))  # noqa: S301 - our own bytes
    assert came == title
    assert hash(came) == hash(title)


@settings(max_examples=50, deadline=None)
@given(item=st.sampled_from(DetailName).flatmap(strategies.items_of))
def test_fields_are_made_again_of_what_they_hold(item: Item) -> None:
    for field in fields_of(type(item)):
        value = getattr(item, field.name)
        if value is not None:
            stored = value.isoformat() if field.kind is Kind.DATE else value
            assert field.made_of(stored) == value


def test_fields_say_what_a_store_needs() -> None:
    fields = {field.name: field for field in fields_of(Episode)}
    assert list(fields) == [
        "episode_id", "season", "number", "title", "air_date", "rating", "votes", "plot",
    ]  # fmt: skip
    assert (fields["episode_id"].kind, fields["episode_id"].required) == (Kind.TEXT, True)
    assert (fields["season"].kind, fields["season"].required) == (Kind.WHOLE_NUMBER, False)
    assert fields["season"].range_ == Range(0, LARGEST)
    assert (fields["air_date"].kind, fields["rating"].kind) == (Kind.DATE, Kind.NUMBER)
    kinds = {field.name: field.kind for field in fields_of(AlternativeTitle)}
    assert (kinds["types"], kinds["is_original"]) == (Kind.TEXTS, Kind.FLAG)


@pytest.mark.parametrize(
    ("make", "field", "rule"),
    [
        (lambda: Keyword(keyword=""), "keyword", "must be text of at least one character"),
        (lambda: Keyword(keyword="a\0"), "keyword", "must not have NUL or lone surrogate"),
        (lambda: Keyword(keyword="\ud800"), "keyword", "must not have NUL or lone surrogate"),
        (lambda: Keyword(keyword=7), "keyword", "must be text of at least one character"),
        (
            lambda: AlternativeTitle(title="x", region=""),
            "region",
            "must be text of at least one character, or None",
        ),
        (lambda: AlternativeTitle(title="x", types=("a", "")), "types", "must be texts"),
        (lambda: AlternativeTitle(title="x", types=["a"]), "types", "must be texts"),
        (lambda: AlternativeTitle(title="x", types=None), "types", "must be texts"),
        (lambda: AlternativeTitle(title="x", is_original=1), "is_original", "True or False"),
        (lambda: Quote(lines=("a\0",)), "lines", "must be texts"),
        (lambda: Episode(episode_id="nm0000001"), "episode_id", "must be 'tt' and 7 or more"),
        (lambda: Connection(category="x", connected_id="1"), "connected_id", "must be 'tt'"),
        (
            lambda: FullCredit(category="x", billing=1, name="y", person_id="tt0000001"),
            "person_id",
            "must be 'nm' and 7 or more digits, or None",
        ),
        (lambda: FullCredit(category="x", billing=0, name="y"), "billing", "from 1 to 2147483647"),
        (
            lambda: Episode(episode_id="tt0000001", season=-1),
            "season",
            f"must be a whole number from 0 to {LARGEST}, or None",
        ),
        (lambda: AwardCounts(wins=LARGEST + 1, nominations=0), "wins", f"from 0 to {LARGEST}"),
        (lambda: AwardCounts(wins=True, nominations=0), "wins", "must be a whole number"),
        (lambda: AwardCounts(wins=1.0, nominations=0), "wins", "must be a whole number"),
        (
            lambda: Episode(episode_id="tt0000001", rating=10.5),
            "rating",
            "must be a number from 0 to 10, or None",
        ),
        (lambda: Episode(episode_id="tt0000001", rating=math.nan), "rating", "from 0 to 10"),
        (lambda: Episode(episode_id="tt0000001", rating=math.inf), "rating", "from 0 to 10"),
        (lambda: Episode(episode_id="tt0000001", rating=10**400), "rating", "from 0 to 10"),
        (lambda: Review(review_id="rw1", rating=0), "rating", "from 1 to 10, or None"),
        (lambda: Connection(category="x", connected_id="tt0000001", year=1), "year", "1874"),
        (lambda: CountryReleaseDate(country="US", date="1994"), "date", "must be a ReleaseDate"),
        (
            lambda: BoxOfficeFigure(kind="rent", amount=1, currency="USD"),
            "kind",
            "is not among those that are known",
        ),
    ],
)
def test_what_breaks_a_rule_is_refused_naming_field_and_rule(make, field: str, rule: str) -> None:
    with pytest.raises(InvalidTitle) as caught:
        make()
    assert caught.value.field == field
    assert rule in caught.value.rule


@pytest.mark.parametrize(
    "item",
    [
        AwardCounts(wins=0, nominations=LARGEST),
        Episode(episode_id=title_number(1), season=0, rating=10),
        FullCredit(category="x", billing=2**31 - 1, name="y"),
        BoxOfficeFigure(kind=BoxOfficeKind.BUDGET, amount=0, currency="USD"),
    ],
)
def test_values_at_the_edge_are_kept(item: Item) -> None:
    assert item == pickle.loads(pickle.dumps(item))  # noqa: S301 - our own bytes


def test_an_item_of_another_sort_is_refused() -> None:
    with pytest.raises(InvalidTitle, match="keywords .*must be Keyword objects"):
        a_detail(DetailName.KEYWORDS, Tagline(text="x"))


def test_a_title_has_a_detail_once_and_is_named_otherwise() -> None:
    with pytest.raises(InvalidTitle, match="tt0000007: details 2: one detail is there twice"):
        a_title(7, details=(keywords("a"), keywords("b")))


def test_the_documentation_names_every_detail_and_its_columns() -> None:
    text = (PROJECT / "docs" / "details.md").read_text(encoding="utf-8")
    for name in DetailName:
        columns = ", ".join(field.name for field in fields_of(item_of(name)))
        assert re.search(rf"^\| `{name}` \| .+ \| `{columns}` \|$", text, re.MULTILINE), name


def test_runs_without_details_do_not_load_the_kinds_of_items(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from benchmarks.save_titles import _RUN, make_titles
from infrastructure.repositories.csv import open_csv_repository
with open_csv_repository(Path(sys.argv[1])) as repository:
    repository.save(make_titles(1, 3, 2), _RUN)
    assert len(list(repository.titles())) == 3
print("domain.details.items" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"
