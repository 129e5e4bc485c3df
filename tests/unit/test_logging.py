"""What a log record says of the run, the title, the source, the route and the attempt."""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from application.detail_fetcher import DetailFetcher
from domain.errors import TitleNotFound
from domain.identifiers import TitleId
from domain.title import Title
from shared.log_context import asking_for, in_log_context, log_fields, note_asked, note_run, run_log
from shared.logging import configure_logging, without_credentials
from tests.builders import a_title, title_number

WORD = "s3cret-w0rd"
logger = logging.getLogger("tests.of_logging")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    root.setLevel(level)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    configure_logging("DEBUG", "json")
    return capsys


def records(written: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.readouterr().err.splitlines()]


def test_a_record_has_what_its_context_knows_and_what_it_says_itself(lines):
    with run_log():
        note_run("run-1")
        with asking_for(title_id="tt0000001"):
            note_asked(source="html", route=None, attempt=2)
            logger.info("asked %s", "once", extra={"attempt": 3})
        logger.info("afterwards")
    logger.info("outside")
    asked, afterwards, outside = records(lines)
    assert {name: asked.get(name) for name in ("run_id", "title_id", "source", "route")} == {
        "run_id": "run-1", "title_id": "tt0000001", "source": "html", "route": None,
    }  # fmt: skip
    assert asked["attempt"] == 3
    assert asked["message"] == "asked once"
    assert str(asked["time"]).endswith("Z")
    assert (afterwards["run_id"], "title_id" in afterwards) == ("run-1", False)
    assert "run_id" not in outside


def test_the_id_of_a_run_reaches_threads_that_were_started_before_it_was_known(lines):
    known, logged = threading.Event(), threading.Event()

    def work() -> None:
        known.wait(30)
        logger.info("from a thread")
        logged.set()

    with run_log(), run_log():  # whoever opens the app may have begun it already
        thread = threading.Thread(target=in_log_context(work))
        thread.start()
        note_run("run-2")
        known.set()
        assert logged.wait(30)
        thread.join()
    assert [record["run_id"] for record in records(lines)] == ["run-2"]


def test_two_runs_in_one_process_keep_their_ids_apart(lines):
    both = threading.Barrier(2, timeout=30)

    def a_run(run_id: str) -> None:
        with run_log():
            both.wait()
            note_run(run_id)
            both.wait()
            logger.info("of %s", run_id)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(a_run, ["run-a", "run-b"]))
    assert sorted((r["run_id"], r["message"]) for r in records(lines)) == [
        ("run-a", "of run-a"),
        ("run-b", "of run-b"),
    ]


def test_fifty_threads_log_each_title_with_its_own_facts(lines):
    at_once = threading.Barrier(50, timeout=60)

    def fetch(ids, _size):
        note_asked(source="fake", route=f"route of {ids[0]}", attempt=int(ids[0][2:]))
        at_once.wait()  # all fifty are in the middle of it
        return [a_title(int(imdb_id[2:])) for imdb_id in ids]

    fetcher: DetailFetcher[TitleId, Title] = DetailFetcher(
        fetch, batch_size=lambda: 1, max_threads=50, go_on=lambda: True
    )
    with run_log():
        note_run("run-3")
        assert len(list(fetcher.fetch([title_number(n) for n in range(1, 101)]))) == 100
    fetched = [r for r in records(lines) if str(r["message"]).startswith("fetched")]
    assert {r["run_id"] for r in fetched} == {"run-3"}
    assert sorted(r["attempt"] for r in fetched) == list(range(1, 101))
    assert all(r["route"] == f"route of {r['title_id']}" for r in fetched)
    assert all(int(r["title_id"][2:]) == r["attempt"] for r in fetched)
    assert all(isinstance(r["seconds"], float) for r in fetched)


def test_titles_that_are_asked_for_together_have_a_line_each(lines):
    missing = TitleNotFound(title_number(2), "the fake")

    def fetch(ids, _size):
        note_asked(source="fake", route="direct", attempt=1)
        logger.debug("asking")
        return [missing if imdb_id == missing.imdb_id else a_title(1) for imdb_id in ids]

    fetcher: DetailFetcher[TitleId, Title] = DetailFetcher(
        fetch, batch_size=lambda: 2, max_threads=1, go_on=lambda: True
    )
    assert len(list(fetcher.fetch([title_number(1), title_number(2)]))) == 2
    asking, fetched, failed = records(lines)
    assert (asking["asked_together"], "title_id" in asking) == (2, False)
    assert (fetched["title_id"], fetched["source"]) == ("tt0000001", a_title(1).provenance.source)
    assert (failed["title_id"], failed["source"]) == ("tt0000002", "fake")
    assert (failed["reason"], failed["route"], failed["attempt"]) == ("not_found", "direct", 1)


def test_nothing_is_made_of_titles_for_a_log_that_does_not_show_them(monkeypatch):
    configure_logging("INFO", "json")
    monkeypatch.setattr("application.detail_fetcher._log", lambda _: pytest.fail("a line is made"))
    fetcher: DetailFetcher[TitleId, Title] = DetailFetcher(
        lambda ids, _: [a_title(1) for _ in ids],
        batch_size=lambda: 1, max_threads=1, go_on=lambda: True,
    )  # fmt: skip
    assert [f.imdb_id for f in fetcher.fetch([title_number(1)])] == [title_number(1)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"http://me:{WORD}@host:1/x failed", "http://***@host:1/x failed"),
        (f"redis://:{WORD}@host", "redis://***@host"),
        (f"socks5h://me:p@{WORD}@host:1", "socks5h://***@host:1"),
        (f"host=h password={WORD} user=u", "host=h password=*** user=u"),
        (f"postgresql://h/d?PASSWORD={WORD}&x=1", "postgresql://h/d?PASSWORD=***&x=1"),
        ("https://images/M/abc@._V1_.jpg", "https://images/M/abc@._V1_.jpg"),
        ("someone@example.org wrote", "someone@example.org wrote"),
    ],
)
def test_credentials_in_addresses_are_not_shown(text, shown):
    assert without_credentials(text) == shown


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_neither_message_nor_traceback_nor_field_shows_credentials(capsys, log_format):
    configure_logging("INFO", log_format)
    url = f"postgresql://me:{WORD}@host/name"
    error = OSError(f"cannot reach {url}")
    with asking_for(route=url):
        logger.error("failed at %s", url, exc_info=error, extra={"where": url})
    written = capsys.readouterr().err
    assert "cannot reach postgresql://***@host/name" in written
    assert WORD not in written


def test_a_line_that_cannot_be_made_harms_nobody(lines):
    ours = next(h for h in logging.getLogger().handlers if h.__module__ == "shared.logging")
    ours.handle(logging.makeLogRecord({"msg": "%d titles", "args": ("many",)}))
    ours.handle(logging.makeLogRecord({"msg": "next"}))
    told, _, line = lines.readouterr().err.rstrip().rpartition("\n")
    assert "Message: '%d titles'" in told
    assert json.loads(line)["message"] == "next"


def test_other_handlers_get_the_record_as_it_was_made(lines, caplog):
    with caplog.at_level(logging.INFO), asking_for(title_id="tt0000001"):
        logging.getLogger().addHandler(caplog.handler)
        logger.info("of %s", "one")
    assert caplog.records[-1].args == ("one",)
    assert not hasattr(caplog.records[-1], "title_id")


def test_what_is_known_outside_of_any_run_is_nothing():
    note_run("nobody's")
    note_asked(source="html")
    assert log_fields() == {}
