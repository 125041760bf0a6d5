"""Recipes: the description of a run in one YAML file, checked as a whole before anything starts.

    reader: {name: audio/clips, crop_seconds: 1.0}
    encoder: {name: audio/ast, depth: 4}
    views:
      - {count: 2, steps: [{name: audio/gain, low_db: -6}]}
    objective: {name: barlow_twins}
    pretext: {name: joint_embedding}
    training: {batch_size: 64, epochs: 20}
    evaluation: {probe: {name: logistic}}

The sections name their component; the component's settings model checks the rest of the section.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from unlabeled import discovery
from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Encoder, Objective, Pretext, Reader
from unlabeled.data.training_labels import LabelSettings
from unlabeled.did_you_mean import did_you_mean
from unlabeled.errors import RecipeError
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.flag_text import FlagText
from unlabeled.plain_yaml import NotPlain, read_yaml
from unlabeled.settings import Settings, settings_type
from unlabeled.training.settings import TrainingSettings
from unlabeled.validation import validate

SECTIONS = (
    "reader",
    "encoder",
    "views",
    "objective",
    "pretext",
    "labels",
    "training",
    "evaluation",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A component by name, with its checked settings."""

    kind: str
    name: str
    settings: Settings

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, **self.settings.model_dump(mode="json")}

    def with_facts(self, facts: Mapping[str, Any]) -> Choice:
        """Fill settings that are None with the reader's facts about the data.

        Raises RecipeError if a setting is set to something else.
        """
        filled = {}
        for key, value in facts.items():
            if key not in type(self.settings).model_fields:
                continue
            chosen = getattr(self.settings, key)
            if chosen is not None and chosen != value:
                raise RecipeError(
                    f"{self.kind[:-1]}.{key}: the data say {value!r}, the recipe says {chosen!r}. "
                    "Leave it out of the recipe, or change the reader."
                )
            filled[key] = value
        values = {**self.settings.model_dump(), **filled}
        settings = validate(type(self.settings), values, self.kind[:-1])
        return Choice(self.kind, self.name, settings)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A checked recipe."""

    name: str
    reader: Choice
    encoder: Choice
    pretext: Choice
    training: TrainingSettings
    evaluation: EvaluationSettings
    objective: Choice | None = None
    views: tuple[ViewSettings, ...] = ()
    labels: LabelSettings | None = None

    def to_dict(self) -> dict[str, Any]:
        """Every section with every value; `read_recipe` of it gives an equal recipe."""
        sections: dict[str, Any] = {
            "reader": self.reader.to_dict(),
            "encoder": self.encoder.to_dict(),
            "pretext": self.pretext.to_dict(),
            "training": self.training.model_dump(mode="json"),
            "evaluation": self.evaluation.model_dump(mode="json"),
        }
        if self.views:
            sections["views"] = [view.model_dump(mode="json") for view in self.views]
        if self.objective:
            sections["objective"] = self.objective.to_dict()
        if self.labels:
            sections["labels"] = self.labels.model_dump(mode="json")
        return sections


def load_recipe(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Load `modality/name` of an installed plugin, or a YAML file by its path.

    overrides: nested values that replace those of the file, `{"training": {"epochs": 5}}`.
    Raises RecipeError or PluginError.
    """
    is_file = name.endswith((".yaml", ".yml"))
    path = Path(name) if is_file else discovery.recipe_path(name)
    return read_recipe(name, merge(_sections(path), overrides or {}))


def read_recipe(name: str, sections: Mapping[str, Any]) -> Recipe:
    """Check the sections of a recipe. Raises RecipeError or PluginError."""
    where = f"recipe {name}"
    for key in sections:
        if key not in SECTIONS:
            raise RecipeError(
                f"{where}: {key}: unknown section.{did_you_mean(str(key), sorted(SECTIONS))}"
            )
    pretext = read_choice("pretexts", sections.get("pretext"), where)
    _check_used(discovery.load("pretexts", pretext.name), sections, where)
    views = sections.get("views") or ()
    if not isinstance(views, Sequence) or isinstance(views, str):
        raise RecipeError(f"{where}, views: expected a list of views, found {views!r}")
    objective = sections.get("objective")
    return Recipe(
        name=name,
        reader=read_choice("readers", sections.get("reader"), where),
        encoder=read_choice("encoders", sections.get("encoder"), where),
        pretext=pretext,
        training=validate(TrainingSettings, sections.get("training") or {}, f"{where}, training"),
        evaluation=validate(
            EvaluationSettings, sections.get("evaluation") or {}, f"{where}, evaluation"
        ),
        objective=read_choice("objectives", objective, where) if objective else None,
        labels=validate(LabelSettings, sections["labels"], f"{where}, labels")
        if sections.get("labels")
        else None,
        views=tuple(
            validate(ViewSettings, view, f"{where}, views.{i}") for i, view in enumerate(views)
        ),
    )


def read_choice(kind: str, section: object, where: str) -> Choice:
    """Check one `{name: ..., **settings}` section. Raises RecipeError or PluginError."""
    place = f"{where}, {kind[:-1]}"
    if not isinstance(section, Mapping) or not isinstance(section.get("name"), str):
        found = "nothing" if section is None else repr(section)
        raise RecipeError(f"{place}: expected a section with a name, found {found}")
    values = {key: value for key, value in section.items() if key != "name"}
    name = str(section["name"])  # plain, as it is written to files: a flag's text is a subclass
    model = settings_type(discovery.load(kind, name))
    return Choice(kind, name, validate(model, values, place))


def merge(sections: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`overrides` laid over `sections`, mapping by mapping.

    Naming another component drops the settings of the one before it; setting one of epochs and
    steps drops the other.
    """
    merged = dict(sections)
    for key, value in overrides.items():
        below = merged.get(key)
        if isinstance(value, FlagText) and isinstance(below, Mapping):
            value = value.section()
        if not (isinstance(value, Mapping) and isinstance(below, Mapping)):
            merged[key] = value
        elif value.get("name", below.get("name")) != below.get("name"):
            merged[key] = dict(value)
        else:
            merged[key] = merge(below, value)
    for one, other in (("epochs", "steps"), ("steps", "epochs")):
        if one in overrides and other not in overrides:
            merged.pop(other, None)
    return merged


def build_reader(choice: Choice) -> Reader:
    """The reader is its settings."""
    return choice.settings  # type: ignore[return-value]


def build_encoder(choice: Choice) -> Encoder:
    """A new encoder with random weights (from torch's global generator)."""
    encoder: Encoder = discovery.load("encoders", choice.name)(choice.settings)
    return encoder


def build_pretext(
    recipe: Recipe,
    facts: Mapping[str, Any],
    calibrate: Callable[[Encoder], None] | None = None,
) -> Pretext:
    """The method of a recipe, ready to train.

    facts: from `Reader.describe`; calibrate: called with the new encoder.
    """
    encoder = build_encoder(recipe.encoder.with_facts(facts))
    if calibrate is not None:
        # Before the method: its copies of the encoder share the statistics. Weights that are
        # drawn later must not depend on what calibration draws.
        with torch.random.fork_rng(devices=[]):
            calibrate(encoder)
    parts: dict[str, Any] = {}
    if recipe.objective:
        parts["objective"] = build_objective(recipe.objective, encoder)
    if recipe.views:
        parts["views"] = Views(recipe.views)
    choice = recipe.pretext.with_facts(facts)
    pretext: Pretext = discovery.load("pretexts", choice.name)(choice.settings, encoder, **parts)
    return pretext


def build_objective(choice: Choice, encoder: Encoder) -> Objective:
    """An objective for the width of the encoder's default output."""
    objective: Objective = discovery.load("objectives", choice.name)(
        choice.settings, encoder.outputs[0].width
    )
    return objective


def _check_used(pretext: type[Pretext], sections: Mapping[str, Any], where: str) -> None:
    for section in ("views", "objective"):
        if section in pretext.uses and not sections.get(section):
            raise RecipeError(f"{where}, {section}: the pretext needs this section; it is missing")
        if sections.get(section) and section not in pretext.uses:
            raise RecipeError(f"{where}, {section}: the pretext does not use it; leave it out")
    if sections.get("labels") and "labels" not in pretext.uses:
        raise RecipeError(f"{where}, labels: the pretext learns from no labels; leave it out")


def _sections(path: Path) -> dict[str, Any]:
    try:
        loaded = read_yaml(path)
    except FileNotFoundError as error:
        raise RecipeError(f"recipe {path}: there is no such file") from error
    except OSError as error:
        raise RecipeError(f"recipe {path}: cannot be read: {error.strerror}") from error
    except NotPlain as error:
        raise RecipeError(f"recipe {path}: cannot be read as YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise RecipeError(f"recipe {path}: expected sections, {', '.join(SECTIONS)}")
    return loaded
