"""Faults of the disk that the CSV files are on; PostgreSQL never minds."""

import psutil

from tests.faults.disks import almost_full_disk, not_writable
from tests.faults.here import ASKED, IDS, OUR_SIDE, Here
from tests.faults.kept import kept_in_csv, kept_in_postgres
from tests.faults.row import HandIn


def test_a_disk_that_gets_full_and_has_room_again_gets_every_title(
    here: Here, hand_in: HandIn
) -> None:
    with almost_full_disk(here.output) as ballast:
        program = here.start()
        program.wait_for("csv is away")
        ballast.unlink()
        assert program.status() == 0, program.said
        assert here.part_of("csv")["late"] > 0
        account = here.account()
        hand_in(account, section=OUR_SIDE, fault="disk full, room again later", status="0")
        assert account.saved == ASKED


def test_what_a_disk_that_stays_full_lacks_is_named_and_repaired_when_there_is_room(
    here: Here, hand_in: HandIn
) -> None:
    with almost_full_disk(here.output) as ballast:
        program = here.start(repository_wait_seconds=1)
        assert program.status() == 1, program.said
        assert "No space left on device" in program.said
        account = here.account()
        hand_in(account, section=OUR_SIDE, fault="disk full for good", status="1")
        assert account.saved == ASKED - account.missing
        assert 0 < account.missing < ASKED
        ballast.unlink()
        for command in (["repair"], ["repair", "--check"]):
            repair = here.start(*command)
            assert repair.status() == 0, repair.said
        repaired = kept_in_csv(here.output)
        assert repaired.ids == IDS
        assert sorted(repaired.people) == sorted(kept_in_postgres(here.url).people)


def test_files_that_reach_their_size_limit_get_every_title_when_it_is_raised(
    here: Here, hand_in: HandIn
) -> None:
    program = here.start()
    limits = psutil.Process(program.process.pid)
    limits.rlimit(psutil.RLIMIT_FSIZE, (150_000, -1))  # as `ulimit -f` has it
    program.wait_for("csv is away")
    limits.rlimit(psutil.RLIMIT_FSIZE, (-1, -1))
    assert program.status() == 0, program.said
    assert here.part_of("csv")["late"] > 0
    account = here.account()
    hand_in(account, section=OUR_SIDE, fault="file size limit, raised later", status="0")
    assert account.saved == ASKED


def test_a_folder_that_cannot_be_written_is_said_at_once(here: Here, hand_in: HandIn) -> None:
    with not_writable(here.output):
        program = here.start()
        assert program.status() == 1, program.said
        assert str(here.output) in program.said
        assert "csv is away" not in program.said
        account = here.account()
        hand_in(account, section=OUR_SIDE, fault="read-only output folder", status="1")
        assert account.missing == ASKED
