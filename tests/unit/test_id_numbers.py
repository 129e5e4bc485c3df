"""Ids are written as numbers, and only ids are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.datasets import DatasetName
from infrastructure.repositories.postgres.datasets.id_numbers import IdNumbers
from infrastructure.repositories.postgres.datasets.table_layout import LAYOUTS

PRINCIPALS = IdNumbers(LAYOUTS[DatasetName.TITLE_PRINCIPALS])
BASICS = IdNumbers(LAYOUTS[DatasetName.TITLE_BASICS])

DIGITS = st.text("0123456789", min_size=1, max_size=9)
FIELD = st.text("nmt0_- \r\v\x01\\Né", max_size=6).map(str.encode) | st.just(b"nm0000001")
LINE = st.builds(
    lambda title, ordering, person, rest: (title, ordering, person, *rest),
    DIGITS,
    st.integers(1, 99).map(lambda number: b"%d" % number) | FIELD,
    DIGITS,
    st.tuples(FIELD, FIELD, FIELD),
)
Line = tuple[str, bytes, str, bytes, bytes, bytes]


def as_line(line: Line) -> bytes:
    title, ordering, person, *rest = line
    return b"\t".join([f"tt{title}".encode(), ordering, f"nm{person}".encode(), *rest]) + b"\n"


@given(lines=st.lists(LINE, min_size=1, max_size=8))
def test_ids_become_numbers_and_nothing_else_changes(lines: list[Line]) -> None:
    written = PRINCIPALS.written(b"".join(map(as_line, lines)), len(lines))

    assert written is not None
    found = [line.split(b"\t") for line in written.removesuffix(b"\n").split(b"\n")]
    assert [fields[1:2] + fields[3:] for fields in found] == [
        [line[1], *line[3:]] for line in lines
    ]
    for fields, line in zip(found, lines, strict=True):
        # As PostgreSQL does: an integer of 4 bytes, and its text without the first digit.
        numbers = [int(fields[0]), int(fields[2])]
        assert max(numbers) < 2**31
        assert [str(number)[1:] for number in numbers] == [line[0], line[2]]


NO_ID = st.one_of(
    st.text("0123456789", min_size=10, max_size=12).map(lambda digits: f"nm{digits}"),
    st.text("0129_-+ x\v\f\r٢\\N", max_size=9).map(lambda text: f"nm{text}"),
    st.text("0129_-+ xnmt", max_size=9),
).filter(lambda text: not re.fullmatch("nm[0-9]{1,9}", text))


@given(
    before=st.lists(LINE, max_size=3),
    after=st.lists(LINE, max_size=3),
    line=LINE,
    person=NO_ID,
)
def test_lines_with_something_else_for_an_id_are_not_written(
    before: list[Line], after: list[Line], line: Line, person: str
) -> None:
    title, ordering, _, *rest = line
    bad = b"\t".join([f"tt{title}".encode(), ordering, person.encode(), *rest])
    data = b"".join(map(as_line, before)) + bad + b"\n" + b"".join(map(as_line, after))

    assert PRINCIPALS.written(data, len(before) + 1 + len(after)) is None
    assert PRINCIPALS.trouble(bad).startswith("nconst: ")


@given(line=LINE)
def test_a_line_alone_is_written_alike(line: Line) -> None:
    data = as_line(line)

    fields = PRINCIPALS.of_line(data.removesuffix(b"\n"))

    assert b"\t".join(fields) + b"\n" == PRINCIPALS.written(data, 1)
    assert PRINCIPALS.trouble(data.removesuffix(b"\n")) == ""


@pytest.mark.parametrize("job", [b"nm0000001", b"nm", b"nmnm1"])
def test_a_job_that_looks_like_an_id_stays(job: bytes) -> None:
    data = b"tt01\t1\tnm02\tself\t%b\t\\N\ntt1\t2\tnm3\tself\t\\N\t\\N\n" % job

    assert PRINCIPALS.written(data, 2) == (
        b"0101\t1\t0102\tself\t%b\t\\N\n011\t2\t013\tself\t\\N\t\\N\n" % job
    )


def test_files_whose_ids_are_texts_stay_as_they_are() -> None:
    assert BASICS.written(b"tt1\tnm1\n", 1) == b"tt1\tnm1\n"
    assert BASICS.trouble(b"x\ty") == ""
    assert BASICS.of_line(b"tt1\tnm1") == [b"tt1", b"nm1"]
