"""What is secret in the settings is in nothing that the program shows or leaves behind."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from shared.config import secret_settings
from tests.e2e.program import Result, run
from tests.proxies import SECRET, middleman, proxy, refusing, strict_socks

FACTS = load_facts()

DATABASE = "d4tabase-s3cret"
CONTROL = "c0ntrol-s3cret"
SOCKS = "s0cks-s3cret"
API_KEY = "k3y-of-the-api-s3cret"
ENCODED = "p%40ss-s3cret"
"""In a URL; the password itself has an @."""

SECRETS = [
    SECRET, DATABASE, CONTROL, SOCKS, API_KEY, ENCODED, "p@ss-s3cret",
    *(base64.b64encode(f"user:{word}".encode()).decode() for word in (SECRET, "p@ss-s3cret")),
]  # fmt: skip


@contextmanager
def planted(stack: ExitStack, database_url: str) -> Iterator[dict[str, object]]:
    """Settings with a secret in every one that may have one, over every kind of proxy."""
    site = stack.enter_context(DemoSite(FACTS))
    nothing = stack.enter_context(refusing())
    hanging = stack.enter_context(middleman())
    strict = stack.enter_context(strict_socks())
    http, socks = stack.enter_context(proxy("http")), stack.enter_context(proxy("socks5"))
    other = stack.enter_context(proxy("http"))
    proxies = [
        f"http://user:{SECRET}@{http}",
        f"socks5h://user:{SECRET}@{socks}",
        f"http://user:{ENCODED}@{other}",
        f"socks5h://user:{ENCODED}@{strict}",
        f"https://user:{SECRET}@{other}",
        f"http://user:{SECRET}@{nothing}",
        f"socks5://user:{SECRET}@{nothing}",
        f"socks5://user:{SECRET}@{hanging.address}",
    ]
    yield {
        "base_url": site.url,
        "proxies": ",".join(proxies),
        "tor_socks_url": f"socks5h://user:{SOCKS}@{nothing}",
        "tor_control_url": f"tcp://{nothing}",
        "tor_control_password": CONTROL,
        "routes": "tor,proxies,direct",
        "database_url": f"{database_url}&password={DATABASE}",
        "api_keys": API_KEY,
        "limit": 30,
        "requests_per_second": 0,
        "request_timeout_seconds": 2,
    }


def as_given(folder: Path, where: str, settings: Mapping[str, object]) -> Mapping[str, object]:
    """The settings as arguments of `run`; in ``.env``, or secrets in files, when that is where."""
    if where == "environment":
        return settings
    if where == "files":
        (folder / "secrets").mkdir()
        in_files = {name: value for name, value in settings.items() if name in secret_settings()}
        for name, value in in_files.items():
            (folder / "secrets" / name).write_text(f"{value}\n")
        named = {f"{name}_file": folder / "secrets" / name for name in in_files}
        return {name: settings[name] for name in settings.keys() - in_files.keys()} | named
    lines = [f"{name.upper()}='{value}'\n" for name, value in settings.items()]
    (folder / ".env").write_text("".join(lines))
    return {}


def left_behind(folder: Path) -> str:
    files = [path for path in (folder / "output").rglob("*") if path.is_file()]
    return "".join(path.read_text("utf-8", errors="replace") for path in files)


def shown(*results: Result) -> str:
    return "".join(result.out + result.err for result in results)


def found_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize(
    ("where", "log_format"), [("environment", "console"), (".env", "json"), ("files", "json")]
)
def test_a_run_that_meets_every_kind_of_proxy_shows_no_secret(
    tmp_path, postgres_url, where, log_format
):
    with ExitStack() as stack, planted(stack, postgres_url) as settings:
        logs = {"log_level": "DEBUG", "log_format": log_format}
        given = as_given(tmp_path, where, settings | logs)
        result = run(tmp_path, **given)
        others = [
            run(tmp_path, *arguments, **given)
            for arguments in (["routes"], ["doctor"], ["--help"], ["titles", "--help"])
        ]
    assert result.status == 0, result.err
    assert "proxy 1 (http://***@" in result.err
    assert [other.status for other in others] == [0, 0, 0, 0], shown(*others)
    assert "***@" in others[0].out
    everything = shown(result, *others) + left_behind(tmp_path)
    assert "fetched" in everything
    assert found_in(everything) == []


def test_failures_show_no_secret(tmp_path):
    """Neither that of proxies that are all dead, nor that of a database that is not there."""
    with ExitStack() as stack:
        nothing, strict = stack.enter_context(refusing()), stack.enter_context(strict_socks())
        urls = [f"http://user:{SECRET}@{nothing}", f"socks5h://user:{ENCODED}@{strict}"]
        settings = {
            "base_url": "http://127.0.0.1:9",
            "proxies": ",".join(urls),
            "database_url": f"postgresql://me:{DATABASE}@{nothing}/imdb",
            "tor_socks_url": f"socks5h://user:{SOCKS}@{nothing}",
            "tor_control_url": f"tcp://{nothing}",
            "tor_control_password": CONTROL,
            "max_attempts": 1,
            "log_level": "DEBUG",
        }
        results = [
            run(tmp_path, *arguments, **settings)
            for arguments in ([], ["titles", "tt0111161"], ["doctor"], ["routes"], ["psql"])
        ]
    assert [result.status for result in results[:4]] == [3, 3, 3, 3], shown(*results)
    assert found_in(shown(*results) + left_behind(tmp_path)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"proxies": f"ftp://user:{SECRET}@host:1"},
        {"proxies": f"http://user:{SECRET}@host"},
        {"proxies": f"http://user:{SECRET}/@host:1"},
        {"proxies": f"http://h:1,{SECRET}"},
        {"database_url": f"mysql://user:{DATABASE}@host/name"},
        {"database_url": f"postgresql://user:{DATABASE}%zz@host/name"},
        {"database_url": f"postgresql://user:1@{DATABASE}@host/name"},
        {"tor_socks_url": f"socks5://user:{SOCKS}@host:1"},
        {"tor_socks_url": f"socks5h://user:{SOCKS}@host"},
        {"tor_socks_url": "socks5h://host:1", "tor_control_url": f"tcp://user:{CONTROL}@host:1"},
        {"tor_socks_url": "socks5h://host:1", "tor_control_url": f"host:{CONTROL}"},
        {"tor_control_password": CONTROL},
        {"routes": f"http://user:{SECRET}@host:1"},
    ],
)
@pytest.mark.parametrize("where", ["environment", ".env"])
def test_a_wrong_setting_is_told_without_what_is_secret_in_it(tmp_path, where, wrong):
    given = as_given(tmp_path, where, wrong)
    results = [run(tmp_path, *arguments, **given) for arguments in ([], ["routes"])]
    assert [result.status for result in results] == [2, 2]
    assert found_in(shown(*results)) == []
