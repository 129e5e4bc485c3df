"""Metrics over real HTTP: of requests, served to a reader, and sent to a gateway."""

import base64
import logging
import socket
import threading

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from domain.errors import SourceUnavailable
from infrastructure.http import client as client_module
from infrastructure.http.cache import HttpCache
from infrastructure.http.cache_storage import FolderStorage
from infrastructure.monitoring import Metrics, pushed, served
from tests.clients import http_client
from tests.servers import page, serving


@pytest.fixture
def metrics(tmp_path):
    return Metrics(tmp_path / "output")


def requests_of(metrics, status):
    labels = {"source": "html", "route": "direct", "status": status}
    return metrics.registry.get_sample_value("imdb_source_requests_total", labels)


def a_free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_every_try_of_a_page_is_counted(metrics, monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)

    def second_time(handler):
        handler.reply(503 if handler.number == 1 else 200, b"page")

    def hang_up(handler):
        handler.connection.shutdown(socket.SHUT_RDWR)

    with serving({"/x": second_time, "/gone": hang_up}) as server:
        with http_client(traffic=metrics.traffic_of("html"), max_attempts=2) as http:
            metrics.watch_hosts("html", http.host_states)
            http.get(f"{server.url}/x")
            with pytest.raises(SourceUnavailable):
                http.get(f"{server.url}/gone")
        host = {"source": "html", "host": server.url.removeprefix("http://")}
    assert [requests_of(metrics, status) for status in ("200", "503", "error")] == [1, 1, 2]
    received = metrics.registry.get_sample_value(
        "imdb_source_received_bytes_total", {"source": "html"}
    )
    assert received == len(b"page") * 2
    rate, limit = (
        metrics.registry.get_sample_value(f"imdb_throttle_{name}requests_per_second", host)
        for name in ("", "limit_")
    )
    assert rate < limit


def test_look_ups_in_the_http_cache_are_counted(metrics, tmp_path):
    cache = HttpCache(
        FolderStorage(tmp_path / "cache"),
        ttl_seconds=60,
        max_body_bytes=1 << 20,
        counted=metrics.cache_counted,
    )
    with serving({"/x": page(b"page")}) as server, http_client(cache=cache) as http:
        for _ in range(3):
            assert http.get(f"{server.url}/x").body == b"page"
    look_ups = {
        result: metrics.registry.get_sample_value(
            "imdb_http_cache_lookups_total", {"result": result}
        )
        for result in ("hits", "misses")
    }
    assert look_ups == {"hits": 2, "misses": 1}


def test_metrics_are_served_until_the_end_of_the_block(metrics):
    metrics.failed("blocked")
    port = a_free_port()
    with served(metrics, "127.0.0.1", port):
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    failures = {
        sample.labels["reason"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "imdb_title_failures_total"
    }
    assert (failures["blocked"], failures["unavailable"]) == (1, 0)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)


def test_a_port_that_is_taken_is_told_and_harms_nothing(metrics, caplog):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with served(metrics, "127.0.0.1", port):
            pass
    assert f"127.0.0.1:{port} (METRICS_HOST, METRICS_PORT)" in caplog.text
    assert "Address already in use" in caplog.text


PLACE = "/metrics/job/imdb-batch"


def test_metrics_are_sent_now_and_then_and_at_the_end(metrics):
    bodies, twice = [], threading.Event()

    def take(handler):
        bodies.append((handler.command, handler.headers["Authorization"], handler.body.decode()))
        if len(bodies) == 2:
            twice.set()
        handler.reply(200)

    with serving({PLACE: take}) as server:
        url = server.url.replace("http://", "http://me:p%40ss@")
        with pushed(metrics, url, every_seconds=0.01):
            assert twice.wait(20)
            metrics.failed("blocked")
    commands, passwords, texts = zip(*bodies, strict=True)
    assert set(commands) == {"POST"}
    assert set(passwords) == {"Basic " + base64.b64encode(b"me:p@ss").decode()}
    assert 'imdb_title_failures_total{reason="blocked"} 0.0' in texts[0]
    assert 'imdb_title_failures_total{reason="blocked"} 1.0' in texts[-1]


@pytest.mark.parametrize("answer", [None, 500])
def test_a_gateway_that_does_not_take_them_is_told_once_without_its_password(
    metrics, caplog, answer
):
    caplog.set_level(logging.INFO)
    thrice, tried = threading.Event(), []

    def refuse(handler):
        tried.append(handler.path)
        if len(tried) == 3:
            thrice.set()
        handler.reply(answer)

    with serving({PLACE: refuse}) as server:
        address = server.url if answer else f"http://127.0.0.1:{a_free_port()}"
        url = address.replace("http://", "http://me:secret@")
        with pushed(metrics, url, every_seconds=0.01):
            if answer:
                assert thrice.wait(20)
    told = [record.getMessage() for record in caplog.records if "cannot be sent" in record.message]
    assert len(told) == 1
    assert f"{address} (METRICS_PUSH_URL)" in told[0]
    assert "secret" not in caplog.text


def test_a_gateway_that_is_back_is_told(metrics, caplog):
    caplog.set_level(logging.INFO)
    back = threading.Event()

    def second_time(handler):
        handler.reply(500 if handler.number == 1 else 200)
        if handler.number == 3:
            back.set()

    with serving({PLACE: second_time}) as server:
        with pushed(metrics, server.url, every_seconds=0.01):
            assert back.wait(20)
    assert f"the metrics can be sent to {server.url} again" in caplog.messages
