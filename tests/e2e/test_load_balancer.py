"""Two copies of the API behind a real nginx, with the configuration of Compose."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from infrastructure.repositories.postgres import open_postgres_repository
from tests.builders import a_run, a_title, title_number
from tests.e2e.test_serve import served

NGINX = shutil.which("nginx")
CONFIG = Path(__file__).resolve().parents[2] / "deploy/nginx"
TITLES = 50
KEY = "a-key-of-the-tests-0123456789"

pytestmark = pytest.mark.skipif(NGINX is None, reason="there is no nginx on this machine")


@contextmanager
def balanced(folder: Path, *addresses: str, rate: str = "100000r/s") -> Iterator[str]:
    """Start nginx for these copies, the first of which has the runs; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = (CONFIG / "nginx.conf").read_text("utf-8")
    for ours, theirs in {
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "rate=50r/s": f"rate={rate}",
        "/tmp/": f"{folder}/",  # noqa: S108 - of the container
    }.items():
        assert ours in config
        config = config.replace(ours, theirs)
    (folder / "nginx.conf").write_text(config, "utf-8")
    copies = [address.removeprefix("http://") for address in addresses]
    readers = "".join(f"server {copy} max_fails=1 fail_timeout=5s; " for copy in copies)
    (folder / "upstreams.conf").write_text(
        f"upstream readers {{ zone readers 64k; least_conn; keepalive 64; {readers}}}\n"
        f"upstream control {{ server {copies[0]} max_fails=0; }}\n",
        "utf-8",
    )
    command = [str(NGINX), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"nginx did not start: {process.stderr.read() if process.stderr else ''}")


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that nginx's workers, which are nobody, may pass through."""
    folder = tmp_path / "nginx"
    folder.mkdir()
    return folder


@pytest.fixture
def database(postgres_url: str) -> str:
    with open_postgres_repository(postgres_url) as repository:
        repository.save([a_title(number) for number in range(1, TITLES + 1)], a_run())
    return postgres_url


def test_no_reader_sees_that_one_of_two_copies_is_killed(
    tmp_path: Path, folder: Path, database: str
) -> None:
    settings = {"database_url": database, "api_requests_per_minute": 0}
    with ExitStack() as stack:
        first, one = stack.enter_context(served(tmp_path / "one", **settings))
        _, other = stack.enter_context(served(tmp_path / "other", **settings))
        address = stack.enter_context(balanced(folder, one, other))
        answered = threading.Semaphore(0)

        def ask(client: httpx.Client, number: int) -> tuple[int, str]:
            wanted = title_number(number % TITLES + 1)
            answer = client.get(f"/api/v1/titles/{wanted}")
            answered.release()
            return answer.status_code, answer.json().get("imdb_id") == wanted

        with ThreadPoolExecutor(8) as pool, httpx.Client(base_url=address, timeout=60) as client:
            asked = [pool.submit(ask, client, number) for number in range(600)]
            for _ in range(150):
                assert answered.acquire(timeout=60)
            first.kill()
            answers = [each.result() for each in asked]
        assert set(answers) == {(200, True)}
        served_by_other = httpx.get(f"{other}/metrics").text
    assert 'route="/api/v1/titles/{imdb_id}"' in served_by_other


def test_what_a_run_tells_arrives_while_it_is_at_work(
    tmp_path: Path, folder: Path, postgres_url: str
) -> None:
    with ExitStack() as stack:
        site = stack.enter_context(DemoSite(load_facts(), delay_seconds=0.05))
        settings = {
            "base_url": site.url, "database_url": postgres_url, "requests_per_second": 0,
            "api_keys": KEY, "max_threads": 5,
        }  # fmt: skip
        _, one = stack.enter_context(served(tmp_path / "one", **settings))
        _, other = stack.enter_context(served(tmp_path / "other", **settings))
        address = stack.enter_context(balanced(folder, one, other))
        with httpx.Client(base_url=address, headers={"X-API-Key": KEY}, timeout=60) as client:
            started = client.post(
                "/api/v1/runs", json={"command": "chart", "chart": "top", "limit": 60}
            )
            assert started.status_code == 202, started.text
            events = []
            with client.stream("GET", started.json()["events"]) as watching:
                for line in watching.iter_lines():
                    if line.startswith("event: "):
                        events.append(line)
            assert events.count("event: progress") > 2
            assert events[-1] == "event: end"
            kept = client.get("/api/v1/titles", params={"limit": 100}).json()["items"]
    assert len(kept) == 60


def test_who_asks_too_often_is_told_so_and_so_is_who_asks_nobody(
    tmp_path: Path, folder: Path, database: str
) -> None:
    with served(tmp_path / "one", database_url=database) as (_, one):
        with balanced(folder, one, rate="1r/m") as address:
            with httpx.Client(base_url=address) as client:
                answers = [client.get("/healthz") for _ in range(210)]
            assert {answer.status_code for answer in answers} == {200, 429}
            refused = next(answer for answer in answers if answer.status_code == 429)
            assert refused.headers["retry-after"] == "1"
            assert refused.json()["status"] == 429
    (folder / "again").mkdir()
    with balanced(folder / "again", "http://127.0.0.1:9") as address:
        away = httpx.get(f"{address}/api/v1/titles")
        assert (away.status_code, away.json()["status"]) == (503, 503)
        assert away.headers["content-type"] == "application/problem+json"
        assert httpx.get(f"{address}/metrics").status_code == 404


def test_nginx_takes_the_configuration_of_compose(folder: Path) -> None:
    """But for `resolve`, which Debian's nginx is too old for, and the names, which are Docker's."""
    upstreams = (CONFIG / "upstreams.conf").read_text("utf-8")
    for name in ("api-reader", "api"):
        assert f"server {name}:8000 resolve" in upstreams
        upstreams = upstreams.replace(f"server {name}:8000 resolve", "server 127.0.0.1:8000")
    (folder / "upstreams.conf").write_text(upstreams, "utf-8")
    shutil.copy(CONFIG / "nginx.conf", folder)
    command = [str(NGINX), "-t", "-c", str(folder / "nginx.conf")]
    tested = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
