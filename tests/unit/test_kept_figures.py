"""Figures that are kept are reckoned again when something has changed, and not more often."""

from application.store_figures import StoreFigures
from domain.run import StoreCounts
from infrastructure.web.dashboard import kept_figures
from infrastructure.web.dashboard.kept_figures import KeptFigures


class Reader:
    def __init__(self, titles: int = 1) -> None:
        self.titles = titles
        self.now = "one"
        self.reckoned = 0

    def version(self) -> str:
        return self.now

    def figures(self) -> StoreFigures:
        self.reckoned += 1
        counts = StoreCounts(titles=self.titles, people=0, credits=0)
        return StoreFigures(
            counts=counts,
            ratings_by_year=(),
            titles_by_decade=(),
            titles_by_genre=(),
            critics_and_users=(),
        )


def test_they_are_reckoned_again_when_something_has_changed(monkeypatch):
    reader = Reader()
    kept = KeptFigures(reader)
    for _ in range(3):
        assert kept.kept().version == "one"
    reader.now = "two"
    assert kept.kept().version == "one"
    monkeypatch.setattr(kept_figures, "KEPT_SECONDS", 0)
    for _ in range(3):
        assert kept.kept().version == "two"
    assert reader.reckoned == 2


def test_that_there_is_nothing_is_not_kept():
    reader = Reader(titles=0)
    kept = KeptFigures(reader)
    kept.figures()
    reader.titles = 2
    assert kept.figures().counts.titles == 2
