"""Show a run: its report as a page, several runs side by side, and the page while it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from unlabeled.cli.catalogue import Json
from unlabeled.cli.printing import console, print_json


def report(
    *run: Annotated[Path, Parameter(required=True)],
    data: Path | None = None,
    labels: Path | None = None,
    show_private: bool = False,
    json: Json = False,
) -> None:
    """Write a run's report.html: one page that works offline. Of several runs, comparison.html.

    Parameters
    ----------
    run
        A run; several are shown side by side, in a page in the folder of the first.
    data
        Show items of this file or folder: a map of their embeddings, neighbours, pictures.
    labels
        A table as `unlabeled evaluate` takes it, to colour the map by.
    show_private
        Show pictures and names even if they are about people: the page then holds them.
    """
    from unlabeled.errors import UsageError
    from unlabeled.report.comparison import compare_runs
    from unlabeled.report.page import report as write

    if len(run) > 1 and (data or labels or show_private):
        raise UsageError("--data, --labels and --show-private are for the report of one run")
    if len(run) > 1:
        path = compare_runs(run)
    else:
        path = write(run[0], data, labels, show_private=show_private)
    if json:
        print_json({"report": str(path)})
    else:
        console().print(str(path))


def watch(run: Path, *, port: int = 0, json: Json = False) -> None:
    """Serve a run's report on 127.0.0.1, and nowhere else, until Ctrl-C; it follows the training.

    Parameters
    ----------
    run
        A run, best one that trains.
    port
        Of this machine; any free one if 0.
    """
    from contextlib import suppress

    from unlabeled.report.watch import watch as serve

    def started(url: str) -> None:
        if json:
            print_json({"url": url})
        else:
            console().print(f"{url} shows {run}; Ctrl-C ends it")

    with suppress(KeyboardInterrupt):
        serve(run, port=port, started=started)
