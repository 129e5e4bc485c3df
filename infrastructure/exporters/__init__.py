"""Titles in the formats of other programs: CSV, JSON lines, SQLite, Excel, Parquet."""
