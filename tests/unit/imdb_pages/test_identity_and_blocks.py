"""What a page is, and how a bot wall looks."""

from collections.abc import Mapping

import pytest

from domain.chart import ChartName
from domain.errors import PageChanged, SourceBlocked
from infrastructure.scrapers.imdb_pages import (
    PageIdentity,
    PageKind,
    block_reason,
    identify,
    parse_chart,
    parse_title,
)
from tests.unit.imdb_pages import pages

TITLE = PageIdentity(kind=PageKind.TITLE, title_id=pages.TITLE_ID)
REFERENCE = PageIdentity(kind=PageKind.REFERENCE, title_id=pages.TITLE_ID)
TOP = PageIdentity(kind=PageKind.CHART, chart=ChartName.TOP)
OTHER = PageIdentity(kind=PageKind.OTHER)

CHALLENGE = (
    "<!DOCTYPE html><html><head><title></title></head><body>"
    '<div id="challenge-container"></div><script>AwsWafIntegration.getToken()</script>'
    '<script src="https://x.token.awswaf.com/challenge.js"></script></body></html>'
)
CAPTCHA = (
    "<html><head><title>Human Verification</title></head><body>"
    '<div id="captcha-container"></div></body></html>'
)


class TestIdentify:
    @pytest.mark.parametrize(
        ("body", "identity"),
        [
            (pages.title_html(pages.v1()), TITLE),
            (pages.next_data(pages.v2()), TITLE),
            (pages.next_data(pages.v2(), None), TITLE),
            (pages.title_html(pages.reference("v2"), "/title/[tconst]/reference"), REFERENCE),
            (pages.title_html({}), TITLE),
            (pages.title_html(pages.chart(), "/chart/top"), TOP),
            (pages.title_html(pages.chart(), "/chart/starmeter"), OTHER),
            (pages.title_html({}, "/title/[tconst]/releaseinfo"), OTHER),
            (pages.title_html({}, "/name/[nmconst]"), PageIdentity(kind=PageKind.PERSON)),
            (pages.next_data({}, None), OTHER),
            ('{"q": "harbour", "d": []}', OTHER),
            ("[1, 2]", OTHER),
            ("{", OTHER),
            ("", OTHER),
            ("notes", OTHER),
        ],
    )
    def test_by_route(self, body: str, identity: PageIdentity) -> None:
        assert identify(pages.page(body)) == identity

    @pytest.mark.parametrize(
        ("head", "identity"),
        [
            (pages.canonical("/title/tt7654321/"), TITLE),
            (pages.canonical("/title/tt7654321"), TITLE),
            (pages.canonical("/de/title/tt7654321/?ref_=x&amp;y=1"), TITLE),
            (pages.canonical("/title/tt7654321/reference/"), REFERENCE),
            (pages.canonical("/title/tt7654321/releaseinfo/"), OTHER),
            (pages.canonical("/chart/top/"), TOP),
            (pages.canonical("/chart/starmeter/"), OTHER),
            ('<link href="https://www.imdb.com/chart/top/" rel="canonical"/>', TOP),
            ('<meta property="og:url" content="http://www.imdb.com/title/tt7654321/">', TITLE),
            ('<link rel="canonical" href="https://example.org/title/tt7654321/"/>', OTHER),
            ('<link rel="canonical"/>', OTHER),
            ("", OTHER),
        ],
    )
    def test_by_canonical_address(self, head: str, identity: PageIdentity) -> None:
        assert identify(pages.page(pages.html_page(None, head=head))) == identity

    def test_a_damaged_page_is_known_by_its_address(self) -> None:
        whole = pages.html_page(
            pages.next_data(pages.v2()), head=pages.canonical("/title/tt7654321/")
        )
        assert identify(pages.page(whole[:-300])) == TITLE

    def test_a_challenge_page(self) -> None:
        with pytest.raises(SourceBlocked):
            identify(pages.page(CHALLENGE))


class TestBlockReason:
    @pytest.mark.parametrize(
        ("status", "headers", "body", "said"),
        [
            (202, {"x-amzn-waf-action": "challenge"}, "", "challenge"),
            (202, {"X-Amzn-Waf-Action": "challenge"}, CHALLENGE, "challenge"),
            (405, {"X-AMZN-WAF-ACTION": "captcha"}, "", "captcha"),
            (403, {"x-amzn-waf-action": "captcha"}, "denied", "captcha"),
            (202, {}, "", "empty body"),
            (202, {}, " \r\n", "empty body"),
            (200, {}, CHALLENGE, "challenge"),
            (200, {}, CAPTCHA, "captcha"),
            (None, {}, CHALLENGE, "challenge"),
        ],
    )
    def test_blocked(
        self, status: int | None, headers: Mapping[str, str], body: str, said: str
    ) -> None:
        reason = block_reason(status, headers, body.encode())
        assert reason is not None
        assert said in reason

    @pytest.mark.parametrize(
        ("status", "headers", "body"),
        [
            (200, {}, pages.title_html(pages.v2())),
            (200, {}, pages.html_page(pages.next_data({}), body="awswaf")),
            (200, {}, pages.next_data(pages.v2()).replace("Harbour", "awswaf")),
            (404, {}, "<html><body>404</body></html>"),
            (503, {}, ""),
            (200, {}, ""),
            (405, {}, "<html>method not allowed</html>"),
            (None, {}, "consent"),
        ],
    )
    def test_not_blocked(self, status: int | None, headers: Mapping[str, str], body: str) -> None:
        assert block_reason(status, headers, body.encode()) is None

    @pytest.mark.parametrize("body", [CHALLENGE, CAPTCHA])
    def test_parsers_report_a_challenge_with_status_200(self, body: str) -> None:
        with pytest.raises(SourceBlocked):
            parse_title(pages.page(body))
        with pytest.raises(SourceBlocked):
            parse_chart(pages.page(body), ChartName.TOP)


@pytest.mark.parametrize(
    "unit",
    [
        "<link ",
        "<meta ",
        "<script ",
        "<main ",
        "__NEXT_DATA__",
        '<script id="__NEXT_DATA__" ',
        "Original title:   ",
        "</html ",
        ">      ",
    ],
)
def test_a_page_made_to_be_slow_is_refused(unit: str) -> None:
    """A search that goes over the rest of the page at each of these would take minutes here."""
    body = pages.page(unit * (1_500_000 // len(unit)) + "</html>")
    assert identify(body).kind is PageKind.OTHER
    with pytest.raises(PageChanged):
        parse_title(body)
