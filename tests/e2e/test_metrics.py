"""The metrics of real runs: read by a real Prometheus, and taken by a gateway."""

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
import requests

from demo.facts import load_facts
from demo.site import DemoSite
from tests.e2e.program import run, start
from tests.servers import serving

FACTS = load_facts()
TITLES = len(FACTS.titles)
LIVE = {"requests_per_second": 0, "repositories": "csv"}


def a_free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Prometheus:
    """A real one, which asks one target four times a second."""

    def __init__(self, url):
        self._url = url

    def value(self, query):
        """The value of a query that has one; ``None`` when nothing is known."""
        answer = requests.get(f"{self._url}/api/v1/query", params={"query": query}, timeout=10)
        found = answer.json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def wait_for(self, query, process, seconds=60):
        """Wait until a query has a value above 0, while the process of the program is there."""
        end = time.monotonic() + seconds
        while not (value := self.value(query)):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, f"{query} has no value"
            time.sleep(0.1)
        return value


@contextmanager
def prometheus(folder, target_port):
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (apt-get install prometheus)")
    port = a_free_port()
    configuration = folder / "prometheus.yml"
    configuration.write_text(
        "global: {scrape_interval: 250ms, scrape_timeout: 250ms}\n"
        "scrape_configs:\n"
        "  - job_name: imdb-scraper\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{target_port}']}}]\n"
    )
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process)
            yield Prometheus(url)
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(url, process):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "prometheus has ended, see its log"
        try:
            if requests.get(f"{url}/-/ready", timeout=10).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("prometheus is not ready after a minute")


def test_a_real_prometheus_reads_the_metrics_of_a_batch_run(tmp_path):
    port = a_free_port()
    with prometheus(tmp_path, port) as server, DemoSite(FACTS, delay_seconds=0.5) as site:
        process = start(
            tmp_path, base_url=site.url, metrics_port=port, max_threads=5, limit=100, **LIVE
        )
        try:
            fetched = server.wait_for("imdb_titles_fetched_total{source='html'} > 10", process)
            assert fetched <= 100
            asked = "imdb_source_requests_total{source='html', route='direct', status='200'}"
            assert server.value(asked) > 10
            assert server.value("imdb_fetch_threads") == 5
            assert server.value("max_over_time(imdb_fetch_threads_busy[1m])") >= 1
            assert server.value("imdb_source_circuit_open{source='html'}") == 0
            assert server.value("imdb_stage_seconds_count{stage='decode'}") >= 10
            assert server.value("process_resident_memory_bytes{job='imdb-scraper'}") > 1 << 20
            server.wait_for("imdb_titles_saved_total{repository='csv', result='inserted'}", process)
            p99 = "histogram_quantile(0.99, sum by (le) (imdb_source_request_seconds_bucket))"
            assert server.value(p99) > 0.5
            _, err = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, err


def test_a_short_run_sends_its_metrics_at_its_end(tmp_path):
    bodies = []

    def take(handler):
        bodies.append(handler.body.decode())
        handler.reply(200)

    with DemoSite(FACTS) as site, serving({"/metrics/job/imdb-batch": take}) as gateway:
        result = run(tmp_path, base_url=site.url, metrics_push_url=gateway.url, **LIVE)
    assert result.status == 0, result.err
    lines = bodies[-1].splitlines()
    assert f'imdb_titles_fetched_total{{source="html"}} {TITLES}.0' in lines
    assert f'imdb_titles_saved_total{{repository="csv",result="inserted"}} {TITLES}.0' in lines
    assert 'imdb_runs_total{outcome="complete"} 1.0' in lines
    assert 'imdb_repository_lag_titles{repository="csv"} 0.0' in lines
    assert any(line.startswith("imdb_run_last_success_timestamp_seconds ") for line in lines)


def test_a_gateway_that_is_away_costs_a_warning_and_not_the_run(tmp_path):
    url = f"http://somebody:hidden@127.0.0.1:{a_free_port()}"
    with DemoSite(FACTS) as site:
        result = run(tmp_path, base_url=site.url, metrics_push_url=url, limit=5, **LIVE)
    assert result.status == 0, result.err
    assert result.err.count("METRICS_PUSH_URL") == 1
    assert "hidden" not in result.out + result.err


def test_the_metrics_of_people_are_counted_too(tmp_path):
    bodies = []

    def take(handler):
        bodies.append(handler.body.decode())
        handler.reply(200)

    person = FACTS.titles[0].directors[0].imdb_id
    with DemoSite(FACTS) as site, serving({"/metrics/job/imdb-batch": take}) as gateway:
        settings = {"base_url": site.url, "metrics_push_url": gateway.url} | LIVE
        result = run(tmp_path, "people", person, **settings)
    assert result.status == 0, result.err
    lines = bodies[-1].splitlines()
    assert 'imdb_titles_saved_total{repository="csv",result="inserted"} 1.0' in lines
    assert 'imdb_run_last_titles{state="fetched"} 1.0' in lines


@pytest.mark.parametrize(
    ("name", "wrong", "told"),
    [
        ("metrics_port", "70000", "METRICS_PORT=70000: must be a whole number from 0 to 65,535"),
        ("metrics_push_url", "gateway:9091", "METRICS_PUSH_URL: must start with one of http://"),
        ("metrics_push_url", "http://u:pw@host/?x=1", "METRICS_PUSH_URL: must be http(s)://"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_starts(tmp_path, name, wrong, told):
    result = run(tmp_path, **{name: wrong})
    assert result.status == 2
    assert told in result.err
    assert "pw" not in result.err
