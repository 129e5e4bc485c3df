"""The commands."""

import io
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from infrastructure.cli.exit_status import INCOMPLETE, INTERRUPTED, SAVED
from infrastructure.cli.interruption import heeded_signals
from infrastructure.cli.options import (
    given_options,
    profile_option,
    settings_options,
    wants_profile,
)
from shared.config import (
    ENV_FILE,
    InvalidSettings,
    RepositoryName,
    Settings,
    likely_typos,
    load_settings,
    setting_fields,
)
from shared.logging import configure_logging
from shared.memory import tune_memory
from shared.version import PROGRAM, VERSION

logger = logging.getLogger(__name__)

DEMO_SETTINGS = (
    "details",
    "limit",
    "repositories",
    "output_dir",
    "database_url",
    "repository_wait_seconds",
    "max_threads",
    "parse_processes",
    "request_timeout_seconds",
    "max_attempts",
    "max_body_megabytes",
    "user_agent",
    "language",
    "country",
    "metrics_port",
    "metrics_host",
    "metrics_push_url",
    "log_level",
    "log_format",
)
"""The settings that mean something in the demo: it has its own site, chart and rate."""

ROUTE_SETTINGS = (
    "base_url",
    "request_timeout_seconds",
    "user_agent",
    "language",
    "country",
    "proxies",
    "tor_socks_url",
    "tor_control_url",
    "tor_control_password",
    "routes",
    "log_level",
    "log_format",
)
"""The settings that mean something to the test of the routes."""

SEARCH_SETTINGS = (
    "suggestion_url",
    "graphql_url",
    "graphql_client_name",
    "base_url",
    "language",
    "country",
    "requests_per_second",
    "request_timeout_seconds",
    "max_attempts",
    "max_body_megabytes",
    "user_agent",
    "proxies",
    "tor_socks_url",
    "tor_control_url",
    "tor_control_password",
    "routes",
    "robots",
    "http_cache",
    "http_cache_ttl_seconds",
    "redis_url",
    "output_dir",
    "log_level",
    "log_format",
)
"""The settings that mean something to a search."""

LISTING_SETTINGS = tuple(
    field.name
    for field in setting_fields()
    if field.name not in {"suggestion_url", "saved_pages_dir", "chart", "limit"}
)
"""The settings that mean something where titles are listed and scraped."""

DISCOVER_SETTINGS = tuple(name for name in LISTING_SETTINGS if name not in {"language", "country"})
"""Without those whose options are filters; they may stand before the command."""

HISTORY_SETTINGS = ("repositories", "output_dir", "database_url", "log_level", "log_format")
"""The settings that mean something to a look at earlier times."""

EXPORT_SETTINGS = (*HISTORY_SETTINGS, "csv_escape_formulas")
"""The settings that mean something to an export."""

SERVE_SETTINGS = (
    "api_host",
    "api_port",
    "api_keys",
    "api_open",
    "api_requests_per_minute",
    "api_cache_mb",
    "redis_url",
    *EXPORT_SETTINGS,
)
"""The settings that mean something to the server."""

DATASETS_SETTINGS = (
    "datasets_url",
    "requests_per_second",
    "request_timeout_seconds",
    "max_attempts",
    "user_agent",
    "proxies",
    "tor_socks_url",
    "tor_control_url",
    "tor_control_password",
    "routes",
    "robots",
    "repositories",
    "output_dir",
    "database_url",
    "log_level",
    "log_format",
)
"""The settings that mean something to the import of dataset files."""

PROFILED = frozenset({"titles", "demo", "resume", "retry"})
"""The commands that ``--profile`` measures, besides the batch run."""

_EPILOG = """\b
Exit status:
  0    every title is saved in every repository
  1    finished with titles, or details of them, missing (named in run-report.json)
  2    bad usage or configuration; nothing was started
  3    no source could be reached, or all are blocked
  130  interrupted; what was in flight is saved (go on with: resume)
"""

_EXPORT_EPILOG = """\b
A filter compares fields with ==, !=, <, <=, >, >=, in, not in, is None, and joins with
and, or, not: "rating > 8 and 'Drama' in genres and 'nm0000151' in cast and plot is not None"

Without --out, csv and jsonl go to standard output, the others to OUTPUT_DIR/export.FORMAT.
Exit status: 0 when written, 1 when not, 2 for bad usage, 130 when interrupted.
"""


def run(arguments: Sequence[str]) -> int:
    """Run the program with these arguments (without its own name); give the exit status."""
    # All unwind like Ctrl-C, so that an embedded database is stopped.
    for number in heeded_signals():
        signal.signal(number, signal.default_int_handler)
    try:
        _make_streams_safe()
        status = commands.main(list(arguments), prog_name="python main.py", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):  # where there is no run to finish
        return INTERRUPTED
    except OSError as error:
        return _cannot_go_on(error)
    finally:
        _give_up_a_terminal_that_has_gone()
    return status if isinstance(status, int) else SAVED


def _make_streams_safe() -> None:
    """Give the program all three streams, able to take any text.

    A title in Japanese must not end the program on a terminal that cannot show it, nor a closed
    standard output a run that saves to files.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _give_up_a_terminal_that_has_gone() -> None:
    """Let what is left for standard error go: it would fail again at the exit, with status 120."""
    try:
        sys.stderr.flush()
    except OSError:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)


def _cannot_go_on(error: OSError) -> int:
    """Say why in one line, unless it is that nobody reads us any more; give the exit status."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # what is left in the buffer would fail again at the exit
    if not isinstance(error, BrokenPipeError):
        with suppress(OSError):  # the terminal has gone
            what = error.strerror or str(error)
            where = f"{error.filename}: " if error.filename else ""
            sys.stderr.write(f"Error: {where}{what}\n")
    return INCOMPLETE


@click.group(invoke_without_command=True, epilog=_EPILOG)
@click.version_option(VERSION, prog_name=PROGRAM)
@click.option(
    "--resume/--fresh",
    default=None,
    help="Continue a run of this chart that was stopped in the last day, or begin anew; without "
    "either you are asked, and off a terminal it is anew.",
)
@profile_option
@settings_options()
@click.pass_context
def commands(context: click.Context, resume: bool | None) -> int | None:
    """Collect IMDb titles, ratings, people and charts into CSV files and PostgreSQL.

    Without a command: scrape the chart CHART (the Top 250) into REPOSITORIES.

    \b
    python main.py demo                      first look: everything on this machine, no network
    python main.py                           the Top 250 into output/ and PostgreSQL
    python main.py --chart toptv --limit 50  the 50 best series
    python main.py charts                    which charts there are
    python main.py titles tt0111161          single titles, by id or URL
    python main.py people nm0000151          people: who they are, and their films
    python main.py search "the matrix"       titles, people, companies, keywords by words
    python main.py discover --genre horror   titles by what they are: IMDb's advanced search
    python main.py list ls048276758          the titles of somebody's list
    python main.py parse saved-page.html     a page saved from a browser, as JSON
    python main.py resume                    continue a run that was stopped
    python main.py retry                     fetch again what failed
    python main.py runs                      the latest runs, and how they went
    python main.py history tt0111161         a title's rating, votes and ranks over time
    python main.py chart diff                who rose, fell, entered and left the chart
    python main.py export --out films.xlsx   titles for other programs, with filters
    python main.py report                    a page with plots and tables, for a browser
    python main.py serve                     the HTTP API, for other programs
    python main.py scrape --distributed      the same as a chart's run, by many workers
    python main.py worker                    does parts of such runs; start as many as you like
    python main.py schedule                  charts, datasets and people by the clock
    python main.py repair                    copy what one repository lacks from the other
    python main.py datasets import           IMDb's own files, with all its titles
    python main.py psql                      look into the database
    python main.py cache                     what HTTP_CACHE has kept
    python main.py doctor                    is everything there that a run needs?
    python main.py routes                    which proxies work, and how fast are they?

    Every setting is an option, an environment variable or a line in .env, in this order; options
    may stand before or after a command.
    """
    if context.invoked_subcommand is not None:
        if wants_profile(context) and context.invoked_subcommand not in PROFILED:
            raise click.UsageError(f"--profile measures runs, not {context.invoked_subcommand}")
        if resume is not None:
            raise click.UsageError(
                f"--resume and --fresh do not go with {context.invoked_subcommand}"
            )
        return None
    from infrastructure.cli.continuing import batch_run

    return batch_run(_settings(context), resume=resume, profile=wants_profile(context))


@commands.command(epilog=_EPILOG)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@profile_option
@settings_options()
@click.pass_context
def titles(context: click.Context, ids: tuple[str, ...]) -> int:
    """Scrape these titles: ids (tt0111161) or URLs; - reads them from standard input.

    \b
    python main.py titles tt0111161 tt0068646
    python main.py titles https://www.imdb.com/title/tt0111161/
    cut -d, -f1 ids.csv | python main.py titles -
    """
    from infrastructure.cli.runs import run_and_report
    from infrastructure.cli.title_ids import read_title_ids

    settings = _settings(context)
    wanted, problems = read_title_ids(ids, sys.stdin.buffer)
    if not wanted:
        raise click.UsageError("\n".join(problems[:20]) or "no title was named")
    return run_and_report(
        settings,
        "titles",
        lambda app, run: app.scrape_titles.execute(wanted, run, rejected=problems),
        profile=wants_profile(context),
    )


_BY_WORKERS = click.option(
    "--distributed", is_flag=True, help="By workers (see: worker), in batches."
)
_DETACH = click.option(
    "--detach", is_flag=True, help="Do not wait for the end of a distributed run."
)


def _is_by_workers(context: click.Context, *, distributed: bool, detach: bool) -> bool:
    if detach and not distributed:
        raise click.UsageError("--detach goes with --distributed")
    if distributed and wants_profile(context):
        raise click.UsageError("--profile measures what this program does: not a distributed run")
    return distributed


@commands.command(epilog=_EPILOG)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_BY_WORKERS
@_DETACH
@settings_options()
@click.pass_context
def scrape(context: click.Context, *, ids: tuple[str, ...], distributed: bool, detach: bool) -> int:
    """Scrape these titles, or without any the chart CHART; with --distributed by workers.

    \b
    python main.py scrape --distributed --chart toptv
    python main.py scrape --distributed --detach - < ids.txt

    Workers are started with `worker`, on any number of machines. While this command waits, Ctrl-C
    ends the waiting only; `runs` shows the run, `runs cancel` ends it.
    """
    from infrastructure.cli.title_ids import read_title_ids

    settings = _settings(context)
    by_workers = _is_by_workers(context, distributed=distributed, detach=detach)
    wanted, problems = read_title_ids(ids, sys.stdin.buffer)
    if ids and not wanted:
        raise click.UsageError("\n".join(problems[:20]) or "no title was named")
    if by_workers:
        from infrastructure.cli.distributed import scrape_distributed

        for problem in problems:
            logger.warning("%s", problem)
        return scrape_distributed(settings, wanted if ids else None, detach=detach)
    if not ids:
        from infrastructure.cli.continuing import batch_run

        return batch_run(settings, resume=None, profile=False)
    from infrastructure.cli.runs import run_and_report

    return run_and_report(
        settings,
        "titles",
        lambda app, run: app.scrape_titles.execute(wanted, run, rejected=problems),
    )


@commands.command()
@click.option(
    "--embedded", is_flag=True, help="Start a Redis in OUTPUT_DIR: for a first try, on one machine."
)
@click.option("--jobs", is_flag=True, help="Do the jobs of the schedule, and no batches.")
@click.option("--check", "checks", is_flag=True, help="Ask whether a worker is at work here.")
@settings_options()
@click.pass_context
def worker(context: click.Context, *, embedded: bool, jobs: bool, checks: bool) -> int:
    """Do batches of distributed runs, until SIGTERM or Ctrl-C: what is at work is finished first.

    \b
    python main.py worker --embedded                        in one terminal, and in another:
    python main.py scrape --distributed

    Start as many as you like, on any number of machines: all need the same REDIS_URL and
    DATABASE_URL. With --jobs it does what `schedule` says is due, beside those that do batches.
    docs/scaling.md says more.
    """
    settings = _settings(context)
    if checks:
        from infrastructure.cli.schedule import check

        return check(settings, is_beat=False)
    if jobs:
        if embedded:
            raise click.UsageError("--embedded does not go with --jobs: set REDIS_URL")
        from infrastructure.cli.schedule import work

        return work(settings)
    from infrastructure.cli.distributed import work_until_stopped

    return work_until_stopped(settings, embedded=embedded)


@commands.command()
@click.option("--show", "only_shown", is_flag=True, help="Say when each job is due, and was done.")
@click.option(
    "--once",
    metavar="JOB",
    type=click.Choice(["charts", "datasets", "people", "refresh"]),
    help="Have a worker do a job now: charts, datasets, people or refresh.",
)
@click.option("--check", "checks", is_flag=True, help="Ask whether the clock goes here.")
@settings_options()
@click.pass_context
def schedule(context: click.Context, *, only_shown: bool, once: str | None, checks: bool) -> int:
    """Tell workers when jobs are due (SCHEDULE_CHARTS and others), until SIGTERM or Ctrl-C.

    \b
    python main.py schedule                     the clock
    python main.py worker --jobs                does what is due
    python main.py worker                       does the batches of its distributed runs
    python main.py schedule --show
    python main.py schedule --once datasets

    A job is never done twice at once, however many clocks and workers there are.
    """
    from infrastructure.cli.schedule import begin_now, check, keep, show

    settings = _settings(context)
    if only_shown + bool(once) + checks > 1:
        raise click.UsageError("--show, --once and --check do not go together")
    if only_shown:
        return show(settings)
    if checks:
        return check(settings, is_beat=True)
    return keep(settings) if once is None else begin_now(settings, once)


@commands.command()
@click.argument("words", nargs=-1, required=True, metavar="WORDS...")
@click.option("--people", is_flag=True, help="Look for people instead of titles.")
@click.option("--companies", is_flag=True, help="Look for companies instead.")
@click.option("--keywords", is_flag=True, help="Look for keywords instead.")
@click.option("--year", type=int, help="Only titles of this year (series: from first to last).")
@click.option("--kind", metavar="KIND", help="Only movie, tvSeries, tvEpisode, short, ...")
@click.option("--adult", is_flag=True, help="Adult titles, too; they are left out otherwise.")
@click.option("--limit", default=20, help="At most so many [20].")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a hit and line.")
@settings_options(*SEARCH_SETTINGS)
@click.pass_context
def search(
    context: click.Context,
    *,
    words: tuple[str, ...],
    people: bool,
    companies: bool,
    keywords: bool,
    year: int | None,
    kind: str | None,
    adult: bool,
    limit: int,
    as_json: bool,
) -> int:
    """Find titles by words: the suggestion API first, then the GraphQL API, then /find.

    \b
    python main.py search "the matrix" --year 1999
    python main.py search --people "agnes varda"
    python main.py search --companies "castle rock"
    python main.py search --keywords prison
    python main.py search heat --kind movie --json | jq -r .imdb_id | python main.py titles -

    Exit status: 0 when something was found, 1 when nothing was, 3 when nobody gave an answer.
    """
    from domain.errors import InvalidSearch
    from domain.search import Thing
    from infrastructure.cli.search import query_from, search_and_show

    settings = _settings(context)
    given = {Thing.PERSON: people, Thing.COMPANY: companies, Thing.KEYWORD: keywords}
    things = {thing for thing, is_asked_for in given.items() if is_asked_for}
    try:
        query = query_from(
            " ".join(words), things=things, year=year, kind=kind, adult=adult, limit=limit
        )
    except InvalidSearch as error:
        raise click.UsageError(str(error)) from error
    return search_and_show(settings, query, as_json=as_json)


@commands.command(epilog=_EPILOG)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="movie, tvSeries, short, ...")
@click.option("--genre", "genres", multiple=True, metavar="GENRE", help="Horror, sci-fi, ...")
@click.option("--year", metavar="A-B", help="First released in these years: 1970-1979, 1999, 2020-")
@click.option("--rating", metavar="A-B", help="7-10, 8.5-")
@click.option("--votes", metavar="A-B", help="So many have voted: 10000-50000")
@click.option("--min-votes", metavar="N", help="The same as --votes N-")
@click.option("--runtime", metavar="A-B", help="Minutes: 90-120")
@click.option("--country", "countries", multiple=True, metavar="CODE", help="Made in: US, JP, ...")
@click.option("--language", "languages", multiple=True, metavar="CODE", help="Spoken: en, ja, ...")
@click.option("--keyword", "keywords", multiple=True, metavar="WORD", help='"time travel", ...')
@click.option("--title", "words", metavar="WORDS", help="Words of the title.")
@click.option("--person", "people", multiple=True, metavar="ID", help="Has a part in it: nm0634240")
@click.option("--company", "companies", multiple=True, metavar="ID", help="Made it: co0040620")
@click.option("--rated-by", metavar="ID", help="Rated by this user: ur12345678 (graphql only)")
@click.option(
    "--sort",
    default="popularity",
    metavar="ORDER",
    help="popularity (the default), title, rating, votes, year, release-date, runtime, gross",
)
@click.option("--asc/--desc", "ascending", default=None, help="Which way round.")
@click.option("--adult", is_flag=True, help="Adult titles, too; they are left out otherwise.")
@click.option("--limit", "most", default="50", metavar="N", help="At most so many titles [50].")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a title and line.")
@click.option("--save", is_flag=True, help="Scrape them into REPOSITORIES, whole, as a run.")
@settings_options(*DISCOVER_SETTINGS)
@click.pass_context
def discover(
    context: click.Context, /, *, most: str, as_json: bool, save: bool, **given: Any
) -> int:
    """Find titles by what they are: IMDb's advanced search.

    \b
    python main.py discover --genre horror --year 1970-1979 --min-votes 1000 --sort rating
    python main.py discover --kind tvSeries --country JP --rating 8- --json
    python main.py discover --person nm0634240 --limit 1000 --save

    Options that may stand more than once narrow it down, but for --kind, of which any will do.
    Without --save nothing is kept. Exit status: 0 when all were had, 1 when there are none or not
    all could be had, 3 when nobody gave an answer; with --save, that of the run.
    """
    from domain.errors import InvalidConfiguration, InvalidFilter
    from infrastructure.cli.filters import filter_from
    from infrastructure.cli.title_list import discover as find

    _refuse_json_of_a_run(as_json, save)
    settings = _settings(context)
    try:
        return find(settings, filter_from(limit=most, **given), as_json=as_json, save=save)
    except InvalidFilter as error:
        raise click.UsageError("\n".join(error.problems)) from error
    except InvalidConfiguration as error:
        raise _as_usage_error(error.problems) from error


@commands.command("list", epilog=_EPILOG)
@click.argument("list_id", metavar="ID")
@click.option("--limit", "most", type=click.IntRange(1, 10_000), help="At most so many titles.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a title and line.")
@click.option("--save", is_flag=True, help="Scrape them into REPOSITORIES, whole, as a run.")
@settings_options(*LISTING_SETTINGS)
@click.pass_context
def list_(
    context: click.Context, *, list_id: str, most: int | None, as_json: bool, save: bool
) -> int:
    """Show the titles of somebody's list, by its id (ls048276758) or URL, or scrape them.

    \b
    python main.py list ls048276758
    python main.py list https://www.imdb.com/list/ls048276758/ --save

    Exit status: 0 when all were had; 1 when there is no such list, it is private or empty, or not
    all could be had; 3 when nobody gave an answer; with --save, that of the run.
    """
    from domain.errors import InvalidConfiguration, InvalidTitle
    from domain.identifiers import list_id_from
    from infrastructure.cli.title_list import show_list

    _refuse_json_of_a_run(as_json, save)
    settings = _settings(context)
    try:
        wanted = list_id_from(list_id)
        return show_list(settings, wanted, limit=most, as_json=as_json, save=save)
    except InvalidTitle as error:
        raise click.UsageError(str(error)) from error
    except InvalidConfiguration as error:
        raise _as_usage_error(error.problems) from error


def _refuse_json_of_a_run(as_json: bool, save: bool) -> None:
    if as_json and save:
        raise click.UsageError("--json shows titles and --save scrapes them: give one")


@commands.command(epilog=_EPILOG)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@settings_options()
@click.pass_context
def people(context: click.Context, ids: tuple[str, ...]) -> int:
    """Scrape these people: ids (nm0000151) or URLs; - reads them from standard input.

    Name, birth and death, professions, biography, known for, and films by category, into
    REPOSITORIES. A run that was interrupted is simply started again.

    \b
    python main.py people nm0000151 nm0000209
    python main.py people https://www.imdb.com/name/nm0000151/
    cut -d, -f1 output/people.csv | tail -n +2 | python main.py people -
    """
    from domain.errors import InvalidConfiguration
    from infrastructure.cli.people import scrape_people
    from infrastructure.cli.title_ids import read_name_ids

    settings = _settings(context)
    wanted, problems = read_name_ids(ids, sys.stdin.buffer)
    if not wanted:
        raise click.UsageError("\n".join(problems[:20]) or "nobody was named")
    try:
        return scrape_people(settings, wanted, problems)
    except InvalidConfiguration as error:
        raise _as_usage_error(error.problems) from error


@commands.command(epilog=_EPILOG)
@click.option("--run", "run_id", metavar="ID", help="The run to continue: the last one stopped.")
@_BY_WORKERS
@_DETACH
@profile_option
@settings_options()
@click.pass_context
def resume(context: click.Context, *, run_id: str | None, distributed: bool, detach: bool) -> int:
    """Continue a run that was killed, interrupted, or left by all of its sources.

    What the repositories have of it already is not fetched again.
    """
    if _is_by_workers(context, distributed=distributed, detach=detach):
        from infrastructure.cli.distributed import resume_distributed

        return resume_distributed(_settings(context), run_id, detach=detach)
    from infrastructure.cli.continuing import resume_run

    return resume_run(_settings(context), run_id, profile=wants_profile(context))


@commands.command(epilog=_EPILOG)
@click.option("--run", "run_id", metavar="ID", help="The run: the last one with failures.")
@click.option("--all", "with_not_found", is_flag=True, help="Also titles that were not found.")
@_BY_WORKERS
@_DETACH
@profile_option
@settings_options()
@click.pass_context
def retry(
    context: click.Context,
    *,
    run_id: str | None,
    with_not_found: bool,
    distributed: bool,
    detach: bool,
) -> int:
    """Fetch again the titles that failed in a run, unless they have been saved since."""
    if _is_by_workers(context, distributed=distributed, detach=detach):
        from infrastructure.cli.distributed import retry_distributed

        return retry_distributed(
            _settings(context), run_id, with_not_found=with_not_found, detach=detach
        )
    from infrastructure.cli.continuing import retry_run

    return retry_run(
        _settings(context), run_id, with_not_found=with_not_found, profile=wants_profile(context)
    )


@commands.command(epilog=_EPILOG)
@click.option(
    "--budget", required=True, type=click.IntRange(1, 10_000_000), help="At most so many titles."
)
@click.option(
    "--min-age",
    "least_age",
    default=20.0,
    type=click.FloatRange(0, 10_000),
    help="Hours that a title is left alone after it was asked for [20].",
)
@click.option("--show", "only_shown", is_flag=True, help="Only say what would be fetched.")
@profile_option
@settings_options()
@click.pass_context
def refresh(context: click.Context, *, budget: int, least_age: float, only_shown: bool) -> int:
    """Fetch again titles that are held: the oldest and those that change fastest first.

    How fast a title changes is what PostgreSQL has seen of its rating and votes. Done each night
    with the same budget, it keeps any number of titles as new as that budget can.

    \b
    python main.py refresh --budget 10000
    python main.py refresh --budget 10000 --show
    """
    from datetime import timedelta

    from infrastructure.cli.refresh import refresh as refresh_titles

    return refresh_titles(
        _settings(context),
        budget=budget,
        least_age=timedelta(hours=least_age),
        only_shown=only_shown,
        profile=wants_profile(context),
    )


@commands.command()
@click.option(
    "--check", is_flag=True, help="Only say what differs; exit status 1 if anything does."
)
@settings_options("repositories", "output_dir", "database_url", "log_level", "log_format")
@click.pass_context
def repair(context: click.Context, check: bool) -> int:
    """Bring the repositories level: copy titles from the one with the newer facts.

    Nothing is fetched. It may be interrupted and done again.
    """
    from rich.console import Console

    from infrastructure.cli.repair import repair_repositories

    return repair_repositories(_settings(context), check=check, console=Console())


@commands.group(invoke_without_command=True)
@click.option("--limit", default=20, type=click.IntRange(1, 10_000), help="At most so many [20].")
@settings_options(*HISTORY_SETTINGS)
@click.pass_context
def runs(context: click.Context, limit: int) -> int | None:
    """Show the latest runs: when, what, from where, titles asked, saved, failed, how it ended.

    The commands are for runs that workers do (see: scrape --distributed).
    """
    if context.invoked_subcommand is not None:
        return None
    from infrastructure.cli.run_table import show_runs
    from infrastructure.cli.summary import SummaryConsole

    return show_runs(_settings(context), limit, SummaryConsole())


@runs.command("cancel")
@click.argument("run_id", metavar="ID")
@settings_options(*HISTORY_SETTINGS)
@click.pass_context
def cancel_run(context: click.Context, run_id: str) -> int:
    """End a distributed run early: what is in flight is saved, and `resume` can go on with it."""
    from infrastructure.cli.distributed import change_stage

    return change_stage(_settings(context), run_id, "cancelled")


@runs.command("pause")
@click.argument("run_id", metavar="ID")
@settings_options(*HISTORY_SETTINGS)
@click.pass_context
def pause_run(context: click.Context, run_id: str) -> int:
    """Have workers begin nothing more of a distributed run, until it is continued."""
    from infrastructure.cli.distributed import change_stage

    return change_stage(_settings(context), run_id, "paused")


@runs.command("continue")
@click.argument("run_id", metavar="ID")
@settings_options(*HISTORY_SETTINGS)
@click.pass_context
def continue_run(context: click.Context, run_id: str) -> int:
    """Have workers go on with a distributed run that was paused."""
    from infrastructure.cli.distributed import change_stage

    return change_stage(_settings(context), run_id, "running")


@commands.command()
@click.argument("title", metavar="ID")
@click.option(
    "--limit", default=30, type=click.IntRange(1, 100_000), help="At most so many rows [30]."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with everything.")
@settings_options(*HISTORY_SETTINGS)
@click.pass_context
def history(context: click.Context, *, title: str, limit: int, as_json: bool) -> int:
    """Show how a title's rating and votes have changed, and its ranks in charts.

    The id (tt0111161) or URL of a title. What the runs have seen is kept in PostgreSQL. Exit
    status: 0 when something is known of it, 1 when nothing is or it cannot be read.
    """
    from domain.errors import InvalidTitle
    from domain.identifiers import title_id_from
    from infrastructure.cli.history import show_history

    settings = _settings(context)
    try:
        imdb_id = title_id_from(title)
    except InvalidTitle as error:
        raise click.UsageError(str(error)) from error
    return show_history(settings, imdb_id, limit=limit, as_json=as_json)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a chart and line.")
def charts(as_json: bool) -> int:
    """List the charts: their names for CHART, what they are, and which sources give them."""
    from infrastructure.cli.charts import show_charts

    return show_charts(as_json=as_json)


@commands.group()
def chart() -> None:
    """See what has become of a chart."""


@chart.command()
@click.option("--since", metavar="DATE", help="Compare with how it stood then: 2026-01-31.")
@click.option("--runs", nargs=2, metavar="A B", help="Compare what these two runs found.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@settings_options("chart", *HISTORY_SETTINGS)
@click.pass_context
def diff(
    context: click.Context, *, since: str | None, runs: tuple[str, str] | None, as_json: bool
) -> int:
    """Show who rose, fell, entered and left, between the last two snapshots or others.

    \b
    python main.py chart diff
    python main.py chart diff --chart toptv --since 2026-01-31

    Each run of a chart keeps a snapshot in PostgreSQL. Exit status: 0 when two were compared, 1
    when there are no two or they cannot be read.
    """
    from infrastructure.cli.history import moment_from, show_chart_diff

    if since is not None and runs is not None:
        raise click.UsageError("--since and --runs both say what to compare with: give one")
    try:
        moment = None if since is None else moment_from(since)
    except ValueError as error:
        raise click.UsageError(f"--since {since}: {error}") from error
    return show_chart_diff(_settings(context), since=moment, runs=runs, as_json=as_json)


@commands.group()
def datasets() -> None:
    """Use the dataset files that IMDb publishes daily for non-commercial use."""


@datasets.command("import")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Take the files (title.basics.tsv.gz or .tsv, ...) from this folder.",
)
@click.option("--only", metavar="NAMES", help="Only these files: title.basics,title.ratings,...")
@click.option(
    "--min-votes",
    type=click.IntRange(0, 2_147_483_647),
    metavar="N",
    help="Only titles with so many votes at least, and what belongs to them.",
)
@click.option(
    "--kinds",
    metavar="KINDS",
    help="Only titles of these kinds (movie,tvSeries,...), and what belongs to them.",
)
@click.option(
    "--check-ids", "checks_ids", is_flag=True, help="Count ids that the other files do not have."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@settings_options(*DATASETS_SETTINGS)
@click.pass_context
def import_(
    context: click.Context,
    *,
    folder: Path | None,
    only: str | None,
    min_votes: int | None,
    kinds: str | None,
    checks_ids: bool,
    as_json: bool,
) -> int:
    """Import IMDb's dataset files into PostgreSQL (schema imdb_datasets).

    \b
    python main.py datasets import                              all seven, downloaded
    python main.py datasets import --dir ~/imdb                 the files of a folder
    python main.py datasets import --only title.basics,title.ratings --min-votes 1000

    What was scraped is not touched. A file that was imported before is skipped; of one that has
    changed, only the rows that have. Exit status: 0 when all files are there, 1 when one cannot be
    imported.
    """
    from domain.datasets import DatasetFilter
    from infrastructure.cli.datasets import import_datasets, kinds_from, names_from

    settings = _settings(context)
    try:
        names = names_from(only)
    except ValueError as error:
        raise click.UsageError(f"--only: {error}") from error
    try:
        choice = DatasetFilter(min_votes, kinds_from(kinds))
    except ValueError as error:
        raise click.UsageError(f"--kinds: {error}") from error
    return import_datasets(
        settings,
        folder=folder,
        names=names,
        choice=choice,
        checks_ids=checks_ids,
        as_json=as_json,
    )


@commands.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(path_type=Path),
)
@settings_options("details", "max_body_megabytes", "log_level", "log_format")
@click.pass_context
def parse(context: click.Context, files: tuple[Path, ...]) -> int:
    """Read saved pages (HTML, or the JSON of __NEXT_DATA__), print one JSON object for each.

    \b
    python main.py parse *.html > titles.jsonl
    curl ... | python main.py parse -

    Pages of titles and people give an object each, those of charts, searches (/search/title) and
    lists one a title; with --with, a title has the details that its page says. A file that is none
    of them is named on standard error and skipped.
    """
    from infrastructure.cli.parse import parse_files
    from infrastructure.container import chosen_details

    settings = _settings(context)
    return parse_files(files, settings.max_body_bytes, chosen_details(settings))


@commands.command()
@click.option(
    "--delay",
    default=0.0,
    type=click.FloatRange(0, 60),
    help="Seconds the replica takes to answer.",
)
@click.option(
    "--page-bytes",
    default=None,
    type=click.IntRange(0, 20_000_000),
    help="Pad the replica's pages to this size, unpacked (real ones have 1 to 2 million bytes).",
)
@profile_option
@settings_options(*DEMO_SETTINGS)
@click.pass_context
def demo(context: click.Context, delay: float, page_bytes: int | None) -> int:
    """Serve a replica of the site on loopback and scrape it, with no need of the network.

    Its data is kept apart from yours, in OUTPUT_DIR/demo. The .env file is not read.
    """
    from domain.errors import InvalidConfiguration
    from infrastructure.cli.demo import run_demo

    settings = _settings(context, env_file=None)
    try:
        return run_demo(
            settings,
            delay_seconds=delay,
            page_bytes=page_bytes,
            profile=wants_profile(context),
        )
    except InvalidConfiguration as error:
        raise _as_usage_error(error.problems) from error


@commands.command()
@settings_options()
@click.pass_context
def doctor(context: click.Context) -> int:
    """Check the settings, the repositories and the sources, and say what to do."""
    from rich.console import Console

    from infrastructure.cli.doctor import examine

    return examine(_settings(context), Console())


@commands.command()
@settings_options(*ROUTE_SETTINGS)
@click.pass_context
def routes(context: click.Context) -> int:
    """Test each way to the site (ROUTES, PROXIES, TOR_SOCKS_URL) and show how it is.

    Asks for BASE_URL/robots.txt once over each. Exit status: 0 when one works, 3 when none does.
    """
    from rich.console import Console

    from infrastructure.cli.routes import show_routes

    # In a pipe or a log, wide enough for the table.
    console = Console(width=None if sys.stdout.isatty() else 160)
    return show_routes(_settings(context), console)


@commands.command(epilog=_EXPORT_EPILOG)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "jsonl", "parquet", "xlsx", "sqlite"]),
    help="The format; by default what the name of the file says, or else csv.",
)
@click.option("--where", metavar="FILTER", help="Only titles of which this is true.")
@click.option(
    "--sort", "order", metavar="FIELDS", help="By these, from the top down with -: -year."
)
@click.option("--columns", metavar="NAMES", help="Only these columns, in this order.")
@click.option("--out", metavar="FILE", help="The file; - is standard output (csv, jsonl).")
@click.option("--from", "repository", type=click.Choice(["csv", "postgres"]), help="Read this.")
@settings_options(*EXPORT_SETTINGS)
@click.pass_context
def export(
    context: click.Context,
    *,
    file_format: str | None,
    where: str | None,
    order: str | None,
    columns: str | None,
    out: str | None,
    repository: RepositoryName | None,
) -> int:
    """Write the titles that are held, with credits and details: CSV, JSON, Parquet, Excel, SQLite.

    \b
    python main.py export > titles.csv
    python main.py export --out films.xlsx --where "1970 <= year < 1980 and 'Horror' in genres"
    python main.py export --format jsonl --sort -rating --columns title,year,rating
    """
    from domain.errors import InvalidSelection
    from infrastructure.cli.export import Wanted
    from infrastructure.cli.export import export as write

    settings = _settings(context)
    try:
        wanted = Wanted(file_format=file_format, out=out, where=where, order=order, columns=columns)
        return write(settings, wanted, out=out, repository=repository)
    except InvalidSelection as error:
        raise click.UsageError(str(error)) from error


@commands.command()
@click.option("--out", metavar="FILE", help="The file [OUTPUT_DIR/report.html].")
@click.option("--from", "repository", type=click.Choice(["csv", "postgres"]), help="Read this.")
@click.option("--where", metavar="FILTER", help="Only titles of which this is true (see export).")
@settings_options(*HISTORY_SETTINGS)
@click.pass_context
def report(
    context: click.Context,
    *,
    out: str | None,
    repository: RepositoryName | None,
    where: str | None,
) -> int:
    """Write a page with plots and tables of the titles that are held, for a browser.

    Films and runtimes by decade, ratings by year, genres, critics against users, the best of each
    year, who works with whom. One file, which loads nothing from anywhere.

    Exit status: 0 when written, 1 when not, 2 for bad usage.
    """
    from domain.errors import InvalidSelection
    from infrastructure.cli.report import report_on

    settings = _settings(context)
    try:
        return report_on(settings, out=out, repository=repository, where=where)
    except InvalidSelection as error:
        raise click.UsageError(str(error)) from error


@commands.command()
@settings_options(*SERVE_SETTINGS)
@click.pass_context
def serve(context: click.Context) -> int:
    """Serve what is held over HTTP, until Ctrl-C: the API of docs/api.md.

    \b
    python main.py serve
    curl 'http://127.0.0.1:8000/api/v1/titles?limit=5'

    Exit status: 0 when it was stopped (Ctrl-C, SIGTERM), 1 when it cannot listen or the database
    cannot be opened, 2 for bad usage.
    """
    from domain.errors import InvalidConfiguration
    from infrastructure.cli.serve import serve as serve_until_stopped

    settings = _settings(context)
    try:
        return serve_until_stopped(settings)
    except InvalidConfiguration as error:
        raise _as_usage_error(error.problems) from error


@commands.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PSQL OPTIONS]...")
@settings_options("output_dir", "database_url", "log_level", "log_format")
@click.pass_context
def psql(context: click.Context, arguments: tuple[str, ...]) -> int:
    """Open PostgreSQL's shell on the database, also on the embedded one.

    \b
    python main.py psql
    python main.py psql -c "SELECT title, year, rating FROM titles ORDER BY rating DESC LIMIT 10"
    python main.py psql --output-dir output/demo      the demo's data
    """
    from domain.errors import RepositoryUnavailable
    from infrastructure.cli.psql import run_psql

    try:
        return run_psql(_settings(context), arguments)
    except RepositoryUnavailable as error:
        raise click.ClickException(str(error)) from error


@commands.command()
@click.option("--purge", is_flag=True, help="Remove every page from the cache.")
@settings_options("http_cache", "redis_url", "output_dir", "log_level", "log_format")
@click.pass_context
def cache(context: click.Context, purge: bool) -> None:
    """Show what the HTTP cache holds and how often it has helped, or empty it.

    \b
    HTTP_CACHE=file python main.py     a run that keeps its pages for a day
    python main.py cache
    python main.py cache --purge
    """
    from rich.console import Console

    from domain.errors import CacheUnavailable
    from infrastructure.cli.cache import purge_cache, show_cache

    settings = _settings(context)
    try:
        (purge_cache if purge else show_cache)(settings, Console())
    except CacheUnavailable as error:
        raise click.ClickException(str(error)) from error


def _settings(context: click.Context, env_file: Path | None = ENV_FILE) -> Settings:
    """Read the settings, configure logging and memory; all problems at once end the program."""
    try:
        settings = load_settings(given_options(context), env_file=env_file)
    except InvalidSettings as error:
        raise _as_usage_error(error.problems) from error
    configure_logging(settings.log_level, settings.log_format)
    tune_memory()
    for line in likely_typos(env_file) if env_file else ():
        logger.warning("%s", line)
    return settings


def _as_usage_error(problems: Sequence[str]) -> click.UsageError:
    lines = "\n".join(f"  {problem}" for problem in problems)
    return click.UsageError(f"the settings are wrong, nothing was started:\n{lines}")
