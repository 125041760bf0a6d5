"""The environment of a run: versions, hardware, threads. Bit-equal results need all of it equal."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

import torch
from lightning_fabric import Fabric
from packaging.requirements import Requirement

from unlabeled.discovery import CORE, usable
from unlabeled.errors import RecipeError
from unlabeled.recipe import Recipe
from unlabeled.training.settings import Precision


def describe(fabric: Fabric, recipe: Recipe) -> dict[str, Any]:
    """The environment of this process for `manifest.json`, JSON-able and flat except for the
    versions."""
    cuda = fabric.device.type == "cuda"
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "device": torch.cuda.get_device_name(fabric.device) if cuda else fabric.device.type,
        "processes": fabric.world_size,
        "threads": torch.get_num_threads(),
        "versions": dict(sorted(_versions(recipe))),
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """ "training.batch_size: 8 then, 16 now", for every value that differs, at any depth."""
    then, new = dict(_flat(before)), dict(_flat(now))
    return [
        f"{key}: {then.get(key, 'nothing')} then, {new.get(key, 'nothing')} now"
        for key in sorted(then.keys() | new.keys())
        if then.get(key) != new.get(key)
    ]


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Deterministic algorithms inside the block, if wanted; afterwards as before.

    Raises RecipeError where an operation has none.
    """
    before = torch.are_deterministic_algorithms_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    if wanted:
        # cuBLAS reads this variable when it starts, so it has to be set before.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(wanted)
    # Filling every new tensor with NaN finds bugs, and costs time in every step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise RecipeError(
            f"training.deterministic: {str(error).splitlines()[0]} Train with "
            "--training.deterministic false; the run can then not be resumed exactly."
        ) from error
    finally:
        torch.use_deterministic_algorithms(before)
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]


@contextmanager
def default_dtype(precision: Precision) -> Iterator[None]:
    """float64 for new tensors inside the block if that is the precision; afterwards as before.

    Without it Fabric gives losses back in float32.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if precision == "64" else before)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _versions(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Versions of the core, of the plugins that the recipe uses, and of their requirements."""
    parts = (recipe.reader, recipe.encoder, recipe.pretext)
    modalities = {part.name.rpartition("/")[0] for part in parts} - {""}
    roots = {CORE, *(usable(modality).distribution for modality in modalities)}
    for name in roots | {needed for root in roots for needed in _requirements(root)}:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _requirements(distribution: str) -> Iterator[str]:
    try:
        texts = requires(distribution) or []
    except PackageNotFoundError:  # on the path, but not installed
        return
    for text in texts:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
