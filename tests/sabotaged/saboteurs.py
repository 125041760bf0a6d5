"""One small component for each clause of the contract, which breaks that clause and nothing else.

Each entry of `SABOTEURS` is the tides plugin with one part replaced, and the one check that must
fail for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from unlabeled_tides.next_level import NextLevel
from unlabeled_tides.plugin import plugin as tides
from unlabeled_tides.recurrent import Recurrent

from sabotaged.assessments import BesideAMean, Drawing, Levels, NoGroups, Placed, Sure
from sabotaged.data import (
    Called,
    Careless,
    Forgetful,
    Global,
    InPlace,
    Numeric,
    Ragged,
    Restless,
    Silent,
    Speechless,
    TooHigh,
    Undescribed,
    Unsteady,
)
from sabotaged.encoders import FarPlace, Leaky, Nameless, Overflowing, TooWide, Unsaved
from sabotaged.labels import Deaf, NoneIsUnknown, Tagged, Told, Undefined
from sabotaged.objectives import AnyWidth, Exponential, FirstCounts, Lenient, Padding
from sabotaged.presence import Asking, Numbered, Partial
from sabotaged.pretexts import (
    Boundless,
    ByPlace,
    ByWorker,
    Counting,
    EverTheSame,
    FarRow,
    GlobalStart,
    Groupless,
    Idle,
    Infinite,
    LocalMean,
    Overwriting,
    PullingByPlace,
    Refusing,
    Shaken,
    Shrinking,
    Smoothing,
    Undone,
)
from sabotaged.targets import ByValues, Elsewhere, Marked, Rolled, Turning, Whole
from sabotaged.teachers import (
    Learning,
    Levelled,
    Reference,
    SecondNetwork,
    Still,
    Taught,
    Uncalibrated,
)
from sabotaged.work import Boasting, Drawn, Honest
from unlabeled.plugin import Component, Plugin, Trial


@dataclass(frozen=True)
class Saboteur:
    """fails: the check that must fail; also: others that it cannot help failing."""

    plugin: Plugin
    fails: str
    also: tuple[str, ...] = ()


def _instead(kind: str, name: str, target: type | str) -> Plugin:
    where = target if isinstance(target, str) else f"{target.__module__}:{target.__name__}"
    parts = getattr(tides, kind)
    return replace(tides, **{kind: {**parts, name: replace(parts[name], target=where)}})


def _beside(kind: str, name: str, target: str) -> Saboteur:
    plugin = replace(tides, **{kind: {**getattr(tides, kind), name: Component(target, "unused")}})
    return Saboteur(plugin, f"{kind}/{name}/recipe")


def _recipe(name: str, title: str) -> Saboteur:
    target = f"sabotaged:recipes/{name}.yaml"
    plugin = replace(tides, recipes={**tides.recipes, name: Component(target, "broken")})
    return Saboteur(plugin, f"recipes/{name}/{title}")


def _reader(target: type, title: str) -> Saboteur:
    return Saboteur(_instead("readers", "gauges", target), f"readers/gauges/{title}")


def _waves(target: type, title: str) -> Saboteur:
    return Saboteur(_instead("augmentations", "waves", target), f"augmentations/waves/{title}")


def _marked(reader: type, waves: type, fails: str) -> Saboteur:
    """Gauges with masks."""
    plugin = replace(
        _instead("readers", "gauges", reader),
        synthetic={"gauges": Component("sabotaged.targets:write_marked", "and where it is high")},
        augmentations=_instead("augmentations", "waves", waves).augmentations,
    )
    return Saboteur(plugin, fails)


def _encoder(target: type, title: str) -> Saboteur:
    return Saboteur(_instead("encoders", "recurrent", target), f"encoders/recurrent/{title}")


def _pretext(target: type, title: str, encoder: type = Recurrent) -> Saboteur:
    plugin = _instead("pretexts", "next_level", target)
    encoders = _instead("encoders", "recurrent", encoder).encoders
    return Saboteur(replace(plugin, encoders=encoders), f"pretexts/next_level/{title}")


def _several(target: type) -> Saboteur:
    found = _pretext(target, "labels")
    [reader] = found.plugin.synthetic
    several = {reader: Component("sabotaged.labels:write_several", "gauges of two kinds")}
    return replace(found, plugin=replace(found.plugin, synthetic=several))


def _working(target: type) -> Saboteur:
    plugin = _instead("pretexts", "next_level", target)
    readers = _instead("readers", "gauges", Drawn).readers
    return Saboteur(replace(plugin, readers=readers), "pretexts/next_level/work")


def _assessment(target: type, title: str) -> Saboteur:
    component = Component(f"{target.__module__}:{target.__name__}", "of levels")
    return Saboteur(
        replace(tides, assessments={"levels": component}), f"assessments/levels/{title}"
    )


SOUND = {
    method.__name__: _pretext(method, "teachers", Levelled)
    for method in (Taught, Reference, SecondNetwork)
} | {
    "Told": _pretext(Told, "labels"),
    "Tagged": _several(Tagged),
    "Asking": _pretext(Asking, "absent", Partial),
    "Levels": _assessment(Levels, "drawn"),
    "Honest": _working(Honest),
    "Marked": _marked(Marked, Rolled, "readers/gauges/targets"),
    "Rolled": _marked(Marked, Rolled, "augmentations/waves/space"),
}
"""Methods that keep the clause, each in its way."""


def _objective(target: type, title: str) -> Saboteur:
    component = Component(f"{target.__module__}:{target.__name__}", "distance of two views")
    return Saboteur(
        replace(tides, objectives={"distance": component}), f"objectives/distance/{title}"
    )


def _replicated(target: type) -> Saboteur:
    plugin = _instead("pretexts", "next_level", target)
    recipe = Component("sabotaged:recipes/replicated.yaml", "one large gauge")
    return Saboteur(
        replace(plugin, recipes={"replicated": recipe}), "recipes/replicated/replicated"
    )


def _with_recipe(target: type, name: str, title: str) -> Saboteur:
    """A pretext of its own, with the recipe of its name."""
    pretext = Component(f"{target.__module__}:{target.__name__}", "broken")
    recipe = Component(f"sabotaged:recipes/{name}.yaml", "broken", experimental=True)
    plugin = replace(tides, pretexts={name: pretext}, recipes={name: recipe})
    return Saboteur(plugin, f"pretexts/{name}/{title}")


def _learner(target: type) -> Saboteur:
    plugin = _instead("pretexts", "next_level", target)
    trial = Trial("next_level", items=64, overrides={"training": {"steps": 40}})
    return Saboteur(replace(plugin, trials={"next_level": trial}), "pretexts/next_level/learns")


def _restoration(target: type, assessment: type) -> Saboteur:
    plugin = _instead("pretexts", "next_level", target)
    component = Component(f"{assessment.__module__}:{assessment.__name__}", "beside a mean")
    trial = Trial("next_level", 8, {"training": {"steps": 1}}, assess="smoothing")
    return Saboteur(
        replace(plugin, trials={"next_level": trial}, assessments={"smoothing": component}),
        "pretexts/next_level/restores",
    )


SABOTEURS = {
    "M2": Saboteur(
        replace(tides, evaluators={"gone": Component("unlabeled_tides.waves:gone", "gone")}),
        "evaluators/gone/exists",
    ),
    "M3": _waves(Undescribed, "settings"),
    "M3 name": _waves(Called, "settings"),
    "M4": Saboteur(replace(tides, synthetic={}), "readers/gauges/synthetic"),
    "M5": Saboteur(
        replace(tides, commands={"count": Component("sabotaged.commands:untyped", "count")}),
        "commands/count/command",
    ),
    "R1": _reader(Forgetful, "index"),
    "R2": _reader(Restless, "same"),
    "R3": _reader(Silent, "missing"),
    "R4": _reader(Careless, "broken"),
    "R5": _reader(Numeric, "facts"),
    "R6": _reader(Speechless, "previews"),
    "R7": _marked(Elsewhere, Rolled, "readers/gauges/targets"),
    "R7 window": _marked(Whole, Rolled, "readers/gauges/targets"),
    "A1": _waves(InPlace, "input"),
    "A2": _waves(Global, "rng"),
    "A3": _waves(TooHigh, "range"),
    "A4": _waves(Unsteady, "plan"),
    "A5": _marked(Marked, ByValues, "augmentations/waves/space"),
    "A5 not said": _marked(Marked, Turning, "augmentations/waves/space"),
    "F1": Saboteur(_instead("baselines", "level", Ragged), "baselines/level/vectors"),
    "E0": _beside("encoders", "spare", "unlabeled_tides.recurrent:Recurrent"),
    "E1": _encoder(TooWide, "outputs"),
    "E1 present": _encoder(Numbered, "outputs"),
    "E2": _encoder(Leaky, "alone"),
    "E3": _encoder(Overflowing, "half"),
    "E3 rounded": _encoder(FarPlace, "half"),
    "E4": _encoder(Unsaved, "saved"),
    "E5": _encoder(Nameless, "names"),
    "P0": _beside("pretexts", "spare", "unlabeled_tides.next_level:NextLevel"),
    "P1": _pretext(EverTheSame, "keyed"),
    "P1 global": replace(_pretext(GlobalStart, "keyed"), also=("pretexts/next_level/workers",)),
    "P2": _pretext(Overwriting, "sample"),
    "P3": _pretext(Idle, "gradients"),
    "P4": _pretext(Infinite, "finite"),
    "P4 rounded": _pretext(FarRow, "finite"),
    "P4 smallest": _pretext(Boundless, "finite"),
    "P5": _pretext(ByPlace, "order"),
    "P5 gradient": _pretext(PullingByPlace, "order"),
    "P7": _pretext(Still, "teachers"),
    "P7 learning": _pretext(Learning, "teachers"),
    "P7 uncalibrated": _pretext(Uncalibrated, "teachers", Levelled),
    "P6": _with_recipe(Groupless, "groupless", "groups"),
    "P8": _pretext(Deaf, "labels"),
    "P9": _pretext(NextLevel, "absent", Partial),
    "P8 without": _pretext(Undefined, "labels"),
    "P8 none": _several(NoneIsUnknown),
    "P10": _working(Boasting),
    "O1": _objective(Exponential, "finite"),
    "O1 smallest": _objective(Lenient, "finite"),
    "O2": _objective(FirstCounts, "order"),
    "O3": _objective(AnyWidth, "widths"),
    "O3 unequal": _objective(Padding, "widths"),
    "D1": _pretext(ByWorker, "workers"),
    "D2": _pretext(LocalMean, "processes"),
    "D3": _replicated(Shaken),
    "L1": _learner(Shrinking),
    "L2": _restoration(Smoothing, BesideAMean),
    "S1": _assessment(Drawing, "drawn"),
    "S2": _assessment(Placed, "order"),
    "S3": _assessment(NoGroups, "groups"),
    "S4": _assessment(Sure, "undefined"),
    "C1": _recipe("unknown_key", "read"),
    "C2": _recipe("no_header", "header"),
    "C3": Saboteur(_instead("pretexts", "next_level", Refusing), "recipes/next_level/trains"),
    "C3 finite": Saboteur(_instead("pretexts", "next_level", Undone), "recipes/next_level/trains"),
    "C4": _pretext(Counting, "resumes"),
}
