"""A program that saves a title again and again, each time with a new name, and says so.

``python -m tests.saving_program URL TIMES``: the line ``3`` on standard output means that the title
``Told 3`` has been reported saved.
"""

import sys
from dataclasses import replace
from datetime import timedelta

from domain.title import Title
from infrastructure.repositories.postgres import open_postgres_repository
from tests.builders import NOON, a_chart, a_run, a_title

RUN = a_run("20260101T120000Z-told")


def told(number: int) -> Title:
    return a_title(1, minutes_later=number, title=f"Told {number}", votes=number + 1)


def main() -> None:
    url, times = sys.argv[1], int(sys.argv[2])
    with open_postgres_repository(url) as repository:
        chart = replace(a_chart(1), captured_at=NOON + timedelta(days=1))
        repository.begin_run(RUN, chart)
        for number in range(1, times + 1):
            result = repository.save([told(number)], RUN)
            assert (result.inserted + result.updated) == 1
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
