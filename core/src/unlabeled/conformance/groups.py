"""Clause P6: which items are of one group (patient, speaker, scene) reaches the objective.

Where the synthetic data hold items that share groups, those are asked about; else the check makes
groups of its own. A reader that finds groups by its settings (`pattern`, `group`) gets those that
the writer of the data returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.fixture import Fixture
from unlabeled.contract import Objective, Pretext
from unlabeled.data.items import Items
from unlabeled.errors import RecipeError
from unlabeled.recipe import Recipe, merge, read_choice
from unlabeled.settings import settings_type
from unlabeled.training.loader import BatchSampler, Examples, RankBatches, load
from unlabeled.training.settings import TrainingSettings

GROUPS = Clause(
    "P6",
    "groups",
    "With `negatives: other_groups` the objective gets equal ids for items of one group and "
    "different ids for the others.",
    "a draw that is not made by `Draw.of`, or an example that drops `draw.group`",
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The check of every pretext that a recipe uses and that has the setting `negatives`."""
    for name in fixture.pretext_names():
        fields = settings_type(discovery.load("pretexts", name)).model_fields
        if fixture.recipes_with("pretext", name) and "negatives" in fields:
            yield from checks_of(
                f"pretexts/{fixture.short(name)}", {GROUPS: _groups}, fixture, name
            )


def _groups(fixture: Fixture, name: str) -> None:
    for recipe in sorted(fixture.recipes_with("pretext", name), key=fixture.size_of):
        recipe = _with_groups(fixture, recipe)
        try:
            pretext = fixture.pretext(recipe)
        except RecipeError:  # a method of nodes has no groups of items, and says so
            continue
        _reach(fixture, recipe, pretext)
        return


def _reach(fixture: Fixture, recipe: Recipe, pretext: Pretext) -> None:
    """Items that share groups, in one batch that is loaded as in training."""
    found, labels = fixture.items(recipe.reader), fixture.labels(recipe)
    count = max(4, fixture.size(pretext))
    # Labels go by the places of items, which a choice of items would change.
    items = (None if labels else _sharing(found, count)) or _two_by_two(found, count)
    groups = items.table["group"].to_numpy(zero_copy_only=False)
    settings = TrainingSettings(batch_size=len(items), epochs=1)
    sampler = BatchSampler(items.table["size"].to_numpy(), settings)
    examples = Examples(items, fixture.reader(recipe.reader), pretext, settings, labels)
    [fetched] = load(examples, RankBatches(sampler, 0, 1, rank=0, processes=1), pin=False)
    require(not fetched.error, f"loading a batch: {fetched.error}")
    names = groups[[reference.item for reference in sampler.batch(0)]]
    given = _given(pretext, fetched.batch)
    require(given, "no objective gets the groups of its samples")
    for ids in given:
        require(len(ids) == len(names), f"{len(ids)} ids for {len(names)} samples")
        same = (ids[:, None] == ids).cpu().numpy()
        right = np.array_equal(same, names[:, None] == names)
        require(right, f"{len(set(ids.tolist()))} ids for {len(set(names))} groups")


def _with_groups(fixture: Fixture, recipe: Recipe) -> Recipe:
    """The recipe with negatives of other groups, and a reader that finds groups."""
    found = fixture.group_settings(fixture.short(recipe.reader.name))
    reader = read_choice("readers", merge(recipe.reader.to_dict(), found), "conformance")
    settings = recipe.pretext.settings.model_copy(update={"negatives": "other_groups"})
    return replace(recipe, reader=reader, pretext=replace(recipe.pretext, settings=settings))


def _sharing(items: Items, count: int) -> Items | None:
    """`count` items of two groups or more, some of which share one; None if there are none such."""
    names = items.table["group"].to_pylist()
    rows = sorted((row for row, name in enumerate(names) if name), key=lambda row: names[row])
    chosen = rows[:count]
    others = [row for row in rows[count:] if names[row] != names[rows[0]]]
    if others and len({names[row] for row in chosen}) == 1:
        chosen[-1] = others[0]  # else no two ids would have to differ
    shared = len(chosen) == count and 1 < len({names[row] for row in chosen}) < count
    return items.take(sorted(chosen)) if shared else None


def _two_by_two(items: Items, count: int) -> Items:
    """The first `count` items; each two that follow one another are of one group."""
    table = items.table.slice(0, count)
    names = pa.array([f"group {row // 2}" for row in range(table.num_rows)])
    return Items(table.set_column(table.column_names.index("group"), "group", names))


@torch.no_grad()
def _given(pretext: Pretext, batch: object) -> list[Tensor]:
    """The groups that the pretext's objectives get for a batch."""
    given: list[Tensor] = []

    def note(_: torch.nn.Module, __: object, named: dict[str, object]) -> None:
        groups = named.get("groups")
        if isinstance(groups, Tensor):
            given.append(groups)

    objectives = [module for module in pretext.modules() if isinstance(module, Objective)]
    hooks = [each.register_forward_pre_hook(note, with_kwargs=True) for each in objectives]
    try:
        pretext(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return given
