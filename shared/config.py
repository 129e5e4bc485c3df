"""The settings: one typed, immutable value, read once from options, the environment and ``.env``.

Precedence: command-line option, environment variable, ``.env`` in the working directory, default.
All problems are reported at once, by name, and a secret is never shown.
"""

import io
import os
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from msgspec import Meta

from shared.secret_files import SUFFIX, read_secret_files
from shared.setting_values import (
    DEFAULT_LANGUAGE,
    ApiKey,
    CountryCode,
    CronTimes,
    DatabaseUrl,
    EndpointAddress,
    GatewayUrl,
    HeaderValue,
    LanguageTag,
    ListenAddress,
    ProxyUrl,
    RedisUrl,
    Secret,
    TimeZone,
    TorControlAddress,
    TorSocksUrl,
    WebAddress,
)
from shared.version import PROGRAM, VERSION

ENV_FILE = Path(".env")

_ADDRESSES = {
    "base_url",
    "suggestion_url",
    "graphql_url",
    "datasets_url",
    "database_url",
    "database_password",
    "proxies",
    "tor_socks_url",
    "tor_control_url",
    "redis_url",
    "api_keys",
    "metrics_push_url",
}
"""Settings whose wrong value is not shown: one cannot tell what of it is a password."""

_NUMBERS = {int, float}
_ITEM = re.compile(r" - at `\$\[(?P<index>\d+)\]`$")

SourceName = Literal["html", "graphql", "datasets", "saved"]
DetailChoice = Literal[
    "akas",
    "full_credits",
    "episodes",
    "certificates",
    "release_dates",
    "countries",
    "languages",
    "companies",
    "keywords",
    "taglines",
    "box_office",
    "awards",
    "nominations",
    "images",
    "external_links",
    "parents_guide",
    "trivia",
    "reviews",
    "connections",
    "plots",
    "goofs",
    "quotes",
    "soundtrack",
    "technical_specifications",
    "filming_locations",
    "similar_titles",
    "episode_of",
    "runtimes",
    "rankings",
    "rating_histogram",
    "country_ratings",
    "critic_reviews",
    "alternate_versions",
    "crazy_credits",
    "faqs",
    "interests",
    "videos",
    "news",
    "all",
]
RepositoryName = Literal["csv", "postgres"]
RouteKind = Literal["direct", "proxies", "tor"]
ChartSetting = Literal[
    "top",
    "toptv",
    "moviemeter",
    "tvmeter",
    "bottom",
    "boxoffice",
    "top-english-movies",
    "top-rated-indian-movies",
    "top-rated-malayalam-movies",
    "top-rated-tamil-movies",
    "top-rated-telugu-movies",
]


class InvalidSettings(ValueError):
    """One or more settings are wrong; ``problems`` has one line for each, without any secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting of the program; made by `load_settings`, described by `setting_fields`.

    A field's name in capitals is the environment variable, in kebab case the option.
    """

    sources: Annotated[
        tuple[SourceName, ...],
        Meta(
            min_length=1,
            description="Where titles come from, in order: html (the web site), graphql (the API), "
            "datasets (what `datasets import` has imported), saved (pages saved from a browser). "
            "When one blocks us the next one is asked.",
        ),
    ] = ("html", "graphql")
    base_url: Annotated[
        WebAddress, Meta(description="Address of the web site that the html source reads.")
    ] = WebAddress("https://www.imdb.com")
    suggestion_url: Annotated[
        WebAddress,
        Meta(description="Address of the suggestion API, which searches are asked of first."),
    ] = WebAddress("https://v3.sg.media-imdb.com/suggestion")
    graphql_url: Annotated[
        EndpointAddress, Meta(description="Address of the API that the graphql source asks.")
    ] = EndpointAddress("https://api.graphql.imdb.com/")
    datasets_url: Annotated[WebAddress, Meta(description="Address of IMDb's dataset files.")] = (
        WebAddress("https://datasets.imdbws.com")
    )
    graphql_client_name: Annotated[
        HeaderValue,
        Meta(description="How the program names itself to the API (x-imdb-client-name)."),
    ] = HeaderValue(PROGRAM)
    graphql_batch_size: Annotated[
        int,
        Meta(
            ge=1,
            le=250,
            description="Titles that the API is asked for at once; halved when that is too many.",
        ),
    ] = 50
    saved_pages_dir: Annotated[
        Path | None, Meta(description="Folder of saved pages (.html, .json) for the saved source.")
    ] = None
    details: Annotated[
        tuple[DetailChoice, ...],
        Meta(
            description="What to get of each title besides the main facts, such as "
            "akas,episodes,awards, or all (docs/details.md has their names)."
        ),
    ] = ()
    chart: Annotated[
        ChartSetting,
        Meta(description="The chart that the batch run scrapes; `charts` lists them."),
    ] = "top"
    limit: Annotated[
        int, Meta(ge=1, le=1_000_000, description="At most this many titles of the chart.")
    ] = 250
    repositories: Annotated[
        tuple[RepositoryName, ...],
        Meta(min_length=1, description="Where titles are saved, at the same time: csv, postgres."),
    ] = ("csv", "postgres")
    output_dir: Annotated[
        Path, Meta(description="Folder of the CSV files, the run report and the embedded database.")
    ] = Path("output")
    csv_escape_formulas: Annotated[
        Literal["true", "false"],
        Meta(
            description="true: a text that a spreadsheet would run as a formula gets an apostrophe "
            "before it in the CSV files; false: texts are written as they are."
        ),
    ] = "false"
    database_url: Annotated[
        DatabaseUrl,
        Meta(
            description="postgresql://user:password@host:port/name; empty: an embedded PostgreSQL "
            "that keeps its data under OUTPUT_DIR."
        ),
    ] = DatabaseUrl("")
    database_password: Annotated[
        Secret,
        Meta(
            description="Password for DATABASE_URL, when it has none; any characters will do, "
            "none is encoded."
        ),
    ] = Secret("")
    repository_wait_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=86_400,
            description="Seconds that a repository which has gone away is waited for at the end.",
        ),
    ] = 60
    max_threads: Annotated[
        int, Meta(ge=1, le=500, description="Workers of the detail fetcher, 1 to 500.")
    ] = 50
    parse_processes: Annotated[
        int,
        Meta(
            ge=0,
            le=64,
            description="Processes that unpack and read title pages; 0: the threads that fetch "
            "them do.",
        ),
    ] = 0
    requests_per_second: Annotated[
        float,
        Meta(ge=0, le=10_000, description="Limit over all threads together; 0 = no limit."),
    ] = 10
    request_timeout_seconds: Annotated[
        float,
        Meta(gt=0, le=600, description="Seconds to connect, and between two parts of an answer."),
    ] = 10
    max_attempts: Annotated[
        int,
        Meta(
            ge=1, le=20, description="Tries for one request, with exponential backoff and jitter."
        ),
    ] = 4
    max_body_megabytes: Annotated[
        int, Meta(ge=1, le=1024, description="Largest page that is read, unpacked, in megabytes.")
    ] = 32
    user_agent: Annotated[
        HeaderValue, Meta(description="How the program names itself to the site.")
    ] = HeaderValue(f"{PROGRAM}/{VERSION}")
    proxies: Annotated[
        tuple[ProxyUrl, ...],
        Meta(
            description="Comma-separated proxy URLs (http, https, socks5, socks5h), used in turn, "
            "a request each; those that fail or are slow less."
        ),
    ] = ()
    tor_socks_url: Annotated[
        TorSocksUrl, Meta(description="Tor's SOCKS port, for example socks5h://127.0.0.1:9050.")
    ] = TorSocksUrl("")
    tor_control_url: Annotated[
        TorControlAddress,
        Meta(
            description="Tor's control port (tcp://127.0.0.1:9051) or the path of its socket, to "
            "ask for a new circuit when the site blocks one."
        ),
    ] = TorControlAddress("")
    tor_control_password: Annotated[
        Secret,
        Meta(description="Password of Tor's control port; empty: its cookie file, or none."),
    ] = Secret("")
    routes: Annotated[
        tuple[RouteKind, ...],
        Meta(
            min_length=1,
            description="Ways to the site, in order: direct, proxies, tor; a later one is used "
            "while those before it fail. Empty: proxies and tor when they are configured, else "
            "direct.",
        ),
    ] = ()
    redis_url: Annotated[
        RedisUrl, Meta(description="redis://user:password@host:port/number of a Redis server.")
    ] = RedisUrl("")
    batch_titles: Annotated[
        int,
        Meta(ge=1, le=10_000, description="Titles of a batch, which one worker does at a time."),
    ] = 50
    batch_attempts: Annotated[
        int,
        Meta(
            ge=1, le=100, description="Tries for a batch that fails; after the last it is parked."
        ),
    ] = 5
    batch_wait_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=720,
            description="So long a distributed run waits for sources that are away or refuse us; "
            "then what is left of it is parked.",
        ),
    ] = 12
    batch_time_limit_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=86_400,
            description="A batch that takes longer is ended, and done again in halves.",
        ),
    ] = 900
    batch_lease_seconds: Annotated[
        int,
        Meta(
            ge=2,
            le=3600,
            description="A worker that was not heard of for so long counts as dead, and another "
            "one does its batch.",
        ),
    ] = 60
    schedule_charts: Annotated[
        CronTimes,
        Meta(description="When the chart is scraped by workers: a cron expression, or off."),
    ] = CronTimes("0 3 * * *")
    schedule_datasets: Annotated[
        CronTimes,
        Meta(description="When IMDb's dataset files are imported: a cron expression, or off."),
    ] = CronTimes("0 5 * * 0")
    schedule_people: Annotated[
        CronTimes,
        Meta(description="When profiles of people are fetched: a cron expression, or off."),
    ] = CronTimes("0 4 1 * *")
    schedule_people_budget: Annotated[
        int,
        Meta(ge=1, le=10_000_000, description="At most so many people each time."),
    ] = 1000
    schedule_refresh: Annotated[
        CronTimes,
        Meta(description="When titles are refreshed by workers: a cron expression, or off."),
    ] = CronTimes("off")
    schedule_refresh_budget: Annotated[
        int,
        Meta(ge=1, le=10_000_000, description="At most so many titles each time."),
    ] = 1000
    schedule_timezone: Annotated[
        TimeZone,
        Meta(description="The time zone of the schedule, such as Europe/Vienna."),
    ] = TimeZone("UTC")
    job_time_limit_seconds: Annotated[
        int,
        Meta(ge=1, le=604_800, description="A job of the schedule that takes longer is ended."),
    ] = 21_600
    http_cache: Annotated[
        Literal["off", "file", "redis"],
        Meta(
            description="Keep pages, so that they are not asked for again: off, file (a folder in "
            "OUTPUT_DIR) or redis (at REDIS_URL)."
        ),
    ] = "off"
    http_cache_ttl_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=31_536_000,
            description="How long a kept page is used without asking; after that the site is asked "
            "whether it has changed.",
        ),
    ] = 86_400
    robots: Annotated[
        Literal["obey", "ignore"],
        Meta(
            description="obey: read only what the site's robots.txt lets robots read, no faster "
            "than its Crawl-delay; ignore: your own decision, noted in the log."
        ),
    ] = "obey"
    language: Annotated[
        LanguageTag,
        Meta(
            description="Language of display titles, for example en-US or de: Accept-Language of "
            "pages, x-imdb-user-language of the API."
        ),
    ] = LanguageTag(DEFAULT_LANGUAGE)
    country: Annotated[
        CountryCode,
        Meta(
            description="Country of certificates, release dates and display titles, for example "
            "US (x-imdb-user-country)."
        ),
    ] = CountryCode("US")
    api_host: Annotated[
        ListenAddress,
        Meta(
            description="Address that `serve` listens on; any but this machine's own (127.0.0.1) "
            "needs API_KEYS or API_OPEN=true."
        ),
    ] = ListenAddress("127.0.0.1")
    api_port: Annotated[
        int, Meta(ge=0, le=65_535, description="Port that `serve` listens on; 0 = any free one.")
    ] = 8000
    api_keys: Annotated[
        tuple[ApiKey, ...],
        Meta(
            description="Comma-separated keys of 16 or more characters; who sends one may start "
            "and cancel runs. Without any nobody may."
        ),
    ] = ()
    api_open: Annotated[
        Literal["true", "false"],
        Meta(
            description="true: whoever reaches `serve` may read without a key; false: only "
            "programs of this machine may, when it listens on 127.0.0.1."
        ),
    ] = "false"
    api_requests_per_minute: Annotated[
        int,
        Meta(ge=0, le=1_000_000, description="Limit for each client of `serve`; 0 = no limit."),
    ] = 1200
    api_cache_mb: Annotated[
        int,
        Meta(
            ge=0,
            le=65_536,
            description="Memory for answers of `serve` that are kept until something changes, in "
            "megabytes; with REDIS_URL they are kept there as well; 0 = keep none.",
        ),
    ] = 64
    api_runs: Annotated[
        Literal["here", "workers"],
        Meta(
            description="Who does the runs that are started over `serve`, when the order does not "
            "say: the server itself, or workers."
        ),
    ] = "here"
    metrics_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65_535,
            description="Port at which a run gives its metrics to Prometheus (/metrics); 0: none.",
        ),
    ] = 0
    metrics_host: Annotated[
        HeaderValue,
        Meta(
            description="Address that METRICS_PORT is opened at; others than this machine's own "
            "need 0.0.0.0 or a name."
        ),
    ] = HeaderValue("127.0.0.1")
    metrics_push_url: Annotated[
        GatewayUrl,
        Meta(
            description="http://host:port of a Pushgateway that a run sends its metrics to, every "
            "15 seconds and at its end."
        ),
    ] = GatewayUrl("")
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Meta(description="DEBUG, INFO, WARNING or ERROR."),
    ] = "INFO"
    log_format: Annotated[
        Literal["console", "json"],
        Meta(description="console for people, json for machines."),
    ] = "console"

    @property
    def max_body_bytes(self) -> int:
        """The largest page that is read, in bytes, after unpacking."""
        return self.max_body_megabytes * 1024 * 1024

    @property
    def route_order(self) -> tuple[RouteKind, ...]:
        """``ROUTES``; when empty, what is configured: nobody who names proxies goes direct."""
        configured: tuple[tuple[RouteKind, bool], ...] = (
            ("proxies", bool(self.proxies)),
            ("tor", bool(self.tor_socks_url)),
        )
        return self.routes or tuple(kind for kind, is_set in configured if is_set) or ("direct",)


class SettingField(msgspec.Struct, frozen=True):
    """A setting as the help shows it. ``default_text`` is empty when there is none to show."""

    name: str
    description: str
    default_text: str


@cache
def setting_fields() -> tuple[SettingField, ...]:
    """All settings, in the order of their declaration."""
    return tuple(
        SettingField(
            field.name,
            _meta(_types()[field.name]).description or "",
            _default_text(field.default),
        )
        for field in msgspec.structs.fields(Settings)
    )


def _default_text(default: object) -> str:
    if default is None or isinstance(default, Secret):
        return ""
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def load_settings(
    options: Mapping[str, str] | None = None, *, env_file: Path | None = ENV_FILE
) -> Settings:
    """Read the settings; ``options`` (field name to text) win over environment and ``env_file``.

    Raises `InvalidSettings` with every problem at once.
    """
    options = options or {}
    try:
        named = _from_environment(env_file)
        in_files, in_files_wrong = read_secret_files(named, secret_settings() - options.keys())
    except OSError as error:
        raise InvalidSettings([f"{env_file} cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        problem = f"{env_file} cannot be read: it is not in UTF-8; save it so in your editor"
        raise InvalidSettings([problem]) from error
    given = {name: named[name] for name in _types() if name in named} | in_files | dict(options)
    values: dict[str, Any] = {}
    problems = list(in_files_wrong.values())
    wrong = set(in_files_wrong)
    for name, text in given.items():
        try:
            values[name] = _value(_types()[name], text)
        except ValueError as error:
            problems.append(_problem(name, text, str(error)))
            wrong.add(name)
    settings = Settings(**values)
    problems += _problems_of_database(settings, wrong)
    problems += _problems_of_saved_pages(settings) + _problems_of_routes(settings, wrong)
    if settings.http_cache == "redis" and not (settings.redis_url or "redis_url" in wrong):
        problems.append("REDIS_URL: must be set when HTTP_CACHE is 'redis'")
    if problems:
        raise InvalidSettings(problems)
    if settings.database_password:
        url = settings.database_url.with_password(settings.database_password)
        return msgspec.structs.replace(settings, database_url=url)
    return settings


def problems_of_serving(settings: Settings) -> list[str]:
    """What keeps `serve` from listening: data that everybody could read by mistake."""
    if settings.api_host.is_loopback or settings.api_keys or settings.api_open == "true":
        return []
    problem = (
        f"API_HOST={settings.api_host}: can be reached from other machines, and nothing keeps "
        "anybody out: set API_KEYS to a key of your own, or API_OPEN=true when all may read"
    )
    return [problem]


def _from_environment(env_file: Path | None) -> dict[str, str]:
    """What environment and ``env_file`` say, by name in small letters; empty says nothing."""
    in_file = _values_of(env_file) if env_file is not None else {}
    return {
        name.lower(): value
        for name, value in (*in_file.items(), *os.environ.items())
        if value and value.strip()
    }


@cache
def secret_settings() -> frozenset[str]:
    """The settings that may hold a secret; each may be read from a file, ``<SETTING>_FILE``."""
    return frozenset(name for name, wanted in _types().items() if _is_secret(get_args(wanted)[0]))


def _is_secret(kind: Any) -> bool:
    kinds = get_args(kind) if get_origin(kind) is tuple else (kind,)
    return any(isinstance(one, type) and issubclass(one, Secret) for one in kinds)


def _values_of(env_file: Path) -> dict[str, str | None]:
    """What the file says; nothing when there is none.

    Raises `InvalidSettings` for lines that say nothing: the run would go on with a default in place
    of what was meant, and save who knows where.
    """
    if not (env_file.is_file() or env_file.is_fifo()):
        return {}
    text = env_file.read_text("utf-8-sig")
    problems = [
        f"{env_file}, line {binding.original.line}: is not NAME=value, or a quote is not closed; "
        "begin a remark with #"
        for binding in parse_stream(io.StringIO(text))
        if binding.error
    ]
    if problems:
        raise InvalidSettings(problems)
    return dict(dotenv_values(stream=io.StringIO(text)))


@cache
def _types() -> Mapping[str, Any]:
    """The type of each setting, with its limits, by field name."""
    return get_type_hints(Settings, include_extras=True)


def _meta(annotated: Any) -> Meta:
    meta: Meta = annotated.__metadata__[0]
    return meta


def _value(wanted: Any, text: str) -> object:
    """The value that a text stands for; raises `ValueError` with what is allowed."""
    kind = get_args(wanted)[0]
    given: object = text.strip()
    if get_origin(kind) is tuple:
        # A file may have one a line.
        parts = text.replace("\n", ",").split(",")
        given = tuple(part.strip() for part in parts if part.strip())
    try:
        if kind in _NUMBERS:
            given = kind(given)
        value = msgspec.convert(given, wanted, dec_hook=_made)
    except ValueError as error:  # msgspec's own errors are such, too
        raise ValueError(_allowed(wanted) or _of_item(str(error), given)) from None
    if _is_list_of_names(kind) and len(set(value)) != len(value):
        raise ValueError("names one more than once")
    return value


def _is_list_of_names(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_origin(get_args(kind)[0]) is Literal


def _made(kind: Any, text: object) -> object:
    """Make a value of a type that msgspec does not know."""
    if kind is Path:
        return _folder(str(text))
    made: object = kind(text)
    return made


def _folder(text: str) -> Path:
    if not text:
        raise ValueError("must name a folder")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError("begins with ~ and a user who is not known here") from None


def _allowed(wanted: Any) -> str:
    """What may be given for numbers and names; empty for types that say so themselves."""
    meta, kind = _meta(wanted), get_args(wanted)[0]
    if kind in _NUMBERS:
        number = "a whole number" if kind is int else "a number"
        least = f"from {meta.ge:g}" if meta.gt is None else f"above {meta.gt:g} and up"
        return f"must be {number} {least} to {meta.le:,.12g}"
    if _is_list_of_names(kind):
        return f"must name at least one, separated by commas, of {_names(get_args(kind)[0])}"
    return f"must be {_names(kind)}" if get_origin(kind) is Literal else ""


def _names(literal: Any) -> str:
    *others, last = (repr(name) for name in get_args(literal))
    return f"{', '.join(others)} or {last}"


def _of_item(message: str, given: object) -> str:
    """A message of msgspec, with the place in a list in words."""
    if (item := _ITEM.search(message)) and isinstance(given, tuple):
        return f"number {int(item['index']) + 1} of {len(given)} {message[: item.start()]}"
    return message


def _problem(name: str, text: str, message: str) -> str:
    """One problem as ``NAME=value: what is allowed``; without the value where it may be secret."""
    if name in _ADDRESSES or "@" in text:
        return f"{name.upper()}: {message}"
    return f"{name.upper()}={text}: {message}"


def _problems_of_database(settings: Settings, wrong: Collection[str]) -> list[str]:
    if not settings.database_password or "database_url" in wrong:
        return []
    if not settings.database_url:
        return ["DATABASE_PASSWORD: is of no use without DATABASE_URL"]
    if settings.database_url.has_password:
        return ["DATABASE_PASSWORD: DATABASE_URL has a password, too: leave out one of them"]
    return []


def _problems_of_saved_pages(settings: Settings) -> list[str]:
    folder = settings.saved_pages_dir
    if "saved" not in settings.sources:
        return []
    if folder is None:
        return ["SAVED_PAGES_DIR: must name a folder when SOURCES has 'saved'"]
    # Not Path.is_dir, which raises for a folder that one may not look into.
    exists = os.path.isdir(folder)  # noqa: PTH112
    return [] if exists else [f"SAVED_PAGES_DIR={folder}: there is no such folder"]


def _problems_of_routes(settings: Settings, wrong: Collection[str]) -> list[str]:
    """What a setting needs of another one, unless that has been told as wrong already."""
    needs_proxies = "proxies" in settings.routes and not settings.proxies
    needs_socks = not settings.tor_socks_url and "tor_socks_url" not in wrong
    needs_control = not settings.tor_control_url and "tor_control_url" not in wrong
    problems = []
    if needs_proxies and "proxies" not in wrong:
        problems.append("ROUTES: names 'proxies', and PROXIES is empty: set it, or leave them out")
    if needs_socks and "tor" in settings.routes:
        example = "such as socks5h://127.0.0.1:9050"
        problems.append(f"ROUTES: names 'tor', and TOR_SOCKS_URL is empty: set it, {example}")
    if needs_socks and settings.tor_control_url:
        problems.append("TOR_CONTROL_URL: is of no use without TOR_SOCKS_URL")
    if needs_control and settings.tor_control_password:
        example = "such as tcp://127.0.0.1:9051"
        problems.append(f"TOR_CONTROL_PASSWORD: is of no use without TOR_CONTROL_URL, {example}")
    return problems


def likely_typos(env_file: Path = ENV_FILE) -> list[str]:
    """Lines for the names in ``env_file`` that are no setting but look much like one."""
    if not env_file.is_file():
        return []
    import difflib

    known = [name.upper() for name in _types()]
    known += [f"{name}{SUFFIX}".upper() for name in secret_settings()]
    lines = []
    for name in dotenv_values(env_file):
        close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
        if close and name.upper() not in known:
            lines.append(f"{env_file}: {name} is not a setting; did you mean {close[0]}?")
    return lines
