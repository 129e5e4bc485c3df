"""Saving a title costs the same however many are held."""

from pathlib import Path

import pytest

from infrastructure.repositories.csv import CsvRepository, open_csv_repository
from tests.builders import a_run, a_title

ACCOUNT = Path("/proc/self/io")


def bytes_moved() -> int:
    """What this process has read and written by system calls so far."""
    lines = ACCOUNT.read_text(encoding="ascii").splitlines()
    account = dict(line.split(": ") for line in lines)
    return int(account["rchar"]) + int(account["wchar"])


def cost(repository: CsvRepository, numbers: range, minutes_later: float = 0) -> int:
    """Bytes moved by saving these titles one by one."""
    titles = [a_title(number, minutes_later=minutes_later) for number in numbers]
    run = a_run()
    before = bytes_moved()
    for title in titles:
        repository.save([title], run)
    return bytes_moved() - before


@pytest.mark.skipif(not ACCOUNT.exists(), reason="needs the I/O account of Linux")
@pytest.mark.parametrize("minutes_later", [0, 1], ids=["new", "held already"])
def test_cost_does_not_grow_with_the_files(tmp_path: Path, minutes_later: float) -> None:
    run = a_run()
    costs = []
    for size in (100, 2_000):
        directory = tmp_path / str(size)
        with open_csv_repository(directory) as repository:
            repository.save([a_title(number) for number in range(1, size + 1)], run)
        with open_csv_repository(directory) as repository:
            first = 1 if minutes_later else size + 1
            costs.append(cost(repository, range(first, first + 50), minutes_later))
    few, many = costs
    assert many < few * 1.1
