import os
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn

from shared.config import (
    InvalidSettings,
    likely_typos,
    load_settings,
    secret_settings,
    setting_fields,
)
from shared.setting_values import DatabaseUrl, ProxyUrl


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    for field in setting_fields():
        monkeypatch.delenv(field.name.upper(), raising=False)
        monkeypatch.delenv(f"{field.name}_file".upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_those_that_the_documents_name():
    settings = load_settings()
    assert settings.base_url == "https://www.imdb.com"
    assert (settings.chart, settings.limit) == ("top", 250)
    assert settings.repositories == ("csv", "postgres")
    assert str(settings.output_dir) == "output"
    assert settings.database_url.reveal() == ""
    assert (settings.max_threads, settings.requests_per_second) == (50, 10)
    assert (settings.request_timeout_seconds, settings.max_attempts) == (10, 4)
    assert settings.max_body_bytes == 32 * 1024 * 1024
    assert settings.language == "en-US"


def test_an_option_wins_over_the_environment_and_that_over_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("LIMIT=1\nMAX_THREADS=2\nMAX_ATTEMPTS=3\n")
    monkeypatch.setenv("LIMIT", "10")
    monkeypatch.setenv("MAX_THREADS", "20")
    settings = load_settings({"limit": "100"})
    assert (settings.limit, settings.max_threads, settings.max_attempts) == (100, 20, 3)


def test_the_file_can_be_left_out(tmp_path):
    (tmp_path / ".env").write_text("LIMIT=1\n")
    assert load_settings(env_file=None).limit == 250


def test_an_empty_value_is_the_default(monkeypatch):
    monkeypatch.setenv("LIMIT", "")
    monkeypatch.setenv("DATABASE_URL", "")
    assert load_settings().limit == 250


def test_names_of_other_programs_are_no_problem(tmp_path):
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=x\nHTTP_CACHE=off\n")
    assert load_settings().limit == 250
    assert likely_typos(tmp_path / ".env") == []


def test_a_name_much_like_a_setting_is_pointed_out(tmp_path):
    (tmp_path / ".env").write_text("MAX_THREAD=5\nLIMIT=3\n")
    [line] = likely_typos(tmp_path / ".env")
    assert "MAX_THREAD is not a setting; did you mean MAX_THREADS?" in line


def test_lists_are_separated_by_commas(tmp_path):
    settings = load_settings({"repositories": " postgres , csv ", "sources": "html"})
    assert settings.repositories == ("postgres", "csv")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("sources", "html,ftp", "of 'html', 'graphql', 'datasets' or 'saved'"),
        ("graphql_url", "api.graphql.imdb.com", "http://"),
        ("graphql_url", "https://me:secret@api.graphql.imdb.com/", "nothing after it"),
        ("graphql_client_name", "ein schöner Name", "ASCII"),
        ("graphql_batch_size", "0", "from 1 to 250"),
        ("country", "USA", "two letters"),
        ("country", "1a", "two letters"),
        ("sources", ",", "at least one"),
        ("repositories", "csv,csv", "more than once"),
        ("base_url", "www.imdb.com", "http://"),
        ("base_url", "https://", "host"),
        ("base_url", "https://www.imdb.com/?q=1", "nothing after it"),
        ("base_url", "http://host:port", "is not a URL"),
        ("chart", "best", "'moviemeter'"),
        ("limit", "0", "from 1 to"),
        ("limit", "many", "whole number"),
        ("max_threads", "501", "from 1 to 500"),
        ("requests_per_second", "-1", "from 0 to 10,000"),
        ("requests_per_second", "nan", "REQUESTS_PER_SECOND"),
        ("request_timeout_seconds", "0", "above 0 and up to 600"),
        ("max_attempts", "0", "from 1 to"),
        ("max_body_megabytes", "0", "from 1 to"),
        ("user_agent", "a\r\nX: y", "one line"),
        ("user_agent", " ", "printable"),
        ("language", "english please", "such as en-US"),
        ("base_url", "https://user:hunter2@www.imdb.com", "nothing after it"),
        ("log_level", "LOUD", "'DEBUG'"),
        ("log_format", "xml", "'json'"),
        ("database_url", "mysql://h/d", "postgresql://"),
        ("database_url", "postgresql://me:hunter@2@h/d", "write @ : / ? # % in a password"),
        ("database_url", "postgresql://me:1/hunter2@h/d", "write @ : / ? # % in a password"),
        ("database_url", "postgresql://me:1#hunter2@h/d", "write @ : / ? # % in a password"),
        ("database_url", "postgresql://me:hunter%zz@h/d", "write @ : / ? # % in a password"),
        ("redis_url", "http://h:1", "redis://"),
        ("redis_url", "redis://", "needs a host"),
        ("http_cache", "disk", "'off', 'file' or 'redis'"),
        ("robots", "maybe", "'obey' or"),
        ("http_cache_ttl_seconds", "-1", "from 0 to"),
        ("proxies", "ftp://h:1", "socks5h://"),
        ("proxies", "http://h:1,socks5://h", "number 2 of 2 needs a host and a port"),
        ("sources", "saved", "SAVED_PAGES_DIR: must name a folder"),
        ("tor_socks_url", "socks5://h:1", "socks5h://"),
        ("tor_socks_url", "socks5h://h", "needs a host and a port"),
        ("routes", "proxies", "ROUTES: names 'proxies', and PROXIES is empty"),
        ("routes", "direct,tor", "ROUTES: names 'tor', and TOR_SOCKS_URL is empty"),
        ("routes", "tor,tor", "more than once"),
        ("routes", "vpn", "of 'direct', 'proxies' or 'tor'"),
        ("tor_control_url", "tcp://h:1", "without TOR_SOCKS_URL"),
        ("tor_control_password", "x", "TOR_CONTROL_PASSWORD: is of no use"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name, value, told):
    with pytest.raises(InvalidSettings) as caught:
        load_settings({name: value})
    [problem] = caught.value.problems
    assert told in problem
    assert name.upper() in problem or name == "sources"


def test_the_web_site_is_asked_first_and_the_api_when_it_blocks_us():
    assert load_settings().sources == ("html", "graphql")


def test_the_address_of_the_api_is_kept_as_it_is():
    assert load_settings().graphql_url == "https://api.graphql.imdb.com/"
    assert load_settings({"graphql_url": "http://h:1/a/"}).graphql_url == "http://h:1/a/"
    assert load_settings({"graphql_url": "http://h:1/a"}).graphql_url == "http://h:1/a"


def test_the_united_kingdom_is_gb():
    assert "the United Kingdom is GB" in problems_of("country", "uk")
    assert "two letters" in problems_of("country", "ZZ")
    assert load_settings({"country": "gb"}).country == "GB"


@pytest.mark.parametrize(
    ("given", "tag"),
    [("DE-at", "de-AT"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("FR", "fr")],
)
def test_a_language_may_be_written_in_any_case(given, tag):
    assert load_settings({"language": given}).language == tag


@pytest.mark.parametrize(
    "given", ["english", "e", "de-", "de--AT", "d\u00e9", "de-" + "a1-" * 11 + "bb", "12"]
)
def test_what_is_no_language(given):
    assert "must be a language tag such as en-US or de" in problems_of("language", given)


def test_a_country_may_be_written_in_any_case():
    assert load_settings({"country": "at"}).country == "AT"


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ({}, ("direct",)),
        ({"proxies": "http://h:1"}, ("proxies",)),
        ({"tor_socks_url": "socks5h://h:1"}, ("tor",)),
        ({"tor_socks_url": "socks5h://h:1", "proxies": "http://h:1"}, ("proxies", "tor")),
        ({"proxies": "http://h:1", "routes": "direct"}, ("direct",)),
        ({"proxies": "http://h:1", "routes": "direct, proxies"}, ("direct", "proxies")),
    ],
)
def test_without_routes_what_is_configured_is_used(given, order):
    assert load_settings(given).route_order == order


@pytest.mark.parametrize(
    "wrong",
    [{"proxies": "ftp://h:1", "routes": "proxies"}, {"tor_socks_url": "h", "routes": "tor"}],
)
def test_a_route_whose_address_is_wrong_is_told_once(wrong):
    with pytest.raises(InvalidSettings) as caught:
        load_settings(wrong)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("tcp://127.0.0.1:9051", "tcp://127.0.0.1:9051"),
        ("unix:/run/tor/control", "/run/tor/control"),
        ("unix:///run/tor/control", "/run/tor/control"),
        ("/run/tor/control", "/run/tor/control"),
    ],
)
def test_tors_control_port_is_an_address_or_a_path(given, kept):
    settings = load_settings({"tor_socks_url": "socks5h://h:1", "tor_control_url": given})
    assert settings.tor_control_url == kept


@pytest.mark.parametrize("wrong", ["127.0.0.1:9051", "tcp://h", "tcp://h:1/x", "tcp://u:p@h:1"])
def test_anything_else_is_no_control_port(wrong):
    with pytest.raises(InvalidSettings, match="TOR_CONTROL_URL"):
        load_settings({"tor_socks_url": "socks5h://h:1", "tor_control_url": wrong})


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("limit", " 5 ", 5), ("limit", "007", 7), ("limit", "+5", 5), ("limit", "1_000", 1000),
        ("limit", "1000000", 1_000_000), ("requests_per_second", ".5", 0.5),
        ("requests_per_second", "5.", 5.0), ("requests_per_second", "1e2", 100.0),
        ("request_timeout_seconds", "600", 600.0), ("parse_processes", "0", 0),
        ("proxies", "http://h:1,http://h:1", (ProxyUrl("http://h:1"),) * 2), ("proxies", "", ()),
        ("base_url", "http://[::1]:80/a/", "http://[::1]:80/a"), ("chart", " top ", "top"),
        ("database_url", "", DatabaseUrl("")), ("saved_pages_dir", "null", Path("null")),
    ],
)  # fmt: skip
def test_values_are_read_as_people_write_them(name, value, read):
    assert getattr(load_settings({name: value}), name) == read


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("limit", "1e2", "whole number"), ("limit", "5.0", "whole number"),
        ("limit", "\udcff", "whole number"), ("chart", "\udcff", "'moviemeter'"),
        ("limit", "9" * 5000, "whole number"), ("requests_per_second", "-inf", "a number from 0"),
        ("output_dir", "", "must name a folder"), ("output_dir", " ", "must name a folder"),
        ("output_dir", "~nobody-of-this-name/x", "user who is not known"),
        ("user_agent", "", "printable"), ("base_url", "", "http://"),
    ],
)  # fmt: skip
def test_an_odd_value_is_told_like_any_other(name, value, told):
    with pytest.raises(InvalidSettings) as caught:
        load_settings({name: value})
    [problem] = caught.value.problems
    assert told in problem


def test_blanks_in_the_environment_say_nothing(monkeypatch):
    for field in setting_fields():
        monkeypatch.setenv(field.name.upper(), "  ")
    assert load_settings() == load_settings(env_file=None)
    monkeypatch.undo()
    assert load_settings().output_dir == Path("output")


def test_a_folder_that_cannot_be_looked_for_is_told_with_the_others():
    with pytest.raises(InvalidSettings) as caught:
        load_settings({"sources": "saved", "saved_pages_dir": "a" * 5000, "limit": "0"})
    assert [problem.partition("=")[0] for problem in caught.value.problems] == [
        "LIMIT",
        "SAVED_PAGES_DIR",
    ]


def test_all_problems_are_told_at_once(tmp_path):
    wrong = {"limit": "0", "chart": "x", "sources": "saved", "saved_pages_dir": "nowhere"}
    with pytest.raises(InvalidSettings) as caught:
        load_settings(wrong)
    assert len(caught.value.problems) == 3
    assert "SAVED_PAGES_DIR=nowhere: there is no such folder" in caught.value.problems


def test_no_secret_is_ever_shown():
    secret = "hunter2"  # noqa: S105 -- the point of the test
    wrong = {
        "database_url": f"mysql://u:{secret}@h/d",
        "proxies": f"ftp://u:{secret}@h:1",
        "redis_url": f"http://u:{secret}@h:1",
    }
    with pytest.raises(InvalidSettings) as caught:
        load_settings(wrong)
    assert secret not in str(caught.value)
    good = {
        "database_url": f"postgresql://u:{secret}@h/d",
        "proxies": f"http://u:{secret}@h:1,socks5h://u:{secret}@h:2",
    }
    settings = load_settings(good)
    assert secret not in repr(settings)
    assert secret not in str(settings)
    assert settings.database_url.reveal() == good["database_url"]


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ("de", "de"),
        ("en_US:en", "en-US"),
        ("de_AT.UTF-8", "de-AT"),
        ("C", "en-US"),
        ("C.UTF-8", "en-US"),
    ],
)
def test_the_language_may_be_given_as_systems_do(monkeypatch, given, tag):
    monkeypatch.setenv("LANGUAGE", given)
    assert load_settings().language == tag


def test_credentials_in_an_address_are_not_shown_when_it_is_wrong():
    with pytest.raises(InvalidSettings) as caught:
        load_settings({"base_url": "https://user:hunter2@www.imdb.com"})
    assert "hunter2" not in str(caught.value)


def problems_of(name: str, value: str) -> str:
    """What is told of a value; nothing when it is taken."""
    try:
        load_settings({name: value})
    except InvalidSettings as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:SEC/RET@h:1/db", "postgresql://u:SEC#RET@h:1/db", "postgresql://u:SECRET",
        "postgresql://u:SEC?RET@h/db", "postgresql://u:[SECRET@h/db", "u:SECRET@h",
        "postgresql:/u:SECRET@h",
    ],
)  # fmt: skip
def test_no_part_of_a_password_that_is_not_encoded_is_shown(url):
    web = url.replace("postgresql", "http")
    told = problems_of("database_url", url) + problems_of("proxies", web)
    told += problems_of("base_url", web)
    assert "SEC" not in told
    assert "RET" not in told


def test_a_home_folder_may_be_written_with_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "pages").mkdir()
    settings = load_settings(
        {"output_dir": "~/films", "sources": "saved", "saved_pages_dir": "~/pages"}
    )
    assert settings.output_dir == tmp_path / "films"
    assert settings.saved_pages_dir == tmp_path / "pages"


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError, match="immutable"):
        load_settings().limit = 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    (tmp_path / ".env").write_text("LIMIT=3")
    (tmp_path / ".env").chmod(0)
    with pytest.raises(InvalidSettings, match=r"\.env cannot be read"):
        load_settings()


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00L")
    with pytest.raises(InvalidSettings, match=r"\.env cannot be read"):
        load_settings()


def test_details_are_named_as_the_domain_names_them(monkeypatch):
    from domain.details import DetailName
    from shared.config import DetailChoice

    assert get_args(DetailChoice) == (*(name.value for name in DetailName), "all")
    monkeypatch.setenv("DETAILS", " akas, episodes ,awards")
    assert load_settings(env_file=None).details == ("akas", "episodes", "awards")
    assert load_settings({"details": ""}, env_file=None).details == ()


def test_an_unknown_detail_is_told_with_those_that_there_are():
    with pytest.raises(InvalidSettings) as caught:
        load_settings({"details": "akas,seasons"}, env_file=None)
    [problem] = caught.value.problems
    assert problem.startswith("DETAILS=akas,seasons: must name at least one")
    assert "'episodes'" in problem
    assert problem.endswith("'news' or 'all'")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("LIMIT='3\n", [1]),
        ("# mine\nlimit 3\nLOG_LEVEL=DEBUG\n= 4\n", [2, 4]),
        ('OUTPUT_DIR="films\n', [1]),
    ],
)
def test_a_line_that_says_nothing_is_told_before_anything_starts(tmp_path, caplog, text, lines):
    (tmp_path / ".env").write_text(text)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        f".env, line {line}" for line in lines
    ]
    assert caplog.records == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_of_any_editor_is_read(tmp_path, encoding, end):
    lines = ["LIMIT=3", 'OUTPUT_DIR="my films"  # a remark', "export LOG_LEVEL='DEBUG'", "", "#X"]
    (tmp_path / ".env").write_text(end.join(lines), encoding, newline="")
    settings = load_settings()
    assert (settings.limit, settings.log_level) == (3, "DEBUG")
    assert str(settings.output_dir) == "my films"


def test_a_folder_called_like_the_file_is_none(tmp_path):
    (tmp_path / ".env").mkdir()
    assert load_settings().limit == 250


class TestASecretInAFile:
    WORD = "wh1sper-of-mine"

    def problems(self) -> list[str]:
        with pytest.raises(InvalidSettings) as caught:
            load_settings()
        assert self.WORD not in str(caught.value)
        return list(caught.value.problems)

    def test_is_the_value_of_the_setting_without_its_line_end(self, monkeypatch, tmp_path):
        (tmp_path / "url").write_text("redis://:pass@host:1/0\r\n")
        monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "url"))
        assert load_settings().redis_url.reveal() == "redis://:pass@host:1/0"

    def test_is_named_in_the_env_file_too_and_is_no_typo(self, tmp_path):
        (tmp_path / "url").write_text("redis://host:1/0")
        (tmp_path / ".env").write_text("REDIS_URL_FILE=url\n")
        assert load_settings().redis_url.reveal() == "redis://host:1/0"
        assert likely_typos(tmp_path / ".env") == []

    def test_may_be_one_of_several_a_line_each(self, monkeypatch, tmp_path):
        (tmp_path / "list").write_text("http://a:p@h:1\nhttp://b:p@h:2, http://c:p@h:3\n\n")
        monkeypatch.setenv("PROXIES_FILE", str(tmp_path / "list"))
        shown = [proxy.reveal() for proxy in load_settings().proxies]
        assert shown == ["http://a:p@h:1", "http://b:p@h:2", "http://c:p@h:3"]

    def test_is_not_even_looked_at_when_an_option_says_it(self, monkeypatch):
        monkeypatch.setenv("REDIS_URL_FILE", "/nowhere")
        assert load_settings({"redis_url": "redis://host"}).redis_url.reveal() == "redis://host"

    def test_is_a_problem_when_the_setting_is_given_as_well(self, monkeypatch, tmp_path):
        (tmp_path / "url").write_text("redis://one")
        monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "url"))
        (tmp_path / ".env").write_text(f"REDIS_URL=redis://:{self.WORD}@host\n")
        assert self.problems() == ["REDIS_URL_FILE: REDIS_URL is set, too: leave out one of them"]

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (None, "there is no such file"),
            (b"", "the file is empty"),
            (b" \n\n", "the file is empty"),
            (b"\xff\xfe", "the file is not in UTF-8"),
            (b"x" * 65_537, "the file is larger than 64 KB"),
        ],
    )
    def test_is_a_problem_when_the_file_is_no_good(self, monkeypatch, tmp_path, content, problem):
        path = tmp_path / "secret"
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setenv("TOR_CONTROL_PASSWORD_FILE", str(path))
        assert self.problems()[0].startswith(f"TOR_CONTROL_PASSWORD_FILE={path}: {problem}")

    def test_is_a_problem_when_a_folder_or_a_device_is_named(self, monkeypatch, tmp_path):
        monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path))
        monkeypatch.setenv("PROXIES_FILE", "/dev/zero")
        assert sorted(self.problems()) == [
            "PROXIES_FILE=/dev/zero: is no file",
            f"REDIS_URL_FILE={tmp_path}: is no file",
        ]

    def test_is_not_shown_when_it_stands_where_its_path_should(self, monkeypatch):
        monkeypatch.setenv("REDIS_URL_FILE", f"redis://:{self.WORD}@host")
        assert self.problems() == ["REDIS_URL_FILE: there is no such file"]

    def test_is_not_shown_when_it_is_wrong(self, monkeypatch, tmp_path):
        (tmp_path / "url").write_text(f"http://:{self.WORD}@host")
        monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "url"))
        [problem] = self.problems()
        assert problem.startswith("REDIS_URL: ")

    def test_is_for_secrets_only(self, monkeypatch, tmp_path):
        (tmp_path / "limit").write_text("3")
        monkeypatch.setenv("LIMIT_FILE", str(tmp_path / "limit"))
        assert load_settings().limit == 250
        assert secret_settings() >= {"database_url", "database_password", "proxies", "redis_url"}
        assert not secret_settings() & {"limit", "base_url", "output_dir", "sources"}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@host:1/name",
        "postgresql://me@host:1/name?",
        "postgresql://host/name?connect_timeout=3",
    ],
)
@given(password=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_the_password_of_the_database_may_have_any_characters(url, password):
    assume(password.strip())
    settings = load_settings({"database_url": url, "database_password": password}, env_file=None)
    assert settings.database_url.has_password
    assert parse_dsn(settings.database_url.reveal())["password"] == password.strip()
    assert settings.database_url.reveal().startswith(url.rstrip("?"))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "DATABASE_PASSWORD: is of no use without DATABASE_URL"),
        ("postgresql://me:one@host/n", "DATABASE_PASSWORD: DATABASE_URL has a password, too"),
        ("postgresql://host/n?password=one", "DATABASE_PASSWORD: DATABASE_URL has a password, too"),
    ],
)
def test_a_password_that_is_of_no_use_is_told(url, problem):
    with pytest.raises(InvalidSettings) as caught:
        load_settings({"database_url": url, "database_password": "two"}, env_file=None)
    [told] = caught.value.problems
    assert told.startswith(problem)
