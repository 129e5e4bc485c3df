"""Where facts come from."""

from dataclasses import dataclass
from datetime import datetime

from domain.errors import InvalidTitle


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the facts of a title came from.

    ``source`` is the name of the source (``html``, ``graphql``, ``datasets``, ``saved``),
    ``found_by`` what was read (``next_data``, ``json_ld``, ``dom`` of a page, an answer of the
    ``api``, or the name of a dataset file), ``fetched_at`` the time of the page, answer or file
    (with a time zone): of two versions of a title, the later
    one is the newer.
    """

    source: str
    found_by: str
    fetched_at: datetime

    def __post_init__(self) -> None:
        if self.fetched_at.utcoffset() is None:
            raise InvalidTitle("fetched_at", self.fetched_at, "must have a time zone")
