"""The metrics: what is counted, what is looked up, and what is not known."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router

from application.composite_save import CompositeSave
from application.detail_fetcher import FetchLoad
from application.scrape_titles import BATCH_TITLES, ScrapeTitles
from application.source_chain import SourceChain
from domain.errors import SourceBlocked, TitleNotFound
from domain.run import Failure, RepositoryReport, RunOutcome, RunReport
from infrastructure.http.traffic import HostState
from infrastructure.monitoring import HttpServerMetrics, Metrics, MetricsObserver
from shared.stages import measured_stages, stage, watched_stages
from tests.builders import NOON, a_run, a_title, title_number
from tests.fakes import FakeRepository, FakeSource, RecordingObserver, new_circuit


@pytest.fixture
def metrics(tmp_path):
    return Metrics(tmp_path / "output")


def value(metrics, name, **labels):
    """The value of a sample; ``None`` when there is none."""
    return metrics.registry.get_sample_value(name, labels)


def scraped(metrics, source, *repositories, ids):
    """Do a run that is counted and watched; give its report."""
    observer = MetricsObserver(metrics, RecordingObserver())
    chain, load = SourceChain([source], observer.notice, new_circuit), FetchLoad(4)
    with CompositeSave([store.opener() for store in repositories], observer) as save:
        metrics.watch_run(load, save, chain)
        titles = ScrapeTitles(
            chain, save, observer, max_threads=4, stop=threading.Event(), load=load
        )
        report = titles.execute(ids, a_run())
    metrics.finished(report)
    return report


def test_a_run_is_counted_title_by_title(metrics):
    ids = [title_number(n) for n in range(1, 31)]
    titles = {imdb_id: a_title(n) for n, imdb_id in enumerate(ids, 1)}
    titles[ids[0]] = TitleNotFound(ids[0], "https://site")
    store, other = FakeRepository("one"), FakeRepository("two")
    store.refuses = {ids[1]}
    scraped(metrics, FakeSource(titles), store, other, ids=ids)
    origin = a_title(2).provenance.source
    assert value(metrics, "imdb_titles_fetched_total", source=origin) == 29
    assert value(metrics, "imdb_title_fetch_seconds_count") == 29
    assert value(metrics, "imdb_title_failures_total", reason="not_found") == 1
    saved = "imdb_titles_saved_total"
    assert value(metrics, saved, repository="one", result="inserted") == 28
    assert value(metrics, saved, repository="one", result="refused") == 1
    assert value(metrics, saved, repository="two", result="inserted") == 29
    assert value(metrics, "imdb_runs_total", outcome="incomplete") == 1
    assert value(metrics, "imdb_run_last_titles", state="asked") == 30
    assert value(metrics, "imdb_run_last_titles", state="failed") == 1
    assert value(metrics, "imdb_run_last_missing_titles", repository="one") == 2
    assert value(metrics, "imdb_run_last_missing_titles", repository="two") == 1
    assert value(metrics, "imdb_repository_lag_titles", repository="one") == 0
    assert value(metrics, "imdb_source_circuit_open", source="fake") == 0


def test_what_is_observed_is_handed_on(metrics):
    shown = RecordingObserver()
    observer = MetricsObserver(metrics, shown)
    failure = Failure(imdb_id=title_number(2), reason="blocked", message="m")
    observer.started(a_run(), 2)
    observer.fetched(a_title(1), 0.5)
    observer.failed(failure)
    observer.notice("n")
    assert (shown.asked, shown.titles) == (2, [title_number(1)])
    assert (shown.failures, shown.notices) == ([failure], ["n"])


def test_a_source_that_blocks_us_has_an_open_circuit(metrics):
    source = FakeSource(always=SourceBlocked("https://site", "challenge"))
    scraped(metrics, source, FakeRepository("one"), ids=[title_number(1)])
    assert value(metrics, "imdb_source_circuit_open", source="fake") == 1
    assert value(metrics, "imdb_title_failures_total", reason="blocked") == 1
    assert value(metrics, "imdb_runs_total", outcome="no_source") == 1


def test_a_repository_that_is_behind_lags_until_it_has_saved(metrics):
    slow, saving, go_on = FakeRepository("slow"), threading.Event(), threading.Event()

    def wait():
        saving.set()
        assert go_on.wait(20)

    slow.before_save = wait
    quick = FakeRepository("quick")
    with CompositeSave([slow.opener(), quick.opener()], RecordingObserver()) as save:
        metrics.watch_run(FetchLoad(1), save, SourceChain([FakeSource()], print, new_circuit))
        save.save([a_title(n) for n in range(1, BATCH_TITLES + 1)], a_run())
        assert saving.wait(20)
        save.save([a_title(n) for n in range(100, 100 + BATCH_TITLES)], a_run())
        lag = "imdb_repository_lag_titles"
        behind = value(metrics, lag, repository="slow")
        queued = value(metrics, "imdb_save_queue_titles", repository="slow")
        go_on.set()
        save.settle()
        assert (behind, queued) == (2 * BATCH_TITLES, 2 * BATCH_TITLES)
        assert value(metrics, lag, repository="slow") == 0
        assert value(metrics, lag, repository="quick") == 0


def test_threads_that_fetch_are_busy(metrics):
    seen = []

    def look(_):
        seen.append(
            (value(metrics, "imdb_fetch_threads_busy"), value(metrics, "imdb_fetch_threads"))
        )

    source = FakeSource({title_number(1): a_title(1)}, before=look)
    scraped(metrics, source, FakeRepository("one"), ids=[title_number(1)])
    assert seen == [(1, 4)]
    assert value(metrics, "imdb_fetch_threads_busy") == 0
    assert value(metrics, "imdb_fetch_queue_titles") == 0


def report_of(outcome, minutes=1.0):
    return RunReport(
        run=a_run(),
        finished_at=NOON + timedelta(minutes=minutes),
        outcome=outcome,
        asked=3,
        fetched=3,
        fetched_from={"html": 3},
        repositories=(RepositoryReport(name="csv", inserted=3),),
    )


def test_the_time_of_the_last_success_stays_when_a_run_fails(metrics):
    success, finished = (
        f"imdb_run_last_{name}_timestamp_seconds" for name in ("success", "finished")
    )
    assert value(metrics, success) is None
    metrics.finished(report_of(RunOutcome.NO_SOURCE))
    assert value(metrics, success) is None
    metrics.finished(report_of(RunOutcome.COMPLETE, 2))
    metrics.finished(report_of(RunOutcome.INTERRUPTED, 3))
    assert value(metrics, success) == (NOON + timedelta(minutes=2)).timestamp()
    assert value(metrics, finished) == (NOON + timedelta(minutes=3)).timestamp()
    assert value(metrics, "imdb_run_last_seconds") == 180


def test_hosts_are_looked_up_when_somebody_asks(metrics):
    states = [HostState("site:80", 2.5, 10.0, is_open=False)]
    metrics.watch_hosts("html", lambda: states)
    labels = {"source": "html", "host": "site:80"}
    assert value(metrics, "imdb_throttle_requests_per_second", **labels) == 2.5
    assert value(metrics, "imdb_throttle_limit_requests_per_second", **labels) == 10
    assert value(metrics, "imdb_host_circuit_open", **labels) == 0
    states[0] = replace(states[0], rate=5.0, is_open=True)
    assert value(metrics, "imdb_throttle_requests_per_second", **labels) == 5
    assert value(metrics, "imdb_host_circuit_open", **labels) == 1


def test_requests_are_counted_by_route_and_status(metrics):
    traffic = metrics.traffic_of("html")
    traffic.answered("direct", 200, 0.2, 1000)
    traffic.answered("direct", 200, 0.2, 500)
    traffic.answered("tor", 503, 0.2, 10)
    traffic.broke("direct", 5)
    counted = "imdb_source_requests_total"
    assert value(metrics, counted, source="html", route="direct", status="200") == 2
    assert value(metrics, counted, source="html", route="tor", status="503") == 1
    assert value(metrics, counted, source="html", route="direct", status="error") == 1
    assert value(metrics, "imdb_source_received_bytes_total", source="html") == 1510
    assert value(metrics, "imdb_source_request_seconds_count", source="html") == 4


def test_the_machine_is_looked_at(metrics):
    assert 0 < value(metrics, "imdb_disk_free_bytes") <= value(metrics, "imdb_disk_total_bytes")
    assert value(metrics, "process_cpu_seconds_total") > 0
    assert value(metrics, "process_resident_memory_bytes") > 1 << 20
    assert value(metrics, "imdb_network_received_bytes_total") is not None


def test_stages_are_given_with_their_calls(tmp_path):
    with watched_stages() as stages:
        metrics = Metrics(tmp_path, stages)
        assert value(metrics, "imdb_stage_seconds_count", stage="decode") is None
        with stage("decode"):
            pass
    assert value(metrics, "imdb_stage_seconds_count", stage="decode") == 1
    assert value(metrics, "imdb_stage_cpu_seconds_total", stage="decode") >= 0


def test_who_watches_stages_takes_nothing_from_who_measures_them():
    with measured_stages() as measuring:
        with watched_stages() as watching, stage("decode"):
            pass
        with stage("build"):
            pass
    assert watching is measuring
    assert measuring.times().keys() == {"decode", "build"}


def test_no_registry_is_shared(tmp_path):
    one, other = Metrics(tmp_path), Metrics(tmp_path)
    one.failed("blocked")
    assert value(other, "imdb_title_failures_total", reason="blocked") == 0


SERVED = "imdb_http_server_request_duration_seconds_count"


class Answer(NamedTuple):
    status: int
    content_type: str
    text: str


def ask(app, path, *, method="GET", accept=""):
    """Ask an application as a server does; give its answer, also when it raised after that."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"accept", accept.encode())],
    }
    with suppress(RuntimeError):
        asyncio.run(app(scope, receive, send))
    headers = dict(sent[0]["headers"])
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], headers[b"content-type"].decode(), body.decode())


@pytest.fixture
def app(metrics):
    def fail(_request):
        raise RuntimeError("a bug")

    def refuse(_request):
        raise HTTPException(404)

    def show(request):
        body, content_type = metrics.render(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    made = Starlette(
        routes=[
            Route("/titles/{id}", lambda _: PlainTextResponse("t")),
            Route("/gone/{id}", refuse),
            Route("/fails", fail),
            Route("/metrics", show),
            Mount("/static", Router([Route("/{name}", lambda _: PlainTextResponse("s"))])),
        ]
    )
    made.add_middleware(HttpServerMetrics, metrics=metrics)
    return made


def test_answers_are_counted_by_the_template_of_their_route(app, metrics):
    for number in (1, 2, 3):
        assert ask(app, f"/titles/tt{number}").status == 200
    ask(app, "/gone/1")
    assert value(metrics, SERVED, method="GET", route="/titles/{id}", status="200") == 3
    assert value(metrics, SERVED, method="GET", route="/gone/{id}", status="404") == 1
    assert value(metrics, "imdb_http_server_requests_in_progress") == 0


def test_a_client_cannot_make_labels(app, metrics):
    for path in ("/a", "/b", "/wp-login.php"):
        ask(app, path)
    ask(app, "/c", method="BREW")
    assert value(metrics, SERVED, method="GET", route="unmatched", status="404") == 3
    assert value(metrics, SERVED, method="other", route="unmatched", status="404") == 1


def test_a_handler_that_fails_is_a_500_and_no_longer_in_progress(app, metrics):
    assert ask(app, "/fails").status == 500
    assert value(metrics, SERVED, method="GET", route="/fails", status="500") == 1
    assert value(metrics, "imdb_http_server_requests_in_progress") == 0


def test_what_is_mounted_is_counted_together(app, metrics):
    assert ask(app, "/static/a.css").status == 200
    found = [
        sample.labels["route"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == SERVED
    ]
    assert found == ["/static/{name}"]


def nothing():
    """What a route of FastAPI does here."""


@pytest.mark.parametrize(
    ("prefix", "template", "path", "counted"),
    [
        ("/api/v1", "/titles/{id}", "/api/v1/titles/tt1", "/api/v1/titles/{id}"),
        ("/api/v1", "/titles/{id}", "/api/v1/titles/api", "/api/v1/titles/{id}"),
        ("/api/v1/titles", "", "/api/v1/titles", "/api/v1/titles"),
        ("/api", "/{a}/{b}", "/api/v1/titles", "/api/{a}/{b}"),
        ("/of/{owner}", "/titles/{id}", "/of/me/titles/tt1", "/titles/{id}"),
        ("", "/titles/{id}", "/titles/tt1", "/titles/{id}"),
    ],
)
def test_a_route_of_a_router_has_its_prefix(metrics, prefix, template, path, counted):
    router, inner, made = APIRouter(prefix=prefix), APIRouter(), FastAPI()
    (inner if template else router).get(template)(nothing)
    router.include_router(inner)
    made.include_router(router)
    made.add_middleware(HttpServerMetrics, metrics=metrics)
    assert ask(made, path).status == 200
    assert ask(made, path, method="DELETE").status == 405
    assert value(metrics, SERVED, method="GET", route=counted, status="200") == 1
    assert value(metrics, SERVED, method="DELETE", route=counted, status="405") == 1


def test_the_metrics_are_a_page_of_the_application(app, metrics):
    metrics.answer_looked_up(hit=True)
    metrics.answer_looked_up(hit=False)
    metrics.answer_looked_up(hit=False)
    answer = ask(app, "/metrics")
    assert answer.content_type.startswith("text/plain; version=")
    lines = answer.text.splitlines()
    assert 'imdb_http_server_cache_lookups_total{result="hits"} 1.0' in lines
    assert 'imdb_http_server_cache_lookups_total{result="misses"} 2.0' in lines
    wanted = ask(app, "/metrics", accept="application/openmetrics-text")
    assert wanted.content_type.startswith("application/openmetrics-text")
    assert wanted.text.endswith("# EOF\n")
