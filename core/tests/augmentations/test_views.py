import sys
import types
from typing import ClassVar

import numpy as np
import pytest
import torch

from unlabeled import builtin
from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import BatchAugmentation, DenseTarget, MovesSpace, Range
from unlabeled.errors import PluginError, RecipeError
from unlabeled.plugin import Component
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class Shift(Settings):
    keeps: ClassVar[str] = "everything but the mean"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()
    largest: float = 1.0

    def __call__(self, sample, rng):
        return sample + self.largest * rng.random()


class Double(Shift):
    def __call__(self, sample, rng):
        return sample * 2


class Mix(Settings, BatchAugmentation):
    keeps: ClassVar[str] = "the mean of the batch"
    share: float = 0.5

    def plan(self, rng):
        return rng.random(2)

    def apply(self, batch, plans):
        return batch + self.share * plans[:, :1]


@pytest.fixture(autouse=True)
def steps(monkeypatch):
    """Augmentations of a core that has some."""
    module = types.ModuleType("steps_of_a_test")
    module.__dict__.update(Shift=Shift, Double=Double, Mix=Mix)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in ("Shift", "Double", "Mix"):
        component = Component(f"{module.__name__}:{name}", name)
        monkeypatch.setitem(builtin.AUGMENTATIONS, name.lower(), component)


def views(*sections):
    return Views([ViewSettings(**section) for section in sections])


DRAW = Draw(3, 1, "item", 0, "")


def test_each_view_draws_from_its_own_generator():
    made = views({"count": 2, "steps": [{"name": "shift"}]}, {"steps": []}).make(1.0, DRAW)
    assert [view.sample for view in made] == [
        1.0 + DRAW.rng(0).random(),
        1.0 + DRAW.rng(1).random(),
        1.0,
    ]


def test_steps_run_in_order_with_their_settings():
    steps = [{"name": "shift", "largest": 0.0}, {"name": "double"}, {"name": "shift"}]
    (view,) = views({"steps": steps}).make(1.0, DRAW)
    rng = DRAW.rng(0)
    rng.random()
    assert view.sample == 2.0 + rng.random()


def test_a_view_does_not_depend_on_the_others():
    two = views({"count": 2, "steps": [{"name": "shift"}]}).make(1.0, DRAW)
    three = views({"count": 3, "steps": [{"name": "shift"}]}).make(1.0, DRAW)
    assert two == three[:2]


def test_batch_steps_are_planned_per_sample_and_applied_to_the_batch():
    made = views({"count": 2, "steps": [{"name": "shift"}, {"name": "mix", "share": 2.0}]})
    draws = [Draw(0, 0, name, 0, "") for name in "ab"]
    batches = made.collate([made.make(torch.ones(1), draw) for draw in draws], torch.stack)
    applied = made.apply(batches)
    for v in range(2):
        for row, draw in enumerate(draws):
            rng = draw.rng(v)
            shifted, plan = 1.0 + rng.random(), rng.random(2)
            assert applied[v][row].item() == pytest.approx(shifted + 2 * plan[0])


def test_a_resolved_section_names_every_setting_and_is_stable():
    section = ViewSettings(steps=[{"name": "shift"}])
    assert section.model_dump(mode="json")["steps"] == [{"name": "shift", "largest": 1.0}]
    assert ViewSettings(**section.model_dump(mode="json")) == section


def test_a_sample_step_after_a_batch_step_is_refused():
    with pytest.raises(RecipeError, match="shift changes single samples, so it must come before"):
        ViewSettings(steps=[{"name": "mix"}, {"name": "shift"}])


def test_an_unknown_setting_gets_the_nearest():
    with pytest.raises(RecipeError, match=r"step shift.largets: unknown key. Did you mean largest"):
        ViewSettings(steps=[{"name": "shift", "largets": 1}])


def test_an_unknown_augmentation_gets_the_nearest():
    with pytest.raises(PluginError, match="Did you mean shift"):
        ViewSettings(steps=[{"name": "shif"}])


@pytest.mark.parametrize("step", [{}, {"name": 3}])
def test_a_step_without_a_name_is_refused(step):
    with pytest.raises(RecipeError, match="needs the name of an augmentation"):
        ViewSettings(steps=[step])


def test_samples_are_not_changed():
    sample = np.ones(3)
    views({"count": 2, "steps": [{"name": "shift"}]}).make(sample, DRAW)
    assert (sample == 1).all()


class Mark(np.ndarray, DenseTarget):
    def classes(self):
        return np.asarray(self).astype(np.int64)


class Roll(Shift, MovesSpace):
    def __call__(self, sample, rng):
        return np.roll(sample, int(rng.integers(len(sample))))


def test_a_mask_is_moved_by_the_draw_of_its_sample_and_nothing_else(monkeypatch):
    monkeypatch.setattr(sys.modules["steps_of_a_test"], "Roll", Roll, raising=False)
    monkeypatch.setitem(builtin.AUGMENTATIONS, "roll", Component("steps_of_a_test:Roll", "roll"))
    made = views({"count": 3, "steps": [{"name": "shift"}, {"name": "roll"}, {"name": "double"}]})
    sample = np.arange(50.0)
    mask = sample.view(Mark).copy()
    draw = Draw(3, 1, "item", 0, "", {"mask": mask, "kind": 2})
    seen = set()
    for view, plain in zip(made.make(sample, draw), made.make(sample, DRAW), strict=True):
        np.testing.assert_array_equal(view.sample, plain.sample)  # masks change no draw
        assert plain.targets == {}
        [(name, moved)] = view.targets.items()
        assert (name, type(moved)) == ("mask", Mark)
        assert sorted(moved.tolist()) == sample.tolist()
        np.testing.assert_array_equal(moved.argmax(), view.sample.argmax())
        seen.add(int(moved[0]))
    assert len(seen) > 1
