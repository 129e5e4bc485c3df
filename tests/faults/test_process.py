"""Faults of the program's own process: signals, a second run, a clock that is set back."""

import signal

from tests.databases import rows_of
from tests.e2e.program import ROOT
from tests.faults.here import ASKED, OUR_SIDE, Here
from tests.faults.kept import kept_in_csv, kept_in_postgres
from tests.faults.row import HandIn

_CLOCK = str(ROOT / "tests" / "faults" / "clock_set_back.py")


def test_sigterm_saves_what_is_in_flight_and_names_the_rest(here: Here, hand_in: HandIn) -> None:
    with here.at_request(60):
        program = here.start()
    program.process.send_signal(signal.SIGTERM)
    assert program.status() == 130, program.said
    account = here.account()
    hand_in(account, section=OUR_SIDE, fault="SIGTERM", status="130")
    assert (account.failed, account.missing) == (0, 0)
    assert account.saved == ASKED - account.not_tried < ASKED


def test_after_sigint_twice_the_same_command_completes_the_run(here: Here, hand_in: HandIn) -> None:
    with here.at_request(60):
        program = here.start()
    program.process.send_signal(signal.SIGINT)
    program.wait_for("Stopping")
    program.process.send_signal(signal.SIGINT)
    assert program.status() == 130, program.said
    assert "Stopped at once" in program.said
    for kept in (kept_in_csv(here.output), kept_in_postgres(here.url)):
        assert len(kept.ids) == len(kept.titles) < ASKED
    again = here.start()
    assert again.status() == 0, again.said
    account = here.account()
    hand_in(account, section=OUR_SIDE, fault="SIGINT twice, the same command", status="130, then 0")
    assert account.saved == ASKED


def test_two_runs_at_once_save_the_same_titles_to_the_same_places(
    here: Here, hand_in: HandIn
) -> None:
    programs = [
        here.start(folder=here.folder / name, output_dir=here.output) for name in ("one", "other")
    ]
    for program in programs:
        assert program.status() == 0, program.said
    account = here.account()
    hand_in(
        account, section=OUR_SIDE, fault="two runs at once, same files, same database",
        status="0 and 0",
    )  # fmt: skip
    assert account.saved == ASKED


def test_a_clock_that_is_set_back_an_hour_harms_nothing(here: Here, hand_in: HandIn) -> None:
    set_back = here.folder / "set back"
    with here.at_request(80):
        program = here.start(command=(_CLOCK, str(set_back)))
    set_back.touch()
    assert program.status() == 0, program.said
    [(span,)] = rows_of(
        here.url, "SELECT extract(epoch FROM max(fetched_at) - min(fetched_at)) FROM titles"
    )
    assert span > 3500
    account = here.account()
    hand_in(account, section=OUR_SIDE, fault="the clock is set back an hour", status="0")
    assert account.saved == ASKED
