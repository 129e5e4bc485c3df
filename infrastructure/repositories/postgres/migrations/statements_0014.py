"""Version 0014 of the schema: the orders of titles can be looked through without reading titles.

Each order's index has beside its key the values that titles are filtered by. What has no bound on
its length (genres, words) is there as marks: a number of which each genre, and the first two to
five letters of each word, set one of 64 bits each. A title that has not all the bits of what is
asked for is not wanted; of one that has them, the row itself is asked.

The key of the order by title is a column of its own: an index of an expression is no answer to who
asks for the expression.
"""

_WORDS = r"""
    to_tsvector('simple', regexp_replace(
        left(title, 1000) || ' ' || coalesce(left(original_title, 1000), ''),
        '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g'))
"""
"""As in the column ``words`` (version 0011): one generated column cannot be made from another."""

_LETTERS = (2, 3, 4, 5)
"""So many of a word have marks. With two and three only, words that begin alike are too many."""

_SEED = 1442
"""With it the 28 genres of IMDb have a bit each."""

_ORDERS = {
    "title": "title_key",
    "year": "year",
    "rating": "rating",
    "votes": "votes",
    "metascore": "metascore",
    "runtime": "runtime_minutes",
    "updated": "fetched_at",
    "kind": "kind, votes",
}

_FILTERED_BY = (
    "kind", "year", "rating", "votes", "metascore", "runtime_minutes", "genre_marks", "word_marks"
)  # fmt: skip


def _order(name: str, key: str) -> str:
    beside = ", ".join(column for column in _FILTERED_BY if column not in key.split(", "))
    return f"""
        CREATE INDEX titles_by_{name} ON titles ({key}, imdb_id COLLATE "C") INCLUDE ({beside})
    """


def _marks(function: str, of: str, each: str, *parts: str) -> str:
    """A function that gives the marks of parts of each element."""
    bits = " | ".join(
        f"(1::bigint << (hashtextextended({part}, {_SEED}) & 63)::int)" for part in parts
    )
    return f"""
        CREATE FUNCTION {function}({of}) RETURNS bigint
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
        DECLARE
            marks bigint := 0;
            one text;
        BEGIN
            FOREACH one IN ARRAY {each} LOOP
                marks := marks | {bits};
            END LOOP;
            RETURN marks;
        END
        $$
    """


STATEMENTS = (
    _marks("genre_marks_of", "text[]", "$1", "one"),
    _marks(
        "word_marks_of",
        "tsvector",
        "tsvector_to_array($1)",
        *(f"left(one, {letters})" for letters in _LETTERS),
    ),
    *(f"DROP INDEX titles_by_{name}" for name in _ORDERS),
    f"""
    ALTER TABLE titles
        ADD COLUMN title_key text COLLATE "C" NOT NULL
            GENERATED ALWAYS AS (left(lower(title), 200)) STORED,
        ADD COLUMN genre_marks bigint NOT NULL
            GENERATED ALWAYS AS (genre_marks_of(genres)) STORED,
        ADD COLUMN word_marks bigint NOT NULL GENERATED ALWAYS AS (word_marks_of({_WORDS})) STORED
    """,
    *(_order(name, key) for name, key in _ORDERS.items()),
    # What has changed since the last VACUUM is read from the table all the same.
    """
    ALTER TABLE titles SET (
        autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05
    )
    """,
    "COMMENT ON COLUMN titles.title_key IS 'By which titles are put in the order of their titles'",
    "COMMENT ON COLUMN titles.genre_marks IS 'One of 64 bits for each genre, to look through'",
    """
    COMMENT ON COLUMN titles.word_marks IS
    'Of 64 bits one for the first two letters of each word, and one for three, four and five'
    """,
    """
    COMMENT ON INDEX titles_by_title IS
    'Also for WHERE title_key LIKE ''the god%'', the beginning in lower case'
    """,
)
