"""Titles that are held, written for other programs."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from application.conditions import Condition
from application.ports import TitleSelector, TitleWriter
from application.title_order import SortKey
from domain.title import Title


@dataclass(frozen=True, slots=True)
class Exported:
    """How many titles were written, and what the user should know of it."""

    titles: int
    notices: tuple[str, ...]


class ExportTitles:
    """Hands the titles that are chosen to a writer, one by one. Used by one thread."""

    def __init__(self, selector: TitleSelector) -> None:
        self._selector = selector
        self._titles = 0

    def execute(
        self, writer: TitleWriter, condition: Condition | None, order: Sequence[SortKey]
    ) -> Exported:
        """Write the titles of which the condition is true, in an order.

        Raises `RepositoryUnavailable` or what the writer raises; what is written is of no use then.
        """
        self._titles = 0
        with closing(self._counted(condition, order)) as titles:
            notices = writer.write(titles)
        return Exported(self._titles, tuple(notices))

    def _counted(
        self, condition: Condition | None, order: Sequence[SortKey]
    ) -> Generator[Title, None, None]:
        for title in self._selector.selected(condition, order):
            self._titles += 1
            yield title
