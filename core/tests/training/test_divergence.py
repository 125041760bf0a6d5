"""Numbers that are not finite end a run before anything is written, and the message helps."""

from types import SimpleNamespace

import pytest
import torch
import toy_runs
from torch import nn
from toy_runs import BARLOW, recipe, rows

from unlabeled.contract import Loss
from unlabeled.errors import CollapseError, RunError
from unlabeled.export.encoder import load_encoder
from unlabeled.finite import not_finite
from unlabeled.run_folder import RunFolder
from unlabeled.training import checkpoint
from unlabeled.training.divergence import SKIPPED, Divergence
from unlabeled.training.pretrain import pretrain, resume
from unlabeled.training.settings import TrainingSettings

EVERY = {"checkpoint": {"every_steps": 1, "keep": 2}}


class Poison(torch.autograd.Function):
    """The gradient is NaN at one call, the value never."""

    calls = at = 0

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        Poison.calls += 1
        return gradient * torch.nan if Poison.calls == Poison.at else gradient


@pytest.fixture
def poisoned(vectors, monkeypatch):
    """Makes the gradient of a step NaN, from 1; two views are encoded in each."""
    from unlabeled_vectors.parts import Mixer

    encode = Mixer.encode

    def poison(self, batch, output):
        encoded = encode(self, batch, output)
        return Poison.apply(encoded) if self.training and encoded.requires_grad else encoded

    def at(step):
        monkeypatch.setattr(Mixer, "encode", poison)
        monkeypatch.setattr(Poison, "calls", 0)
        monkeypatch.setattr(Poison, "at", 2 * step)

    return at


@pytest.fixture
def data(vectors, tmp_path):
    return toy_runs.write_data(tmp_path / "data")


def train(data, out, sections=BARLOW, **training):
    return pretrain(recipe(sections, **training), data, out, quiet=True, accelerator="cpu")


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_gradient_that_is_not_finite_is_never_saved(poisoned, data, tmp_path, clip):
    poisoned(4)
    with pytest.raises(RunError, match=r"^step 4: the gradient is not finite") as caught:
        train(data, tmp_path / "run", **EVERY, clip=clip)
    said = str(caught.value)
    assert "diagonal 0." in said or "diagonal 1." in said
    assert "encoder.first.weight" in said
    assert ("lower training.clip (it is 1)" if clip else "set training.clip") in said
    assert "step-00000003: --continue-from" in said
    assert "precision" not in said
    kept = sorted(RunFolder(tmp_path / "run").checkpoints.iterdir())
    assert [path.name for path in kept] == ["step-00000002", "step-00000003"]
    assert all(
        value.isfinite().all() for path in kept for value in checkpoint.read_model(path).values()
    )
    resume(tmp_path / "run", quiet=True)
    assert not not_finite(load_encoder(tmp_path / "run"))


def test_nor_is_it_exported_after_the_last_step(poisoned, data, tmp_path):
    poisoned(12)
    with pytest.raises(RunError, match=r"^step 12: the gradient"):
        train(data, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    assert not run.encoder.exists()
    assert run.read().status != "finished"
    assert checkpoint.newest(run.checkpoints) is None


def test_weights_that_overflow_in_the_last_step_are_not_written(data, tmp_path, monkeypatch):
    """The gradient is finite; what the optimiser makes of it is not."""
    from unlabeled.objectives.barlow_twins import BarlowTwins

    def overflow(self, step, total):
        if step == total - 1:
            self.projector[0].weight.data.fill_(torch.inf)

    monkeypatch.setattr(BarlowTwins, "after_step", overflow)
    with pytest.raises(RunError, match=r"^step 12: objective\.projector\.0\.weight: not finite"):
        train(data, tmp_path / "run")
    assert checkpoint.newest(RunFolder(tmp_path / "run").checkpoints) is None
    assert not RunFolder(tmp_path / "run").encoder.exists()


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (BARLOW, r"the term barlow_twins of the loss is not finite \(a: expected finite"),
        (toy_runs.MEMORY, r"the loss is not finite \(positive nan\)"),
    ],
)
def test_a_loss_that_is_not_finite_names_step_term_and_what_to_try(data, tmp_path, sections, said):
    wild = {"optimiser": {"name": "sgd", "lr": 1e30}, "schedule": {"name": "constant"}}
    with pytest.raises(
        RunError, match=rf"^step 2: {said}.*lower training\.optimiser\.lr"
    ) as caught:
        train(data, tmp_path / "run", sections, **EVERY, **wild)
    assert "precision" not in str(caught.value)
    assert [row["step"] for row in rows(tmp_path / "run")] == [1]


def test_an_item_with_nan_is_suspected_where_all_weights_are_finite(data, tmp_path, monkeypatch):
    from unlabeled_vectors.method import Jitter

    monkeypatch.setattr(Jitter, "__call__", lambda self, sample, rng: sample * float("nan"))
    with pytest.raises(RunError, match=r"^step 1: the term.*an item of this step holds NaN"):
        train(data, tmp_path / "run")


def test_embeddings_that_are_not_finite_are_told_or_end_the_run(
    data, tmp_path, monkeypatch, capsys
):
    from unlabeled_vectors.parts import Mixer

    encode = Mixer.encode

    def overflow(self, batch, output):
        encoded = encode(self, batch, output)
        if not self.training and output == "pooled":
            encoded[0] = torch.inf
        return encoded

    monkeypatch.setattr(Mixer, "encode", overflow)
    said = "step 5: the embeddings of 5 of the examined items are not finite"
    with pytest.raises(CollapseError, match=said):
        train(data, tmp_path / "stop", on_collapse="stop")
    pretrain(recipe(BARLOW), data, tmp_path / "warn")
    assert said in " ".join(capsys.readouterr().err.split())


def look(tmp_path, plugin, **settings):
    wanted = TrainingSettings(steps=1, **settings)
    return Divergence(RunFolder(tmp_path), nn.Linear(1, 1), wanted, plugin)


def step(divergence, number, norm):
    loss = Loss(torch.tensor(1.0), {"a": torch.tensor(2.0)})
    row = {"loss": 1.0, "grad_norm": norm if norm < float("inf") else None}
    divergence.check_step(number, loss, torch.tensor(norm), row)


def test_the_scaler_of_half_precision_may_skip_steps_but_not_for_ever(tmp_path):
    scaling = SimpleNamespace(scaler=object())
    divergence = look(tmp_path, scaling, precision="16-mixed")
    for number in range(SKIPPED):
        step(divergence, number, float("inf"))
    step(divergence, SKIPPED, 1.0)
    for number in range(SKIPPED):
        step(divergence, number, float("inf"))
    with pytest.raises(RunError, match=r"33 steps in a row.*or train with training\.precision 32"):
        step(divergence, 99, float("inf"))
    with pytest.raises(RunError, match="the gradient is not finite"):
        step(look(tmp_path, SimpleNamespace(scaler=None)), 1, float("inf"))
