"""Commands that use a run: embed, restore, evaluate, neighbours, cluster and export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

from unlabeled.cli.catalogue import Json, Positive
from unlabeled.cli.overrides import parse_overrides
from unlabeled.cli.printing import console, print_json, print_table
from unlabeled.wording import counted

if TYPE_CHECKING:
    from unlabeled.inference.embed import Embedded
    from unlabeled.inference.restore import Restored

Share = Annotated[float, Parameter(validator=validators.Number(gte=0, lte=1))]
Overrides = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]


def update_batch_norm(
    run: Path,
    data: Path,
    *,
    out: Path,
    unreadable: Literal["skip", "stop"] = "skip",
    max_skipped: Share = 0.1,
    json: Json = False,
) -> None:
    """Write the run's encoder with the batch-norm statistics of DATA. No labels are used.

    Useful if DATA differ from the training data. Use the result in place of
    the run: unlabeled embed OUT, unlabeled evaluate OUT.

    Parameters
    ----------
    run
        A run, or its encoder folder.
    data
        The folder or file that the encoder will be used on.
    out
        The folder to write, best inside the run's folder: its evaluation settings then apply.
    unreadable
        What to do with an item that cannot be read.
    max_skipped
        The largest share of items that may be left out so, 0 to 1.
    """
    from unlabeled.inference.update_batch_norm import update_batch_norm as update

    path = update(run, data, out, unreadable=unreadable, max_skipped=max_skipped)
    if json:
        print_json({"encoder": str(path)})
    else:
        console().print(f"{path}: the encoder, with batch-norm statistics of {data}")


def embed(
    run: Path,
    data: Path,
    *,
    out: Path,
    output: str | None = None,
    batch_size: Positive | None = None,
    unreadable: Literal["skip", "stop"] = "skip",
    max_skipped: Share = 0.1,
    json: Json = False,
) -> None:
    """Write the embeddings of all items in DATA to a Parquet file; a second call adds new items.

    Parameters
    ----------
    run
        A run, or its encoder folder.
    data
        The folder or file to embed.
    out
        The Parquet file: id, source, group, size, metadata, vector.
    output
        Which of the encoder's outputs; its default if left out.
    batch_size
        Items per forward pass; that of training if left out.
    unreadable
        What to do with an item that cannot be read.
    max_skipped
        The largest share of items that may be left out so, 0 to 1.
    """
    from unlabeled.inference.embed import embed as write

    done = write(
        run,
        data,
        out,
        output=output,
        batch_size=batch_size,
        unreadable=unreadable,
        max_skipped=max_skipped,
    )
    if json:
        print_json(done.to_dict())
        return
    console().print(
        f"{done.path}: {counted(done.rows, 'row')} of {counted(done.items, 'item')}, "
        f"{done.width} wide, output {done.output}; {_made(done)}, {done.gone} gone"
    )
    if done.absent:
        console().print(f"  without a vector: {done.absent}, which lack what the output is made of")
    if done.quarantine:
        console().print(f"  left out: {len(done.quarantine)}, see {done.listed_in}")


def _made(done: Embedded | Restored) -> str:
    """ "3 items new, 1 changed", and what is not known."""
    new = done.added - done.changed - done.unknown
    text = f"{counted(new, 'item')} new, {done.changed} changed"
    if done.unknown:
        text += f", {done.unknown} made again, as their old content is not recorded"
    return text


def restore(
    run: Path,
    data: Path,
    *,
    out: Path,
    unreadable: Literal["skip", "stop"] = "skip",
    max_skipped: Share = 0.1,
    json: Json = False,
) -> None:
    """Restore all items in DATA by a restoration run, one file each; a second call adds new ones.

    Parameters
    ----------
    run
        A run of a restoration (such as despeckling), or its encoder folder.
    data
        The folder or file to restore.
    out
        The folder for the restored files.
    unreadable
        What to do with an item that cannot be read.
    max_skipped
        The largest share of items that may be left out so, 0 to 1.
    """
    from unlabeled.inference.restore import restore as write

    done = write(run, data, out, unreadable=unreadable, max_skipped=max_skipped)
    if json:
        print_json(done.to_dict())
        return
    console().print(f"{done.path}: {counted(done.files, 'file')}; {_made(done)}")
    if done.quarantine:
        console().print(f"  left out: {len(done.quarantine)}, see {done.listed_in}")


def evaluate(
    run: Path,
    data: Path,
    *overrides: Overrides,
    labels: Path | None = None,
    assess: str | None = None,
    average_with: tuple[Path, ...] = (),
    target: tuple[str, ...] = (),
    probe: str | None = None,
    name: str | None = None,
    drop_duplicates: bool = False,
    unreadable: Literal["skip", "stop"] = "skip",
    max_skipped: Share = 0.1,
    json: Json = False,
) -> None:
    """Assess a run, by a probe of its frozen encoder or otherwise, beside random encoders.

    Settings of the recipe's evaluation section can be given as --evaluation.key value, those of the
    assessment as --evaluation.assess.key value.

    Parameters
    ----------
    run
        A run, or its encoder folder.
    data
        The folder or file with the labelled items.
    labels
        A CSV, JSON lines or Parquet table: item (or item#node), one or more targets, optionally
        group, split, fold, start and end. Several rows about the same thing give it several labels.
        Some assessments take more: medical/segmentation a folder of masks or a dataset.json.
    assess
        Which assessment: probe, or a plugin's (graph/link_prediction); the recipe's if left out.
    average_with
        A run of the same recipe with another seed; may be given several times. Scores are averaged.
    target
        Which column to predict; may be given several times. The only one, if left out.
    probe
        knn, logistic, ridge, or a plugin's evaluator; chosen by the labels if left out.
    name
        Of the result in the run's folder evaluation/.
    drop_duplicates
        Leave out all but the first of items that nearly equal one of another group.
    unreadable
        What to do with an item that cannot be read.
    max_skipped
        The largest share of items that may be left out so, 0 to 1.
    """
    from unlabeled.evaluation.evaluate import evaluate as run_evaluation
    from unlabeled.evaluation.evaluate import recipe_settings
    from unlabeled.evaluation.settings import EvaluationSettings
    from unlabeled.recipe import merge
    from unlabeled.validation import validate

    flags = ["--labels", "--assess", "--average-with", "--target", "--probe", "--name", "--json"]
    flags += ["--drop-duplicates", "--unreadable", "--max-skipped"]
    changes = parse_overrides(overrides, flags, section="evaluation").get("evaluation", {})
    if probe:
        changes["probe"] = {"name": probe}
    before = recipe_settings(run)
    if assess or "assess" in changes:
        chosen = assess or before.assessment()["name"]
        changes["assess"] = {"name": chosen, **changes.get("assess", {})}
    settings = validate(EvaluationSettings, merge(before.model_dump(), changes), "evaluation")
    found = run_evaluation(
        run,
        data,
        labels,
        average_with=average_with,
        target=target,
        settings=settings,
        name=name,
        drop_duplicates=drop_duplicates,
        unreadable=unreadable,
        max_skipped=max_skipped,
    )
    if json:
        print_json(found.to_dict())
        return
    out = console()
    out.print(f"{data}: {found.title}")
    for line in found.account():
        out.print(f"  {line}")
    for note in found.notes:
        out.print(f"  note: {note}")
    for table in (found.headline, *found.further):
        if table.condition:
            out.print(f"{table.condition}:")
        print_table(table.lines())
    for sentence in found.verdict():
        out.print(sentence)


def neighbours(table: Path, item: str, *, count: Positive = 10, json: Json = False) -> None:
    """The rows of a table of embeddings that are nearest to an item or to a new file.

    Parameters
    ----------
    table
        A Parquet file that `unlabeled embed` wrote.
    item
        Its id in the table (the path relative to the folder that was embedded), or a new file,
        which is embedded by the run that the table names.
    count
        How many rows to show.
    """
    from unlabeled.inference.neighbours import neighbours as find

    rows = find(table, item, count=count).to_pylist()
    if json:
        print_json(rows)
        return
    # Where an item lies and how a changed file is noticed are for programs, not for readers.
    hidden = {"similarity", "source", "size", "signature"}
    shown = [
        {
            "similarity": f"{row['similarity']:.3f}",
            **{name: value for name, value in row.items() if name not in hidden},
        }
        for row in rows
    ]
    print_table(shown, right=["similarity"])


def cluster(
    *embeddings: Annotated[Path, Parameter(required=True)],
    count: Positive,
    out: Path,
    seed: int = 0,
    json: Json = False,
) -> None:
    """Group the items of tables of embeddings by k-means, into a table with item and cluster.

    To train with batches of one cluster, or of different ones: unlabeled pretrain RECIPE DATA
    --out RUN --training.batches.table TABLE --training.batches.by cluster
    --training.batches.form together (or apart).

    Parameters
    ----------
    embeddings
        Parquet files that `unlabeled embed` wrote. With several, items share a cluster if they do
        in each table.
    count
        Clusters of each table.
    out
        The table to write, .csv or .parquet.
    seed
        Of the random starts.
    """
    from unlabeled.inference.cluster import cluster as write

    done = write(embeddings, out, count=count, seed=seed)
    if json:
        print_json(done.to_dict())
        return
    sizes = list(done.sizes.values())
    console().print(
        f"{done.path}: {done.items} items in {len(sizes)} clusters of {min(sizes)} to {max(sizes)}"
    )
    if done.absent:
        console().print(
            f"  left out: {counted(done.absent, 'item')} without a vector in each table"
        )


def export(
    run: Path,
    *,
    out: Path,
    format: Literal["onnx"] = "onnx",  # noqa: ARG001 - the only one there is
    data: Path | None = None,
    output: str | None = None,
    json: Json = False,
) -> None:
    """Write the run's encoder for another program, and check it numerically after writing.

    Parameters
    ----------
    run
        A run, or its encoder folder.
    out
        The file to write.
    format
        onnx needs the extra: pip install "unlabeled[onnx]".
    data
        Items to trace and check it with, best of several sizes; the plugin's synthetic ones if
        left out.
    output
        Which of the encoder's outputs; its default if left out.
    """
    from unlabeled.export.onnx import export_onnx

    done = export_onnx(run, out, data=data, output=output)
    if json:
        print_json(done.to_dict())
    else:
        shapes = ", ".join(f"{name} {shape}" for name, shape in done.inputs.items())
        console().print(
            f"{done.path}: output {done.output}, for {done.sizes} ({shapes}); checked with inputs "
            f"of {', '.join(done.checked)}, it differs from the encoder by at most "
            f"{done.difference:.1g} of the largest value"
        )
        for reason in done.refused:
            console().print(f"  not for {reason}")
