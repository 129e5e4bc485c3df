"""Writes measurements into the hand-written page of figures, between markers."""

import re


class MarkerMissing(Exception):
    """The page lacks the markers of a section that was measured."""


def with_section(page: str, name: str, text: str) -> str:
    """Give the page with ``text`` in place of what stands between the section's markers.

    The markers are the comments ``<!-- begin NAME -->`` and ``<!-- end NAME -->``. Raises
    `MarkerMissing`.
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    section = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if section.search(page) is None:
        raise MarkerMissing(f"the page has no {begin} with an {end} after it")
    return section.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page, count=1)
