"""Other ways to write the same scraper, each as the documentation of its libraries advises.

Every module is a program of its own: it fetches the chart, then the title pages, and saves titles,
people and credits to CSV files and to PostgreSQL. Job and saving are common (`job`, `saving`), and
what a whole tree of a page or a whole ``__NEXT_DATA__`` says is read in one place each (`dom`,
`next_data`); the way to fetch and to parse is each system's own.
"""
