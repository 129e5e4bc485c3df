"""``LANGUAGE`` and ``COUNTRY`` through the whole program, on both live sources."""

from collections.abc import Iterator

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from tests.e2e.program import report, rows, run
from tests.servers import page, serving
from tests.unit.imdb_pages import pages

SAMURAI = next(facts for facts in load_facts().titles if facts.title == "Seven Samurai")


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(load_facts()) as demo_site:
        yield demo_site


@pytest.mark.parametrize("source", ["html", "graphql"])
def test_what_is_saved_is_in_the_language_and_for_the_country(tmp_path, site, source):
    given = {
        "sources": source, "base_url": site.url, "graphql_url": f"{site.url}/graphql",
        "requests_per_second": 0, "repositories": "csv",
    }  # fmt: skip

    def saved(**settings: str) -> tuple[str, str, str]:
        assert run(tmp_path, "titles", SAMURAI.imdb_id, **(given | settings)).status == 0
        [row] = rows(tmp_path / "output", "titles.csv")
        return row["title"], row["original_title"], row["certificate"]

    original = SAMURAI.original_title
    assert saved() == ("Seven Samurai", original, SAMURAI.certificate)
    assert saved(language="ja", country="JP") == (original, original, "")
    assert saved(language="en-US", country="US") == saved()
    assert not report(tmp_path / "output")["notices"][source == "graphql" :]


def test_a_site_that_goes_by_where_we_come_from_is_told_of_once_a_run(tmp_path):
    says = {"localizationResponse": {"userCountryCode": "IN", "userLanguage": "en-US"}}
    props = pages.v2() | {"requestContext": {"sidecar": says}}
    answers = {
        f"/title/{pages.TITLE_ID}/": page(pages.title_html(props).encode()),
        "/robots.txt": page(b""),
    }
    with serving(answers) as server:
        result = run(
            tmp_path, "titles", pages.TITLE_ID, base_url=server.url, repositories="csv",
            language="de", country="AT",
        )  # fmt: skip
    assert result.status == 0
    [notice] = report(tmp_path / "output")["notices"]
    assert notice.startswith("the site makes its pages in en-US for IN, and LANGUAGE=de COUNTRY=AT")
    assert "the site makes its pages in en-US for IN" in result.out + result.err


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"country": "UK"}, "COUNTRY=UK: must be the two letters of a country"),
        ({"language": "english"}, "LANGUAGE=english: must be a language tag such as en-US or de"),
    ],
)
def test_what_is_no_language_or_country_is_told(tmp_path, settings, problem):
    result = run(tmp_path, "titles", "tt0111161", **settings)
    assert result.status == 2
    assert problem in result.err
