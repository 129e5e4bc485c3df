from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId
from domain.merged_id import MergedId, with_merged
from tests.builders import NOON, title_number

A, B, C = (title_number(n) for n in (1, 2, 3))


def merged(old: TitleId, new: TitleId, minutes: int = 0) -> MergedId:
    return MergedId(old, new, NOON + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("old", "new"),
    [(A, A), (A, NameId("nm0000001")), ("tt1", A), (A, ""), (NameId("nm0000001"), A)],
)
def test_only_ids_of_one_sort_that_differ_can_be_merged(old: TitleId, new: TitleId) -> None:
    with pytest.raises(InvalidTitle):
        merged(old, new)


@pytest.mark.parametrize(
    ("news", "expected"),
    [
        ([merged(A, B), merged(B, C, 1)], {A: C, B: C}),
        ([merged(B, C, 1), merged(A, B)], {A: C, B: C}),
        ([merged(A, B), merged(B, A, 1)], {B: A}),
        ([merged(B, A, 1), merged(A, B)], {B: A}),
        ([merged(A, B, 1), merged(A, C)], {A: B}),
        ([merged(A, B), merged(A, C, 1)], {A: C}),
    ],
)
def test_each_old_id_leads_to_where_the_title_is_now(
    news: list[MergedId], expected: dict[TitleId, TitleId]
) -> None:
    assert {old: one.new for old, one in with_merged({}, news).items()} == expected


_NEWS = st.builds(
    lambda ids, minutes: merged(title_number(ids[0]), title_number(ids[1]), minutes),
    st.lists(st.integers(1, 6), min_size=2, max_size=2, unique=True),
    st.integers(0, 5),
)


@given(first=st.lists(_NEWS, max_size=8), more=st.lists(_NEWS, max_size=4))
def test_no_new_id_is_an_old_one_and_saying_it_twice_changes_nothing(
    first: list[MergedId], more: list[MergedId]
) -> None:
    found = with_merged(with_merged({}, first), more)
    assert not {one.new for one in found.values()} & found.keys()
    assert all(old == one.old for old, one in found.items())
    assert with_merged(found, found.values()) == found
