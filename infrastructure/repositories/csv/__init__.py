"""Titles, people, credits and charts in CSV files that any spreadsheet opens."""

from infrastructure.repositories.csv.failures import check_folder
from infrastructure.repositories.csv.journal import newest_runs, run_of
from infrastructure.repositories.csv.repository import CsvRepository, open_csv_repository

__all__ = ["CsvRepository", "check_folder", "newest_runs", "open_csv_repository", "run_of"]
