"""The use case that brings IMDb's dataset files into a store."""

import time
from collections.abc import Sequence

from application.ports import DatasetFiles, DatasetProgress, DatasetStore
from domain.datasets import (
    DatasetFilter,
    DatasetName,
    FileAccount,
    ImportOutcome,
    ImportReport,
    check_choice,
)
from domain.errors import DatasetDamaged, SourceError


class ImportDatasets:
    """Obtains dataset files and has a store import them all at once. Used by one thread."""

    def __init__(self, files: DatasetFiles, store: DatasetStore, progress: DatasetProgress) -> None:
        self._files = files
        self._store = store
        self._progress = progress

    def execute(
        self, names: Sequence[DatasetName], choice: DatasetFilter, *, checks_ids: bool = False
    ) -> ImportReport:
        """Import these files; one that cannot be had has its account, and harms no other.

        Raises `DatasetsUnusable` when nothing can be imported as asked, `RepositoryUnavailable`.
        """
        check_choice(names, choice)
        obtained, missing = [], []
        for name in dict.fromkeys(names):
            try:
                obtained.append(self._files.obtain(name, self._progress))
            except (DatasetDamaged, SourceError) as error:
                missing.append(
                    FileAccount(name=name, outcome=ImportOutcome.FAILED, problem=str(error))
                )
        began = time.monotonic()
        accounts = (
            self._store.import_files(obtained, choice, self._progress, checks_ids=checks_ids)
            if obtained
            else []
        )
        order = list(DatasetName)
        files = sorted([*accounts, *missing], key=lambda account: order.index(account.name))
        return ImportReport(files=tuple(files), seconds=time.monotonic() - began)
