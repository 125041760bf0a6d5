"""The manifest by which a package lists its components. Standard library only.

A plugin's distribution declares one entry point in the group `unlabeled.plugins`; its name is
the modality and its value points at a `Plugin` in a module that imports nothing but this one:

    [project.entry-points."unlabeled.plugins"]
    audio = "unlabeled_audio.plugin:plugin"

Components stay strings until they are used, so listing plugins never imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PLUGIN_API = 1
"""The contract version of this core."""

OLDEST_PLUGIN_API = 1
"""The oldest contract version that this core still accepts."""

ENTRY_POINT_GROUP = "unlabeled.plugins"

KINDS = (
    "readers",
    "augmentations",
    "encoders",
    "objectives",
    "pretexts",
    "baselines",
    "evaluators",
    "assessments",
    "recipes",
)
"""Every kind of component, in the order in which they are listed; also the folder names."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a plugin.

    target: "package.module:attribute"; for recipes "package:path/inside/package.yaml". summary: one
    line. source: the paper or standard it follows, empty where there is none. experimental: it
    works, but has not yet beaten random encoders on real data.
    """

    target: str
    summary: str
    source: str = ""
    experimental: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A short training that shows the conformance kit that a pretext learns.

    recipe: the short name of the plugin's recipe that is trained; items: number of synthetic items;
    overrides: settings that differ, by section; target: the column of `labels.csv` that is
    assessed; learned: the column that a method with labels learns, if another one (masks). assess:
    the short name of the plugin's assessment, the probe if empty; a restoration needs one, with a
    classical filter among its rivals.
    """

    recipe: str
    items: int = 96
    overrides: Mapping[str, Any] = field(default_factory=dict)
    target: str = "label"
    assess: str = ""
    learned: str = ""


@dataclass(frozen=True, slots=True)
class Plugin:
    """The components that a distribution adds to unlabeled.

    api: the contract version it was written for (`PLUGIN_API` at that time).
    modality: the name of the entry point; components are asked for as `modality/name`.
    synthetic: for each reader by its name, `write(path: Path, *, count: int, seed: int)`, which
    fills the folder with seeded toy files of known structure that this reader can read, and a
    `labels.csv` (columns item, label, group). Some items share a group; where the reader finds
    groups by its settings, `write` returns these ({"pattern": …, "group": …}), else None. The
    conformance kit and tests use it.
    trials: by the short names of pretexts, how the kit sees that they learn; the smallest recipe
    for 100 steps where a pretext has none.
    commands: what it adds to the command line, `unlabeled MODALITY COMMAND`: functions whose
    parameters are typed, positional ones before keywords, with a docstring that describes them.
    One returns a mapping that can be written as JSON, which core prints (`--json`: as one
    document); it raises the errors of `unlabeled.errors`.
    expected_failures: conformance checks by name that the plugin need not pass, each with the
    reason, which is shown wherever the checks are run.
    """

    api: int
    modality: str
    summary: str
    synthetic: Mapping[str, Component] = field(default_factory=dict)
    readers: Mapping[str, Component] = field(default_factory=dict)
    augmentations: Mapping[str, Component] = field(default_factory=dict)
    encoders: Mapping[str, Component] = field(default_factory=dict)
    objectives: Mapping[str, Component] = field(default_factory=dict)
    pretexts: Mapping[str, Component] = field(default_factory=dict)
    baselines: Mapping[str, Component] = field(default_factory=dict)
    evaluators: Mapping[str, Component] = field(default_factory=dict)
    assessments: Mapping[str, Component] = field(default_factory=dict)
    recipes: Mapping[str, Component] = field(default_factory=dict)
    commands: Mapping[str, Component] = field(default_factory=dict)
    trials: Mapping[str, Trial] = field(default_factory=dict)
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    def components(self, kind: str) -> Mapping[str, Component]:
        """The components of one of `KINDS`, by name."""
        found: Mapping[str, Component] = getattr(self, kind)
        return found
