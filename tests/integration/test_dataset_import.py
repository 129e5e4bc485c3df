"""Dataset files, clean and dirty, become rows; every line is accounted for."""

import gzip
import os
import re
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.datasets import DatasetFilter, DatasetName, FileAccount, ImportOutcome
from domain.errors import DatasetsUnusable, RepositoryUnavailable
from infrastructure.repositories.postgres.datasets import (
    DatasetTables,
    loading_files,
    open_dataset_titles,
    store,
    stream,
)
from infrastructure.repositories.postgres.datasets.loading import LinesRefused, Loaded
from infrastructure.repositories.postgres.embedded import embedded_postgres
from tests.databases import drop_database, execute, new_database, rows_of
from tests.dataset_files import (
    AKAS,
    BASICS,
    CREW,
    EPISODE,
    MADE_AT,
    NAMES,
    PRINCIPALS,
    RATINGS,
    content,
    dataset_file,
    import_into,
    name_line,
    principal_line,
    rating_line,
    rejects,
    table,
    title_line,
    write,
    write_bytes,
)

SHARED = Path(os.environ.get("IMDB_SHARED", "../shared")) / "datasets"


def adds_up(account: FileAccount) -> bool:
    """Whether every line, and every row, is accounted for."""
    return (
        account.lines == account.loaded + account.filtered + account.rejected
        and account.loaded == account.inserted + account.updated + account.unchanged
    )


def test_every_column_of_every_file_arrives(postgres_url: str, tmp_path: Path) -> None:
    accounts = import_into(
        postgres_url,
        write(tmp_path, BASICS, [b"tt0000001\ttvSeries\tOne\tEins\t1\t1994\t1998\t142\tDrama,War"]),
        write(tmp_path, RATINGS, [rb"tt0000001	9.3	2900000"]),
        write(tmp_path, PRINCIPALS, [b'tt0000001\t1\tnm0000001\tactor\t\\N\t["A \\"B\\" C"]']),
        write(tmp_path, AKAS, [b"tt0000001\t1\tUn\tFR\tfr\tdvd\x02tv\tshort title\t0"]),
        write(tmp_path, CREW, [b"tt0000001\tnm0000001,nm0000002\t\\N"]),
        write(tmp_path, EPISODE, [b"tt0000001\ttt0000001\t2\t\\N"]),
        write(tmp_path, NAMES, [b"nm0000001\tFred\t1899\t1987\tactor,writer\ttt1,tt2"]),
    )

    assert [account.name for account in accounts] == list(DatasetName)
    assert all((a.lines, a.loaded, a.inserted) == (1, 1, 1) for a in accounts)
    assert {name: table(postgres_url, name) for name in DatasetName} == {
        BASICS: [("tt0000001", "tvSeries", "One", "Eins", True, 1994, 1998, 142, "Drama,War")],
        RATINGS: [("tt0000001", Decimal("9.3"), 2_900_000)],
        PRINCIPALS: [("tt0000001", 1, "nm0000001", "actor", None, '["A \\"B\\" C"]')],
        AKAS: [("tt0000001", 1, "Un", "FR", "fr", "dvd\x02tv", "short title", False)],
        CREW: [("tt0000001", "nm0000001,nm0000002", None)],
        EPISODE: [("tt0000001", "tt0000001", 2, None)],
        NAMES: [("nm0000001", "Fred", 1899, 1987, "actor,writer", "tt1,tt2")],
    }


def test_the_views_give_lists_as_arrays(postgres_url: str, tmp_path: Path) -> None:
    import_into(
        postgres_url,
        write(tmp_path, BASICS, [b"tt0000001\tmovie\tOne\tEins\t0\t1994\t\\N\t142\tDrama,War"]),
        write(tmp_path, RATINGS, [rating_line(1, 10)]),
        write(tmp_path, PRINCIPALS, [principal_line(1, 1, 1)]),
        write(tmp_path, CREW, [b"tt0000001\tnm0000001,nm0000002\t\\N"]),
        write(tmp_path, NAMES, [name_line(1, "Fred")]),
    )

    assert rows_of(postgres_url, "SELECT genres, num_votes FROM imdb_datasets.titles") == [
        (["Drama", "War"], 10)
    ]
    assert rows_of(postgres_url, "SELECT professions FROM imdb_datasets.people") == [
        (["actor", "producer"],)
    ]
    assert rows_of(postgres_url, "SELECT directors, writers FROM imdb_datasets.crew") == [
        (["nm0000001", "nm0000002"], None)
    ]
    assert rows_of(postgres_url, "SELECT primary_name, ordering FROM imdb_datasets.credits") == [
        ("Fred", 1)
    ]


@pytest.mark.parametrize(
    "title",
    [
        'She said "No"', '"', '""', "C:\\new\\title", "\\", "\\\\", "\\.", "\\N2", "a\\", "it's",
        "  two  spaces ", "", "\x01", "a\x01b", "\x02", "a\rb", "\v\f\x1f", "null", "NULL", "🎬 é",
        "%s %(a)s {b}", "﻿in the middle",
    ],
)  # fmt: skip
@pytest.mark.parametrize("beside_a_bad_line", [False, True])
def test_texts_arrive_as_they_are(
    postgres_url: str, tmp_path: Path, title: str, beside_a_bad_line: bool
) -> None:
    lines = [title_line(1, title)] + [b"bad"] * beside_a_bad_line

    [account] = import_into(postgres_url, write(tmp_path, BASICS, lines))

    assert (account.loaded, account.rejected) == (1, beside_a_bad_line)
    assert rows_of(postgres_url, "SELECT primary_title FROM imdb_datasets.titles") == [(title,)]


def test_missing_values_are_null_however_the_line_is_loaded(
    postgres_url: str, tmp_path: Path
) -> None:
    lines = [b"tt0000001" + b"\t\\N" * 8]
    import_into(postgres_url, write(tmp_path, BASICS, lines))
    at_once = table(postgres_url, BASICS)
    import_into(postgres_url, write(tmp_path, BASICS, [*lines, b"bad"]))

    assert at_once == table(postgres_url, BASICS) == [("tt0000001", *[None] * 8)]


BAD_TITLES = {
    "too few fields": (b"tt0000002\tmovie", "2 fields instead of 9"),
    "too many fields": (title_line(2) + b"\tmore", "10 fields instead of 9"),
    "empty": (b"", "1 field instead of 9"),
    "not UTF-8": (title_line(2, "x").replace(b"x", b"\xff\xfe"), "not UTF-8 at byte 17"),
    "NUL": (title_line(2, "x\0y"), "a NUL byte"),
    "no year": (title_line(2).replace(b"1994", b"MCM"), "start_year: invalid input syntax"),
    "a year too large": (title_line(2).replace(b"1994", b"99999"), "start_year: value .* range"),
    "no flag": (title_line(2).replace(b"\t0\t", b"\t2019\t"), "is_adult: invalid input syntax"),
    "empty number": (title_line(2).replace(b"142", b""), "runtime_minutes: invalid input syntax"),
    "no id": (title_line(2).replace(b"tt0000002", rb"\N"), "null value in column .tconst"),
    "an id of a person": (title_line(2).replace(b"tt", b"nm"), "violates check constraint"),
    "an id that is no number": (title_line(2).replace(b"tt", b"ttx"), "invalid input syntax"),
    "an endless id": (title_line(2).replace(b"tt", b"tt" + b"9" * 5000), "out of range"),
    "an end of data": (b"\\.", "1 field instead of 9"),
}


@pytest.mark.parametrize("case", BAD_TITLES)
def test_a_bad_line_is_rejected_alone(postgres_url: str, tmp_path: Path, case: str) -> None:
    bad, reason = BAD_TITLES[case]

    [account] = import_into(
        postgres_url, write(tmp_path, BASICS, [title_line(1), bad, title_line(3)])
    )

    assert (account.lines, account.loaded, account.rejected) == (3, 2, 1)
    assert [row[0] for row in table(postgres_url, BASICS)] == ["tt0000001", "tt0000003"]
    [(file, line, given, kept)] = rejects(postgres_url)
    assert (file, line) == ("title.basics", 3)
    assert kept == bad.decode(errors="backslashreplace").replace("\0", "\\x00")[:1000]
    assert re.search(reason, given), given


def test_a_bom_is_no_part_of_the_header(postgres_url: str, tmp_path: Path) -> None:
    path = write_bytes(tmp_path, BASICS, b"\xef\xbb\xbf" + content(BASICS, [title_line(1)]))

    [account] = import_into(postgres_url, path)

    assert (account.lines, account.loaded) == (1, 1)


def test_lines_may_end_as_on_windows(postgres_url: str, tmp_path: Path) -> None:
    lines = [title_line(1, "a"), title_line(2, "b")]

    [account] = import_into(postgres_url, write(tmp_path, BASICS, lines, b"\r\n"))

    assert (account.loaded, account.rejected) == (2, 0)
    assert {row[8] for row in table(postgres_url, BASICS)} == {"Drama"}


def test_line_ends_may_be_mixed(postgres_url: str, tmp_path: Path) -> None:
    lines = [title_line(1) + b"\r", title_line(2), title_line(3) + b"\r"]

    [account] = import_into(postgres_url, write(tmp_path, BASICS, lines))

    assert (account.loaded, account.rejected) == (3, 0)
    assert {row[8] for row in table(postgres_url, BASICS)} == {"Drama"}


def test_the_last_line_needs_no_end(postgres_url: str, tmp_path: Path) -> None:
    data = content(BASICS, [title_line(1), title_line(2)]).removesuffix(b"\n")

    [account] = import_into(postgres_url, write_bytes(tmp_path, BASICS, data))

    assert (account.lines, account.loaded) == (2, 2)


def test_a_file_may_be_unpacked_already(postgres_url: str, tmp_path: Path) -> None:
    path = tmp_path / "title.basics.tsv"
    path.write_bytes(content(BASICS, [title_line(1)]))

    [account] = import_into(postgres_url, path)

    assert account.loaded == 1


def test_a_packed_file_may_have_several_members(postgres_url: str, tmp_path: Path) -> None:
    data = content(BASICS, [title_line(n) for n in range(1, 2001)])
    parts = [data[:100], data[100:50_000], data[50_000:]]
    path = tmp_path / "title.basics.tsv.gz"
    path.write_bytes(b"".join(map(gzip.compress, parts)) + bytes(512))

    [account] = import_into(postgres_url, path)

    assert (account.lines, account.loaded) == (2000, 2000)


def test_a_well_packed_file_is_unpacked_in_parts(postgres_url: str, tmp_path: Path) -> None:
    lines = [title_line(n, "a" * 1000) for n in range(1, 8001)]

    [account] = import_into(postgres_url, write(tmp_path, BASICS, lines))

    assert (account.lines, account.loaded) == (8000, 8000)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def other_header(path: Path) -> None:
    data = content(BASICS, [title_line(1)]).replace(b"titleType", b"kind")
    path.write_bytes(gzip.compress(data))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def a_page(path: Path) -> None:
    path.write_bytes(b"<html>Sorry</html>")


def header_only(path: Path) -> None:
    path.write_bytes(gzip.compress(content(BASICS, [])))


def all_bad(path: Path) -> None:
    path.write_bytes(gzip.compress(content(BASICS, [b"bad", b"worse"])))


def one_endless_line(path: Path) -> None:
    path.write_bytes(gzip.compress(content(BASICS, [b"x" * 9_000_000, title_line(1)])))


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut, "cut short: remove it, and get it again"),
        (damage, "damaged"),
        (other_header, "its first line is .*kind.* was expected"),
        (empty, "its first line is ''"),
        (a_page, "its first line is '<html>Sorry</html>'"),
        (header_only, "has no lines after its header"),
        (all_bad, "every one of its 2 lines was refused, .*1 field instead of 9"),
        (one_endless_line, "more than 1,048,576 bytes"),
        (gone, "No such file"),
    ],
)
def test_nothing_of_a_broken_file_replaces_what_was_there(
    postgres_url: str, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    good = [title_line(number, os.urandom(20).hex()) for number in range(1, 3000)]
    path = write(tmp_path, BASICS, good)
    import_into(postgres_url, path)
    before = table(postgres_url, BASICS)
    spoil(path)

    ratings, basics = sorted(
        import_into(postgres_url, path, write(tmp_path, RATINGS, [rating_line(1, 10)])),
        key=lambda account: account.name is BASICS,
    )

    assert basics.outcome is ImportOutcome.FAILED
    assert str(path) in basics.problem
    assert re.search(said, basics.problem), basics.problem
    assert table(postgres_url, BASICS) == before
    assert (ratings.outcome, ratings.loaded) == (ImportOutcome.IMPORTED, 1)
    assert rejects(postgres_url) == []


def test_of_a_doubled_id_the_first_row_stays(postgres_url: str, tmp_path: Path) -> None:
    lines = [
        title_line(1, "first"), b"bad", title_line(2), title_line(1, "second"), b"worse",
        title_line(3), title_line(1, "third"), title_line(3, "again"),
    ]  # fmt: skip

    [account] = import_into(postgres_url, write(tmp_path, BASICS, lines))

    assert (account.lines, account.loaded, account.rejected) == (8, 3, 5)
    assert [row[2] for row in table(postgres_url, BASICS)] == ["first", "A title", "A title"]
    doubled = "a second row of the same tconst"
    assert [(line, reason) for _, line, reason, _ in rejects(postgres_url)] == [
        (3, "1 field instead of 9"), (5, doubled), (6, "1 field instead of 9"), (8, doubled),
        (9, doubled),
    ]  # fmt: skip
    assert rejects(postgres_url)[1][3] == title_line(1, "second").decode()


def test_rows_whose_ids_no_other_file_has_are_kept_and_counted(
    postgres_url: str, tmp_path: Path
) -> None:
    basics, _, principals, episode, _ = import_into(
        postgres_url,
        write(tmp_path, BASICS, [title_line(1)]),
        write(tmp_path, NAMES, [name_line(1)]),
        write(tmp_path, RATINGS, [rating_line(1, 5)]),
        write(tmp_path, PRINCIPALS, [principal_line(1, 1, 1), principal_line(2, 1, 7)]),
        write(tmp_path, EPISODE, [b"tt0000008\ttt0000009\t1\t1"]),
        checks_ids=True,
    )

    assert (basics.unknown_titles, basics.unknown_names) == (None, None)
    assert (principals.loaded, principals.unknown_titles, principals.unknown_names) == (2, 1, 1)
    assert (episode.loaded, episode.unknown_titles) == (1, 2)

    counted = (
        "SELECT unknown_titles, unknown_names FROM imdb_datasets.files"
        " WHERE name = 'title.principals'"
    )
    names = write(tmp_path, NAMES, [name_line(7), name_line(1)])
    import_into(postgres_url, names)
    assert rows_of(postgres_url, counted) == [(None, None)]
    import_into(postgres_url, names, checks_ids=True)
    assert rows_of(postgres_url, counted) == [(1, 0)]


def test_an_unchanged_file_is_skipped(postgres_url: str, tmp_path: Path) -> None:
    path = write(tmp_path, BASICS, [title_line(1), b"bad"])
    import_into(postgres_url, path)
    before = rows_of(postgres_url, "SELECT xmin, ctid, * FROM imdb_datasets.title_basics")

    [account] = import_into(postgres_url, path)

    assert account.outcome is ImportOutcome.SKIPPED
    assert (account.lines, account.loaded, account.rejected, account.unchanged) == (2, 1, 1, 1)
    assert rows_of(postgres_url, "SELECT xmin, ctid, * FROM imdb_datasets.title_basics") == before
    assert len(rejects(postgres_url)) == 1


def test_of_a_changed_file_only_changed_rows_are_touched(postgres_url: str, tmp_path: Path) -> None:
    versions = "SELECT tconst, xmin::text FROM imdb_datasets.title_basics ORDER BY 1"
    first = [title_line(1), title_line(2, "old"), title_line(3), b"bad"]
    import_into(postgres_url, write(tmp_path, BASICS, first))
    before = dict(rows_of(postgres_url, versions))

    changed = [title_line(1), title_line(2, "new"), title_line(4)]
    [account] = import_into(postgres_url, write(tmp_path, BASICS, changed))

    assert (account.inserted, account.updated, account.unchanged, account.removed) == (1, 1, 1, 1)
    assert adds_up(account)
    after = dict(rows_of(postgres_url, versions))
    assert after["tt0000001"] == before["tt0000001"]
    assert after["tt0000002"] != before["tt0000002"]
    assert [(row[0], row[2]) for row in table(postgres_url, BASICS)] == [
        ("tt0000001", "A title"), ("tt0000002", "new"), ("tt0000004", "A title"),
    ]  # fmt: skip
    assert rejects(postgres_url) == []


def test_a_value_that_becomes_unknown_is_a_change(postgres_url: str, tmp_path: Path) -> None:
    import_into(postgres_url, write(tmp_path, BASICS, [title_line(1)]))

    without = title_line(1).replace(b"142", rb"\N")
    [account] = import_into(postgres_url, write(tmp_path, BASICS, [without]))

    assert (account.updated, account.unchanged) == (1, 0)
    assert table(postgres_url, BASICS)[0][7] is None


def choose(
    url: str, folder: Path, min_votes: int | None, *kinds: str
) -> dict[DatasetName, FileAccount]:
    """Import six files, of three titles and an unrated one, with a choice of titles."""
    numbers = (1, 2, 3, 4)
    kinds_of = {1: "movie", 2: "tvSeries", 3: "movie", 4: "movie"}
    accounts = import_into(
        url,
        write(folder, BASICS, [title_line(n, kind=kinds_of[n]) for n in numbers]),
        write(folder, RATINGS, [rating_line(1, 1000), rating_line(2, 500), rating_line(3, 10)]),
        write(folder, PRINCIPALS, [principal_line(n, 1, n) for n in numbers]),
        write(
            folder, AKAS, [rb"tt%07d	1	t	\N	\N	\N	\N	0" % n for n in numbers]
        ),
        write(folder, EPISODE, [b"tt0000001\ttt0000002\t1\t1", b"tt0000009\ttt0000001\t1\t1"]),
        write(folder, NAMES, [name_line(n) for n in numbers]),
        choice=DatasetFilter(min_votes, kinds),
    )
    assert all(map(adds_up, accounts))
    return {account.name: account for account in accounts}


@pytest.mark.parametrize(
    ("min_votes", "kinds", "kept"),
    [
        (500, (), [1, 2]),
        (None, ("movie",), [1, 3, 4]),
        (500, ("movie",), [1]),
        (0, ("tvSeries", "movie"), [1, 2, 3]),
    ],
)
def test_a_choice_of_titles_cuts_all_files_about_titles(
    postgres_url: str,
    tmp_path: Path,
    min_votes: int | None,
    kinds: tuple[str, ...],
    kept: list[int],
) -> None:
    accounts = choose(postgres_url, tmp_path, min_votes, *kinds)

    ids = [f"tt{number:07d}" for number in kept]
    for name in (BASICS, PRINCIPALS, AKAS):
        assert [row[0] for row in table(postgres_url, name)] == ids
        assert (accounts[name].loaded, accounts[name].filtered) == (len(kept), 4 - len(kept))
    rated = [imdb_id for imdb_id in ids if imdb_id != "tt0000004"]
    assert [row[0] for row in table(postgres_url, RATINGS)] == rated
    assert accounts[EPISODE].loaded + accounts[EPISODE].filtered == 2
    assert (accounts[NAMES].loaded, accounts[NAMES].filtered) == (4, 0)


def test_another_choice_is_another_import(postgres_url: str, tmp_path: Path) -> None:
    choose(postgres_url, tmp_path, 500)
    again = choose(postgres_url, tmp_path, 500)
    assert {account.outcome for account in again.values()} == {ImportOutcome.SKIPPED}

    narrower = choose(postgres_url, tmp_path, 1000)
    assert (narrower[BASICS].unchanged, narrower[BASICS].removed) == (1, 1)
    wider = choose(postgres_url, tmp_path, None)
    assert (wider[BASICS].unchanged, wider[BASICS].inserted) == (1, 3)
    assert [row[0][-1] for row in table(postgres_url, PRINCIPALS)] == ["1", "2", "3", "4"]


def test_other_votes_are_another_choice_for_every_file(postgres_url: str, tmp_path: Path) -> None:
    choice = DatasetFilter(min_votes=100)
    basics = write(tmp_path, BASICS, [title_line(1), title_line(2)])
    import_into(
        postgres_url, basics, write(tmp_path, RATINGS, [rating_line(1, 500)]), choice=choice
    )

    import_into(
        postgres_url, basics, write(tmp_path, RATINGS, [rating_line(2, 500)]), choice=choice
    )

    assert [row[0] for row in table(postgres_url, BASICS)] == ["tt0000002"]


def test_a_choice_needs_the_files_that_it_rests_on(postgres_url: str, tmp_path: Path) -> None:
    basics = write(tmp_path, BASICS, [title_line(1)])

    with pytest.raises(DatasetsUnusable, match=r"title\.ratings"):
        import_into(postgres_url, basics, choice=DatasetFilter(min_votes=1))


def test_a_choice_is_not_made_by_a_broken_file(postgres_url: str, tmp_path: Path) -> None:
    ratings = write(tmp_path, RATINGS, [rating_line(1, 500)])
    cut(ratings)

    basics, failed = import_into(
        postgres_url,
        write(tmp_path, BASICS, [title_line(1)]),
        ratings,
        choice=DatasetFilter(min_votes=1),
    )

    assert failed.outcome is basics.outcome is ImportOutcome.FAILED
    assert "title.ratings was not" in basics.problem
    assert table(postgres_url, BASICS) == []


def test_only_one_import_is_at_work(postgres_url: str, tmp_path: Path) -> None:
    path = write(tmp_path, BASICS, [title_line(1)])

    def meanwhile(*_: object) -> None:
        with pytest.raises(DatasetsUnusable, match="another import into this database"):
            import_into(postgres_url, path)

    [account] = DatasetTables(postgres_url).import_files(
        [dataset_file(path)], DatasetFilter(), meanwhile
    )
    assert account.loaded == 1


@pytest.mark.parametrize("at", ["load", "index", "place"])
def test_an_error_of_the_caller_leaves_nothing_behind(
    postgres_url: str, tmp_path: Path, at: str
) -> None:
    path = write(tmp_path, BASICS, [title_line(1)])

    class Interrupted(Exception):
        pass

    def interrupt(name: DatasetName, step: str, done: int, total: int) -> None:
        if step == at:
            raise Interrupted

    with pytest.raises(Interrupted):
        DatasetTables(postgres_url).import_files([dataset_file(path)], DatasetFilter(), interrupt)

    assert table(postgres_url, BASICS) == []
    schemas = rows_of(postgres_url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'imdb%'")
    assert sorted(schemas) == [("imdb_datasets",), ("imdb_datasets_rows",)]


def test_an_import_ends_when_the_other_tables_cannot_be_made(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, BASICS, [title_line(1)])

    def fail(_: object) -> None:
        raise RepositoryUnavailable("postgres", "no room")

    with monkeypatch.context() as patched:
        patched.setattr(store, "apply_migrations", fail)
        with pytest.raises(RepositoryUnavailable, match="no room"):
            import_into(postgres_url, path)

    schemas = rows_of(postgres_url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'imdb%'")
    assert sorted(schemas) == [("imdb_datasets",), ("imdb_datasets_rows",)]
    assert table(postgres_url, BASICS) == []
    [account] = import_into(postgres_url, path)
    assert account.inserted == 1
    known = rows_of(postgres_url, "SELECT imdb_id, basics_source FROM known_titles")
    assert known == [("tt0000001", "datasets")]


def test_of_a_doubled_row_the_first_stays_beside_other_indexes(
    postgres_url: str, tmp_path: Path
) -> None:
    lines = [principal_line(1, 1, 7), principal_line(1, 2, 8), principal_line(1, 1, 9)]

    [account] = import_into(postgres_url, write(tmp_path, PRINCIPALS, lines))

    assert (account.loaded, account.rejected) == (2, 1)
    assert [row[2] for row in table(postgres_url, PRINCIPALS)] == ["nm0000007", "nm0000008"]
    assert [line for _, line, *_ in rejects(postgres_url)] == [4]
    found = rows_of(
        postgres_url,
        "SET enable_seqscan = off;"
        " SELECT nconst FROM imdb_datasets.credits"
        " WHERE person_number > imdb_datasets.person_number('nm0000007')",
    )
    assert found == [("nm0000008",)]
    assert rejects(postgres_url)[0][2:] == (
        "a second row of the same tconst, ordering", principal_line(1, 1, 9).decode(),
    )  # fmt: skip


def test_the_embedded_server_keeps_what_was_imported_when_it_crashes(tmp_path: Path) -> None:
    lines = [principal_line(n, 1, n) for n in range(1, 20_000)]
    path = write(tmp_path, PRINCIPALS, lines)
    with embedded_postgres(tmp_path / "server") as url:
        [account] = import_into(url, path)
        assert account.loaded == len(lines)
        [(pid_file,)] = rows_of(url, "SELECT pg_read_file('postmaster.pid')")
        postmaster = psutil.Process(int(str(pid_file).split()[0]))
        postmaster.send_signal(signal.SIGQUIT)  # at once: nothing is written any more
        postmaster.wait(30)
    with embedded_postgres(tmp_path / "server") as url:
        count = "SELECT count(*), count(DISTINCT nconst) FROM imdb_datasets.title_principals"
        assert rows_of(url, count) == [(len(lines), len(lines))]
        by_index = (
            "SELECT tconst FROM imdb_datasets.credits"
            " WHERE person_number = imdb_datasets.person_number('nm0000007')"
        )
        assert rows_of(url, f"SET enable_seqscan = off; {by_index}") == [("tt0000007",)]


def test_rows_survive_a_crash_of_the_server(postgres_url: str, tmp_path: Path) -> None:
    import_into(postgres_url, write(tmp_path, BASICS, [title_line(1)]))
    choose(postgres_url, tmp_path, 1)

    kinds = rows_of(
        postgres_url,
        "SELECT relname, relpersistence FROM pg_class"
        " JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'imdb_datasets_rows'",
    )
    assert len(kinds) >= 7
    assert {persistence for _, persistence in kinds} == {"p"}


@pytest.mark.parametrize(
    "question",
    [
        "credits WHERE person_number = imdb_datasets.person_number('nm0000007')",
        "credits WHERE title_number = imdb_datasets.title_number('tt0000007')",
        "titles JOIN imdb_datasets.credits USING (title_number) WHERE titles.tconst = 'tt0000007'",
        "people JOIN imdb_datasets.credits USING (person_number) WHERE people.nconst = 'nm0000007'",
        "principals WHERE person_number = 10000007",
    ],
)
def test_credits_of_a_title_or_a_person_are_found_by_an_index(
    postgres_url: str, tmp_path: Path, question: str
) -> None:
    numbers = range(1, 5000)
    import_into(
        postgres_url,
        write(tmp_path, BASICS, [title_line(n) for n in numbers]),
        write(tmp_path, PRINCIPALS, [principal_line(n, 1, n) for n in numbers]),
        write(tmp_path, NAMES, [name_line(n) for n in numbers]),
    )

    plan = rows_of(postgres_url, f"EXPLAIN SELECT * FROM imdb_datasets.{question}")

    assert not any("Seq Scan on principals" in line for (line,) in plan), plan
    assert rows_of(postgres_url, f"SELECT count(*) FROM imdb_datasets.{question}") == [(1,)]


BAD_PRINCIPALS = {
    "a title without letters": (
        b"0000002\t1\tnm1\tself\t\\N\t\\N", "tconst: '0000002' is not 'tt'",
    ),
    "a person without letters": (b"tt2\t1\t10000001\tself\t\\N\t\\N", "nconst: '10000001'"),
    "a person without letters beside a job with them": (
        b"tt2\t1\t10000001\tself\tnm0000001\t\\N", "nconst: '10000001' is not 'nm'",
    ),
    "no digits": (b"tt\t1\tnm1\tself\t\\N\t\\N", "tconst: 'tt'"),
    "too many digits": (b"tt2\t1\tnm1234567890\tself\t\\N\t\\N", "1 to 9 digits"),
    "a space after an id": (b"tt2 \t1\tnm1\tself\t\\N\t\\N", "tconst: 'tt2 '"),
    "a sign": (b"tt2\t1\tnm-1\tself\t\\N\t\\N", "nconst: 'nm-1'"),
    "a vertical tab": (b"tt2\t1\tnm1\v\tself\t\\N\t\\N", "nconst: 'nm1"),
    "underscores": (b"tt0_2\t1\tnm1\tself\t\\N\t\\N", "tconst: 'tt0_2'"),
    "digits of another script": ("tt٢\t1\tnm1\tself\t\\N\t\\N".encode(), "tconst: "),
    "a person as a title": (b"nm2\t1\tnm1\tself\t\\N\t\\N", "tconst: 'nm2'"),
    "no ordering": (b"tt2\tfirst\tnm1\tself\t\\N\t\\N", "ordering: invalid input syntax"),
    "no person": (b"tt2\t1\t\\N\tself\t\\N\t\\N", r"nconst: '\\\\N'"),
    "a field too few": (b"tt2\t1\tnm1\tself\tnm1", "5 fields instead of 6"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_PRINCIPALS)
def test_a_bad_id_of_a_principal_is_rejected_alone(
    postgres_url: str, tmp_path: Path, case: str
) -> None:
    bad, reason = BAD_PRINCIPALS[case]
    good = [principal_line(1, 1, 1), principal_line(3, 1, 2)]

    [account] = import_into(postgres_url, write(tmp_path, PRINCIPALS, [good[0], bad, good[1]]))

    assert (account.lines, account.loaded, account.rejected) == (3, 2, 1)
    assert [row[0] for row in table(postgres_url, PRINCIPALS)] == ["tt0000001", "tt0000003"]
    [(file, line, given, kept)] = rejects(postgres_url)
    assert (file, line, kept) == ("title.principals", 3, bad.decode())
    assert re.search(reason, given), given


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_ids_of_principals_keep_their_zeros(postgres_url: str, tmp_path: Path, end: bytes) -> None:
    ids = ["1", "01", "0000001", "00000001", "000000001", "10000000", "999999999", "000000000"]
    lines = [f"tt{n}\t1\tnm{n}\tself\tnm{n}\t\\N".encode() for n in ids]

    [account] = import_into(postgres_url, write(tmp_path, PRINCIPALS, lines, end))

    assert (account.loaded, account.rejected) == (len(ids), 0)
    expected = sorted((f"tt{n}", 1, f"nm{n}", "self", f"nm{n}", None) for n in ids)
    assert table(postgres_url, PRINCIPALS) == expected


DIGITS = st.text("0123456789", min_size=1, max_size=9)
HOSTILE = st.text("0129_-+ x\v\f", max_size=6)
PERSON = st.one_of(
    DIGITS.map(lambda digits: f"nm{digits}"), HOSTILE, HOSTILE.map(lambda text: f"nm{text}")
)
TITLE = st.one_of(DIGITS.map(lambda digits: f"tt{digits}"), HOSTILE.map(lambda text: f"tt{text}"))
TEXT = st.sampled_from([r"\N", "", "self", "nm0000001", "nm", "tt1", "-1", "\x01", "a\\b", "a\rb"])
PRINCIPAL = st.tuples(TITLE, st.sampled_from(["1", "2", "3", "x"]), PERSON, TEXT, TEXT, TEXT).map(
    lambda fields: "\t".join(fields).encode()
)
LINES_OF_PRINCIPALS = st.lists(
    PRINCIPAL
    | st.builds(principal_line, st.integers(0, 9), st.integers(1, 2), st.integers(0, 99))
    | st.sampled_from([b"", b"tt1\t1", b"tt1\t1\tnm1\tself\tnm1", b"\xff"]),
    min_size=1,
    max_size=30,
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lines=LINES_OF_PRINCIPALS,
    cut=st.tuples(st.sampled_from([b"\n", b"\r\n"]), st.integers(60, 2000)),
)
def test_principals_are_the_same_in_either_way_of_loading(
    postgres_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: list[bytes],
    cut: tuple[bytes, int],
) -> None:
    end, chunk_bytes = cut
    for name in ("CHUNK_BYTES", "UNPACKED_BYTES"):
        monkeypatch.setattr(stream, name, chunk_bytes)
    path = write(tmp_path, PRINCIPALS, [principal_line(5, 7, 5), *lines], end)

    def line_by_line(*_: object) -> Loaded:
        raise LinesRefused

    made = []
    for load_at_once in (loading_files.load_at_once, line_by_line):
        url = new_database(postgres_server)
        try:
            with monkeypatch.context() as patched:
                patched.setattr(loading_files, "load_at_once", load_at_once)
                [account] = import_into(url, path)
            assert adds_up(account)
            told = [reject[1:3] for reject in rejects(url)]
            made.append((table(url, PRINCIPALS), told, account))
        finally:
            drop_database(postgres_server, url)
    assert made[0] == made[1]
    split = [line.split(b"\t") for line in lines]
    good = {
        (title.decode(), int(ordering), person.decode())
        for title, ordering, person, *_ in (fields for fields in split if len(fields) == 6)
        if re.fullmatch(rb"tt[0-9]{1,9}", title)
        and re.fullmatch(rb"nm[0-9]{1,9}", person)
        and ordering.isdigit()
    }
    found = {row[:3] for row in made[0][0]}
    assert found <= good | {("tt0000005", 7, "nm0000005")}
    assert {row[:2] for row in found} == {row[:2] for row in good} | {("tt0000005", 7)}


PIECES = [
    b"\\", rb"\N", b"\\.", b".", b"N", b"n", b"x", rb"\x41", rb"\101", b"\t", b"\r", b"\n", b'"',
    b"\x01", b"\x02", b" ", b"\0", b"\xff", b"\xef\xbb\xbf", "é".encode(),
]  # fmt: skip
HOSTILE_ENDS = st.lists(
    st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: b"\t" + b"".join(pieces)),
    max_size=30,
)
GOOD_ENDS = st.sampled_from([0, 40]).map(lambda n: [rb"	\N	nm1"] * n + [b"\tnm1\t\\"])


def as_row(line: bytes) -> tuple[str | None, ...] | None:
    """The row of a line of title.crew; ``None`` when there is something wrong with it."""
    fields = line.removesuffix(b"\r").split(b"\t")
    try:
        values = tuple(None if field == rb"\N" else field.decode() for field in fields)
    except UnicodeDecodeError:
        return None
    is_right = len(values) == 3 and b"\0" not in line and re.fullmatch(rb"tt\d+", fields[0])
    return values if is_right else None


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    ends=st.tuples(HOSTILE_ENDS, GOOD_ENDS).map(lambda parts: [*parts[0], *parts[1]]),
    cut=st.tuples(st.sampled_from([b"\n", b"\r\n"]), st.integers(60, 2000)),
)
def test_whatever_bytes_there_are_arrive_or_are_rejected(
    postgres_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ends: list[bytes],
    cut: tuple[bytes, int],
) -> None:
    end, chunk_bytes = cut
    for name in ("CHUNK_BYTES", "UNPACKED_BYTES"):
        monkeypatch.setattr(stream, name, chunk_bytes)
    lines = [b"tt%07d%b" % (number, rest) for number, rest in enumerate(ends)]
    path = write(tmp_path, CREW, lines, end)
    url = new_database(postgres_server)
    try:
        [account] = import_into(url, path)
        rows, told = table(url, CREW), [line for _, line, *_ in rejects(url)]
    finally:
        drop_database(postgres_server, url)
    expected = [as_row(line) for line in (end.join(lines) + end).split(b"\n")[:-1]]
    assert adds_up(account)
    assert rows == [row for row in expected if row]
    assert told == [number for number, row in enumerate(expected, 2) if row is None]


TEXT_LAYOUT = """
    DROP VIEW imdb_datasets.credits, imdb_datasets.title_principals;
    DROP TABLE imdb_datasets.principals;
    CREATE TABLE imdb_datasets.title_principals (
        tconst text NOT NULL, ordering integer NOT NULL, nconst text NOT NULL,
        category text, job text, characters text,
        CONSTRAINT title_principals_ids CHECK (tconst LIKE 'tt_%' AND octet_length(tconst) < 20
            AND nconst LIKE 'nm_%' AND octet_length(nconst) < 20),
        PRIMARY KEY (tconst, ordering)) PARTITION BY RANGE (tconst);
    CREATE INDEX title_principals_nconst ON imdb_datasets.title_principals (nconst);
    CREATE VIEW imdb_datasets.credits AS
        SELECT tconst, ordering, category, nconst, primary_name, job, characters
        FROM imdb_datasets.title_principals LEFT JOIN imdb_datasets.name_basics USING (nconst);
"""
"""How principals were held before their ids became numbers."""
HELD_AS_TEXTS = """
    CREATE TABLE imdb_datasets_rows.title_principals PARTITION OF imdb_datasets.title_principals
        FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
    INSERT INTO imdb_datasets.title_principals VALUES
        ('tt0000001', 1, 'nm0000001', 'actor', NULL, '["Andy"]'),
        ('tt10000001', 2, 'nm10000001', 'self', 'nm0000001', NULL);
"""


def held_as_texts(url: str, tmp_path: Path, statements: str = HELD_AS_TEXTS) -> None:
    principals = write(tmp_path, PRINCIPALS, [principal_line(1, 1, 1), principal_line(2, 1, 2)])
    import_into(url, principals, write(tmp_path, BASICS, [title_line(1)]))
    execute(url, TEXT_LAYOUT, statements)


def test_principals_that_are_held_as_texts_are_kept(postgres_url: str, tmp_path: Path) -> None:
    held_as_texts(postgres_url, tmp_path)
    before = table(postgres_url, PRINCIPALS)
    with open_dataset_titles(postgres_url) as tables:
        assert [row[2] for row in tables.credits(["tt0000001"])] == ["nm0000001"]

    [account] = import_into(postgres_url, write(tmp_path, BASICS, [title_line(2)]))

    assert account.outcome is ImportOutcome.IMPORTED
    assert len(before) == 2
    assert table(postgres_url, PRINCIPALS) == before
    with open_dataset_titles(postgres_url) as tables:
        assert [row[2] for row in tables.credits(["tt0000001", "x"])] == ["nm0000001"]
    changed = write(tmp_path, PRINCIPALS, [principal_line(1, 1, 1), principal_line(3, 1, 3)])
    [account] = import_into(postgres_url, changed)
    assert (account.unchanged, account.inserted, account.removed) == (1, 1, 1)


def test_a_text_that_is_no_id_is_told_by_the_next_import(postgres_url: str, tmp_path: Path) -> None:
    bad = "INSERT INTO imdb_datasets.title_principals VALUES ('ttx', 1, 'nm1', NULL, NULL, NULL)"
    held_as_texts(postgres_url, tmp_path, f"{HELD_AS_TEXTS}; {bad}")
    line = b"ttx\t1\tnm1\t\\N\t\\N\t\\N"
    path = write(tmp_path, PRINCIPALS, [principal_line(1, 1, 1), line])

    [account] = import_into(postgres_url, path)

    assert (account.outcome, account.unchanged) == (ImportOutcome.IMPORTED, 1)
    assert [(line, reason[:13]) for _, line, reason, _ in rejects(postgres_url)] == [
        (3, "tconst: 'ttx'")
    ]


def test_views_on_principals_that_are_held_as_texts_are_named(
    postgres_url: str, tmp_path: Path
) -> None:
    held_as_texts(postgres_url, tmp_path)
    execute(postgres_url, "CREATE VIEW mine AS SELECT nconst FROM imdb_datasets.credits")
    before = table(postgres_url, PRINCIPALS)

    with pytest.raises(DatasetsUnusable, match="view mine .*drop these views"):
        import_into(postgres_url, write(tmp_path, BASICS, [title_line(2)]))

    assert table(postgres_url, PRINCIPALS) == before
    execute(postgres_url, "DROP VIEW mine")
    import_into(postgres_url, write(tmp_path, BASICS, [title_line(2)]))
    assert table(postgres_url, PRINCIPALS) == before


def test_an_empty_table_of_texts_makes_room(postgres_url: str, tmp_path: Path) -> None:
    held_as_texts(postgres_url, tmp_path, "DELETE FROM imdb_datasets.files WHERE name LIKE '%pals'")

    [account] = import_into(postgres_url, write(tmp_path, PRINCIPALS, [principal_line(1, 1, 1)]))

    assert account.inserted == 1


def scrape(url: str, number: int, fetched_at: datetime, rating: str = "8.0") -> None:
    execute(
        url,
        "INSERT INTO runs (run_id, command, sources, started_at) VALUES ('r', 'top', '{}', now())"
        " ON CONFLICT DO NOTHING",
        f"""
        INSERT INTO titles (imdb_id, kind, title, rating, votes, genres, source, found_by,
            fetched_at, facts_digest, run_id)
        VALUES ('tt{number:07d}', 'movie', 'Scraped', {rating}, 5, '{{War}}', 'html', 'dom',
            '{fetched_at.isoformat()}', '', 'r')
        """,
    )


def known(url: str) -> dict[str, tuple[object, ...]]:
    rows = rows_of(
        url,
        "SELECT imdb_id, title, basics_source, basics_at, rating, rating_source, rating_at"
        " FROM known_titles",
    )
    return {imdb_id: facts for imdb_id, *facts in [(row[0], *row[1:]) for row in rows]}  # type: ignore[misc]


def test_of_each_group_of_facts_the_newer_version_is_known(
    postgres_url: str, tmp_path: Path
) -> None:
    import_into(
        postgres_url,
        write(tmp_path, BASICS, [title_line(n) for n in (1, 2, 3, 4)]),
    )
    ratings = write(tmp_path, RATINGS, [rating_line(n, 99) for n in (1, 2, 3)])
    later = MADE_AT + timedelta(days=2)
    import_into(postgres_url, ratings, modified_at=later)
    day = timedelta(days=1)
    scrape(postgres_url, 1, MADE_AT - day)
    scrape(postgres_url, 2, MADE_AT + day)
    scrape(postgres_url, 3, later + day, rating="NULL")
    scrape(postgres_url, 5, MADE_AT - day)

    html, file = "html", "datasets"
    rated = Decimal("7.5")
    assert known(postgres_url) == {
        "tt0000001": ["A title", file, MADE_AT, rated, file, later],
        "tt0000002": ["Scraped", html, MADE_AT + day, rated, file, later],
        "tt0000003": ["Scraped", html, later + day, rated, file, later],
        "tt0000004": ["A title", file, MADE_AT, None, None, None],
        "tt0000005": ["Scraped", html, MADE_AT - day, Decimal("8.0"), html, MADE_AT - day],
    }
    assert rows_of(postgres_url, "SELECT count(*) FROM titles WHERE title = 'Scraped'") == [(4,)]


FIELD = st.text(
    st.characters(exclude_characters="\t\n\0", exclude_categories=["Cs"]), max_size=12
).filter(lambda text: text != r"\N" and not text.endswith("\r"))
BAD = st.sampled_from([b"", b"bad", b"tt1\tx", b"\xff" + title_line(9)])


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lines=st.lists(FIELD | BAD, min_size=1, max_size=40), chunk_bytes=st.integers(100, 4000))
def test_any_text_arrives_and_any_bad_line_is_told(
    postgres_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: list[str | bytes],
    chunk_bytes: int,
) -> None:
    texts = {n: text for n, text in enumerate(lines, 2) if isinstance(text, str)}
    data = [
        line if isinstance(line, bytes) else title_line(number, line)
        for number, line in enumerate(lines, 2)
    ]
    for name in ("CHUNK_BYTES", "UNPACKED_BYTES"):
        monkeypatch.setattr(stream, name, chunk_bytes)
    url = new_database(postgres_server)
    try:
        [account] = import_into(url, write(tmp_path, BASICS, [*data, title_line(1, "good")]))
        assert adds_up(account)
        assert account.lines == len(lines) + 1
        found = {int(row[0][2:]): row[2] for row in table(url, BASICS)}
        assert found == texts | {1: "good"}
        bad = [number for number in range(2, len(lines) + 2) if number not in texts]
        assert [line for _, line, _, _ in rejects(url)] == bad
    finally:
        drop_database(postgres_server, url)


def samples() -> list[Path]:
    return sorted(path for path in SHARED.glob("*/*.tsv"))


@pytest.mark.skipif(not samples(), reason=f"no sample files in {SHARED} (IMDB_SHARED)")
@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in samples()}), ids=lambda p: p.name
)
def test_every_row_of_the_real_samples_is_accounted_for(postgres_url: str, folder: Path) -> None:
    paths = [path for path in samples() if path.parent == folder]

    accounts = import_into(postgres_url, *paths)

    assert len(accounts) == len(paths)
    for account in accounts:
        data = (folder / f"{account.name}.tsv").read_bytes()
        lines = data.removeprefix(b"\xef\xbb\xbf").decode().split("\n")
        assert lines.pop() == ""
        expected = [
            tuple(None if field == r"\N" else field for field in line.split("\t"))
            for line in lines[1:]
        ]
        assert (account.outcome, account.problem) == (ImportOutcome.IMPORTED, "")
        assert adds_up(account)
        assert account.lines == len(expected)
        assert account.rejected == len(expected) - len(as_keys(account.name, expected))
        found = [
            tuple(None if value is None else str(value) for value in row)
            for row in table(postgres_url, account.name)
        ]
        assert sorted(found) == sorted(as_keys(account.name, expected).values())


def as_keys(
    name: DatasetName, rows: list[tuple[str | None, ...]]
) -> dict[object, tuple[str | None, ...]]:
    """Rows by what tells them apart, the first of each, flags as Python writes them."""
    flag = {BASICS: 4, AKAS: 7}.get(name)
    found: dict[object, tuple[str | None, ...]] = {}
    for row in rows:
        told = row
        if flag is not None:
            told = (*row[:flag], {"0": "False", "1": "True"}.get(row[flag] or ""), *row[flag + 1 :])
        found.setdefault(row[:2] if name in {PRINCIPALS, AKAS} else row[0], told)
    return found
