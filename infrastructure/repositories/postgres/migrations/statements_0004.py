"""Version 0004 of the schema: details of titles, a table for each and one that tells of all.

The columns are the fields of `domain.details.items`; a test compares them. What is checked is what
a program of somebody else's could get wrong and an index or a query would suffer from: ids, dates,
ranges and the kinds of sums. That a text is not empty is left to the domain.

Dates are text as far as they are known, ``1994``, ``1994-10`` or ``1994-10-14``: one column for a
field, as in the CSV files, which sorts by time and can be searched by its beginning. (The parts of
a title's own release date are in three columns and a fourth, for the one date that everybody asks
for.) Counts are bigint: some votes and sums of money are beyond an integer.

Nothing here refers to other titles or people: episodes, connections and full casts name what was
never fetched.
"""

A_TITLE_ID = "~ '^tt[0-9]+$' AND length({0}) BETWEEN 9 AND 17"
_A_PERSON_ID = "~ '^nm[0-9]+$' AND length({0}) BETWEEN 9 AND 17"
# Without a bounded repetition, which takes PostgreSQL as long as storing the row.
_A_DATE = "~ '^[0-9][0-9][0-9][0-9](-[0-9][0-9])?(-[0-9][0-9])?$'"


def table_of_items(name: str, *columns: str) -> str:
    return f"""
    CREATE TABLE {name} (
        title_id text NOT NULL REFERENCES titles ON DELETE CASCADE,
        position integer NOT NULL CHECK (position > 0),
        {", ".join(columns)},
        PRIMARY KEY (title_id, position)
    )
    """


def column_of_id(column: str, rule: str, *, required: bool = False) -> str:
    null = " NOT NULL" if required else ""
    return f"{column} text{null} CHECK ({column} {rule.format(column)})"


def column_of_date(column: str, *, required: bool = False) -> str:
    null = " NOT NULL" if required else ""
    return f"{column} text{null} CHECK ({column} {_A_DATE})"


def _year(column: str) -> str:
    return f"{column} smallint CHECK ({column} BETWEEN 1874 AND 9999)"


def column_of_count(column: str, *, required: bool = False) -> str:
    null = " NOT NULL" if required else ""
    return f"{column} bigint{null} CHECK ({column} >= 0)"


def column_of_texts(column: str) -> str:
    return f"{column} text[] NOT NULL DEFAULT '{{}}'"


LEDGER = (
    """
    CREATE TABLE title_details (
        title_id text NOT NULL REFERENCES titles ON DELETE CASCADE,
        detail text NOT NULL CHECK (detail IN (
            'akas', 'full_credits', 'episodes', 'certificates', 'release_dates', 'countries',
            'languages', 'companies', 'keywords', 'taglines', 'box_office', 'awards',
            'nominations', 'images', 'external_links', 'parents_guide', 'trivia', 'reviews',
            'connections', 'plots', 'goofs', 'quotes', 'soundtrack', 'technical_specifications',
            'filming_locations', 'similar_titles')),
        items integer NOT NULL CHECK (items >= 0),
        is_whole boolean NOT NULL,
        digest bytea NOT NULL,
        source text NOT NULL,
        found_by text NOT NULL,
        fetched_at timestamptz NOT NULL,
        run_id text NOT NULL REFERENCES runs,
        PRIMARY KEY (title_id, detail)
    )
    """,
    "CREATE INDEX title_details_run_id ON title_details (run_id)",
)

TABLES = (
    table_of_items(
        "akas",
        "title text NOT NULL",
        "region text",
        "language text",
        column_of_texts("types"),
        column_of_texts("attributes"),
        "is_original boolean",
    ),
    table_of_items(
        "full_credits",
        "category text NOT NULL",
        "billing integer NOT NULL CHECK (billing > 0)",
        "name text NOT NULL",
        column_of_id("person_id", _A_PERSON_ID),
        column_of_texts("characters"),
        "job text",
        column_of_texts("attributes"),
        column_of_count("episodes"),
    ),
    table_of_items(
        "episodes",
        column_of_id("episode_id", A_TITLE_ID, required=True),
        column_of_count("season"),
        column_of_count("number"),
        "title text",
        column_of_date("air_date"),
        "rating numeric CHECK (rating BETWEEN 0 AND 10)",
        column_of_count("votes"),
        "plot text",
    ),
    table_of_items(
        "certificates",
        "country text NOT NULL",
        "rating text NOT NULL",
        column_of_texts("attributes"),
    ),
    table_of_items(
        "release_dates",
        "country text NOT NULL",
        column_of_date("date", required=True),
        column_of_texts("attributes"),
    ),
    table_of_items("countries", "country text NOT NULL", "name text"),
    table_of_items("languages", "language text NOT NULL", "name text"),
    table_of_items(
        "companies",
        "category text NOT NULL",
        "name text NOT NULL",
        "company_id text",
        column_of_texts("countries"),
        _year("year"),
        _year("end_year"),
        column_of_texts("attributes"),
    ),
    table_of_items(
        "keywords",
        "keyword text NOT NULL",
        column_of_count("users_interested"),
        column_of_count("users_voted"),
    ),
    table_of_items("taglines", "text text NOT NULL"),
    table_of_items(
        "box_office",
        "kind text NOT NULL CHECK (kind IN ("
        "'budget', 'opening_weekend', 'domestic', 'international', 'worldwide'))",
        column_of_count("amount", required=True),
        "currency text NOT NULL",
        column_of_date("date"),
    ),
    table_of_items(
        "awards",
        column_of_count("wins", required=True),
        column_of_count("nominations", required=True),
    ),
    table_of_items(
        "nominations",
        "event text NOT NULL",
        _year("year"),
        "award text",
        "category text",
        "is_winner boolean",
        column_of_texts("people"),
    ),
    table_of_items(
        "images",
        "url text NOT NULL",
        "kind text",
        column_of_count("width"),
        column_of_count("height"),
        "caption text",
    ),
    table_of_items("external_links", "category text NOT NULL", "url text NOT NULL", "label text"),
    table_of_items(
        "parents_guide",
        "category text NOT NULL",
        "severity text",
        "text text",
        "is_spoiler boolean",
    ),
    table_of_items(
        "trivia",
        "text text NOT NULL",
        "category text",
        column_of_count("users_interested"),
        column_of_count("users_voted"),
        "is_spoiler boolean",
    ),
    table_of_items(
        "reviews",
        "review_id text NOT NULL",
        "author text",
        "rating smallint CHECK (rating BETWEEN 1 AND 10)",
        column_of_date("date"),
        "summary text",
        "text text",
        column_of_count("helpful_votes"),
        column_of_count("unhelpful_votes"),
        "is_spoiler boolean",
    ),
    table_of_items(
        "connections",
        "category text NOT NULL",
        column_of_id("connected_id", A_TITLE_ID, required=True),
        "title text",
        _year("year"),
        "text text",
    ),
    table_of_items(
        "plots",
        "kind text NOT NULL",
        "text text NOT NULL",
        "author text",
        "is_spoiler boolean",
    ),
    table_of_items("goofs", "category text NOT NULL", "text text NOT NULL", "is_spoiler boolean"),
    table_of_items("quotes", column_of_texts("lines"), "is_spoiler boolean"),
    table_of_items("soundtrack", "title text NOT NULL", column_of_texts("comments")),
    table_of_items(
        "technical_specifications",
        "category text NOT NULL",
        "text text NOT NULL",
        column_of_texts("attributes"),
    ),
    table_of_items("filming_locations", "location text NOT NULL", column_of_texts("attributes")),
    table_of_items(
        "similar_titles", column_of_id("similar_id", A_TITLE_ID, required=True), "title text"
    ),
)

# PostgreSQL refuses a row whose index entry is too big: no more of a text than people search for.
INDEXES = (
    "CREATE INDEX akas_title_prefix ON akas (left(lower(title), 200) text_pattern_ops)",
    "CREATE INDEX full_credits_person_id ON full_credits (person_id)",
    "CREATE INDEX episodes_season ON episodes (title_id, season, number)",
    "CREATE INDEX episodes_episode_id ON episodes (episode_id)",
    "CREATE INDEX keywords_keyword ON keywords (left(keyword, 200))",
    "CREATE INDEX companies_name ON companies (left(lower(name), 200) text_pattern_ops)",
)

COMMENTS = {
    "TABLE title_details": "Which details are held of a title; items = 0: IMDb has none",
    "COLUMN title_details.detail": "The name of the table that has the items",
    "COLUMN title_details.is_whole": "False when IMDb has more items than were read",
    "COLUMN title_details.digest": (
        "Of is_whole and all items, to see whether a new version says something else"
    ),
    "COLUMN title_details.fetched_at": "When it was had; of two versions the later wins",
    "COLUMN title_details.run_id": "The run that saved the detail last",
    "TABLE akas": "Titles by which a title is known elsewhere; region NULL: anywhere",
    "COLUMN akas.region": "Code of a country or an area",
    "INDEX akas_title_prefix": (
        "For WHERE left(lower(title), 200) LIKE 'die ver%', the beginning in lower case"
    ),
    "TABLE full_credits": "All who did something for a title; the main ones are in credits",
    "COLUMN full_credits.billing": "Position in the category, from 1 on",
    "COLUMN full_credits.person_id": (
        "NULL when there is a name without an id; may be missing in people"
    ),
    "COLUMN full_credits.episodes": "Number of episodes of a series",
    "TABLE episodes": "Episodes of a series, which is title_id",
    "COLUMN episodes.episode_id": "May be missing in titles: episodes are not fetched with it",
    "COLUMN episodes.season": "NULL when IMDb does not know it",
    "COLUMN episodes.air_date": "As far as it is known: 1994, 1994-10 or 1994-10-14",
    "COLUMN episodes.rating": "Mean of the users' votes, from 0 to 10",
    "TABLE certificates": "Age ratings by country",
    "TABLE release_dates": "When a title came out, by country",
    "COLUMN release_dates.date": "As far as it is known: 1994, 1994-10 or 1994-10-14",
    "TABLE countries": "Countries of origin (ISO 3166-1)",
    "TABLE languages": "Languages spoken (ISO 639)",
    "TABLE companies": "What companies did for a title",
    "COLUMN companies.year": "First year for which a distributor has it",
    "INDEX companies_name": "For WHERE left(lower(name), 200) LIKE 'castle rock%'",
    "TABLE keywords": "Keywords, with how many of those who voted find them relevant",
    "INDEX keywords_keyword": "For WHERE left(keyword, 200) = 'prison'",
    "TABLE taglines": "Slogans of the advertising",
    "TABLE box_office": "Sums of money",
    "COLUMN box_office.amount": "In whole units of the currency",
    "COLUMN box_office.currency": "ISO 4217",
    "COLUMN box_office.date": "When a weekend ended",
    "TABLE awards": "How many awards a title has won, and nominations that won none",
    "TABLE nominations": "Nominations, won or not",
    "TABLE images": "Pictures by their URLs",
    "COLUMN images.width": "Pixels",
    "COLUMN images.height": "Pixels",
    "TABLE external_links": "Pages elsewhere",
    "TABLE parents_guide": "How severe a category is, and remarks on it",
    "TABLE trivia": "Things worth knowing",
    "TABLE reviews": "Reviews of users",
    "COLUMN reviews.rating": "From 1 to 10",
    "TABLE connections": "Titles that have to do with a title",
    "COLUMN connections.connected_id": "May be missing in titles",
    "TABLE plots": "Outlines, summaries and synopses",
    "TABLE goofs": "Mistakes in a title",
    "TABLE quotes": "Lines that are said, each with its speaker before a colon",
    "TABLE soundtrack": "Pieces of music",
    "TABLE technical_specifications": "Aspect ratios, cameras, sound mixes and the like",
    "TABLE filming_locations": "Where a title was filmed",
    "TABLE similar_titles": "Titles that IMDb recommends to those who like a title",
    "COLUMN similar_titles.similar_id": "May be missing in titles",
}


def _comments() -> tuple[str, ...]:
    quoted = {what: comment.replace("'", "''") for what, comment in COMMENTS.items()}
    return tuple(f"COMMENT ON {what} IS '{comment}'" for what, comment in quoted.items())


STATEMENTS = (*LEDGER, *TABLES, *INDEXES, *_comments())
