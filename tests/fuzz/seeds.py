"""The small pages and other inputs that fuzzing starts from, made in memory: all of our own."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace

from demo.body import Body
from demo.facts import ChartFacts, load_facts
from demo.pages import PageRenderer
from tests.unit.imdb_pages import pages

_NEXT_DATA = re.compile(rb"<script id=.__NEXT_DATA__.*?</script>", re.DOTALL)
_LINKED_DATA = re.compile(rb"<script type=.application/ld\+json.*?</script>", re.DOTALL)

CHALLENGE = (
    b'<!DOCTYPE html><html><head><script src="https://x.token.awswaf.com/challenge.js"></script>'
    b'</head><body><div id="challenge-container"></div></body></html>'
)


def page_seeds() -> list[bytes]:
    """Pages in every layout that is read, whole and without the parts that are read first."""
    seeds = [CHALLENGE, *_pages_of_the_demo_site(), *_pages_of_the_tests()]
    for whole in list(seeds):
        without_json = _NEXT_DATA.sub(b"", whole)
        seeds += [without_json, _LINKED_DATA.sub(b"", without_json)]
    return list(dict.fromkeys(seeds))


def _pages_of_the_demo_site() -> Iterator[bytes]:
    facts = load_facts()
    # One credit of each kind is enough: small pages are read, and mutated, faster.
    few = [
        replace(title, rank=rank, cast=title.cast[:1], writers=title.writers[:1])
        for rank, title in enumerate((facts.titles[0], facts.titles[28]), 1)
    ]
    renderer = PageRenderer(ChartFacts(facts.captured, tuple(few)))
    yield from (_plain(renderer.title(title)) for title in few)
    yield _plain(renderer.reference(few[0]))
    yield _plain(renderer.chart())
    yield _plain(renderer.not_found())
    yield _plain(renderer.search(few, 2))
    yield _plain(renderer.list("ls000000001", "A list", few))


def _plain(body: Body) -> bytes:
    return gzip.decompress(body.gzipped())


def _pages_of_the_tests() -> Iterator[bytes]:
    head, markup = pages.json_ld(), pages.full_markup()
    yield pages.html_page(pages.next_data(pages.v2()), head=head, body=markup).encode()
    yield pages.title_html(pages.v1()).encode()
    yield pages.next_data(pages.v1()).encode()
    for layout in ("v1", "v2"):
        yield pages.title_html(pages.reference(layout), "/title/[tconst]/reference").encode()
    yield pages.title_html({"statusCode": 404}, "/_error").encode()
    series = pages.title_block(
        "TV Series", pages.linked("releaseinfo", "1999\u20132007"), "45m", layout=2022
    )
    yield pages.html_page(
        None,
        head=pages.canonical(f"/title/{pages.TITLE_ID}/") + pages.json_ld(**{"@type": "TVSeries"}),
        body=pages.markup(series),
    ).encode()
    yield pages.title_html(pages.chart(3), "/chart/top").encode()
    rows = "".join(
        f'<td class="titleColumn">{rank}. <a href="/title/{pages.chart_id(rank)}/">T</a></td>'
        for rank in (1, 2)
    )
    shown = f"Showing <span>2</span> Titles<table><tr>{rows}</tr></table>"
    yield pages.html_page(None, head=pages.canonical("/chart/top/"), body=shown).encode()


def packed_seeds() -> list[bytes]:
    """Bodies as gzip streams: of one member, of two, of nothing, and one that unpacks to a lot."""
    page = pages.title_html(pages.v2()).encode()
    return [
        gzip.compress(page, mtime=0),
        gzip.compress(page[:99], 0, mtime=0) + gzip.compress(page[99:], mtime=0),
        gzip.compress(b"", mtime=0),
        gzip.compress(bytes(3_000_000), mtime=0),
        page,
        b"",
    ]


def header_seeds() -> list[bytes]:
    """Values of ``Retry-After``, in seconds and in the three forms of dates (RFC 9110, 5.6.7)."""
    return [
        b"120",
        b"Fri, 31 Dec 1999 23:59:59 GMT",
        b"Friday, 31-Dec-99 23:59:59 GMT",
        b"Fri Dec 31 23:59:59 1999",
        b"Fri, 31 Dec 1999 23:59:59 -0500",
        b"-1",
    ]


def robots_seeds() -> list[bytes]:
    """Files ``robots.txt``: with wildcards, groups, delays, a sitemap and comments."""
    return [
        b"User-agent: *\nDisallow: /search\nAllow: /title/\nCrawl-delay: 2.5\n",
        b"User-agent: imdb-title-collector\nUser-agent: other\nDisallow: /*/x$\nRequest-rate: 1/5",
        b"User-agent: *\nDisallow: /\n\nUser-agent: imdb-title-collector\nVisit-time: 0600-0845\n",
        b"# nothing\nSitemap: https://www.imdb.com/sitemap.xml\nHost: imdb.com\n",
        "\ufeffuser-agent : *\r\ndisallow: /caf\u00e9%20\r\n".encode(),
        b"",
    ]
