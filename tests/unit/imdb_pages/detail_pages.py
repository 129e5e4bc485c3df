"""Pages with details, in the structure of IMDb's, with invented facts."""

from typing import Any

from tests.unit.imdb_pages import pages

REFERENCE_ROUTE = "/title/[tconst]/reference"
RELEASE_ROUTE = "/title/[tconst]/releaseinfo"
EPISODES_ROUTE = "/title/[tconst]/episodes"


def edges(*nodes: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    listed: dict[str, Any] = {"edges": [{"node": node} for node in nodes]}
    return listed if total is None else listed | {"total": total}


def title(kind: str = "movie", **main: Any) -> str:
    """A title page whose main column has this besides."""
    props = pages.v2()
    props["aboveTheFoldData"]["titleType"] = {"id": kind}
    props["mainColumnData"] |= main
    return pages.title_html(props)


def reference(**main: Any) -> str:
    props = pages.reference("v2")
    props["mainColumnData"] |= main
    return pages.title_html(props, REFERENCE_ROUTE)


def release_info(title_id: str = pages.TITLE_ID) -> str:
    node = {
        "displayableProperty": {"value": {"plainText": "El puerto"}},
        "country": {"id": "ES"},
        "language": None,
    }
    date = {
        "displayableProperty": {"value": {"plainText": "May 9, 2014"}},
        "country": {"id": "US"},
        "attributes": [{"text": "premiere"}],
    }
    found = {"id": title_id, "akas": edges(node, total=3), "releaseDates": edges(date, total=1)}
    return pages.title_html({"contentData": {"data": {"title": found}}}, RELEASE_ROUTE)


def season(name: str, *seasons: str, more: bool = False, series: str = pages.TITLE_ID) -> str:
    """The page of a season with one episode, whose number is that of the season."""
    number = int(name) if name.isdecimal() else 99
    item = {"id": f"tt{1000000 + number}", "season": name, "episode": "1", "titleText": f"S{name}"}
    listed = {"items": [item], "hasNextPage": more}
    section = {"episodes": listed, "seasons": [{"value": value} for value in seasons]}
    content = {"entityMetadata": {"id": series}, "section": section}
    return pages.title_html({"contentData": content}, EPISODES_ROUTE)
