"""Version 0002 of the schema: rules that are cheaper to check, and what a person's time means.

A regular expression with a bounded repetition takes PostgreSQL as long as storing the row; these
rules refuse the same values.
"""


def _with_rule(table: str, name: str, rule: str) -> tuple[str, ...]:
    return (
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({rule})",
    )


def _id_rule(prefix: str) -> str:
    return f"imdb_id ~ '^{prefix}[0-9]+$' AND length(imdb_id) BETWEEN 9 AND 17"


STATEMENTS = (
    *_with_rule("titles", "titles_imdb_id_check", _id_rule("tt")),
    *_with_rule("people", "people_imdb_id_check", _id_rule("nm")),
    # Of an array with a NULL and no empty text, the comparison is unknown: neither true nor false.
    *_with_rule("credits", "credits_characters_check", "('' <> ALL (characters)) IS TRUE"),
    """
    COMMENT ON COLUMN people.fetched_at IS
    'When the page was had that gave the name; later ones may have given it again'
    """,
)
