"""Ratings, votes and ranks over time, and how a chart has changed: tables or JSON."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from application.compare_charts import CompareCharts
from application.ports import HistoryReader
from domain.chart import ChartName
from domain.errors import NoHistory, RepositoryUnavailable
from domain.history import ChartDiff, RankChange, RatingObservation, Snapshot, TitleHistory
from domain.identifiers import TitleId
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.cli.shown import shown
from infrastructure.cli.summary import SummaryConsole
from infrastructure.container import open_history
from shared.config import Settings

_UNKNOWN = "-"

_Found = TypeVar("_Found")


def moment_from(text: str) -> datetime:
    """The moment that a date or a date and a time stand for, by this machine's clock.

    A date is its beginning. Raises `ValueError` for anything else.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a date such as 2026-01-31") from error
    try:
        return moment if moment.utcoffset() is not None else moment.astimezone()
    except (OverflowError, OSError) as error:
        raise ValueError("is beyond all calendars") from error


def show_history(settings: Settings, imdb_id: TitleId, *, limit: int, as_json: bool) -> int:
    """Print what is known of a title over time; give the exit status."""

    def ask(history: HistoryReader) -> TitleHistory:
        found = history.of_title(imdb_id)
        if found.is_empty:
            raise NoHistory(
                f"{imdb_id} has never been seen: `python main.py titles {imdb_id}` fetches it"
            )
        return found

    def tell(found: TitleHistory) -> None:
        if as_json:
            _print_json(history_as_json(found))
        else:
            _print_history(SummaryConsole(), found, limit)

    return _told(settings, ask, tell)


def show_chart_diff(
    settings: Settings,
    *,
    since: datetime | None,
    runs: tuple[str, str] | None,
    as_json: bool,
) -> int:
    """Print who rose, fell, entered and left; give the exit status."""

    def ask(history: HistoryReader) -> tuple[ChartDiff, Mapping[TitleId, str]]:
        compare = CompareCharts(history, ChartName(settings.chart))
        if runs is not None:
            diff = compare.runs(*runs)
        else:
            diff = compare.latest() if since is None else compare.since(since)
        return diff, history.names([change.title_id for _, change in _changes(diff)])

    def tell(found: tuple[ChartDiff, Mapping[TitleId, str]]) -> None:
        if as_json:
            _print_json(diff_as_json(*found))
        else:
            _print_diff(SummaryConsole(), *found)

    return _told(settings, ask, tell)


def _told(
    settings: Settings, ask: Callable[[HistoryReader], _Found], tell: Callable[[_Found], None]
) -> int:
    """Ask the history, then tell; what is not there or cannot be read is one line."""
    try:
        with open_history(settings) as history:
            found = ask(history)
    except (NoHistory, RepositoryUnavailable) as error:
        sys.stderr.write(f"{shown(str(error))}\n")
        return INCOMPLETE
    tell(found)
    return SAVED


def history_as_json(found: TitleHistory) -> dict[str, Any]:
    """A title over time as JSON types, the oldest first, times in UTC."""
    return {
        "imdb_id": found.imdb_id,
        "title": found.title,
        "year": found.year,
        "ratings": [
            {"observed_at": _iso(seen.observed_at), "rating": seen.rating, "votes": seen.votes}
            for seen in found.ratings
        ],
        "ranks": [
            {
                "chart": seen.chart.value,
                "captured_at": _iso(seen.captured_at),
                "rank": seen.rank,
                "run_id": seen.run_id,
            }
            for seen in found.ranks
        ],
    }


def diff_as_json(diff: ChartDiff, names: Mapping[TitleId, str]) -> dict[str, Any]:
    """A comparison as JSON types; a title that was never fetched has no name."""

    def listed(changes: Sequence[RankChange]) -> list[dict[str, Any]]:
        return [
            {
                "imdb_id": change.title_id,
                "title": names.get(change.title_id),
                "before": change.before,
                "after": change.after,
            }
            for change in changes
        ]

    return {
        "chart": diff.after.chart.name.value,
        "before": _snapshot_as_json(diff.before),
        "after": _snapshot_as_json(diff.after),
        "depth": diff.depth,
        "rose": listed(diff.rose),
        "fell": listed(diff.fell),
        "entered": listed(diff.entered),
        "left": listed(diff.left),
    }


def _snapshot_as_json(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "run_id": snapshot.run_id,
        "captured_at": _iso(snapshot.chart.captured_at),
        "titles": len(snapshot.chart.entries),
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _print_json(value: dict[str, Any]) -> None:
    # JSON is UTF-8 (RFC 8259, 8.1), whatever the terminal's encoding.
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")


def _print_history(console: Console, found: TitleHistory, limit: int) -> None:
    name = found.title or "never fetched, known from charts only"
    year = f" ({found.year})" if found.year else ""
    console.print(Text(f"{found.imdb_id}  {shown(name)}{year}", style="bold"), soft_wrap=True)
    if found.ratings:
        _print_table(console, ("when", "rating", "votes", "change"), _rating_rows(found), limit)
    if found.ranks:
        ranks = [
            (_day(seen.captured_at), seen.chart.value, str(seen.rank)) for seen in found.ranks[::-1]
        ]
        _print_table(console, ("when", "chart", "rank"), ranks, limit)
    if not (found.ratings or found.ranks):
        console.print(Text("neither rated nor in a chart whenever it was fetched"), soft_wrap=True)


def _rating_rows(found: TitleHistory) -> list[tuple[str, ...]]:
    """The newest first, each with what has changed since the one before."""
    first = [(found.ratings[0], "")]
    later = [(now, _change(before, now)) for before, now in pairwise(found.ratings)]
    return [
        (
            _day(seen.observed_at),
            _UNKNOWN if seen.rating is None else f"{seen.rating:.1f}",
            _UNKNOWN if seen.votes is None else f"{seen.votes:,}",
            change,
        )
        for seen, change in reversed(first + later)
    ]


def _change(before: RatingObservation, now: RatingObservation) -> str:
    parts = []
    if before.rating is not None and now.rating is not None and before.rating != now.rating:
        parts.append(f"{now.rating - before.rating:+.1f}")
    if before.votes is not None and now.votes is not None and before.votes != now.votes:
        parts.append(f"{now.votes - before.votes:+,} votes")
    return ", ".join(parts)


_WORDS = {"rose": "green", "fell": "red", "entered": "cyan", "left": "yellow"}


def _changes(diff: ChartDiff) -> Iterator[tuple[str, RankChange]]:
    for word in _WORDS:
        for change in getattr(diff, word):
            yield word, change


def _print_diff(console: Console, diff: ChartDiff, names: Mapping[TitleId, str]) -> None:
    before, after = diff.before.chart, diff.after.chart
    sizes = {len(before.entries), len(after.entries)}
    part = f", the first {diff.depth} ranks" if len(sizes) > 1 else ""
    heading = f"{after.name}: {_day(before.captured_at)} to {_day(after.captured_at)}{part}"
    console.print(Text(heading, style="bold"), soft_wrap=True)
    counts = ", ".join(f"{len(getattr(diff, word))} {word}" for word in _WORDS)
    console.print(Text(counts), soft_wrap=True)
    rows = [
        (
            Text(word, style=_WORDS[word]),
            _rank(change.before),
            _rank(change.after),
            change.title_id,
            shown(names.get(change.title_id, _UNKNOWN)),
        )
        for word, change in _changes(diff)
    ]
    if rows:
        _print_table(console, ("", "before", "after", "id", "title"), rows, len(rows))


def _print_table(
    console: Console, names: Sequence[str], rows: Sequence[Sequence[str | Text]], limit: int
) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        is_number = name in {"rating", "votes", "rank", "before", "after"}
        justify: JustifyMethod = "right" if is_number else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=name in {"id", "when"})
    for row in rows[:limit]:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    console.print()
    console.print(table)
    if len(rows) > limit:
        console.print(Text(f"and {len(rows) - limit:,} earlier (--limit)"), soft_wrap=True)


def _rank(rank: int | None) -> str:
    return _UNKNOWN if rank is None else str(rank)


def _day(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
