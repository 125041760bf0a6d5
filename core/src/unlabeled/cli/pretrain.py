"""`unlabeled pretrain`: train a recipe on a folder, resume a run, continue one on new data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from unlabeled.cli.catalogue import Json, Positive
from unlabeled.cli.overrides import flatten, parse_overrides
from unlabeled.cli.printing import console, print_json, typed
from unlabeled.commands import command
from unlabeled.errors import UsageError

if TYPE_CHECKING:
    from unlabeled.training.pretrain import Run

LIMITS = {"unreadable", "max_skipped"}
FLAGS = [
    "--out",
    "--resume",
    "--continue-from",
    "--start-from",
    "--epochs",
    "--steps",
    "--batch-size",
    "--seed",
    "--workers",
    "--precision",
    "--unreadable",
    "--max-skipped",
    "--accept-changed-data",
    "--devices",
    "--nodes",
    "--accelerator",
    "--json",
    "--help",
    "--debug",
]


def pretrain(
    recipe: str | None = None,
    data: Path | None = None,
    *overrides: Annotated[str, Parameter(allow_leading_hyphen=True, show=False)],
    out: Path | None = None,
    resume: Path | None = None,
    continue_from: Path | None = None,
    start_from: Path | None = None,
    epochs: str | None = None,
    steps: str | None = None,
    batch_size: str | None = None,
    seed: str | None = None,
    workers: str | None = None,
    precision: str | None = None,
    unreadable: str | None = None,
    max_skipped: str | None = None,
    accept_changed_data: bool = False,
    devices: Positive = 1,
    nodes: Positive = 1,
    accelerator: Literal["auto", "cpu", "cuda"] = "auto",
    json: Json = False,
) -> None:
    """Train RECIPE on DATA and write the run to --out; or resume a run: --resume RUN.

    Any setting of the recipe can be given as --section.key value (--pretext.mask-ratio 0.6);
    `unlabeled pretrain RECIPE --help` lists them.

    Parameters
    ----------
    recipe
        An installed recipe (unlabeled recipes lists them), or a YAML file.
    data
        The folder or file to train on; with --resume, the new path of moved data.
    out
        The run's folder: new, empty, or that of this very run.
    resume
        Resume this run exactly at its newest checkpoint.
    continue_from
        Continue the whole method of this run on new data (infinite schedule).
    start_from
        Start from the encoder of this run, or of an encoder folder, under any method.
    epochs
        Passes over the data, instead of the recipe's.
    steps
        Optimiser steps, instead of the recipe's.
    batch_size
        Items in the joint batch of all processes.
    seed
        Of weights, order, views and masks.
    workers
        Data workers per process.
    precision
        32, 64, bf16-mixed or 16-mixed.
    unreadable
        skip or stop: what to do with an item that cannot be read.
    max_skipped
        The largest share of items that may be left out so, 0 to 1.
    accept_changed_data
        Go on with a run although items have changed, are gone or new; it then is not exact.
    devices
        Processes on this machine.
    nodes
        Machines.
    accelerator
        cpu, cuda or auto.
    """
    from unlabeled.training.pretrain import pretrain as train
    from unlabeled.training.pretrain import resume as go_on

    where: dict[str, Any] = {"devices": devices, "nodes": nodes, "accelerator": accelerator}
    where["accept_changed_data"] = accept_changed_data
    short = {
        "epochs": epochs,
        "steps": steps,
        "batch_size": batch_size,
        "seed": seed,
        "workers": workers,
        "precision": precision,
        "unreadable": unreadable,
        "max_skipped": max_skipped,
    }
    changes = parse_overrides(overrides, FLAGS)
    training = {key: value for key, value in short.items() if value is not None}
    if training:
        changes["training"] = {**changes.get("training", {}), **training}
    if resume is not None:
        limits = changes.pop("training", {})
        other = changes or out or continue_from or start_from or (recipe and data)
        if other or limits.keys() - LIMITS:
            raise UsageError(
                "--resume goes on with a run as it is; it takes no other setting but --unreadable "
                "and --max-skipped."
            )
        run = go_on(resume, data=recipe, limits=limits, **where)
    else:
        where |= {"continue_from": continue_from, "start_from": start_from}
        run = train(*_job(recipe, data, out, changes), **where)
    _tell(run, json)


def recipe_help(name: str) -> None:
    """Every setting of a recipe with its value: what `pretrain RECIPE --help` prints."""
    from unlabeled.recipe import load_recipe

    loaded = load_recipe(name)
    console().print(f"{command('pretrain', name)} DATA --out RUN [--section.key value ...]\n")
    for key, value in flatten(loaded.to_dict()).items():
        if not key.endswith(".name") and not key.startswith("views"):
            console().print(f"  --{key.replace('_', '-')} {typed(value)}")
    console().print(f"\n{command('describe', name)} shows the recipe's own text.")


def _job(
    recipe: str | None, data: Path | None, out: Path | None, changes: dict[str, Any]
) -> tuple[Any, Path, Path]:
    from unlabeled.recipe import load_recipe

    missing = [
        name for name, value in (("RECIPE", recipe), ("DATA", data), ("--out", out)) if not value
    ]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} missing: unlabeled pretrain RECIPE DATA --out RUN, "
            "or unlabeled pretrain --resume RUN."
        )
    assert recipe is not None
    assert data is not None
    assert out is not None
    return load_recipe(recipe, changes), data, out


def _tell(run: Run, json: bool) -> None:
    if json:
        print_json({"run": str(run.path), **asdict(run.manifest)})
        return
    console().print(f"{run.path}: {run.manifest.status}")
    from unlabeled.export.encoder import read_config

    if read_config(run.path).provenance.kind == "restoration":
        console().print(f"  {command('restore', run.path, 'DATA', '--out', 'restored')}")
    else:
        out = ("--out", "embeddings.parquet")
        console().print(f"  {command('embed', run.path, 'DATA', *out)}")
        console().print(f"  {command('evaluate', run.path, 'DATA', '--labels', 'labels.csv')}")
    console().print(f"  {command('report', run.path)}")
