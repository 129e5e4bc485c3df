"""The settings: one typed, immutable value, read once from options, the environment and ``.env``.

Precedence: command-line option, environment variable, ``.env`` in the working directory, default.
All problems are reported at once, by name, and a secret is never shown.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from shared.version import PROGRAM, VERSION

ENV_FILE = Path(".env")

_DEFAULT_LANGUAGE = "en-US"
_ENCODING = "write @ : / ? # % in a password as %40 %3A %2F %3F %23 %25"
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_DATABASE_SCHEMES = ("postgresql", "postgres")


class InvalidSettings(ValueError):
    """One or more settings are wrong; ``problems`` has one line for each, without any secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("must name at least one")
    if len(set(names)) != len(names):
        raise ValueError("names one more than once")
    return names


def _split_url(text: str, schemes: Sequence[str]) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        # Not what urlsplit says: it quotes what it cannot read, which may be a password.
        raise ValueError(f"is not a URL; {_ENCODING}") from None
    if parts.scheme not in schemes:
        allowed = ", ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"must start with one of {allowed}")
    return parts


def _web_address(value: str) -> str:
    parts = _split_url(value, ("http", "https"))
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be http(s)://host[:port][/path], with nothing after it")
    return value.rstrip("/")


def _database_address(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        _split_url(value.get_secret_value(), _DATABASE_SCHEMES)
    return value


def _proxy_addresses(value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for number, proxy in enumerate(value, 1):
        try:
            parts = _split_url(proxy.get_secret_value(), _PROXY_SCHEMES)
        except ValueError as error:
            raise ValueError(f"proxy {number} of {len(value)} {error}") from error
        if not parts.hostname or parts.port is None:
            raise ValueError(f"proxy {number} of {len(value)} needs a host and a port")
    return value


def _header_value(value: str) -> str:
    if not value.strip() or not value.isascii() or not value.isprintable():
        raise ValueError("must be printable ASCII text on one line")
    return value


def _language_tag(value: object) -> object:
    """A language tag, also from the variable's other use: gettext's list of locales.

    Many systems set ``LANGUAGE=en_US:en`` (GNU gettext manual, "The LANGUAGE variable").
    """
    if not isinstance(value, str):
        return value
    first = value.partition(":")[0].partition(".")[0].partition("@")[0]
    return _DEFAULT_LANGUAGE if first in {"", "C", "POSIX"} else first.replace("_", "-")


def _expanded(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


SourceName = Literal["html", "saved"]
RepositoryName = Literal["csv", "postgres"]


class Settings(BaseModel):
    """Every setting of the program; made by `load_settings`.

    A field's name in capitals is the environment variable, in kebab case the option.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)

    sources: Annotated[
        tuple[SourceName, ...],
        BeforeValidator(_comma_separated),
        AfterValidator(_each_once),
    ] = Field(
        ("html",),
        description="Where titles come from, in order: html (the web site), saved (pages saved "
        "from a browser). When one blocks us the next one is asked.",
    )
    base_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "https://www.imdb.com", description="Address of the web site that the html source reads."
    )
    saved_pages_dir: Annotated[Path | None, BeforeValidator(_expanded)] = Field(
        None,
        validate_default=True,
        description="Folder of saved pages (.html, .json) for the saved source.",
    )
    chart: Literal["top", "toptv", "moviemeter", "tvmeter", "bottom"] = Field(
        "top", description="The chart that the batch run scrapes."
    )
    limit: int = Field(
        250, ge=1, le=1_000_000, description="At most this many titles of the chart."
    )
    repositories: Annotated[
        tuple[RepositoryName, ...],
        BeforeValidator(_comma_separated),
        AfterValidator(_each_once),
    ] = Field(
        ("csv", "postgres"), description="Where titles are saved, at the same time: csv, postgres."
    )
    output_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        Path("output"),
        description="Folder of the CSV files, the run report and the embedded database.",
    )
    database_url: Annotated[SecretStr, AfterValidator(_database_address)] = Field(
        SecretStr(""),
        description="postgresql://user:password@host:port/name; empty: an embedded PostgreSQL "
        "that keeps its data under OUTPUT_DIR.",
    )
    max_threads: int = Field(
        50, ge=1, le=500, description="Workers of the detail fetcher, 1 to 500."
    )
    parse_processes: int = Field(
        0,
        ge=0,
        le=64,
        description="Processes that unpack and read title pages; 0: the threads that fetch them "
        "do.",
    )
    requests_per_second: Annotated[float, AfterValidator(_finite)] = Field(
        10, ge=0, le=10_000, description="Limit over all threads together; 0 = no limit."
    )
    request_timeout_seconds: Annotated[float, AfterValidator(_finite)] = Field(
        10, gt=0, le=600, description="Seconds to connect, and between two parts of an answer."
    )
    max_attempts: int = Field(
        4, ge=1, le=20, description="Tries for one request, with exponential backoff and jitter."
    )
    max_body_megabytes: int = Field(
        32, ge=1, le=1024, description="Largest page that is read, unpacked, in megabytes."
    )
    user_agent: Annotated[str, AfterValidator(_header_value)] = Field(
        f"{PROGRAM}/{VERSION}", description="How the program names itself to the site."
    )
    proxies: Annotated[
        tuple[SecretStr, ...],
        BeforeValidator(_comma_separated),
        AfterValidator(_proxy_addresses),
    ] = Field(
        (),
        description="Comma-separated proxy URLs (http, https, socks5, socks5h), used in turn, a "
        "request each.",
    )
    language: Annotated[str, BeforeValidator(_language_tag)] = Field(
        _DEFAULT_LANGUAGE,
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="Language that pages are asked for in (Accept-Language), for example en-US.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="console for people, json for machines."
    )

    @field_validator("saved_pages_dir")
    @classmethod
    def _saved_source_has_a_folder(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "saved" in info.data.get("sources", ()):
            if value is None:
                raise ValueError("must name a folder when SOURCES has 'saved'")
            if not value.is_dir():
                raise ValueError("there is no such folder")
        return value

    @property
    def max_body_bytes(self) -> int:
        """The largest page that is read, in bytes, after unpacking."""
        return self.max_body_megabytes * 1024 * 1024


def load_settings(
    options: Mapping[str, str] | None = None, *, env_file: Path | None = ENV_FILE
) -> Settings:
    """Read the settings; ``options`` (field name to text) win over environment and ``env_file``.

    Raises `InvalidSettings` with every problem at once.
    """
    try:
        given = {**_from_environment(env_file), **(options or {})}
        return Settings.model_validate(given)
    except ValidationError as error:
        raise InvalidSettings([_readable(detail) for detail in error.errors()]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings([f"{env_file} cannot be read: {error}"]) from error


def _from_environment(env_file: Path | None) -> dict[str, str]:
    """What environment and ``env_file`` say, by field name; empty values say nothing.

    Read here and not by pydantic-settings, which imports asyncio: 0.04 s of CPU at every start.
    Names are taken in any case, as it takes them.
    """
    in_file = dotenv_values(env_file, encoding="utf-8") if env_file is not None else {}
    named = {
        name.lower(): value for name, value in (*in_file.items(), *os.environ.items()) if value
    }
    return {name: named[name] for name in Settings.model_fields if name in named}


def _readable(detail: Any) -> str:
    """One problem as ``NAME=value: what is allowed``; without the value where it may be secret."""
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    field = str(detail["loc"][0])
    value = detail["input"]
    if isinstance(value, str) and "://" in value:
        value = without_credentials(value)
    if field in {"database_url", "proxies"} or not isinstance(value, str | int | float | Path):
        return f"{field.upper()}: {message}"
    return f"{field.upper()}={value}: {message}"


def likely_typos(env_file: Path = ENV_FILE) -> list[str]:
    """Lines for the names in ``env_file`` that are no setting but look much like one."""
    if not env_file.is_file():
        return []
    import difflib

    known = [name.upper() for name in Settings.model_fields]
    lines = []
    for name in dotenv_values(env_file):
        close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8)
        if close and name.upper() not in known:
            lines.append(f"{env_file}: {name} is not a setting; did you mean {close[0]}?")
    return lines


def without_credentials(url: str) -> str:
    """The URL with its user name and password replaced by ``***``, safe to show and to log."""
    try:
        parts = urlsplit(url)
        credentials, at, address = parts.netloc.rpartition("@")
    except ValueError:
        return "***"
    if not at:
        return url
    user = credentials.partition(":")[0]
    masked = f"{user}:***@{address}" if ":" in credentials else f"***@{address}"
    return parts._replace(netloc=masked, query="").geturl()
