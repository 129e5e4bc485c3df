"""Reading the whole ``__NEXT_DATA__`` of a page as dictionaries, for systems that decode it all."""

from collections.abc import Iterator
from typing import Any

import orjson

from benchmarks.systems.saving import CreditRow, TitlePage, TitleRow

_START = b'<script id="__NEXT_DATA__" type="application/json">'
_END = b"</script>"
_CREW = {
    "amzn1.imdb.concept.name_credit_category.ace5cb4c-8708-4238-9542-04641e7c8171": "director",
    "amzn1.imdb.concept.name_credit_category.c84ecaff-add5-4f2e-81db-102a41881fe3": "writer",
}


def page_props(body: bytes) -> Any:
    """The ``pageProps`` of a page, found by two searches. Raises `ValueError` without them."""
    start = body.index(_START) + len(_START)
    return props_of(body[start : body.index(_END, start)])


def props_of(next_data: bytes | str) -> Any:
    """The ``pageProps`` of a page's JSON. Raises `ValueError` when it is none."""
    return orjson.loads(next_data)["props"]["pageProps"]


def chart_ids(props: Any, limit: int) -> list[str]:
    """The ids of the first titles of a chart page."""
    edges = props["pageData"]["chartTitles"]["edges"]
    return [edge["node"]["id"] for edge in edges[:limit]]


def title_page(props: Any) -> TitlePage:
    """Everything that a title page says of the title, its crew and its top cast."""
    above, main = props["aboveTheFoldData"], props["mainColumnData"]
    ratings = above["ratingsSummary"] or {}
    year = above["releaseYear"] or {}
    seconds = (above["runtime"] or {}).get("seconds")
    metacritic = above["metacritic"]
    certificate = above["certificate"]
    plot = above["plot"]
    row = TitleRow(
        imdb_id=above["id"],
        kind=above["titleType"]["id"],
        title=above["titleText"]["text"],
        original_title=above["originalTitleText"]["text"],
        year=year.get("year"),
        end_year=year.get("endYear"),
        runtime_minutes=seconds and seconds // 60,
        rating=ratings.get("aggregateRating"),
        votes=ratings.get("voteCount"),
        metascore=metacritic and metacritic["metascore"]["score"],
        certificate=certificate and certificate["rating"],
        genres=[genre["text"] for genre in above["genres"]["genres"]],
        release_date=iso_date(**(above["releaseDate"] or {})),
        plot=plot and plot["plotText"]["plainText"],
    )
    return TitlePage(row, list(_credits(row.imdb_id, main)))


def iso_date(
    year: int | None = None, month: int | None = None, day: int | None = None, **_: Any
) -> str | None:
    """A date as far as it is known: ``1994``, ``1994-10`` or ``1994-10-14``."""
    if year is None:
        return None
    parts = [f"{year:04d}", *(f"{part:02d}" for part in (month, day) if part is not None)]
    return "-".join(parts)


def _credits(imdb_id: str, main: Any) -> Iterator[CreditRow]:
    for group in main["crewV2"] or ():
        category = _CREW.get(group["grouping"]["groupingId"])
        if category is not None:
            for position, credit in enumerate(group["credits"], 1):
                name = credit["name"]
                yield CreditRow(
                    imdb_id, category, position, name["id"], name["nameText"]["text"], []
                )
    for group in main["castV2"] or ():
        for position, credit in enumerate(group["credits"], 1):
            name = credit["name"]
            yield CreditRow(
                imdb_id,
                "cast",
                position,
                name["id"],
                name["nameText"]["text"],
                [
                    edge["node"]["name"]
                    for role in credit["creditedRoles"]["edges"]
                    for edge in (role["node"]["characters"] or {"edges": ()})["edges"]
                ],
            )
