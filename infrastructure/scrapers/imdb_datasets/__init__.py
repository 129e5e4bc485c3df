"""IMDb's dataset files: in a folder, or from where they are published."""

from infrastructure.scrapers.imdb_datasets.downloads import DatasetDownloads
from infrastructure.scrapers.imdb_datasets.folder import DatasetFolder
from infrastructure.scrapers.imdb_datasets.source import ImdbDatasetsSource

__all__ = ["DatasetDownloads", "DatasetFolder", "ImdbDatasetsSource"]
