"""``kill -9`` at any moment, then ``resume``: no title lost, doubled or wrong.

A few moments by default; ``KILLS=100`` for as many as one likes.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from demo.site import DemoSite
from tests.databases import drop_database, new_database
from tests.e2e.program import run
from tests.faults.account import BOTH
from tests.faults.here import ASKED, FACTS, OUR_SIDE, Here
from tests.faults.row import HandIn

KILLS = int(os.environ.get("KILLS", "6"))
REQUESTS = 2 + ASKED
"""A whole run's: robots.txt, the chart, the titles."""
STORES = (BOTH, "csv", "postgres")


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after the site has had so many requests, 0 for the start."""

    requests: int
    seconds: float

    @classmethod
    def of(cls, dice: random.Random) -> "Moment":
        """While it starts, while it fetches, or while it saves the last titles and ends."""
        return dice.choice(
            [
                cls(0, dice.uniform(0, 1.5)),
                cls(dice.randint(1, REQUESTS), dice.uniform(0, 0.2)),
                cls(REQUESTS, dice.uniform(0, 1)),
            ]
        )

    def sooner(self) -> "Moment":
        """A moment nearer to that of the request; in the end before the answer to it."""
        return replace(self, seconds=self.seconds / 2 if self.seconds > 0.01 else 0)


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS, delay_seconds=0.02) as demo_site:
        yield demo_site


@pytest.fixture
def new_place(folder: Path, postgres_server: str, site: DemoSite) -> Iterator[Callable[[], Here]]:
    made: list[Here] = []

    def make() -> Here:
        made.append(Here(folder / str(len(made)), new_database(postgres_server), site))
        return made[-1]

    yield make
    for here in made:
        here.end()
        drop_database(postgres_server, here.url)


def kill_at(moment: Moment, here: Here, *arguments: str, **settings: object) -> int:
    """Start the program and kill it, without any warning; give what it ended with."""
    with here.at_request(moment.requests):
        program = here.start(*arguments, **settings)
    time.sleep(moment.seconds)  # the moment is what is tested: any will do
    program.process.kill()
    return program.status()


def killed_run(new_place: Callable[[], Here], moment: Moment, **settings: object) -> Here:
    """A place where a run was killed; one that had ended before is done again, killed sooner."""
    while kill_at(moment, here := new_place(), **settings) != -signal.SIGKILL:
        moment = moment.sooner()
    return here


def complete(here: Here, **settings: object) -> None:
    """Continue the run; begin anew only when it was killed before anything knew of it.

    There may be nothing to do: when all was saved and noted, and only the report was not written.
    """
    given = {"base_url": here.site.url, "database_url": here.url} | settings
    while "at work" in (shown := run(here.folder, "runs", **given).out):
        pass  # PostgreSQL takes a moment to notice that the killed one is gone
    is_known = "unfinished" in shown
    result = run(here.folder, "resume", **given)
    assert result.status == 0, result.out + result.err
    assert is_known == ("Nothing to do" not in result.out)
    if not is_known and "complete" not in shown:
        assert run(here.folder, **given).status == 0


@pytest.mark.parametrize("number", range(KILLS))
def test_a_run_killed_at_any_moment_is_completed(
    new_place: Callable[[], Here], hand_in: HandIn, number: int
) -> None:
    dice = random.Random(number)
    stores = STORES[number % 3]
    settings = {
        "requests_per_second": 0, "repositories": stores, "max_threads": dice.choice([5, 20, 50]),
    }  # fmt: skip
    here = killed_run(new_place, Moment.of(dice), **settings)
    if dice.random() < 0.3:
        kill_at(Moment(0, dice.uniform(0.2, 2)), here, "resume", **settings)

    complete(here, **settings)

    account = here.account(stores=stores)
    hand_in(
        account, section=OUR_SIDE, fault="`kill -9` at a random moment, `resume`",
        status="killed, then 0",
    )  # fmt: skip
    assert account.saved == ASKED
