"""Check that runs differ only by their seed, so that their mean is meaningful."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from unlabeled.errors import UsageError
from unlabeled.export.encoder import EncoderConfig, read_config, run_of
from unlabeled.run_folder import Manifest

FREE = {"training.seed", "training.workers", "training.health_every", "training.tensorboard"}
"""Settings that may differ, besides those of checkpoints; only the seed changes weights."""


def require_seeds_of_one_recipe(paths: Sequence[Path | str], config: EncoderConfig) -> None:
    """config: of the first of them. Raises UsageError that names the first difference."""
    if len({Path(path).resolve() for path in paths}) < len(paths):
        raise UsageError("--average-with: expected each run once, found one twice")
    seeds = {config.provenance.seed: paths[0]}
    for other in paths[1:]:
        found = read_config(other)
        for difference in _differences((paths[0], config), (other, found)):
            raise UsageError(
                f"{other}: expected a run of the recipe and data of {paths[0]} with another seed; "
                f"found other {difference}. Evaluate it by itself."
            )
        if found.provenance.seed in seeds:
            raise UsageError(
                f"{other}: has the seed of {seeds[found.provenance.seed]}, "
                f"{found.provenance.seed}; expected another one. Leave it out."
            )
        seeds[found.provenance.seed] = other


def seed_alone(one: Path | str, other: Path | str) -> bool:
    """Whether two runs differ by their seed and in nothing else."""
    configs = read_config(one), read_config(other)
    same = next(_differences((one, configs[0]), (other, configs[1])), None) is None
    return same and configs[0].provenance.seed != configs[1].provenance.seed


def _differences(
    one: tuple[Path | str, EncoderConfig], other: tuple[Path | str, EncoderConfig]
) -> Iterator[str]:
    """ "settings: training.batch_size is 8 there, 4 here", for everything but the seed."""
    (here, mine), (there, theirs) = one, other
    for part in ("encoder", "reader"):
        yield from _unlike(part, getattr(mine, part).to_dict(), getattr(theirs, part).to_dict())
    for name in ("pretext", "steps", "items", "batch_norm_of"):
        values = getattr(theirs.provenance, name), getattr(mine.provenance, name)
        if values[0] != values[1]:
            yield f"{name.replace('_', ' ')}: {values[0]} there, {values[1]} here"
    runs = run_of(here), run_of(there)
    if runs[0] and runs[1]:
        yield from _of_manifests(runs[0].read(), runs[1].read())
    elif mine.provenance.fingerprint != theirs.provenance.fingerprint:
        yield "data"


def _of_manifests(mine: Manifest, theirs: Manifest) -> Iterator[str]:
    for section in ("pretext", "objective", "views", "training"):
        sections = (each.recipe.get(section) or {} for each in (mine, theirs))
        yield from _unlike(section, *sections)
    # The ids and groups of private data are pseudonyms, which differ by run.
    hidden = ("id", "group") if not mine.data.path else ()
    for name in sorted(mine.data.columns.keys() | theirs.data.columns.keys()):
        if name not in hidden and mine.data.columns.get(name) != theirs.data.columns.get(name):
            yield f"data: the items differ in {name}"


def _unlike(name: str, mine: Any, theirs: Any) -> Iterator[str]:
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        for key in sorted(mine.keys() | theirs.keys()):
            yield from _unlike(f"{name}.{key}", mine.get(key), theirs.get(key))
    elif mine != theirs and name not in FREE and not name.startswith("training.checkpoint."):
        yield f"settings: {name} is {theirs} there, {mine} here"
