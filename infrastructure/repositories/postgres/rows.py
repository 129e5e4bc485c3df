"""Between the domain's values and rows of the tables. Pure: no database in sight.

New rows are lines of COPY's text format: a tab between two columns, a backslash before what would
be taken for something else, ``\\N`` for what is unknown.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from domain.details import Detail
from domain.identifiers import NameId, TitleId
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from domain.run import Failure, ProfileCounts, RepositoryReport, Run, RunReport, StoreCounts
from domain.title import Credit, CreditCategory, Title, TitleKind

if TYPE_CHECKING:
    from domain.batch import BatchAccount

Row = tuple[Any, ...]

TITLE_COLUMNS = (
    "imdb_id",
    "kind",
    "title",
    "original_title",
    "year",
    "end_year",
    "runtime_minutes",
    "rating",
    "votes",
    "metascore",
    "certificate",
    "genres",
    "release_year",
    "release_month",
    "release_day",
    "plot",
    "source",
    "found_by",
    "fetched_at",
    "facts_digest",
    "run_id",
)
"""The columns of `title_row`, in its order."""

# As numeric, "9.3" is exactly that; float8 gives back the very float that was stored.
_SELECT_TITLES = """
    SELECT imdb_id, kind, title, original_title, year, end_year, runtime_minutes, rating::float8,
        votes, metascore, certificate, genres, release_year, release_month, release_day, plot,
        source, found_by, fetched_at,
        (SELECT json_agg(json_build_array(category, position, name, person_id, characters))::text
         FROM credits WHERE title_id = imdb_id),
        {details}
    FROM titles {which} ORDER BY {order}
"""

_CATEGORY_ORDER = {category: place for place, category in enumerate(CreditCategory)}

CREDIT_COLUMNS = ("title_id", "category", "position", "person_id", "name", "characters")
"""The columns of `credit_lines`, in its order."""

PERSON_COLUMNS = ("imdb_id", "name", "fetched_at", "run_id")
"""The columns of `person_line`, in its order."""

HISTORY_COLUMNS = ("title_id", "observed_at", "rating", "votes")
"""The columns of `history_line`, in its order."""

_NULL = r"\N"
_NEEDS_ESCAPES = re.compile(r"[\\\t\n\r]")
_NEEDS_QUOTING = re.compile(r'[\\"\t\n\r]')
_COPY_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_ARRAY_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\""})

_CreditFacts = tuple[CreditCategory, int, str, str | None, tuple[str, ...]]
_credits_decoder = msgspec.json.Decoder(list[_CreditFacts])


def select_titles(details: str | None, *, where: str = "", order: str = "titles.imdb_id") -> str:
    """The statement that reads what `title_from` takes, with what reads the details, if any.

    It is for all titles, or for those ``where`` a condition is true.
    """
    which = f"WHERE {where}" if where else ""
    return _SELECT_TITLES.format(details=details or "NULL", which=which, order=order)


def _in_billing_order(credit: Credit) -> tuple[int, int]:
    return _CATEGORY_ORDER[credit.category], credit.position


def facts_digest(title: Title) -> bytes:
    """A digest of all facts and credits, and of nothing else: 16 bytes, equal for equal facts."""
    facts = (
        title.imdb_id,
        title.kind,
        title.title,
        title.original_title,
        title.year,
        title.end_year,
        title.runtime_minutes,
        None if title.rating is None else float(title.rating),
        title.votes,
        title.metascore,
        title.certificate,
        title.genres,
        None if title.release_date is None else title.release_date.isoformat(),
        title.plot,
        [
            (c.category, c.position, c.name, c.person_id, c.characters)
            for c in sorted(title.credits, key=_in_billing_order)
        ],
    )
    return hashlib.blake2b(msgspec.json.encode(facts), digest_size=16).digest()


def title_row(title: Title, digest: bytes, run_id: str) -> Row:
    """A row of ``titles``, by `TITLE_COLUMNS`."""
    date = title.release_date
    return (
        title.imdb_id,
        title.kind.value,
        title.title,
        title.original_title,
        title.year,
        title.end_year,
        title.runtime_minutes,
        title.rating,
        title.votes,
        title.metascore,
        title.certificate,
        list(title.genres),
        None if date is None else date.year,
        None if date is None else date.month,
        None if date is None else date.day,
        title.plot,
        title.provenance.source,
        title.provenance.found_by,
        title.provenance.fetched_at,
        digest,
        run_id,
    )


def title_line(title: Title, digest: bytes, run_id: str) -> str:
    """A line of ``titles`` for COPY, by `TITLE_COLUMNS`."""
    return "\t".join(map(copied, title_row(title, digest, run_id))) + "\n"


def credit_lines(title: Title) -> str:
    """Lines of ``credits`` for COPY, by `CREDIT_COLUMNS`."""
    imdb_id = _copied_text(title.imdb_id)
    return "".join(
        [
            "\t".join(
                (
                    imdb_id,
                    c.category,
                    str(c.position),
                    _NULL if c.person_id is None else c.person_id,
                    _copied_text(c.name),
                    _copied_array(c.characters),
                )
            )
            + "\n"
            for c in title.credits
        ]
    )


def person_line(imdb_id: NameId, fetched_at: datetime, name: str, run_id: str) -> str:
    """A line of ``people`` for COPY, by `PERSON_COLUMNS`."""
    return "\t".join((imdb_id, _copied_text(name), fetched_at.isoformat(), run_id)) + "\n"


def history_line(title: Title) -> str:
    """A line of ``rating_history`` for COPY, by `HISTORY_COLUMNS`."""
    return "\t".join(map(copied, history_row(title))) + "\n"


def history_row(title: Title) -> Row:
    """A row of ``rating_history``, by `HISTORY_COLUMNS`."""
    return (title.imdb_id, title.provenance.fetched_at, title.rating, title.votes)


def names_of(title: Title) -> dict[NameId, str]:
    """The people credited whose id is known, by the name of their last credit."""
    return {c.person_id: c.name for c in title.credits if c.person_id is not None}


def array_literal(ids: Iterable[str]) -> str:
    """Ids as one value of the type ``text[]``: a list of thousands is slow to adapt."""
    return "{" + ",".join(ids) + "}"


def copied(value: object) -> str:
    """A value as COPY's text format has it."""
    if value is None:
        return _NULL
    if isinstance(value, str):
        return _copied_text(value)
    if isinstance(value, list):
        return _copied_array(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return rf"\\x{value.hex()}"
    return str(value)


def _copied_text(text: str) -> str:
    return text.translate(_COPY_ESCAPES) if _NEEDS_ESCAPES.search(text) else text


def _copied_array(texts: Sequence[str]) -> str:
    if not texts:
        return "{}"
    return '{"' + '","'.join(map(_quoted, texts)) + '"}'


def _quoted(text: str) -> str:
    """An element of an array, inside its quotes."""
    if _NEEDS_QUOTING.search(text):
        return text.translate(_ARRAY_ESCAPES).translate(_COPY_ESCAPES)
    return text


def title_from(row: Row, details: Iterable[Detail] = ()) -> Title:
    """A title from a row of `select_titles` without the last value, which has its details.

    Raises `InvalidTitle` when it breaks a rule.
    """
    (imdb_id, kind, title, original_title, year, end_year, runtime_minutes, rating, votes,
     metascore, certificate, genres, release_year, release_month, release_day, plot, source,
     found_by, fetched_at, credits_json) = row  # fmt: skip
    date = None
    if release_year is not None:
        date = ReleaseDate(year=release_year, month=release_month, day=release_day)
    return Title(
        imdb_id=TitleId(imdb_id),
        kind=TitleKind(kind),
        title=title,
        original_title=original_title,
        year=year,
        end_year=end_year,
        runtime_minutes=runtime_minutes,
        rating=rating,
        votes=votes,
        metascore=metascore,
        certificate=certificate,
        genres=tuple(genres),
        release_date=date,
        plot=plot,
        credits=_credits_from(credits_json),
        details=tuple(details),
        provenance=Provenance(
            source=source, found_by=found_by, fetched_at=fetched_at.astimezone(UTC)
        ),
    )


def _credits_from(text: str | None) -> tuple[Credit, ...]:
    if text is None:
        return ()
    found = [
        Credit(
            category=category,
            position=position,
            name=name,
            person_id=None if person_id is None else NameId(person_id),
            characters=characters,
        )
        for category, position, name, person_id, characters in _credits_decoder.decode(text)
    ]
    return tuple(sorted(found, key=_in_billing_order))


def run_row(run: Run) -> Row:
    """A row of ``runs``: run_id, command, chart, sources, started_at, details."""
    chart = None if run.chart is None else run.chart.value
    details = [name.value for name in run.details]
    return (run.run_id, run.command, chart, list(run.sources), run.started_at, details)


def failure_rows(report: RunReport) -> list[Row]:
    """Rows of ``failures``: run_id, imdb_id, repository, reason, message, reported_at."""
    found: list[tuple[str | None, Failure]] = [(None, failure) for failure in report.failures]
    found += [(kept.name, failure) for kept in report.repositories for failure in kept.refused]
    return [
        (
            report.run.run_id,
            storable(failure.imdb_id),
            repository,
            failure.reason,
            storable(failure.message),
            report.finished_at,
        )
        for repository, failure in found
    ]


def report_json(report: RunReport) -> str:
    """The whole report as a JSON object."""
    return _json_of(report)


def report_from(stored: Mapping[str, Any]) -> RunReport:
    """The report that `report_json` has made an object of."""
    repositories = [_repository_from(one) for one in stored["repositories"]]
    rest = {name: value for name, value in stored.items() if name != "repositories"}
    return RunReport(**_converted(RunReport, rest), repositories=tuple(repositories))


def account_json(account: "BatchAccount") -> str:
    """The account of a batch as a JSON object."""
    return _json_of(account)


def _repository_from(stored: Mapping[str, Any]) -> RepositoryReport:
    # Which of two types it is msgspec cannot tell.
    holds = stored["holds"]
    kind = StoreCounts if holds and "titles" in holds else ProfileCounts
    rest = {name: value for name, value in stored.items() if name != "holds"}
    return RepositoryReport(
        **_converted(RepositoryReport, rest), holds=None if holds is None else kind(**holds)
    )


def _converted(kind: type, stored: Mapping[str, Any]) -> dict[str, Any]:
    types = get_type_hints(kind)
    return {
        name: msgspec.convert(value, types[name]) for name, value in stored.items() if name in types
    }


def _json_of(value: object) -> str:
    plain = msgspec.to_builtins(value, enc_hook=_plain_mapping)
    return storable(json.dumps(plain, ensure_ascii=False)).replace("\\u0000", "\\ufffd")


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot store: a message may quote a damaged page."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _plain_mapping(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(type(value))
