"""A row of the table of faults, as the cases hand it in and the page shows it."""

from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

from tests.faults.account import Account

PROPERTY = "row of the table of faults"
"""Under this name a test hands in its row: ``record_property(PROPERTY, row.as_json())``."""

_HEADINGS = {
    "fault": "fault",
    "share": "share",
    "hit": "requests hit",
    "asked": "titles asked",
    "saved": "saved",
    "failed": "failed and named",
    "not_tried": "not tried and named",
    "lost": "lost",
    "doubled": "doubled",
    "wrong": "wrong",
    "status": "exit status",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case: the fault, the part of the requests (or whatever) it hit, and what came of it.

    ``section`` names the markers in the page between which the row goes.
    """

    section: str
    fault: str
    share: str
    hit: int | None
    asked: int
    saved: int
    failed: int
    not_tried: int
    lost: int
    doubled: int
    wrong: int
    status: int

    @classmethod
    def of(
        cls, account: Account, *, section: str, fault: str, share: str, hit: int | None, status: int
    ) -> "Row":
        return cls(
            section=section, fault=fault, share=share, hit=hit, status=status,
            asked=account.asked, saved=account.saved, failed=account.failed,
            not_tried=account.not_tried, lost=len(account.lost), doubled=len(account.doubled),
            wrong=len(account.wrong),
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def table_of(rows: list[Row]) -> str:
    """Rows as a Markdown table, in their order."""
    names = [field.name for field in fields(Row) if field.name != "section"]
    rule = ["---" if name in {"fault", "share"} else "---:" for name in names]
    cells = [
        ["" if cell is None else f"{cell:,}" if isinstance(cell, int) else cell for cell in given]
        for _, *given in map(astuple, rows)
    ]
    lines = [[_HEADINGS[name] for name in names], rule, *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
