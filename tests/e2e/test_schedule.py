"""``python main.py schedule``, as a user begins it, and what is said when it cannot be begun."""

from pathlib import Path

import pytest

from tests.databases import rows_of
from tests.e2e.program import run


@pytest.mark.parametrize(
    ("command", "said"),
    [(["schedule"], "python main.py worker --jobs"), (["worker", "--jobs"], "REDIS_URL=redis://")],
)
def test_without_redis_it_says_in_a_line_what_it_needs(
    tmp_path: Path, command: list[str], said: str
) -> None:
    result = run(tmp_path, *command)
    assert result.status == 2
    assert said in result.err
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("command", [["schedule"], ["worker", "--jobs"]])
def test_a_redis_that_does_not_answer_is_told(tmp_path: Path, command: list[str]) -> None:
    result = run(tmp_path, *command, redis_url="redis://user:s3cret@127.0.0.1:1/0")
    assert result.status == 1
    assert "Redis at redis://127.0.0.1:1/0" in result.err
    assert "s3cret" not in result.err
    assert not result.out  # what is said there is when the schedule has begun


@pytest.mark.parametrize("command", [["schedule"], ["worker"]])
def test_nobody_answers_where_nobody_works(tmp_path: Path, command: list[str]) -> None:
    result = run(tmp_path, *command, "--check")
    assert result.status == 1
    assert "does not answer" in result.err


def test_the_table_of_jobs_needs_neither_redis_nor_a_database(tmp_path: Path) -> None:
    result = run(
        tmp_path, "schedule", "--show", schedule_charts="15 4 * * mon", schedule_people="off",
        schedule_timezone="Europe/Vienna",
    )  # fmt: skip
    assert result.status == 0, result.err
    lines = {line.split()[0]: line for line in result.out.splitlines()}
    assert "15 4 * * mon" in lines["charts"]
    assert "04:15" in lines["charts"]
    assert "Mon 2" in lines["charts"]
    assert lines["people"].split()[1:] == ["off", "-", "-", "-", "-"]
    assert "Europe/Vienna" in result.out
    assert not (tmp_path / "output").exists()


def test_an_expression_that_is_none_is_told_by_setting_and_field(tmp_path: Path) -> None:
    result = run(tmp_path, "schedule", schedule_charts="0 25 * * *")
    assert result.status == 2
    assert "SCHEDULE_CHARTS=0 25 * * *: the hour, '25', must be" in result.err


def test_a_day_that_never_comes_is_told(tmp_path: Path) -> None:
    result = run(tmp_path, "schedule", "--show", schedule_people="0 0 31 2 *")
    assert result.status == 2
    assert "SCHEDULE_PEOPLE=0 0 31 2 *" in result.err
    assert "never occurs" in result.err


def test_without_any_job_there_is_no_schedule(tmp_path: Path) -> None:
    off = {f"schedule_{job}": "off" for job in ("charts", "datasets", "people", "refresh")}
    result = run(tmp_path, "schedule", redis_url="redis://127.0.0.1:1/0", **off)
    assert result.status == 2
    assert "every job is off" in result.err


def test_a_job_waits_for_a_worker_and_is_not_asked_for_twice(
    tmp_path: Path, postgres_url: str
) -> None:
    """Also without Redis: workers look into the database."""
    asked = run(tmp_path, "schedule", "--once", "people", database_url=postgres_url)
    assert asked.status == 0, asked.err
    again = run(tmp_path, "schedule", "--once", "people", database_url=postgres_url)
    assert again.status == 1
    assert "is not begun: that of" in again.err
    states = rows_of(postgres_url, "SELECT job, state FROM job_slots ORDER BY slot")
    assert states == [("people", "waiting"), ("people", "skipped")]
    assert "waiting" not in run(tmp_path, "schedule", "--show").out
    shown = run(tmp_path, "schedule", "--show", database_url=postgres_url)
    assert "waiting" in shown.out


@pytest.mark.parametrize(
    "options", [["--show", "--once", "charts"], ["--check", "--show"], ["--once", "films"]]
)
def test_what_does_not_go_together_is_told(tmp_path: Path, options: list[str]) -> None:
    assert run(tmp_path, "schedule", *options).status == 2
