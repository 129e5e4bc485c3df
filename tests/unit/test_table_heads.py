"""The heads of the table of titles, and addresses with something changed."""

import pytest
from starlette.datastructures import QueryParams

from application.catalogue import TitleSort
from infrastructure.web.dashboard.forms import address_of_next, address_with
from infrastructure.web.dashboard.table_heads import table_heads


def test_each_column_has_its_own_first_order() -> None:
    heads = table_heads(QueryParams("q=a+b&after=x"), TitleSort.VOTES, descending=True)
    found = {head.name: (head.address, head.sorted) for head in heads}
    assert found["Title"] == ("/titles?q=a+b&view=table&sort=title&order=asc", None)
    assert found["Rating"] == ("/titles?q=a+b&view=table&sort=rating&order=desc", None)
    assert found["Votes"] == ("/titles?q=a+b&view=table&sort=votes&order=asc", "descending")
    assert found["Kind"] == (None, None)


@pytest.mark.parametrize("sort", TitleSort)
def test_the_column_of_every_order_is_marked_and_turns_round(sort: TitleSort) -> None:
    for descending in (True, False):
        heads = table_heads(QueryParams(), sort, descending=descending)
        [marked] = [head for head in heads if head.sorted]
        assert marked.sorted == ("descending" if descending else "ascending")
        assert marked.address is not None
        assert marked.address.endswith("order=asc" if descending else "order=desc")


def test_addresses_keep_what_is_not_changed() -> None:
    given = QueryParams("genre=Drama&genre=War&q=&after=x&sort=year")
    assert address_with("/titles", given, sort=None) == "/titles?genre=Drama&genre=War"
    assert (
        address_of_next("/titles", given, "y") == "/titles?genre=Drama&genre=War&sort=year&after=y"
    )
    assert address_with("/titles", QueryParams("after=x")) == "/titles"
