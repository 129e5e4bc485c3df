import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from demo.facts import load_facts
from demo.faults import Fault, FaultPlan
from demo.site import DemoSite
from tests.databases import rows_of
from tests.e2e.program import ROOT, environment, report, rows, run, start
from tests.faults.disks import fill_disk, not_writable, small_disk
from tests.servers import serving

FACTS = load_facts()
SHARED = Path(os.environ.get("IMDB_SHARED", ROOT.parent / "shared"))
CAPTURES = SHARED / "captures"
needs_captures = pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"no captures in {CAPTURES}")

KEYS = [
    "imdb_id", "kind", "title", "original_title", "year", "end_year", "runtime_minutes", "rating",
    "votes", "metascore", "certificate", "genres", "release_date", "plot", "directors", "writers",
    "cast",
]  # fmt: skip


@pytest.fixture(scope="module")
def site():
    with DemoSite(FACTS) as demo_site:
        yield demo_site


def listed_facts() -> dict[str, list[str]]:
    """File name to the facts that the captures' own list gives for each title and reference page.

    A row has: file, kind, what, when, facts (separated by broken bars), form.
    """
    found = {}
    for line in (CAPTURES / "README.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 5 and cells[1].startswith(("title/", "reference_json/")):
            found[cells[1]] = [fact.strip() for fact in cells[5].split("¦")]
    return found


def as_listed(title: dict) -> list[str]:
    """A printed title in the words of that list, without the country."""
    rating = title["rating"]
    return [
        title["imdb_id"],
        title["title"],
        f"orig {title['original_title']}",
        str(title["year"]),
        title["kind"],
        f"rating {rating}",
        f"votes {title['votes']}",
    ]


@needs_captures
def test_parse_gives_the_listed_facts_of_every_title_and_reference_capture(tmp_path):
    listed = listed_facts()
    assert len(listed) == 15
    result = run(tmp_path, "parse", *(str(CAPTURES / name) for name in listed))
    assert result.status == 0, result.err
    printed = [json.loads(line) for line in result.out.splitlines()]
    assert [list(title) for title in printed] == [KEYS] * len(listed)
    for title, (name, facts) in zip(printed, listed.items(), strict=True):
        assert as_listed(title) == facts[:7], name
        assert facts[7].startswith("country")


@needs_captures
def test_parse_names_what_is_no_title_and_prints_the_rest(tmp_path):
    good = CAPTURES / "title/title_tt0387564_2022-10-27_flexget.html"
    other = tmp_path / "shopping.html"
    other.write_text("<html><body>bread, milk</body></html>")
    result = run(tmp_path, "parse", str(other), str(good), str(tmp_path / "nowhere.html"))
    assert result.status == 1
    [title] = [json.loads(line) for line in result.out.splitlines()]
    assert title["imdb_id"] == "tt0387564"
    assert "shopping.html" in result.err
    assert "nowhere.html" in result.err


def test_parse_prints_unknown_facts_as_null_and_empty_lists(site, tmp_path):
    unknown = next(t for t in FACTS.titles if t.metascore is None)
    path = tmp_path / "page.html"
    path.write_bytes(requests.get(f"{site.url}/title/{unknown.imdb_id}/", timeout=9).content)
    result = run(tmp_path, "parse", str(path))
    title = json.loads(result.out)
    assert title["metascore"] is None
    assert title["plot"] is None
    assert title["cast"][0].keys() == {"imdb_id", "name", "characters"}
    assert len(title["cast"]) == len(unknown.cast)


def test_parse_reads_standard_input(site, tmp_path):
    page = requests.get(f"{site.url}/title/{FACTS.titles[0].imdb_id}/", timeout=9)
    result = run(tmp_path, "parse", "-", given=page.text)
    assert result.status == 0, result.err
    assert json.loads(result.out)["imdb_id"] == FACTS.titles[0].imdb_id
    nothing = run(tmp_path, "parse", "-", given="bread, milk")
    assert (nothing.status, nothing.out) == (1, "")
    assert "standard input" in nothing.err


def test_parse_prints_the_entries_of_a_chart(site, tmp_path):
    path = tmp_path / "chart.html"
    path.write_bytes(requests.get(f"{site.url}/chart/top/", timeout=9).content)
    entries = [json.loads(line) for line in run(tmp_path, "parse", str(path)).out.splitlines()]
    assert entries[0] == {"chart": "top", "rank": 1, "imdb_id": FACTS.titles[0].imdb_id}
    assert len(entries) == 250


def test_parse_prints_utf_8_whatever_the_terminal(site, tmp_path):
    foreign = next(t for t in FACTS.titles if not t.title.isascii())
    path = tmp_path / "page.html"
    path.write_bytes(requests.get(f"{site.url}/title/{foreign.imdb_id}/", timeout=9).content)
    result = run(tmp_path, "parse", str(path), pythonioencoding="latin-1")
    assert json.loads(result.out)["title"] == foreign.title


def test_what_systems_set_for_gettext_is_no_wrong_setting(tmp_path):
    result = run(tmp_path, "demo", repositories="csv", language="en_US:en")
    assert result.status == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_doctor_can_be_interrupted(tmp_path, number):
    with DemoSite(FACTS, delay_seconds=30) as slow:
        with start(tmp_path, "doctor", base_url=slow.url, repositories="csv") as process:
            assert slow.wait_for_requests(1, 60)
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


INTERRUPTED_WHILE_IT_LOADS = """
import os, signal, sys

class Finder:
    def find_spec(name, path, target=None):
        if name == "domain.run":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder)
"""
INTERRUPTED_WHILE_IT_ENDS = """
import atexit, os, signal

atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
"""


@pytest.mark.parametrize("moment", [INTERRUPTED_WHILE_IT_LOADS, INTERRUPTED_WHILE_IT_ENDS])
def test_the_program_is_interrupted_in_silence_when_there_is_nothing_to_finish(tmp_path, moment):
    (tmp_path / "sitecustomize.py").write_text(moment)
    result = run(tmp_path, "parse", "no-such-page.html", pythonpath=tmp_path)
    assert result.status == -signal.SIGINT  # what a shell calls 130
    assert result.err in ("", "skipped: no-such-page.html: No such file or directory\n")


def test_a_run_that_ignores_a_closed_terminal_goes_on_to_its_end(site, tmp_path):
    """As ``nohup`` does it."""
    with DemoSite(FACTS, delay_seconds=0.05) as slow:
        ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
        settings = {"base_url": slow.url, "repositories": "csv", "limit": 20, "max_threads": 2}
        with subprocess.Popen(
            [*ignoring, sys.executable, str(ROOT / "main.py")], cwd=tmp_path,
            env=environment(**settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        ) as process:  # fmt: skip
            assert slow.wait_for_requests(3, 60)
            process.send_signal(signal.SIGHUP)
            said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert len(rows(tmp_path / "output", "titles.csv")) == 20


def test_psql_hides_a_password_wherever_it_stands_in_the_url(tmp_path, postgres_url):
    seen = run(
        tmp_path, "psql", "-c", r"\! tr '\0' ' ' < /proc/$PPID/cmdline",
        database_url=f"{postgres_url}&password=hunter2",
    )  # fmt: skip
    assert "--dbname" in seen.out
    assert "hunter2" not in seen.out


def test_the_demo_keeps_its_data_apart_and_says_so(tmp_path):
    (tmp_path / ".env").write_text("OUTPUT_DIR=mine\nREPOSITORIES=csv\nLIMIT=3\n")
    for _ in range(2):
        result = run(tmp_path, "demo", repositories="csv")
        assert result.status == 0, result.err
    assert "demo's data" in result.err
    assert not (tmp_path / "mine").exists()
    folder = tmp_path / "output" / "demo"
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["demo"]
    assert len(rows(folder, "titles.csv")) == 250
    assert report(folder)["repositories"][0]["unchanged"] == 250


def test_the_demo_stays_out_of_a_database_in_use(site, tmp_path, postgres_url):
    settings = {"database_url": postgres_url, "repositories": "postgres"}
    run(tmp_path, base_url=site.url, limit=2, requests_per_second=0, **settings)
    result = run(tmp_path, "demo", **settings)
    assert result.status == 2
    assert "holds data of your own" in result.err
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(2,)]


def test_the_demo_may_use_an_empty_database_again_and_again(tmp_path, postgres_url):
    for _ in range(2):
        assert run(tmp_path, "demo", database_url=postgres_url).status == 0
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(250,)]


def test_doctor_is_content_when_everything_works(site, tmp_path, postgres_url):
    result = run(tmp_path, "doctor", base_url=site.url, database_url=postgres_url)
    assert result.status == 0
    assert "repository csv" in result.out
    assert "repository postgres" in result.out
    assert "chart top has 250 titles" in result.out


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_repair_makes_nothing_where_nothing_is(tmp_path, options):
    result = run(tmp_path, "repair", *options, output_dir=tmp_path / "misspelt")
    assert result.status == 0
    assert "no data in" in result.out
    assert "OUTPUT_DIR" in result.out
    assert not (tmp_path / "misspelt").exists()


def test_doctor_leaves_no_folder_behind_that_it_has_made(site, tmp_path):
    folder = tmp_path / "films" / "misspelt"
    result = run(tmp_path, "doctor", base_url=site.url, repositories="csv", output_dir=folder)
    assert result.status == 0
    assert not folder.parent.exists()


def test_doctor_says_what_is_wrong_and_what_to_do(tmp_path):
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "titles.csv").write_text("another,program\n")
    blocked = {"/chart/top/": lambda h: h.reply(202, x_amzn_waf_action="challenge")}
    with serving(blocked) as server:
        result = run(tmp_path, "doctor", base_url=server.url, repositories="csv")
    assert result.status == 3
    assert "titles.csv" in result.out
    assert "blocked" in result.out
    assert "SOURCES=saved" in result.out


def test_doctor_tells_of_a_database_that_is_not_there(site, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"postgresql://me:hunter2@127.0.0.1:{free.getsockname()[1]}/films"
    result = run(tmp_path, "doctor", base_url=site.url, database_url=url, repositories="postgres")
    assert result.status == 1
    assert "DATABASE_URL" in result.out
    assert "hunter2" not in result.out + result.err


def test_doctor_sees_that_files_cannot_be_written(site, tmp_path):
    folder = tmp_path / "films"
    settings = {"base_url": site.url, "repositories": "csv", "output_dir": folder, "limit": 1}
    with not_writable(folder, lambda: run(tmp_path, **settings)):
        result = run(tmp_path, "doctor", **settings)
    assert result.status == 1
    assert "!! repository csv" in result.out
    assert "OUTPUT_DIR" in result.out


def test_doctor_sees_that_there_is_no_room(site, tmp_path):
    folder = tmp_path / "films"
    settings = {"base_url": site.url, "repositories": "csv", "output_dir": folder, "limit": 1}
    with small_disk(folder):
        run(tmp_path, **settings)
        fill_disk(folder)
        result = run(tmp_path, "doctor", **settings)
    assert result.status == 1
    assert "free some space" in result.out


@pytest.mark.parametrize(
    "command",
    [
        ["runs"],
        ["resume"],
        ["retry"],
        ["psql"],
        ["history", "tt0111161"],
        ["repair"],
        ["doctor"],
        ["cache"],
        ["cache", "--purge"],
    ],
)
def test_a_folder_that_cannot_be_looked_at_is_told_with_what_to_do(site, tmp_path, command):
    result = run(tmp_path, *command, base_url=site.url, output_dir="a" * 300)
    assert result.status == 1
    said = result.out + result.err
    assert "Errno" not in said
    assert "OUTPUT_DIR" in said


def test_what_is_copied_from_the_doctor_is_not_wrapped(site, tmp_path, postgres_url):
    result = run(tmp_path, "doctor", base_url=site.url, database_url=postgres_url, columns=40)
    [line] = [line for line in result.out.splitlines() if "repository postgres" in line]
    assert "postgresql://" in line, result.out
    assert "titles" in line, result.out


def test_psql_asks_the_database_of_the_settings(site, tmp_path, postgres_url):
    settings = {"database_url": postgres_url, "repositories": "postgres"}
    run(tmp_path, base_url=site.url, limit=3, requests_per_second=0, **settings)
    query = ["-c", "SELECT count(*) FROM titles"]
    result = run(tmp_path, "psql", "--no-align", "--tuples-only", *query, **settings)
    assert (result.status, result.out.strip()) == (0, "3")
    wrong = run(tmp_path, "psql", "-c", "SELECT nonsense", **settings)
    assert wrong.status == 1
    assert "nonsense" in wrong.err


def test_a_setting_may_stand_before_or_after_the_command(tmp_path):
    for arguments in (["--limit", "0", "doctor"], ["doctor", "--limit", "0"]):
        result = run(tmp_path, *arguments)
        assert result.status == 2
        assert "LIMIT=0" in result.err


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ([], "--max-threads"),
        (["titles"], "--max-threads"),
        (["people"], "--max-threads"),
        (["parse"], "--max-body-megabytes"),
        (["demo"], "--page-bytes"),
        (["doctor"], "--database-url"),
        (["psql"], "--output-dir"),
    ],
)
def test_every_command_has_a_help_page_with_its_settings(tmp_path, command, option):
    result = run(tmp_path, *command, "--help")
    assert result.status == 0
    assert option in result.out
    assert "Usage: python main.py" in result.out


def test_the_demo_takes_no_setting_that_it_would_not_follow(tmp_path):
    assert run(tmp_path, "demo", "--chart", "toptv").status == 2
    assert run(tmp_path, "demo", "--limit", "3", repositories="csv").status == 0
    assert len(rows(tmp_path / "output" / "demo", "titles.csv")) == 3


@pytest.mark.parametrize("command", [["parse", "page.html"], ["--help"], ["doctor"]])
def test_a_full_disk_under_the_output_is_one_line(site, tmp_path, command):
    (tmp_path / "page.html").write_bytes(
        requests.get(f"{site.url}/title/{FACTS.titles[0].imdb_id}/", timeout=9).content
    )
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *command], cwd=tmp_path, stdout=full,
            stderr=subprocess.PIPE, text=True, check=False, timeout=60,
            env=environment(base_url=site.url, repositories="csv", output_dir=tmp_path / "o"),
        )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "No space left" in result.stderr


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_does_not_end_a_run(site, tmp_path, closed):
    command = f'exec "$0" "$1" titles {FACTS.titles[0].imdb_id} - {closed}>&-'
    result = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, str(ROOT / "main.py")], cwd=tmp_path,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        env=environment(base_url=site.url, repositories="csv", output_dir=tmp_path / "o"),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert len(rows(tmp_path / "o", "titles.csv")) == 1


def test_psql_says_what_is_wrong_with_an_address_that_cannot_be_read(tmp_path):
    url = "postgresql://user:hunter2@127.0.0.1/name?nonsense=1"
    result = run(tmp_path, "psql", "-c", "SELECT 1", database_url=url)
    assert result.status == 1
    assert "DATABASE_URL is not a PostgreSQL URL" in result.err
    assert "hunter2" not in result.err


def test_psql_whose_reader_has_gone_ends_as_in_a_shell(tmp_path, postgres_url):
    query = ["-c", "SELECT generate_series(1, 100000)"]
    with start(tmp_path, "psql", *query, database_url=postgres_url) as process:
        process.stdout.close()
        assert process.wait(60) == 128 + signal.SIGPIPE


def test_psql_makes_no_database_where_there_is_none(tmp_path):
    result = run(tmp_path, "psql", "-c", "SELECT 1")
    assert result.status == 1
    assert "no database in" in result.err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_command_is_a_usage_error(tmp_path):
    result = run(tmp_path, "no-such-thing")
    assert result.status == 2
    assert "No such command" in result.err


def test_a_likely_typo_in_the_env_file_is_pointed_out(tmp_path, site):
    (tmp_path / ".env").write_text("MAX_THREDS=3\n")
    result = run(tmp_path, "doctor", base_url=site.url, repositories="csv")
    assert "did you mean MAX_THREADS?" in result.err


def test_logs_can_be_json(site, tmp_path):
    result = run(
        tmp_path, base_url=site.url, repositories="csv", limit=2, requests_per_second=0,
        log_format="json",
    )  # fmt: skip
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert lines[0]["level"] == "INFO"
    assert "2 titles from html" in lines[0]["message"]
    run_id = report(tmp_path / "output")["run"]["run_id"]
    assert {line.get("run_id") for line in lines} == {run_id}
    last = lines[-1]
    assert (last["outcome"], last["asked"], last["fetched"]) == ("complete", 2, 2)
    assert last["failures"] == 0
    assert (last["saved"], last["missing"]) == ({"csv": 2}, {"csv": 0})


def test_a_title_has_a_line_at_debug_with_all_that_it_took(tmp_path):
    plans = (FaultPlan([Fault.UNAVAILABLE], share=0.5, seed=seed) for seed in range(100))
    path = "/title/tt0111161/"
    fails_once = next(p for p in plans if p.fault_at(path, 0) and not p.fault_at(path, 1))
    with DemoSite(FACTS, faults=fails_once) as flaky:
        result = run(
            tmp_path, "titles", "tt0111161", "tt9999999", base_url=flaky.url, repositories="csv",
            requests_per_second=0, log_format="json", log_level="DEBUG",
        )  # fmt: skip
    lines = [json.loads(line) for line in result.err.splitlines()]
    fetched, failed = (
        next(line for line in lines if line["message"].startswith(word))
        for word in ("fetched tt", "failed tt")
    )
    assert (fetched["title_id"], fetched["source"]) == ("tt0111161", "html")
    assert (fetched["route"], fetched["attempt"]) == ("direct", 2)
    again = next(line for line in lines if f"{path}: HTTP 503; trying again" in line["message"])
    assert (again["title_id"], again["attempt"], again["source"]) == ("tt0111161", 1, "html")
    assert fetched["seconds"] > 0
    assert (failed["title_id"], failed["reason"]) == ("tt9999999", "not_found")
    run_id = report(tmp_path / "output")["run"]["run_id"]
    assert {line["run_id"] for line in (fetched, failed)} == {run_id}


def test_the_charts_that_there_are(tmp_path):
    result = run(tmp_path, "charts")
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].split() == ["chart", "what", "it", "is", "sources"]
    assert lines[1].split() == ["top", "the", "250", "best", "films", "html,", "graphql,", "saved"]
    charts = [json.loads(line) for line in run(tmp_path, "charts", "--json").out.splitlines()]
    sources = {chart["name"]: chart["sources"] for chart in charts}
    assert sources["top-rated-tamil-movies"] == ["html", "graphql", "saved"]
    assert sources["boxoffice"] == ["html", "saved"]
    unknown = run(tmp_path, "--chart", "best")
    assert unknown.status == 2
    assert all(f"'{name}'" in unknown.err for name in sources)
