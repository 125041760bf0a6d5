"""Record the failure of a run in its manifest, for the report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from unlabeled.errors import CollapseError, RunError
from unlabeled.run_folder import RunFolder, now


@contextmanager
def failure_noted(folder: RunFolder, *, write: bool) -> Iterator[None]:
    """Record in the manifest that values were not finite or that embeddings collapsed.

    Errors about data are not recorded: they name items, which may be private. write: whether this
    process writes to the run.
    """
    try:
        yield
    except (CollapseError, RunError) as error:
        if write and folder.holds_run():
            what = str(error).replace(str(folder.path), "RUN")
            folder.update(status="stopped", failed=what, ended=now())
        raise
