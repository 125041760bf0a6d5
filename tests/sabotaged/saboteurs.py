"""One small component for each clause of the contract, which breaks that clause and nothing else.

Each entry of `SABOTEURS` is the tides plugin with one part replaced, and the one check that must
fail for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import get_worker_info
from unlabeled_tides.gauges import Gauges
from unlabeled_tides.next_level import NextLevel
from unlabeled_tides.plugin import plugin as tides
from unlabeled_tides.recurrent import Levels, Recurrent
from unlabeled_tides.waves import Waves

from unlabeled.contract import Loss, Objective, Range
from unlabeled.distributed import global_mean, rank
from unlabeled.errors import DataError, ShapeError
from unlabeled.items import Items
from unlabeled.plugin import Component, Plugin, Trial
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class Forgetful(Gauges):
    """R1: ids depend on where the folder lies."""

    def index(self, path):
        items = super().index(path)
        columns = items.table.to_pydict()
        return Items.of({**columns, "id": columns["source"]}, items.quarantine)


class Restless(Gauges):
    """R2: reads by the global generator."""

    def read(self, item, rng=None):
        return super().read(item, rng) + np.float32(np.random.normal())


class Silent(Gauges):
    """R3: an empty folder is an empty index."""

    def index(self, path):
        try:
            return super().index(path)
        except DataError as error:
            if "all files are empty" in str(error) or not path.is_dir():
                raise
            return Items.of({"id": [], "source": [], "size": []})


class Careless(Gauges):
    """R4: a damaged file raises whatever it raises."""

    def read(self, item, rng=None):
        lines = Path(item.source).read_bytes().split()
        if any(not line.lstrip(b"-").replace(b".", b"").isdigit() for line in lines):
            raise ValueError("not a number")
        return super().read(item, rng)


class Numeric(Gauges):
    """R5: a fact that is an array."""

    def describe(self, items):
        return {"levels": np.float64(3.0) * np.ones(2)}


class InPlace(Waves):
    """A1: changes its input."""

    def __call__(self, sample, rng):
        changed = super().__call__(sample, rng)
        sample[0] = 9.0
        return changed


class Global(Waves):
    """A2: takes its noise from the global generator."""

    def __call__(self, sample, rng):
        return sample + 0.1 * np.random.standard_normal(len(sample)).astype(np.float32)


class TooHigh(Waves):
    """A3: leaves the range it declares."""

    returns: ClassVar[Range] = Range(-0.01, 0.01, "m")


class Unsteady(Settings):
    """A4: plans of changing length."""

    keeps: ClassVar[str] = "nothing"

    def plan(self, rng):
        return rng.random(int(rng.integers(1, 9)))

    def apply(self, batch, plans):
        return batch


class Undescribed(Waves):
    """M3: a setting that nobody explains."""

    depth: float = 1.0


class Ragged(Settings):
    """F1: as wide as the sample is long."""

    def __call__(self, sample):
        return sample.copy()


class TooWide(Recurrent):
    """E1: another width than it declares."""

    def encode(self, batch, output):
        found = super().encode(batch, output)
        return torch.cat([found, found], 1) if isinstance(found, Tensor) else found


class Leaky(Recurrent):
    """E2: pools over the padding too."""

    def encode(self, batch, output):
        everywhere = Levels(batch.values, torch.ones_like(batch.valid))
        return super().encode(everywhere if output == "gauge" else batch, output)


class Overflowing(Recurrent):
    """E3: not finite in half precision."""

    def encode(self, batch, output):
        found = super().encode(batch, output)
        if not isinstance(found, Tensor):
            return found
        half = torch.is_autocast_enabled("cpu")
        return found * float("inf") if half else found


class Unsaved(Recurrent):
    """E4: keeps state that is not saved."""

    def __init__(self, settings):
        super().__init__(settings)
        Unsaved.built = getattr(Unsaved, "built", 0) + 1
        self.gain = 1.0 + Unsaved.built

    def encode(self, batch, output):
        found = super().encode(batch, output)
        return found * self.gain if isinstance(found, Tensor) else found


class GlobalStart(NextLevel):
    """P1: draws from the global generator."""

    def example(self, sample, draw):
        super().example(sample, draw)
        return sample[int(torch.randint(len(sample) // 2, ())) :].copy()


class EverTheSame(NextLevel):
    """P1: draws nothing."""

    def example(self, sample, draw):
        return np.linspace(0, 1, len(sample), dtype=np.float32)[:20]


class Overwriting(NextLevel):
    """P2: changes the sample that it is given."""

    def example(self, sample, draw):
        example = super().example(sample, draw)
        sample[-1] = 0.0
        return example


class Idle(NextLevel):
    """P3: owns a layer that learns nothing."""

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.idle = nn.Linear(2, 2)


class Infinite(NextLevel):
    """P4: not finite in half precision."""

    def forward(self, batch):
        loss = super().forward(batch)
        if torch.is_autocast_enabled("cpu"):
            return Loss(loss.total * float("inf"))
        return loss


class Boundless(NextLevel):
    """P4: claims a smallest batch that it does not insist on."""

    smallest_batch = 2


def first_twice(batch: Levels) -> Levels:
    """The first sample of the joint batch weighs twice."""
    weight = batch.valid.double()
    if rank() == 0:
        weight[0] *= 2
    return Levels(batch.values, weight)


class ByPlace(NextLevel):
    """P5: the first sample of the batch counts twice."""

    def forward(self, batch):
        return super().forward(first_twice(batch))


class PullingByPlace(NextLevel):
    """P5: the loss knows no order, but its gradient does."""

    def forward(self, batch):
        pull = super().forward(first_twice(batch)).total
        return Loss(super().forward(batch).total.detach() + pull - pull.detach())


class ByWorker(NextLevel):
    """D1: a data worker draws by its own seed."""

    def example(self, sample, draw):
        worker = get_worker_info()
        return super().example(sample, Draw(worker.seed, 0, "") if worker else draw)


class LocalMean(NextLevel):
    """D2: the mean over this process's samples."""

    def forward(self, batch):
        states = self.encoder.encode(batch, "hours").values[:, :-1]
        error = (self.predictor(states)[..., 0] - batch.values[:, 1:]).square()
        weight = batch.valid[:, 1:].to(error.dtype)
        return Loss((error * weight).sum() / weight.sum())


class Shaken(NextLevel):
    """D3: noise that every process draws for itself."""

    def forward(self, batch):
        return Loss(super().forward(batch).total * (1 + torch.rand(())))


class Shrinking(NextLevel):
    """L1: learns to say nothing."""

    def forward(self, batch):
        states = self.encoder.encode(batch, "hours")
        weight = batch.valid[..., None].to(states.values.dtype)
        return Loss(
            global_mean(
                self.predictor(states.values).square()
                + states.values.square().mean(-1, keepdim=True),
                weight,
            )
        )


class Smoothing(NextLevel):
    """L2: a restoration that is worse than a mean over three hours."""

    kind = "restoration"


def judge_smoothing(run, data):
    return {"restored": 0.6, "input": 0.5, "mean over three hours": 0.7}


class Counting(NextLevel):
    """C4: keeps a counter outside its state."""

    def __init__(self, settings, encoder):
        super().__init__(settings, encoder)
        self.steps = 0

    def forward(self, batch):
        return Loss(super().forward(batch).total * (1 + self.steps))

    def after_step(self, step, total_steps):
        self.steps += 1


class DistanceSettings(Settings):
    """There is nothing to set."""


class Distance(Objective):
    """Keeps every clause; those below break one."""

    settings_type = DistanceSettings

    def __init__(self, settings, width):
        super().__init__(settings, width)
        self.projector = nn.Identity()

    def forward(self, student, teacher=None, *, groups=None):
        one, other = student
        if len(one) < self.smallest_batch:
            raise ShapeError("student[0]: expected two samples or more")
        return Loss(global_mean((one - other).square()))


class Exponential(Distance):
    """O1: overflows in half precision."""

    def forward(self, student, teacher=None, *, groups=None):
        return Loss(super().forward(student).total / (student[0].dtype != torch.bfloat16))


class Lenient(Distance):
    """O1: takes fewer samples than it says."""

    def forward(self, student, teacher=None, *, groups=None):
        return Loss(global_mean((student[0] - student[1]).square()))


class FirstCounts(Distance):
    """O2: the first sample counts more."""

    def forward(self, student, teacher=None, *, groups=None):
        first = global_mean((student[0][:1] - student[1][:1]).square())
        return Loss(super().forward(student).total + first)


class Refusing(NextLevel):
    """C3: cannot take a training step, though single batches work."""

    def after_step(self, step, total_steps):
        raise ShapeError("cannot go on")


@dataclass(frozen=True)
class Saboteur:
    """fails: the check that must fail; also: others that it cannot help failing."""

    plugin: Plugin
    fails: str
    also: tuple[str, ...] = ()


def _instead(kind: str, name: str, target: type | str) -> Plugin:
    where = target if isinstance(target, str) else f"{__name__}:{target.__name__}"
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


def _encoder(target: type, title: str) -> Saboteur:
    return Saboteur(_instead("encoders", "recurrent", target), f"encoders/recurrent/{title}")


def _pretext(target: type, title: str) -> Saboteur:
    return Saboteur(_instead("pretexts", "next_level", target), f"pretexts/next_level/{title}")


def _objective(target: type, title: str) -> Saboteur:
    component = Component(f"{__name__}:{target.__name__}", "distance of two views")
    return Saboteur(
        replace(tides, objectives={"distance": component}), f"objectives/distance/{title}"
    )


def _replicated(target: type) -> Saboteur:
    plugin = _instead("pretexts", "next_level", target)
    recipe = Component("sabotaged:recipes/replicated.yaml", "one large gauge")
    return Saboteur(
        replace(plugin, recipes={"replicated": recipe}), "recipes/replicated/replicated"
    )


def _learner(target: type) -> Saboteur:
    plugin = _instead("pretexts", "next_level", target)
    trial = Trial("next_level", items=64, overrides={"training": {"steps": 40}})
    return Saboteur(replace(plugin, trials={"next_level": trial}), "pretexts/next_level/learns")


def _restoration(target: type, judge: str) -> Saboteur:
    plugin = _instead("pretexts", "next_level", target)
    trial = Trial("next_level", items=8, overrides={"training": {"steps": 1}}, judge=judge)
    return Saboteur(replace(plugin, trials={"next_level": trial}), "pretexts/next_level/restores")


SABOTEURS = {
    "M2": Saboteur(
        replace(tides, evaluators={"gone": Component("unlabeled_tides.waves:gone", "gone")}),
        "evaluators/gone/exists",
    ),
    "M3": _waves(Undescribed, "settings"),
    "M4": Saboteur(replace(tides, synthetic={}), "readers/gauges/synthetic"),
    "R1": _reader(Forgetful, "index"),
    "R2": _reader(Restless, "same"),
    "R3": _reader(Silent, "missing"),
    "R4": _reader(Careless, "broken"),
    "R5": _reader(Numeric, "facts"),
    "A1": _waves(InPlace, "input"),
    "A2": _waves(Global, "rng"),
    "A3": _waves(TooHigh, "range"),
    "A4": _waves(Unsteady, "plan"),
    "F1": Saboteur(_instead("features", "level", Ragged), "features/level/vectors"),
    "E0": _beside("encoders", "spare", "unlabeled_tides.recurrent:Recurrent"),
    "E1": _encoder(TooWide, "outputs"),
    "E2": _encoder(Leaky, "alone"),
    "E3": _encoder(Overflowing, "half"),
    "E4": _encoder(Unsaved, "saved"),
    "P0": _beside("pretexts", "spare", "unlabeled_tides.next_level:NextLevel"),
    "P1": _pretext(EverTheSame, "keyed"),
    "P1 global": replace(_pretext(GlobalStart, "keyed"), also=("pretexts/next_level/workers",)),
    "P2": _pretext(Overwriting, "sample"),
    "P3": _pretext(Idle, "gradients"),
    "P4": _pretext(Infinite, "finite"),
    "P4 smallest": _pretext(Boundless, "finite"),
    "P5": _pretext(ByPlace, "order"),
    "P5 gradient": _pretext(PullingByPlace, "order"),
    "O1": _objective(Exponential, "finite"),
    "O1 smallest": _objective(Lenient, "finite"),
    "O2": _objective(FirstCounts, "order"),
    "D1": _pretext(ByWorker, "workers"),
    "D2": _pretext(LocalMean, "processes"),
    "D3": _replicated(Shaken),
    "L1": _learner(Shrinking),
    "L2": _restoration(Smoothing, f"{__name__}:judge_smoothing"),
    "C1": _recipe("unknown_key", "read"),
    "C2": _recipe("no_header", "header"),
    "C3": Saboteur(_instead("pretexts", "next_level", Refusing), "recipes/next_level/trains"),
    "C4": _pretext(Counting, "resumes"),
}
