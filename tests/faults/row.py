"""A row of the tables of faults, as the cases hand it in and the page shows it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Protocol

from tests.faults.account import Account

PROPERTY = "row of the table of faults"
"""Under this name a test hands in its row: ``record_property(PROPERTY, row.as_json())``."""

_HEADINGS = {
    "fault": "fault",
    "share": "share",
    "hit": "requests hit",
    "runs": "runs",
    "asked": "titles asked",
    "saved": "saved",
    "failed": "failed and named",
    "not_tried": "not tried and named",
    "missing": "missing in one and named",
    "lost": "lost",
    "doubled": "doubled",
    "wrong": "wrong",
    "status": "exit status",
}
_ADDED = ("runs", "asked", "saved", "failed", "not_tried", "missing", "lost", "doubled", "wrong")
_TEXTS = frozenset({"fault", "share", "status"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case: the fault, the part of the requests (or whatever) it hit, and what came of it.

    ``section`` names the markers in the page between which the row goes. ``status`` is the exit
    status, or what became of one command after the other. A row may be of several ``runs``.
    """

    section: str
    fault: str
    share: str = ""
    hit: int | None = None
    runs: int = 1
    asked: int
    saved: int
    failed: int
    not_tried: int
    missing: int
    lost: int
    doubled: int
    wrong: int
    status: str

    @classmethod
    def of(
        cls,
        account: Account,
        *,
        section: str,
        fault: str,
        status: str,
        share: str = "",
        hit: int | None = None,
    ) -> "Row":
        return cls(
            section=section, fault=fault, share=share, hit=hit, status=status,
            asked=account.asked, saved=account.saved, failed=account.failed,
            not_tried=account.not_tried, missing=account.missing, lost=len(account.lost),
            doubled=len(account.doubled), wrong=len(account.wrong),
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __add__(self, other: "Row") -> "Row":
        """Both rows as one; they are of the same fault, share and status."""
        return replace(
            self, **{name: getattr(self, name) + getattr(other, name) for name in _ADDED}
        )


class HandIn(Protocol):
    """Hands in an account's row, with what else `Row.of` asks; checks lost, doubled and wrong."""

    def __call__(self, account: Account, **rest: Any) -> None: ...


def summed(rows: Iterable[Row]) -> list[Row]:
    """One row for all that are of the same fault, share and status, in the order of the first."""
    by_fault: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = (row.section, row.fault, row.share, row.status)
        by_fault[key] = by_fault[key] + row if key in by_fault else row
    return list(by_fault.values())


def table_of(rows: list[Row]) -> str:
    """Rows as a Markdown table, in their order, without columns that say nothing."""
    said = [
        field.name
        for field in fields(Row)
        if field.name in _HEADINGS
        and any(getattr(row, field.name) != field.default for row in rows)
    ]
    rule = ["---" if name in _TEXTS else "---:" for name in said]
    cells = [[_cell(getattr(row, name)) for name in said] for row in rows]
    lines = [[_HEADINGS[name] for name in said], rule, *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
