"""Dataset files that are on this machine already."""

from datetime import UTC, datetime
from pathlib import Path

from application.ports import DatasetProgress
from domain.datasets import DatasetFile, DatasetName
from domain.errors import DatasetDamaged


class DatasetFolder:
    """Fulfils `DatasetFiles` from a folder, with files as they are published or unpacked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def obtain(self, name: DatasetName, progress: DatasetProgress) -> DatasetFile:
        """Give ``<name>.tsv.gz``, or else ``<name>.tsv``; raises `DatasetDamaged` without them."""
        packed = self._folder / f"{name.value}.tsv.gz"
        for path in (packed, packed.with_suffix("")):
            try:
                modified = path.stat().st_mtime
            except FileNotFoundError:
                continue
            except OSError as error:
                raise DatasetDamaged(str(path), error.strerror or str(error)) from error
            return DatasetFile(name, path, datetime.fromtimestamp(modified, UTC))
        raise DatasetDamaged(
            str(packed), "there is no such file, nor one without .gz (--only imports others)"
        )
