import io
import json
import logging
import threading
from dataclasses import replace
from datetime import timedelta

import click
import pytest
from rich.console import Console

from application.ports import BatchResult
from application.retry_failures import FailedRun
from domain.identifiers import TitleId
from domain.run import Failure, FetchTiming, RepositoryReport, RunOutcome, RunReport, StoreCounts
from infrastructure.cli.exit_status import OF_OUTCOME
from infrastructure.cli.options import given_options
from infrastructure.cli.progress import LogObserver, RunCounts, observed
from infrastructure.cli.report_file import read_failed_run, write_report
from infrastructure.cli.summary import print_summary
from infrastructure.cli.title_ids import read_title_ids
from shared.config import load_settings
from shared.wording import counted
from tests.builders import NOON, a_run, a_title, title_number


def a_report(**changes) -> RunReport:
    given = {
        "run": a_run(),
        "finished_at": NOON + timedelta(seconds=6.4),
        "outcome": RunOutcome.COMPLETE,
        "asked": 3,
        "fetched": 3,
        "fetched_from": {"html": 3},
        "repositories": (
            RepositoryReport(
                name="csv",
                inserted=2,
                unchanged=1,
                location="output",
                holds=StoreCounts(titles=1250, people=7, credits=9),
            ),
        ),
        "slowest": (FetchTiming(imdb_id=title_number(1), seconds=1.5),),
    }
    return RunReport(**(given | changes))


def shown(report: RunReport) -> str:
    out = io.StringIO()
    settings = load_settings({"repositories": "csv"}, env_file=None)
    print_summary(Console(file=out, width=100), report, settings, None)
    return out.getvalue()


def failure(number: int, reason: str) -> Failure:
    return Failure(imdb_id=title_number(number), reason=reason, message=f"message {number}")


def ids_of(first: int, end: int) -> tuple[TitleId, ...]:
    return tuple(title_number(number) for number in range(first, end))


def test_every_outcome_has_an_exit_status():
    assert {outcome: OF_OUTCOME[outcome] for outcome in RunOutcome} == {
        RunOutcome.COMPLETE: 0,
        RunOutcome.INCOMPLETE: 1,
        RunOutcome.NO_SOURCE: 3,
        RunOutcome.INTERRUPTED: 130,
    }


def test_the_summary_says_how_the_run_went():
    text = shown(a_report())
    assert "every title is saved in every repository (6.4 s)" in text
    assert "asked 3 = fetched 3 + failed 0 + not tried 0" in text
    assert "1,250 titles, 7 people, 9 credits" in text
    assert "output/titles.csv" in text


def test_what_was_no_id_is_not_called_a_missing_title():
    text = shown(a_report(outcome=RunOutcome.INCOMPLETE, rejected=("garbage: no id of a title",)))
    assert "Finished; what was named and is no title was left out (6.4 s)" in text
    assert "missing" not in text.splitlines()[1]


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 titles"), (1, "1 title"), (2, "2 titles"), (12_345, "12,345 titles")],
)
def test_one_is_no_plural(number, words):
    assert counted(number, "title") == words
    assert counted(1, "person", "people") == "1 person"


def test_the_summary_names_failures_by_reason():
    failures = (*(failure(n, "page_changed") for n in range(1, 12)), failure(20, "not_found"))
    text = shown(
        a_report(
            outcome=RunOutcome.INCOMPLETE, asked=15, failures=failures, notices=("look at this",)
        )
    )
    assert "failed, page_changed: 11" in text
    assert "and 3 more" in text
    assert "\n      message 1\n" in text
    assert "failed, not_found: 1 (tt0000020)" in text
    assert "! look at this" in text
    assert "python main.py retry    fetch again the 11 that failed" in text


def test_the_summary_names_the_titles_of_other_sources_in_a_line():
    others = {"saved": ids_of(3, 14), "dump": ids_of(14, 16)}
    text = shown(
        a_report(fetched_from={"html": 20, "saved": 11, "dump": 2}, from_other_sources=others)
    )
    assert "from html 20, saved 11, dump 2; " in text
    [line] = [line for line in text.splitlines() if "from saved: tt0000003, tt0000004, " in line]
    assert line.endswith(", tt0000010 and 3 more; dump: tt0000014, tt0000015")
    assert "from saved" not in shown(a_report())


def test_the_summary_of_a_run_without_a_source_says_what_can_be_done():
    text = shown(
        a_report(outcome=RunOutcome.NO_SOURCE, asked=0, fetched=0, fetched_from={}, slowest=())
    )
    assert "python main.py demo" in text
    assert "SOURCES=saved" in text
    assert "https://www.imdb.com" in text


def test_the_summary_tells_of_a_repository_that_failed():
    broken = RepositoryReport(name="csv", error="csv: disk full", missing=(title_number(1),))
    text = shown(a_report(outcome=RunOutcome.INCOMPLETE, repositories=(broken,)))
    assert "! csv: disk full" in text
    assert "python main.py doctor" in text


def test_the_summary_of_a_continued_run_says_what_was_there_before():
    kept = RepositoryReport(name="csv", inserted=1, held_before=5, copied=2)
    text = shown(
        a_report(
            asked=8, fetched=1, already_saved=7, repositories=(kept,),
            resumed_at=NOON + timedelta(seconds=4.4),
        )
    )  # fmt: skip
    assert "(2.0 s)" in text
    assert "asked 8 = already saved 7 + fetched 1 + failed 0 + not tried 0" in text
    header, row = (line for line in text.splitlines() if line.strip().startswith(("rep", "csv ")))
    numbers = dict(zip(header.split()[1:5], row.split()[1:5], strict=True))
    assert numbers == {"saved": "8", "before": "5", "copied": "2", "new": "1"}


def next_steps(**changes) -> str:
    return shown(a_report(outcome=RunOutcome.INCOMPLETE, **changes)).partition("Next:")[2]


def test_the_way_on_is_named_for_what_is_missing():
    failed, untried = (failure(5, "unavailable"),), (title_number(6), title_number(7))
    assert "resume    fetch the 2 not tried and the 1 that failed" in next_steps(
        failures=failed, not_tried=untried
    )
    assert "retry    fetch again the 1 that failed" in next_steps(failures=failed)
    broken = RepositoryReport(name="postgres", error="gone", missing=(title_number(1),))
    whole = RepositoryReport(name="csv", inserted=3)
    assert "python main.py repair" in next_steps(repositories=(whole, broken))
    assert "python main.py repair" not in next_steps(repositories=(broken,))
    nothing = next_steps(failures=(failure(5, "not_found"),), repositories=())
    assert nothing == ""
    demo = next_steps(run=a_run(command="demo"), not_tried=untried)
    assert "python main.py demo    once more" in demo
    assert "resume" not in demo


def test_when_no_repository_works_that_comes_first():
    broken = RepositoryReport(name="csv", error="csv: no right to write")
    steps = next_steps(repositories=(broken,), not_tried=(title_number(6),), fetched=0)
    assert "resume" not in steps
    assert steps.index("python main.py doctor") < steps.index("the same command once more")


def test_a_run_that_was_interrupted_before_its_chart_is_to_be_begun_again():
    steps = shown(a_report(outcome=RunOutcome.INTERRUPTED, asked=0, fetched=0, repositories=()))
    assert "the same command once more" in steps


def test_when_the_chart_could_not_be_read_the_sources_are_to_be_looked_at():
    steps = next_steps(run=a_run(chart="top"), asked=0, fetched=0, slowest=())
    assert "python main.py doctor    ask each source" in steps


def test_people_who_are_missing_in_a_repository_are_repaired_too():
    broken = RepositoryReport(name="postgres", error="gone", missing=(title_number(1),))
    whole = RepositoryReport(name="csv", inserted=3)
    steps = next_steps(run=a_run(command="people"), repositories=(whole, broken))
    assert "python main.py repair" in steps


def test_the_way_on_has_the_options_of_the_command_line_and_no_secret():
    untried = (title_number(6),)
    with click.Context(click.Command("titles")) as context:
        given_options(context).update(
            output_dir="my films", base_url="http://h:1", database_url="postgresql://me:hunter2@h/d"
        )
        steps = next_steps(
            not_tried=untried, repositories=(RepositoryReport(name="postgres", inserted=3),)
        )
    data = "--output-dir 'my films'"
    assert f"resume {data} --base-url http://h:1 --database-url ...    fetch" in steps
    assert f"psql {data} --database-url ...    look" in steps
    assert "hunter2" not in steps


def test_what_failed_is_read_from_the_report_file(tmp_path, caplog):
    assert read_failed_run(tmp_path) is None
    report = a_report(failures=(failure(9, "unavailable"),), notices=("\udcff",))
    path = write_report(report, tmp_path)
    assert read_failed_run(tmp_path) == FailedRun(report.run, report.failures)
    path.write_text('{"run": 3}')
    assert read_failed_run(tmp_path) is None
    assert "run-report.json cannot be read" in caplog.text


def test_square_brackets_of_a_message_are_shown_as_they_are():
    assert "[/oops] [red]" in shown(a_report(notices=("[/oops] [red]",)))


def test_the_report_file_holds_everything_and_adds_up(tmp_path):
    report = a_report(asked=4, failures=(failure(9, "unavailable"),), notices=("ü",))
    path = write_report(report, tmp_path / "new")
    read = json.loads(path.read_text("utf-8"))
    assert read["asked"] == read["fetched"] + len(read["failures"]) + len(read["not_tried"])
    assert read["failures"][0]["imdb_id"] == title_number(9)
    assert read["repositories"][0]["saved"] == 3
    assert read["repositories"][0]["holds"]["titles"] == 1250
    assert read["run"]["run_id"] == a_run().run_id
    assert read["notices"] == ["ü"]
    assert (read["seconds"], read["exit_status"], read["outcome"]) == (6.4, 0, "complete")


def test_a_report_that_cannot_be_written_leaves_the_old_one_and_no_litter(tmp_path, monkeypatch):
    path = write_report(a_report(), tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr(json, "dump", lambda *a, **k: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_report(a_report(asked=9), tmp_path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["run-report.json"]


def test_ids_are_read_from_arguments_and_standard_input():
    lines = io.BytesIO(
        b"tt0000002, tt0000003\n\nhttps://www.imdb.com/title/tt0000004/\nnonsense \xff\n"
    )
    ids, problems = read_title_ids(["tt0000001", "-", "tt5"], lines)
    assert ids == [title_number(n) for n in (1, 2, 3, 4)]
    assert len(problems) == 3
    assert "'nonsense'" in problems[0]
    assert "xff" in problems[1]
    assert "'tt5'" in problems[2]


def test_progress_off_a_terminal_is_log_lines(caplog, monkeypatch):
    counts, said = RunCounts(), threading.Event()
    monkeypatch.setattr("infrastructure.cli.progress.LOG_EVERY_SECONDS", 0.01)
    describe = counts.describe

    def described() -> str:
        line = describe()
        if "failed 1" in line and "saved csv 1" in line:
            said.set()
        return line

    monkeypatch.setattr(counts, "describe", described)
    with caplog.at_level(logging.INFO), observed(counts) as observer:
        assert isinstance(observer, LogObserver)
        observer.started(a_run(), 4)
        observer.fetched(a_title(1), 0.1)
        observer.fetched(a_title(3), 0.1)
        observer.saved("csv", BatchResult(inserted=1))
        observer.failed(failure(2, "not_found"))
        observer.notice("source html is given up")
        assert said.wait(30)  # the summary is steady: it comes while nothing more arrives
    assert "fetched 2 of 4, saved csv 1, failed 1," in caplog.text
    assert "s left" in caplog.text
    assert "source html is given up" in caplog.text
    last = next(r for r in reversed(caplog.records) if "saved csv 1, failed 1" in r.message)
    assert (last.done, last.asked, last.failures, last.saved) == (3, 4, 1, {"csv": 1})
    assert last.rate > 0


def test_a_message_that_is_no_unicode_is_written_all_the_same(tmp_path):
    path = write_report(a_report(notices=("file \udcff.html",)), tmp_path)
    assert json.loads(path.read_text("utf-8"))["notices"] == ["file \udcff.html"]


def test_a_report_knows_how_long_it_took():
    assert replace(a_report(), finished_at=NOON + timedelta(minutes=2)).seconds == 120
