"""The unique index of a table that was just loaded, and the rows that are there twice."""

from psycopg2 import errors as pg
from psycopg2.extensions import cursor

from infrastructure.repositories.postgres.datasets.loading import LONGEST_REJECT
from infrastructure.repositories.postgres.datasets.table_layout import LOADING, Layout

# ruff: noqa: S608 - all names are constants of the layout

# Rows stand in the order of the file: nothing but COPY has written to the new table, and that
# fills it from the beginning to the end.
_NUMBER_ROWS = """
    CREATE TEMPORARY TABLE later_ones ON COMMIT DROP AS
    SELECT place, row_number FROM (
        SELECT ctid AS place,
            row_number() OVER (ORDER BY ctid) AS row_number,
            row_number() OVER (PARTITION BY {key} ORDER BY ctid) AS of_its_key
        FROM {table}
    ) numbered
    WHERE of_its_key > 1
"""

# A line that was refused stands before all rows that have a higher number than the rows it follows:
# its line number less the header, less itself, and less those refused before it.
_NUMBER_REJECTS = f"""
    CREATE TEMPORARY TABLE refused_before ON COMMIT DROP AS
    SELECT line - 1 - row_number() OVER (ORDER BY line) AS after_rows,
        row_number() OVER (ORDER BY line) AS refused
    FROM {LOADING}.rejects WHERE file = %(file)s
"""

_REJECT = """
    INSERT INTO {loading}.rejects (file, line, reason, content)
    SELECT %(file)s,
        row_number + 1 + coalesce((
            SELECT refused FROM refused_before WHERE after_rows < row_number
            ORDER BY after_rows DESC, refused DESC LIMIT 1
        ), 0),
        'a second row of the same ' || %(key)s,
        left(concat_ws(E'\\t', {fields}), %(longest)s)
    FROM later_ones JOIN {table} loaded ON loaded.ctid = place
"""


def index_key(statements: cursor, layout: Layout) -> int:
    """Index the key; of several rows with one key the first stays, the others are rejects.

    Gives how many these are. No primary key yet: nothing else could work on the table meanwhile.
    """
    statements.execute("SAVEPOINT before_key")
    try:
        statements.execute(_index(layout))
    except pg.UniqueViolation:
        statements.execute("ROLLBACK TO SAVEPOINT before_key")
        rejected = _reject_later_ones(statements, layout)
        statements.execute(_index(layout))
        return rejected
    return 0


def make_primary(statements: cursor, layout: Layout) -> None:
    """Make the primary key of the index of `index_key`, which takes no time."""
    statements.execute(
        f"ALTER TABLE {LOADING}.{layout.table} ADD PRIMARY KEY USING INDEX {layout.table}_pkey"
    )


def _index(layout: Layout) -> str:
    key = ", ".join(layout.key)
    return f"CREATE UNIQUE INDEX {layout.table}_pkey ON {LOADING}.{layout.table} ({key})"


def _as_in_file(layout: Layout, column: str) -> str:
    """A column's text as a line has it: flags are 0 and 1 there."""
    value = layout.as_text(column, "loaded")
    flag = "::int" if column.startswith("is_") else ""
    return f"coalesce(({value}){flag}::text, '\\N')"


def _reject_later_ones(statements: cursor, layout: Layout) -> int:
    table, key = f"{LOADING}.{layout.table}", ", ".join(layout.key)
    fields = ", ".join(_as_in_file(layout, column) for column in layout.columns)
    values = {
        "file": layout.name.value,
        "key": ", ".join(map(layout.shown, layout.key)),
        "longest": LONGEST_REJECT,
    }
    statements.execute(_NUMBER_ROWS.format(table=table, key=key))
    statements.execute(_NUMBER_REJECTS, values)
    statements.execute("CREATE INDEX ON refused_before (after_rows, refused)")
    statements.execute(_REJECT.format(loading=LOADING, fields=fields, table=table), values)
    statements.execute(f"DELETE FROM {table} WHERE ctid IN (SELECT place FROM later_ones)")
    rejected = statements.rowcount
    statements.execute("DROP TABLE later_ones, refused_before")
    return rejected
