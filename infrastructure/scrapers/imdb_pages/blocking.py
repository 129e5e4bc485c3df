"""Recognises the answers of a bot wall, so that they are reported and never taken for a page.

IMDb stands behind AWS WAF. Its challenge is HTTP 202 with ``x-amzn-waf-action: challenge``, with
an empty body or with a small HTML page; its captcha is HTTP 405 with ``captcha``
(AWS WAFV2 API reference, ChallengeAction and CaptchaAction).
"""

from collections.abc import Mapping

from domain.errors import SourceBlocked
from infrastructure.scrapers.imdb_pages.next_data import is_json, mentions_next_data
from infrastructure.scrapers.imdb_pages.page import Body, Page

_WAF_HEADER = "x-amzn-waf-action"
_WAF_STATUSES = frozenset({202, 403, 405})

_INTERSTITIAL_MARKS = (
    b"awswaf",
    b"AwsWafIntegration",
    b"challenge-container",
    b"captcha-container",
)
"""Script host, script object and containers of the two interstitial pages. None of them stands in
a real page of IMDb, with or without its ``__NEXT_DATA__``."""


def block_reason(status: int | None, headers: Mapping[str, str], body: Body) -> str | None:
    """Say how an answer blocks us, in words for the user, or ``None`` when it does not.

    ``status`` is ``None`` for a saved file. The names of ``headers`` may be in any case.
    """
    action = next((v for k, v in headers.items() if k.lower() == _WAF_HEADER), None)
    if action is not None and status in _WAF_STATUSES:
        return f"HTTP {status}, AWS WAF {action}"
    if status == 202 and not body.strip():
        return "HTTP 202 with an empty body, as an AWS WAF challenge answers"
    if mentions_next_data(body) or is_json(body):
        return None
    if any(mark in body for mark in _INTERSTITIAL_MARKS):
        return "an AWS WAF challenge or captcha page in place of the page"
    return None


def refuse_challenge(page: Page) -> None:
    """Raise `SourceBlocked` for a challenge or captcha page. One with ``__NEXT_DATA__`` is none."""
    if reason := block_reason(None, {}, page.body):
        raise SourceBlocked(page.url, reason)
