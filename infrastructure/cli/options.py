"""Every setting as an option, made from the settings themselves."""

import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click

from shared.config import setting_fields

_Command = TypeVar("_Command", bound=Callable[..., Any])
_OTHER_NAMES = {"details": "--with"}
_KEY = "infrastructure.cli.settings"
_PROFILE_KEY = "infrastructure.cli.profile"
_SECRETS = {
    "database_url",
    "proxies",
    "tor_socks_url",
    "tor_control_password",
    "redis_url",
    "metrics_push_url",
}


def settings_options(*names: str) -> Callable[[_Command], _Command]:
    """Add an option for each of these settings, or for all; `given_options` has what was given."""

    def add_options(command: _Command) -> _Command:
        fields = {field.name: field for field in setting_fields()}
        for field in [fields[name] for name in reversed(names or tuple(fields))]:
            default = f"={field.default_text}" if field.default_text else ""
            spelled = [f"--{field.name.replace('_', '-')}"]
            if field.name in _OTHER_NAMES:
                spelled.insert(0, _OTHER_NAMES[field.name])
            command = click.option(
                *spelled,
                field.name,
                metavar="VALUE",
                help=f"{field.description} [{field.name.upper()}{default}]",
                expose_value=False,
                callback=_remember,
            )(command)
        return command

    return add_options


def profile_option(command: _Command) -> _Command:
    """Add ``--profile``; `wants_profile` tells whether it was given."""
    return click.option(
        "--profile",
        is_flag=True,
        expose_value=False,
        callback=_remember_profile,
        help="Measure the run: time by stage, and samples as a picture for a browser, into "
        "OUTPUT_DIR/profile.",
    )(command)


def wants_profile(context: click.Context) -> bool:
    """Whether ``--profile`` was given, before a command or after it."""
    return bool(context.find_root().meta.get(_PROFILE_KEY))


def _remember_profile(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        context.find_root().meta[_PROFILE_KEY] = True


def given_options(context: click.Context) -> dict[str, str]:
    """The settings given as options so far: those after a command win over those before it."""
    given: dict[str, str] = context.find_root().meta.setdefault(_KEY, {})
    return given


def given_again(*names: str) -> str:
    """The settings that were options of this command line, for one that goes on with its data.

    Each with a space before it, as in ``" --output-dir films"``; of ``names``, or of all. What may
    hold a password is dots.
    """
    context = click.get_current_context(silent=True)
    given = {} if context is None else given_options(context)
    return "".join(
        f" --{name.replace('_', '-')} {'...' if name in _SECRETS else shlex.quote(text)}"
        for name, text in given.items()
        if name in (names or given)
    )


def _remember(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None and option.name is not None:
        given_options(context)[option.name] = value
