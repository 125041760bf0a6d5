"""Accumulated batches are one batch, or `accumulate` is refused by name."""

import pytest
import torch
import toy_runs
from torch import nn
from toy_runs import BARLOW, final_state, recipe

from unlabeled import discovery
from unlabeled.builtin import OBJECTIVES
from unlabeled.errors import RecipeError
from unlabeled.training.accumulation import require_mean, steps_of
from unlabeled.training.pretrain import pretrain
from unlabeled.training.settings import TrainingSettings

EXACT = {"precision": "64", "steps": 4, "clip": 1.0}
DISTILLED = {
    **BARLOW,
    "encoder": {"name": "vectors/linear"},
    "objective": {"name": "dino", "projector": [8, 4], "prototypes": 6, "center_momentum": 0.0},
}


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data", count=28)


def test_two_batches_are_one_of_both(data, tmp_path):
    """Weights, teacher and centre, to the last digits."""
    for name, settings in (("one", {"batch_size": 14}), ("two", {"accumulate": 2})):
        sections = recipe(DISTILLED, **EXACT, **settings)
        pretrain(sections, data, tmp_path / name, quiet=True, accelerator="cpu")
    one, two = (final_state(tmp_path / name) for name in ("one", "two"))
    for key, value in one.items():
        if not key.startswith("random"):
            torch.testing.assert_close(two[key], value, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({**DISTILLED, "objective": {"name": "nt_xent"}}, "JointEmbedding with NTXent, whose loss"),
        ({**BARLOW, "objective": DISTILLED["objective"]}, "DINO, as encoder.norm normalises"),
        (toy_runs.MEMORY, "expected 1 for Memory, whose loss"),
    ],
)
def test_what_is_not_one_is_refused_by_name(data, tmp_path, sections, said):
    with pytest.raises(RecipeError, match=rf"training\.accumulate: .*{said}"):
        pretrain(recipe(sections, accumulate=2), data, tmp_path / "run", quiet=True)


EQUAL = {"dino", "directpred"}
"""Those whose samples do not look at one another, without norms. All others must be refused."""


class Plain(nn.Module):
    """Stands for a pretext."""

    def __init__(self, objective):
        super().__init__()
        self.objective = objective


def made(name):
    """An objective without norms where its settings allow that."""
    kind = discovery.load("objectives", name)
    fields = kind.settings_type.model_fields
    wanted = {"projector": (5,), "prototypes": 7, "queue": 0}
    torch.manual_seed(0)
    settings = kind.settings_type(**{k: v for k, v in wanted.items() if k in fields})
    return kind(settings, 6).double().train()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_is_equal_or_refused(name):
    generator = torch.Generator().manual_seed(1)
    number = {"ibot": 1, "mixed_barlow_twins": 3}.get(name, 2)
    views = [torch.randn(8, 6, generator=generator, dtype=torch.float64) for _ in range(number)]
    more = {"mixed_barlow_twins": {"share": torch.ones(8), "partner": torch.arange(8)}}
    joint, parts = made(name), made(name)
    taught = [joint.projector(v).detach() for v in views] if joint.needs_teacher else None
    loss = joint(views, taught, **more.get(name, {}))
    if name not in EQUAL:
        with pytest.raises(RecipeError, match=f"Plain with {type(joint).__name__}"):
            require_mean(Plain(joint), loss)
        return
    require_mean(Plain(joint), loss)
    loss.total.backward()
    joint.after_step(0, 10)
    for rows in (slice(0, 3), slice(3, 8)):
        part = parts([v[rows] for v in views], [t[rows] for t in taught] if taught else None)
        (part.total * part.count / loss.count).backward()
    parts.after_step(0, 10)
    for one, other in zip(joint.parameters(), parts.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None)
        if one.grad is not None:
            torch.testing.assert_close(other.grad, one.grad)
    torch.testing.assert_close(parts.state_dict(), joint.state_dict())


@pytest.mark.parametrize(
    ("epochs", "times", "steps", "note"),
    [(3, 1, 12, ""), (3, 4, 3, ""), (3, 5, 2, "2 of 12 batches are left out"), (3, 12, 1, "")],
)
def test_epochs_are_whole_steps_and_what_is_left_over_is_told(epochs, times, steps, note):
    found, said = steps_of(TrainingSettings(epochs=epochs, accumulate=times), 4)
    assert found == steps
    assert note in said
    assert bool(said) == bool(note)


def test_too_few_batches_for_one_step_are_refused():
    with pytest.raises(RecipeError, match="expected at most 12, the batches of 3 epochs, found 13"):
        steps_of(TrainingSettings(epochs=3, accumulate=13), 4)
    assert steps_of(TrainingSettings(steps=7, accumulate=13), 4) == (7, "")
