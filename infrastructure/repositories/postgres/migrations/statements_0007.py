"""Version 0007 of the schema: more details of titles, with tables like those of version 0004."""

from infrastructure.repositories.postgres.migrations.statements_0004 import (
    A_TITLE_ID,
    column_of_count,
    column_of_date,
    column_of_id,
    column_of_texts,
    table_of_items,
)

DETAILS = (
    "akas", "full_credits", "episodes", "certificates", "release_dates", "countries", "languages",
    "companies", "keywords", "taglines", "box_office", "awards", "nominations", "images",
    "external_links", "parents_guide", "trivia", "reviews", "connections", "plots", "goofs",
    "quotes", "soundtrack", "technical_specifications", "filming_locations", "similar_titles",
    "episode_of", "runtimes", "rankings", "rating_histogram", "country_ratings", "critic_reviews",
    "alternate_versions", "crazy_credits", "faqs", "interests", "videos", "news",
)  # fmt: skip

_names = ", ".join(f"'{name}'" for name in DETAILS)

LEDGER = (
    "ALTER TABLE title_details DROP CONSTRAINT title_details_detail_check",
    f"""
    ALTER TABLE title_details ADD CONSTRAINT title_details_detail_check
    CHECK (detail IN ({_names}))
    """,
)

TABLES = (
    table_of_items(
        "episode_of",
        column_of_id("series_id", A_TITLE_ID, required=True),
        "title text",
        column_of_count("season"),
        column_of_count("number"),
    ),
    table_of_items(
        "runtimes",
        "seconds integer NOT NULL CHECK (seconds > 0)",
        "country text",
        column_of_texts("attributes"),
    ),
    table_of_items(
        "rankings",
        "kind text NOT NULL CHECK (kind IN ('popularity', 'top_rated'))",
        "rank integer NOT NULL CHECK (rank > 0)",
        column_of_count("change"),
        "direction text",
    ),
    table_of_items(
        "rating_histogram",
        "rating smallint NOT NULL CHECK (rating BETWEEN 1 AND 10)",
        column_of_count("votes", required=True),
    ),
    table_of_items(
        "country_ratings",
        "country text NOT NULL",
        "rating numeric NOT NULL CHECK (rating BETWEEN 0 AND 10)",
        column_of_count("votes", required=True),
    ),
    table_of_items(
        "critic_reviews",
        "score smallint NOT NULL CHECK (score BETWEEN 0 AND 100)",
        "publisher text",
        "reviewer text",
        "quote text",
        "url text",
    ),
    table_of_items("alternate_versions", "text text NOT NULL"),
    table_of_items(
        "crazy_credits",
        "text text NOT NULL",
        column_of_count("users_interested"),
        column_of_count("users_voted"),
    ),
    table_of_items("faqs", "question text NOT NULL", "answer text", "is_spoiler boolean"),
    table_of_items("interests", "interest_id text NOT NULL", "name text NOT NULL"),
    table_of_items(
        "videos",
        "video_id text NOT NULL",
        "name text NOT NULL",
        "kind text",
        column_of_count("seconds"),
        column_of_date("date"),
    ),
    table_of_items(
        "news",
        "news_id text NOT NULL",
        "headline text NOT NULL",
        column_of_date("date"),
        "publisher text",
        "url text",
    ),
)

INDEXES = ("CREATE INDEX episode_of_series_id ON episode_of (series_id, season, number)",)

COMMENTS = (
    "COMMENT ON TABLE episode_of IS 'The series that title_id is an episode of'",
    "COMMENT ON COLUMN episode_of.series_id IS 'May be missing in titles'",
    "COMMENT ON TABLE runtimes IS 'How long each version of a title takes'",
    "COMMENT ON TABLE rankings IS 'Places in the lists in which IMDb ranks a title, when asked'",
    "COMMENT ON COLUMN rankings.change IS 'By how many places it has moved, whichever way'",
    "COMMENT ON TABLE rating_histogram IS 'How many users have given each rating'",
    "COMMENT ON TABLE country_ratings IS 'Ratings by the country of the users'",
    "COMMENT ON TABLE critic_reviews IS 'Reviews of critics, as Metacritic has them'",
    "COMMENT ON COLUMN critic_reviews.score IS 'From 0 to 100'",
    "COMMENT ON TABLE alternate_versions IS 'How versions of a title differ'",
    "COMMENT ON TABLE crazy_credits IS 'Odd things in the credits that are shown with a title'",
    "COMMENT ON TABLE faqs IS 'Questions that are often asked'",
    "COMMENT ON TABLE interests IS 'Finer genres'",
    "COMMENT ON TABLE videos IS 'Trailers, clips and interviews by their ids'",
    "COMMENT ON TABLE news IS 'Headlines about a title'",
)

STATEMENTS = (*LEDGER, *TABLES, *INDEXES, *COMMENTS)
