"""What a person sees on a terminal."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from tests.e2e.program import ROOT, environment, report, rows, start

ERASE_LINE = "\x1b[2K"
CONTROL = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]")


def on_a_terminal(folder, *arguments: str, answer: bytes = b"", **settings) -> tuple[int, str]:
    """The exit status of a run on a terminal, and all that was written to it.

    ``answer`` is typed when a question has been asked.
    """
    main_end, program_end = pty.openpty()
    given = {"output_dir": folder / "output", "columns": 110, "term": "xterm-256color"} | settings
    with subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), *arguments], cwd=folder, env=environment(**given),
        stdin=program_end, stdout=program_end, stderr=program_end,
    ) as process:  # fmt: skip
        os.close(program_end)
        written = bytearray()
        while True:
            try:
                part = os.read(main_end, 65536)
            except OSError:  # Linux says so when the last program has closed the terminal
                break
            if not part:
                break
            written += part
            if answer and b"Continue it?" in written:
                os.write(main_end, answer)
                answer = b""
    os.close(main_end)
    return process.returncode, written.decode()


@pytest.fixture(scope="module")
def site():
    with DemoSite(load_facts(), delay_seconds=0.05) as demo_site:
        yield demo_site


def test_a_live_display_is_followed_by_the_summary(site, tmp_path):
    status, written = on_a_terminal(
        tmp_path, base_url=site.url, repositories="csv", requests_per_second=0, max_threads=5
    )
    assert status == 0
    live, _, summary = written.rpartition(ERASE_LINE)
    frames = [CONTROL.sub("", frame) for frame in live.split(ERASE_LINE)]
    assert any(re.search(r"titles .* \d+/250 saved csv \d+ .*/s", frame) for frame in frames)
    waiting = [frame.rstrip() for frame in frames if "reading the chart" in frame]
    assert waiting
    assert not [frame for frame in waiting if frame.endswith("left")]  # nobody knows yet
    assert any(re.search(r"titles .* \d:\d\d:\d\d left", frame) for frame in frames)
    shown = CONTROL.sub("", summary).replace("\r\n", "\n")
    assert shown.startswith("\nDone: every title is saved in every repository")
    assert "asked 250 = fetched 250 + failed 0 + not tried 0" in shown
    assert shown.rstrip().endswith("other charts, single titles, settings")


def test_log_lines_stand_above_the_display_and_are_whole(site, tmp_path):
    status, written = on_a_terminal(
        tmp_path, base_url=site.url, repositories="csv", requests_per_second=0, limit=20,
        max_threads=5, log_level="DEBUG",
    )  # fmt: skip
    assert status == 0
    shown = CONTROL.sub("", written).replace("\r\n", "\n")
    titles = re.findall(
        r"^\r?\d\d:\d\d:\d\d DEBUG   fetched tt\d+ in \d+\.\d{3} s \(html, direct\)\s*$",
        shown.replace("\r", "\n"), re.MULTILINE,
    )  # fmt: skip
    assert len(titles) == 20
    assert any(re.search(r"titles .* \d+/20 ", frame) for frame in shown.split("\r"))


def test_a_terminal_gets_json_without_a_display(site, tmp_path):
    status, written = on_a_terminal(
        tmp_path, base_url=site.url, repositories="csv", requests_per_second=0, limit=3,
        log_format="json", columns=40,
    )  # fmt: skip
    assert status == 0
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert [line["asked"] for line in lines] == [3, 3]
    assert "\x1b[?25l" not in written  # no display hides the cursor


def test_the_display_waits_for_the_first_title(tmp_path):
    with DemoSite(load_facts(), delay_seconds=0.7) as slow:
        status, written = on_a_terminal(
            tmp_path, "titles", "tt0111161", base_url=slow.url, repositories="csv"
        )
    assert status == 0
    assert "Traceback" not in written
    assert re.search(r"titles .* 0/1 ", CONTROL.sub("", written))


def test_a_dumb_terminal_gets_lines(site, tmp_path):
    status, written = on_a_terminal(
        tmp_path, base_url=site.url, repositories="csv", requests_per_second=0, limit=3,
        term="dumb",
    )  # fmt: skip
    assert status == 0
    assert "3 titles from html" in written
    assert "\x1b" not in written


@pytest.mark.parametrize("columns", [40, 80, 112, 200])
def test_ids_are_whole_however_narrow_the_terminal_is(site, tmp_path, columns):
    settings = {"repositories": "csv", "columns": columns, "term": "xterm-256color"}
    asked = {"base_url": site.url, "requests_per_second": 0, "limit": 3}
    _, summary = on_a_terminal(tmp_path, **settings, **asked)
    assert "repository saved new updated unchanged" in CONTROL.sub("", summary)
    _, written = on_a_terminal(tmp_path, "runs", **settings)
    [line] = [line for line in CONTROL.sub("", written).splitlines() if "chart top" in line]
    assert report(tmp_path / "output")["run"]["run_id"] in line
    assert line.rstrip().endswith("complete")
    assert ("html" in line) == (columns >= 112)


@pytest.mark.parametrize(
    "case",
    [
        ("csv", b"\n", True),
        ("csv", b"n\n", False),
        ("postgres", b"y\n", True),
        ("csv", b"\x04", None),
    ],
)
def test_a_run_that_was_stopped_is_offered(site, tmp_path, postgres_url, case):
    stores, answer, goes_on = case
    settings = {"base_url": site.url, "requests_per_second": 0, "repositories": stores}
    settings |= {"database_url": postgres_url, "max_threads": 5}
    before = len(site.requests)
    with start(tmp_path, **settings) as process:
        assert site.wait_for_requests(before + 40, 60)
        process.kill()
        process.communicate()
    limit = {"limit": 3}
    status, written = on_a_terminal(tmp_path, answer=answer, **settings | limit)
    shown = CONTROL.sub("", written)
    assert "that began at" in shown
    if goes_on is None:
        assert status == 130
        assert "asked" not in shown.partition("Continue it?")[2]
        return
    assert status == 0
    assert ("asked 250 = already saved" in shown) == goes_on
    assert ("asked 3 = fetched 3" in shown) == (not goes_on)


def test_no_question_is_asked_when_the_answer_is_given(site, tmp_path):
    settings = {"base_url": site.url, "requests_per_second": 0, "repositories": "csv"}
    before = len(site.requests)
    with start(tmp_path, max_threads=5, **settings) as process:
        assert site.wait_for_requests(before + 40, 60)
        process.kill()
        process.communicate()
    _, fresh = on_a_terminal(tmp_path, "--fresh", limit=3, **settings)
    assert "Continue it?" not in fresh
    assert "asked 3 = fetched 3" in CONTROL.sub("", fresh)


@pytest.mark.parametrize(
    ("number", "summary"), [(signal.SIGHUP, "terminal"), (signal.SIGINT, "file")]
)
def test_a_run_whose_terminal_has_gone_saves_what_is_in_flight(tmp_path, number, summary):
    main_end, program_end = pty.openpty()
    with DemoSite(load_facts(), delay_seconds=0.2) as slow, (tmp_path / "out").open("w") as file:
        settings = {
            "base_url": slow.url, "repositories": "csv", "max_threads": 5, "term": "xterm-256color",
            "requests_per_second": 0, "output_dir": tmp_path / "output",
        }  # fmt: skip
        with subprocess.Popen(
            [sys.executable, str(ROOT / "main.py")], cwd=tmp_path, env=environment(**settings),
            stdin=program_end, stdout=program_end if summary == "terminal" else file,
            stderr=program_end,
        ) as process:  # fmt: skip
            os.close(program_end)
            assert slow.wait_for_requests(20, 60)
            os.close(main_end)
            process.send_signal(number)
            process.wait(60)
    account = report(tmp_path / "output")
    assert account["outcome"] == "interrupted"
    assert account["asked"] == 250 == account["fetched"] + len(account["not_tried"])
    assert len(rows(tmp_path / "output", "titles.csv")) == account["fetched"] >= 15
    if summary == "file":
        assert process.returncode == 130
        assert "python main.py resume" in (tmp_path / "out").read_text()
