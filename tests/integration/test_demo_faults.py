"""The demo site's faults: what is really on the wire, which requests they hit, what they cost."""

import gzip
import json
import re
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from demo.bomb import crc_of_zeros, gzip_of_zeros, packed_size
from demo.facts import load_facts
from demo.faults import Fault, FaultPlan
from demo.site import DemoSite

ROOT = Path(__file__).parents[2]
SHAWSHANK = "/title/tt0111161/"
GODFATHER = "tt0068646"
FACTS = load_facts()
PATHS = [f"/title/{title.imdb_id}/" for title in FACTS.titles]

NEVER_ENDING = [Fault.HANG, Fault.ENDLESS_BODY, Fault.BYTE_A_SECOND]
LARGE = [Fault.GZIP_BOMB, Fault.PAGE_OF_100_MB]


@dataclass
class Received:
    """All that came, up to the end of the connection (or of what was wanted)."""

    raw: bytes
    reset: bool

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]


def connected_to(site: DemoSite) -> socket.socket:
    address = urlsplit(site.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def ask(client: socket.socket, target: str, *headers: str) -> None:
    lines = [f"GET {target} HTTP/1.1", "Host: demo", *headers, "", ""]
    client.sendall("\r\n".join(lines).encode())


def read(client: socket.socket, at_most: int = 1 << 30) -> Received:
    parts: list[bytes] = []
    while at_most > 0:
        try:
            part = client.recv(min(1 << 18, at_most))
        except ConnectionResetError:
            return Received(b"".join(parts), reset=True)
        if not part:
            break
        parts.append(part)
        at_most -= len(part)
    return Received(b"".join(parts), reset=False)


def answer(
    site: DemoSite, target: str = SHAWSHANK, *headers: str, at_most: int = 1 << 30
) -> Received:
    """What the site sends for one request, after which it closes the connection."""
    with connected_to(site) as client:
        ask(client, target, "Connection: close", *headers)
        return read(client, at_most)


def always(*faults: Fault, **options: Any) -> DemoSite:
    return DemoSite(FACTS, faults=FaultPlan(faults, share=1, **options))


@pytest.fixture(scope="module")
def right() -> Received:
    """The answer without a fault."""
    with DemoSite(FACTS) as site:
        return answer(site)


def next_data(page: bytes) -> dict[str, Any]:
    return json.loads(script(page))


def script(page: bytes) -> bytes:
    [found] = re.findall(rb'<script id="__NEXT_DATA__" type="application/json">(.*?)<', page)
    return found


def outside(page: bytes) -> bytes:
    """A page without its ``__NEXT_DATA__``."""
    return page.replace(script(page), b"")


# --- statuses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.FORBIDDEN, 403),
        (Fault.NOT_FOUND, 404),
        (Fault.GONE, 410),
        (Fault.THROTTLED, 429),
        (Fault.SERVER_ERROR, 500),
        (Fault.BAD_GATEWAY, 502),
        (Fault.UNAVAILABLE, 503),
    ],
)
def test_a_status_comes_whole_and_with_nothing_that_explains_it(fault: Fault, status: int) -> None:
    with always(fault) as site:
        got = answer(site)
    assert got.status == status
    assert int(got.headers["content-length"]) == len(got.body)
    assert str(status).encode() in got.body
    assert not {"retry-after", "x-amzn-waf-action"} & set(got.headers)


@pytest.mark.parametrize(
    ("fault", "status", "action", "mark"),
    [
        (Fault.CHALLENGE_EMPTY, 202, "challenge", b""),
        (Fault.CHALLENGE_PAGE, 202, "challenge", b'id="challenge-container"'),
        (Fault.CAPTCHA, 405, "captcha", b'id="captcha-container"'),
    ],
)
def test_a_bot_wall_says_what_it_is_in_its_header(
    fault: Fault, status: int, action: str, mark: bytes
) -> None:
    with always(fault) as site:
        got = answer(site)
    assert (got.status, got.headers["x-amzn-waf-action"]) == (status, action)
    assert int(got.headers["content-length"]) == len(got.body)
    assert mark in got.body
    assert bool(mark) == bool(got.body)
    assert b"__NEXT_DATA__" not in got.body


def test_a_throttled_client_is_told_how_long_to_wait_in_seconds_or_until_when() -> None:
    with always(Fault.THROTTLED_SECONDS) as site:
        seconds = answer(site)
    with always(Fault.THROTTLED_DATE) as site:
        before = datetime.now(UTC)
        date = answer(site)
    assert (seconds.status, seconds.headers["retry-after"]) == (429, "1")
    assert date.status == 429
    wait = (parsedate_to_datetime(date.headers["retry-after"]) - before).total_seconds()
    assert 0 < wait <= 3


def test_robots_txt_forbids_everything_and_no_page_is_harmed(right: Received) -> None:
    with always(Fault.ROBOTS_FORBID_ALL, charts=True) as site:
        robots = answer(site, "/robots.txt")
        assert answer(site).body == right.body
        assert answer(site, "/chart/top/").status == 200
    assert robots.status == 200
    assert robots.headers["content-type"].startswith("text/plain")
    assert robots.body == b"User-agent: *\nDisallow: /\n"


# --- connections ----------------------------------------------------------------------------------


def test_a_connection_is_reset_before_the_first_byte() -> None:
    with always(Fault.REFUSED_CONNECTION) as site:
        got = answer(site)
    assert got == Received(b"", reset=True)


def test_a_connection_is_reset_in_the_middle_of_the_headers(right: Received) -> None:
    with always(Fault.RESET_IN_HEADERS) as site:
        got = answer(site)
    assert got.reset
    assert got.raw.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in got.raw


def test_a_connection_is_reset_in_the_middle_of_the_body(right: Received) -> None:
    with always(Fault.RESET_IN_BODY) as site:
        got = answer(site)
    assert got.reset
    assert int(got.headers["content-length"]) == len(right.body)
    assert got.body == right.body[: len(right.body) // 2]


def test_a_length_is_more_than_what_comes(right: Received) -> None:
    with always(Fault.LENGTH_TOO_LONG) as site:
        got = answer(site)
    assert int(got.headers["content-length"]) == len(right.body) + 1000
    assert (got.body, got.reset) == (right.body, False)


def test_a_length_is_less_than_what_comes_and_the_connection_goes_on(right: Received) -> None:
    with always(Fault.LENGTH_TOO_SHORT) as site, connected_to(site) as client:
        ask(client, SHAWSHANK)
        ask(client, SHAWSHANK, "Connection: close")
        got = read(client)
    assert int(got.headers["content-length"]) == len(right.body) // 2
    assert got.raw.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert got.raw.count(right.body) == 2


def test_one_byte_of_the_page_comes_at_a_time(right: Received) -> None:
    with always(Fault.BYTE_A_SECOND) as site, connected_to(site) as client:
        ask(client, SHAWSHANK)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        bytes_ = [client.recv(1000) for _ in range(3)]
    assert int(Received(head, reset=False).headers["content-length"]) == len(right.body)
    assert bytes_ == [right.body[:1], right.body[1:2], right.body[2:3]]


def test_a_hanging_answer_leaves_the_connection_open() -> None:
    with always(Fault.HANG) as site, connected_to(site) as client:
        ask(client, SHAWSHANK)
        assert site.wait_for_requests(1, timeout_seconds=10)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)


# --- bodies ---------------------------------------------------------------------------------------


def test_half_of_a_gzip_stream_comes_with_the_length_of_that_half(right: Received) -> None:
    with always(Fault.CUT_GZIP) as site:
        got = answer(site)
    assert got.headers["content-encoding"] == "gzip"
    assert int(got.headers["content-length"]) == len(got.body)
    unpacker = zlib.decompressobj(31)
    start = unpacker.decompress(got.body)
    assert not unpacker.eof
    assert right.body.startswith(start)
    assert 0 < len(start) < len(right.body)


def test_a_bomb_is_a_gzip_stream_of_10_mb_that_would_unpack_to_10_gib() -> None:
    with always(Fault.GZIP_BOMB) as site:
        got = answer(site)
    assert got.headers["content-encoding"] == "gzip"
    assert int(got.headers["content-length"]) == len(got.body) == packed_size(10 * 1024)
    assert 10_000_000 < len(got.body) < 11_000_000
    checksum, size = struct.unpack("<LL", got.body[-8:])
    assert (checksum, size) == (crc_of_zeros(10 << 30), (10 << 30) % (1 << 32))
    unpacker = zlib.decompressobj(31)
    assert unpacker.decompress(got.body, 100 << 20) == bytes(100 << 20)


@pytest.mark.parametrize("blocks", [0, 1, 5])
def test_a_smaller_bomb_unpacks_to_zeros_with_a_checksum_that_fits(blocks: int) -> None:
    packed = b"".join(gzip_of_zeros(blocks))
    assert len(packed) == packed_size(blocks)
    assert gzip.decompress(packed) == bytes(blocks << 20)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 4096, 1_000_003])
def test_the_checksum_of_zeros_is_that_of_zlib(size: int) -> None:
    assert crc_of_zeros(size) == zlib.crc32(bytes(size))


def test_an_endless_page_has_all_of_the_page_but_its_end(right: Received) -> None:
    with always(Fault.ENDLESS_BODY) as site:
        got = answer(site, at_most=3_000_000)
    assert (got.headers["transfer-encoding"], "content-length" in got.headers) == ("chunked", False)
    assert len(got.raw) == 3_000_000
    size, _, rest = got.body.partition(b"\r\n")
    start = rest[: int(size, 16)]
    assert right.body.startswith(start)
    assert script(start) == script(right.body)
    assert b"</html>" not in got.body
    assert b"10000\r\n" + b" " * 0x10000 + b"\r\n" in got.body


def test_a_page_of_100_mb_is_the_page_with_room_in_it(right: Received) -> None:
    with always(Fault.PAGE_OF_100_MB) as site:
        got = answer(site)
    assert int(got.headers["content-length"]) == len(got.body) == 100_000_000
    start, _, end = right.body.partition(b"</body>")
    assert got.body.startswith(start)
    assert got.body.endswith(b"</body>" + end)
    assert got.body[len(start) : -len(end) - 7].strip() == b""


# --- redirects ------------------------------------------------------------------------------------


def test_who_is_sent_round_never_gets_out_of_the_loop(right: Received) -> None:
    plan = FaultPlan([Fault.REDIRECT_LOOP], share=0.2)
    hit = next(path for path in PATHS if plan.fault_at(path, 0))
    with DemoSite(FACTS, faults=plan) as site:
        target = hit
        for _ in range(20):
            got = answer(site, target)
            assert got.status == 302
            target = got.headers["location"]
            assert target.partition("?")[0] == hit


@pytest.mark.parametrize(
    ("fault", "location"),
    [
        (Fault.REDIRECT_OTHER_HOST, f"http://somebody-else.invalid{SHAWSHANK}"),
        (Fault.REDIRECT_PRIVATE_ADDRESS, "http://169.254.169.254/latest/meta-data/"),
        (Fault.REDIRECT_FILE, "file:///etc/passwd"),
    ],
)
def test_a_redirect_leads_away(fault: Fault, location: str) -> None:
    with always(fault) as site:
        got = answer(site)
    assert (got.status, got.headers["location"], got.body) == (302, location, b"")


# --- pages ----------------------------------------------------------------------------------------


ACCENTED = next(f"/title/{t.imdb_id}/" for t in FACTS.titles if "é" in t.original_title)


def test_a_header_names_another_charset_than_the_page_has() -> None:
    with DemoSite(FACTS) as site:
        utf_8 = answer(site, ACCENTED)
    with always(Fault.WRONG_CHARSET) as site:
        got = answer(site, ACCENTED)
    assert got.headers["content-type"] == "text/html; charset=iso-8859-1"
    assert got.body == utf_8.body
    assert got.body.decode("iso-8859-1") != got.body.decode("utf-8")


def test_a_page_in_latin_1_is_called_utf_8_and_has_the_same_facts() -> None:
    with DemoSite(FACTS) as site:
        utf_8 = answer(site, ACCENTED)
    with always(Fault.NOT_UTF_8) as site:
        got = answer(site, ACCENTED)
    assert got.headers["content-type"] == utf_8.headers["content-type"]
    with pytest.raises(UnicodeDecodeError):
        got.body.decode("utf-8")
    shown = got.body.decode("iso-8859-1").encode()
    assert next_data(shown) == next_data(utf_8.body)


def test_an_empty_page_is_a_success_without_a_body() -> None:
    with always(Fault.EMPTY_PAGE) as site:
        got = answer(site)
    assert (got.status, got.headers["content-length"], got.body) == (200, "0", b"")


def test_an_error_page_is_a_success_by_its_status() -> None:
    with always(Fault.ERROR_PAGE) as site:
        got = answer(site)
    assert got.status == 200
    assert b"something went wrong" in got.body
    assert b"__NEXT_DATA__" not in got.body


def test_broken_json_stands_in_a_page_that_is_whole_otherwise(right: Received) -> None:
    with always(Fault.BROKEN_JSON) as site:
        got = answer(site)
    assert script(right.body).startswith(script(got.body))
    with pytest.raises(json.JSONDecodeError):
        next_data(got.body)
    assert outside(got.body) == outside(right.body)


def test_the_json_is_that_of_the_next_title_and_the_rest_that_of_this_one(right: Received) -> None:
    with always(Fault.JSON_OF_ANOTHER_TITLE) as site:
        got = answer(site)
    props = next_data(got.body)["props"]["pageProps"]
    assert props["aboveTheFoldData"]["id"] == GODFATHER
    assert outside(got.body) == outside(right.body)


def test_a_field_has_another_name(right: Received) -> None:
    with always(Fault.MISSING_FIELD) as site:
        got = answer(site)
    above = next_data(got.body)["props"]["pageProps"]["aboveTheFoldData"]
    assert "titleText" not in above
    assert above["headline"]["text"] == "The Shawshank Redemption"
    assert outside(got.body) == outside(right.body)


@pytest.mark.parametrize("fault", [Fault.BROKEN_JSON, Fault.ERROR_PAGE, Fault.NOT_FOUND])
def test_who_takes_gzip_gets_the_same_packed(fault: Fault) -> None:
    with always(fault) as site:
        plain, packed = answer(site), answer(site, SHAWSHANK, "Accept-Encoding: gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


# --- which requests -------------------------------------------------------------------------------


def test_a_share_of_the_requests_is_hit_and_by_each_fault_as_often() -> None:
    faults = [Fault.NOT_FOUND, Fault.SERVER_ERROR, Fault.HANG]
    plan = FaultPlan(faults, share=0.2)
    dealt = Counter(plan.next(path) for path in PATHS for _ in range(40))
    assert sum(dealt.values()) == 10_000
    assert abs(dealt[None] - 8000) < 200  # five standard deviations
    for fault in faults:
        assert abs(dealt[fault] - 667) < 125


@pytest.mark.parametrize(("share", "hit"), [(0, 0), (1, 250)])
def test_none_or_all_of_the_requests_can_be_hit(share: float, hit: int) -> None:
    plan = FaultPlan([Fault.HANG], share=share)
    assert sum(plan.next(path) is Fault.HANG for path in PATHS) == hit


def test_the_same_seed_hits_the_same_requests_whatever_the_order_of_threads() -> None:
    def dealt(seed: int, workers: int, paths: list[str]) -> dict[str, list[Fault | None]]:
        plan = FaultPlan([Fault.NOT_FOUND, Fault.HANG], seed=seed)
        with ThreadPoolExecutor(workers) as pool:
            return dict(pool.map(lambda path: (path, [plan.next(path) for _ in range(5)]), paths))

    first = dealt(1, 1, PATHS)
    assert dealt(1, 50, PATHS[::-1]) == first
    assert dealt(2, 1, PATHS) != first
    assert any(answers[0] and not answers[1] for answers in first.values())


def test_the_site_remembers_which_request_got_which_fault() -> None:
    plan = FaultPlan([Fault.NOT_FOUND, Fault.GONE], share=0.5, seed=3)
    with DemoSite(FACTS, faults=plan) as site:
        statuses = [answer(site, path).status for path in PATHS[:20]]
        remembered = [record.fault for record in site.requests]
    meant = {404: Fault.NOT_FOUND, 410: Fault.GONE, 200: None}
    assert remembered == [meant[status] for status in statuses]
    assert len(set(remembered)) == 3


def test_charts_are_hit_when_asked_for_and_robots_txt_never_is() -> None:
    for charts, status in ((False, 200), (True, 404)):
        with always(Fault.NOT_FOUND, charts=charts) as site:
            assert answer(site, "/chart/top/").status == status
            assert answer(site, "/robots.txt").status == 200
            assert answer(site).status == 404


def test_only_gets_are_hit() -> None:
    with always(Fault.SERVER_ERROR) as site, connected_to(site) as client:
        client.sendall(f"HEAD {SHAWSHANK} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        assert read(client).status == 200


@pytest.mark.parametrize(
    ("faults", "share", "word"),
    [([], 0.2, "at least one"), ([Fault.HANG], 1.1, "share"), ([Fault.HANG], -1, "share")],
)
def test_a_plan_that_makes_no_sense_is_refused(
    faults: list[Fault], share: float, word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        FaultPlan(faults, share=share)


def test_every_fault_can_be_told_apart_and_says_what_it_is() -> None:
    assert len({fault.description for fault in Fault}) == len(Fault)
    assert all(fault.description for fault in Fault)


# --- what they cost -------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [*NEVER_ENDING, *LARGE])
def test_closing_ends_what_never_ends_and_every_thread(fault: Fault) -> None:
    before = threading.active_count()
    clients = []
    with always(fault) as site:
        for _ in range(10):
            clients.append(connected_to(site))
            ask(clients[-1], SHAWSHANK)
        assert site.wait_for_requests(10, timeout_seconds=10)
    assert threading.active_count() == before
    for client in clients:
        client.close()


@pytest.mark.parametrize("fault", NEVER_ENDING)
def test_a_client_that_gives_up_leaves_no_thread_behind(fault: Fault) -> None:
    with always(fault) as site:
        before = threading.enumerate()
        serving: set[threading.Thread] = set()
        for number in range(1, 6):
            with connected_to(site) as client:
                ask(client, SHAWSHANK)
                assert site.wait_for_requests(number, timeout_seconds=10)
                serving.update(set(threading.enumerate()) - set(before))
        assert serving
        for thread in serving:
            thread.join(timeout=10)
        assert threading.enumerate() == before


@pytest.mark.parametrize("fault", [Fault.ENDLESS_BODY, *LARGE])
def test_a_large_answer_is_never_in_memory(fault: Fault) -> None:
    with always(fault) as site, connected_to(site) as client:
        answer(site, "/chart/top/")  # what is rendered once is not counted
        tracemalloc.start()
        try:
            ask(client, SHAWSHANK, "Connection: close")
            left = 20_000_000
            while left > 0 and (part := client.recv(1 << 16)):
                left -= len(part)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 3_000_000


# --- the command ----------------------------------------------------------------------------------


@contextmanager
def started(*options: str) -> Iterator[str]:
    """The URL that the command prints."""
    with subprocess.Popen(
        [sys.executable, "-m", "demo", "--titles", "3", *options],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def test_the_command_serves_the_faults_that_it_is_given() -> None:
    with started("--fault", "gone-410", "--share", "1", "--fault-charts") as url:
        assert requests.get(url + SHAWSHANK, timeout=10).status_code == 410
        assert requests.get(f"{url}/chart/top/", timeout=10).status_code == 410
        assert requests.get(f"{url}/robots.txt", timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fault", "hang,flood"], "flood is no fault; known are challenge-202-empty, "),
        (["--fault", ","], "nothing is no fault"),
        (["--fault", "hang", "--share", "2"], "2.0 is not from 0 to 1"),
    ],
)
def test_the_command_refuses_what_is_no_fault(options: list[str], says: str) -> None:
    done = run_demo(*options)
    assert done.returncode == 2
    assert says in done.stderr


def test_the_help_names_every_fault() -> None:
    shown = run_demo("--help").stdout
    for fault in Fault:
        assert re.search(rf"^  {re.escape(fault)} +{re.escape(fault.description)}$", shown, re.M)


def run_demo(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
