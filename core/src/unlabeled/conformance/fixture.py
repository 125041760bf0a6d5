"""The fixture of the checks: a plugin's synthetic data, written once and read on demand."""

from __future__ import annotations

import csv
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch.nn.modules.dropout import _DropoutNd

from unlabeled import discovery
from unlabeled.contract import Batch, Encoder, Pretext, Reader, Sample
from unlabeled.data.items import Items
from unlabeled.data.training_labels import LabelSettings, TrainingLabels, training_labels
from unlabeled.errors import UnlabeledError
from unlabeled.plugin import Plugin, Trial
from unlabeled.randomness import Draw, TargetValue
from unlabeled.recipe import Choice, Recipe, build_encoder, build_pretext, load_recipe, read_choice
from unlabeled.training.loader import read_labelled

Targets: TypeAlias = Mapping[str, TargetValue]
"""`Draw.targets`."""

COUNT = 12
"""Synthetic items per reader."""

BATCH = 4
"""Samples in a batch, unless a pretext needs more."""


@dataclass
class Fixture:
    """One plugin's data, samples and recipes. Everything is made on first use."""

    plugin: Plugin
    _root: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="unlabeled-")))
    _cache: dict[object, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weakref.finalize(self, shutil.rmtree, self._root, ignore_errors=True)

    def full(self, name: str) -> str:
        """`gin` → `graph/gin`."""
        return f"{self.plugin.modality}/{name}" if self.plugin.modality else name

    def short(self, name: str) -> str:
        """`graph/gin` → `gin`."""
        return name.rpartition("/")[2]

    def scratch(self, name: str) -> Path:
        """A new empty folder of that name."""
        path = self._root / name
        path.mkdir(parents=True)
        return path

    def data(self, reader: str, count: int = COUNT) -> Path:
        """The folder with so many synthetic items of a reader, by its short name."""
        return self._written(reader, count)[0]

    def group_settings(self, reader: str) -> dict[str, Any]:
        """The settings by which a reader finds groups among its synthetic items; maybe none."""
        return self._written(reader, COUNT)[1]

    def _written(self, reader: str, count: int) -> tuple[Path, dict[str, Any]]:
        def write() -> tuple[Path, dict[str, Any]]:
            folder = self.scratch(f"data-{reader}-{count}")
            writer = discovery.resolve(self.plugin.synthetic[reader].target)
            return folder, dict(writer(folder, count=count, seed=0) or {})

        found: tuple[Path, dict[str, Any]] = self._once(("data", reader, count), write)
        return found

    def reader(self, choice: Choice) -> Reader:
        return choice.settings  # type: ignore[return-value]

    def default_reader(self, name: str) -> Choice:
        """A reader of this plugin with its default settings."""
        return read_choice("readers", {"name": self.full(name)}, "conformance")

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """Every recipe of the plugin that can be read, by its short name."""
        readable = {}
        for name in self.plugin.recipes:
            with suppress(UnlabeledError):  # the check of the recipe itself reports it
                readable[name] = load_recipe(self.full(name))
        return readable

    def items(self, choice: Choice) -> Items:
        key = ("items", choice.name, choice.settings.model_dump_json())
        found: Items = self._once(key, lambda: self.reader(choice).index(self._data_of(choice)))
        return found

    def samples(self, choice: Choice, count: int = 4) -> list[Sample]:
        """The first samples, read whole."""
        items = self.items(choice)
        return [self.reader(choice).read(items[index]) for index in range(min(count, len(items)))]

    def facts(self, choice: Choice) -> dict[str, Any]:
        return dict(self.reader(choice).describe(self.items(choice)))

    def labels(self, recipe: Recipe) -> TrainingLabels | None:
        """Labels of every other group, for a method that uses labels."""
        labelled = self.labelled(recipe)
        if labelled.labels is None:
            return None
        key = ("labels", recipe.reader.name, labelled.labels.target)
        items, data = self.items(recipe.reader), self._data_of(recipe.reader)
        settings = labelled.labels
        found: TrainingLabels = self._once(key, lambda: training_labels(settings, items, data))
        return found

    def labelled(self, recipe: Recipe, count: int = COUNT) -> Recipe:
        """The recipe, with a table of labels of so many synthetic items if its method uses any.

        Every other group has none: some items of a batch are without, and some are left to test.
        """
        if "labels" not in discovery.load("pretexts", recipe.pretext.name).uses:
            return recipe
        reader = self.short(recipe.reader.name)

        def write() -> Path:
            folder = self.scratch(f"labels-{reader}-{count}")
            return some_labels(self.data(reader, count), folder / "labels.csv")

        trial = self.plugin.trials.get(self.short(recipe.pretext.name), Trial(""))
        table = self._once(("table", reader, count), write)
        return replace(
            recipe, labels=LabelSettings(table=str(table), target=trial.learned or trial.target)
        )

    def pretext_facts(self, recipe: Recipe) -> dict[str, Any]:
        """Facts for building a method: of the data, and of its labels."""
        labels = self.labels(recipe)
        return self.facts(recipe.reader) | (labels.facts if labels else {})

    def encoder(self, recipe: Recipe) -> Encoder:
        """Seeded random weights, calibrated on the synthetic data, in eval mode."""
        torch.manual_seed(0)
        encoder = build_encoder(recipe.encoder.with_facts(self.facts(recipe.reader)))
        encoder.calibrate([encoder.collate(self.samples(recipe.reader))])
        return encoder.eval()

    def pretext(self, recipe: Recipe, dtype: torch.dtype = torch.float32) -> Pretext:
        """Seeded random weights, calibrated, in train mode."""
        torch.manual_seed(0)
        samples = self.samples(recipe.reader)
        pretext = build_pretext(
            recipe,
            self.pretext_facts(recipe),
            lambda encoder: encoder.calibrate([encoder.collate(samples)]),
        )
        return pretext.to(dtype).train()

    def batch(
        self, recipe: Recipe, pretext: Pretext, indices: Sequence[int], epoch: int = 0
    ) -> Batch:
        """A joint batch of the pretext, every random draw keyed as in training."""
        return pretext.collate(self.examples(recipe, pretext, indices, epoch))

    def size(self, pretext: Pretext) -> int:
        """How many samples a small batch of this pretext has."""
        return max(BATCH, pretext.smallest_batch)

    def examples(
        self,
        recipe: Recipe,
        pretext: Pretext,
        indices: Sequence[int],
        epoch: int = 0,
        changed: Callable[[Targets], Targets] | None = None,
    ) -> list[Any]:
        """The examples of some items, in the order of `indices`.

        changed: replaces the targets of training by others.
        """
        items, reader = self.items(recipe.reader), self.reader(recipe.reader)
        labels, made = self.labels(recipe), []
        for index in indices:
            place = index % len(items)
            draw = Draw.of(items[place], 0, epoch + index // len(items))
            sample, targets = read_labelled(reader, items[place], draw, labels, place)
            targets = changed(targets) if changed else targets
            made.append(pretext.example(sample, replace(draw, targets=targets)))
        return made

    def pretext_names(self) -> list[str]:
        """The plugin's own pretexts, and the core's that its recipes use."""
        own = [self.full(name) for name in self.plugin.pretexts]
        used = {recipe.pretext.name for recipe in self.recipes.values()} - set(own)
        return [*own, *sorted(name for name in used if "/" not in name)]

    def main_reader(self) -> Choice:
        """The reader of the first recipe; without recipes, the first reader."""
        for recipe in self.recipes.values():
            return recipe.reader
        return self.default_reader(next(iter(self.plugin.readers)))

    def reader_of_features(self, name: str) -> Choice:
        """The reader of a recipe that shows these features; else the main one."""
        using = [r.reader for r in self.recipes.values() if name in r.evaluation.baselines]
        return using[0] if using else self.main_reader()

    def recipes_with(self, section: str, name: str) -> list[Recipe]:
        """The recipes whose `encoder` or `pretext` is the component of that full name."""
        return [r for r in self.recipes.values() if getattr(r, section).name == name]

    def smallest_recipe(self, section: str, name: str) -> Recipe:
        """Of those, the one whose encoder has the fewest parameters."""
        return min(self.recipes_with(section, name), key=self.size_of)

    def smallest(self) -> Recipe:
        """The plugin's recipe whose encoder has the fewest parameters."""
        return min(self.recipes.values(), key=self.size_of)

    def size_of(self, recipe: Recipe) -> int:
        """The number of parameters of its encoder."""

        def count() -> int:
            choice = recipe.encoder.with_facts(self.facts(recipe.reader))
            with torch.device("meta"):
                encoder = build_encoder(choice)
            return sum(parameter.numel() for parameter in encoder.parameters())

        size: int = self._once(("size", recipe.name), count)
        return size

    def _data_of(self, choice: Choice) -> Path:
        return self.data(choice.name.rpartition("/")[2])

    def _once(self, key: object, make: Any) -> Any:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]


def some_labels(data: Path, table: Path) -> Path:
    """Write the labels of every other group in `labels.csv` of a synthetic folder to `table`.

    Names of files are written as absolute paths: they are relative to their table.
    """
    with (data / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    groups = list(dict.fromkeys(row.get("group") or row["item"] for row in rows))
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        chosen = set(groups[::2])
        for row in rows:
            if (row.get("group") or row["item"]) in chosen:
                writer.writerow({name: _located(data, name, cell) for name, cell in row.items()})
    return table


def _located(data: Path, name: str, cell: str) -> str:
    names_file = name != "item" and cell and (data / cell).is_file()
    return str((data / cell).resolve()) if names_file else cell


def without_dropout(pretext: Pretext) -> Pretext:
    """The same module, with every dropout rate inside it set to 0."""
    for part in pretext.modules():
        if isinstance(part, _DropoutNd):
            part.p = 0.0
        elif isinstance(getattr(part, "dropout", None), float):
            part.dropout = 0.0  # type: ignore[assignment]
    return pretext
