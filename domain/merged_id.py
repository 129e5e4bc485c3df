"""Ids that IMDb has merged into others: the title, or person, is kept under the new one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import InvalidTitle
from domain.identifiers import ImdbId, imdb_id


@dataclass(frozen=True, slots=True)
class MergedId:
    """``old`` has been merged into ``new``, as an answer had at ``seen_at`` (UTC) says.

    Both are titles, or both people. Raises `InvalidTitle` when that is not so.
    """

    old: ImdbId
    new: ImdbId
    seen_at: datetime

    def __post_init__(self) -> None:
        if imdb_id(self.old)[:2] != imdb_id(self.new)[:2] or self.old == self.new:
            rule = f"{self.old} cannot have been merged into that"
            raise InvalidTitle("merged_id", self.new, rule)


def with_merged(
    known: Mapping[ImdbId, MergedId], news: Iterable[MergedId]
) -> dict[ImdbId, MergedId]:
    """What is known, by the old ids, with news; what was seen later counts.

    No ``new`` in the result is itself an ``old``: of an id that was merged twice the last one is
    named at once. One that IMDb has taken up again is no old one any more.
    """
    found = dict(known)
    for one in news:
        before = found.get(one.old)
        if before is not None and before.seen_at > one.seen_at:
            continue
        onward = found.get(one.new)
        target = one.new if onward is None or onward.seen_at <= one.seen_at else onward.new
        if target == one.old:
            continue
        found.pop(target, None)
        found[one.old] = replace(one, new=target)
        for other in list(found.values()):
            if other.new == one.old:
                found[other.old] = replace(other, new=target)
    return found
