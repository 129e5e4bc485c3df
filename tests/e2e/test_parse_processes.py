"""``PARSE_PROCESSES``: pages fetched in threads and read in other processes."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from tests.e2e.program import rows, run, start

FACTS = load_facts()
SETTINGS = {"repositories": "csv", "requests_per_second": 0, "parse_processes": 2}


@pytest.fixture(scope="module")
def site():
    with DemoSite(FACTS, delay_seconds=0.01) as demo_site:
        yield demo_site


def facts_of(folder: Path, table: str) -> list[dict[str, str]]:
    """The rows in an order of their own, without what differs from run to run.

    That is the run, the time and a person's name: of several, the one that was fetched last.
    """
    varying = {"run_id", "fetched_at"} | ({"name"} if table == "people.csv" else set())
    read = rows(folder / "output", table)
    kept = [{k: v for k, v in row.items() if k not in varying} for row in read]
    return sorted(kept, key=lambda row: tuple(row.values()))


def test_processes_read_what_threads_read(site, tmp_path):
    here, there = tmp_path / "threads", tmp_path / "processes"
    for folder, processes in ((here, 0), (there, 2)):
        folder.mkdir()
        given = SETTINGS | {"base_url": site.url, "parse_processes": processes}
        assert run(folder, **given).status == 0
    for table in ("titles.csv", "people.csv", "credits.csv"):
        read = facts_of(there, table)
        assert read == facts_of(here, table)
        assert len(read) >= len(FACTS.titles)


def test_ctrl_c_reaches_all_processes_and_what_is_in_flight_is_saved(site, tmp_path):
    before = len(site.requests)
    given = SETTINGS | {"base_url": site.url, "max_threads": 2}
    with start(tmp_path, new_session=True, **given) as process:
        assert site.wait_for_requests(before + 40, 60)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Traceback" not in out + err
    assert len(rows(tmp_path / "output", "titles.csv")) >= 30


def test_no_process_outlives_a_killed_run(site, tmp_path):
    before = len(site.requests)
    given = SETTINGS | {"base_url": site.url, "max_threads": 1}
    with start(tmp_path, **given) as process:
        assert site.wait_for_requests(before + 5, 60)
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
    assert len(children) >= 2
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
