"""Optimisers do what their papers say, to the parameters that they are meant for."""

import pytest
import torch
from torch import nn

from unlabeled.errors import RecipeError
from unlabeled.training.optimisers import (
    LARS,
    anneal_start,
    build_optimiser,
    build_schedule,
    parameter_groups,
    set_rates,
)
from unlabeled.training.settings import (
    AdamSettings,
    AdamWSettings,
    ConstantSettings,
    CosineSettings,
    InfiniteSettings,
    LARSSettings,
    SGDSettings,
)


class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3)
        self.batch = nn.BatchNorm2d(3)
        self.layer = nn.LayerNorm((4, 4))
        self.linear = nn.Linear(48, 5)
        self.temperature = nn.Parameter(torch.tensor(0.1))
        self.frozen = nn.Linear(5, 5).requires_grad_(False)
        self.tied = self.linear


def test_only_weights_decay():
    module = Everything()
    weights, others = parameter_groups(module)
    assert [id(p) for p in weights] == [id(module.conv.weight), id(module.linear.weight)]
    expected = {
        name
        for name, _ in module.named_parameters()
        if name not in ("conv.weight", "linear.weight") and not name.startswith("frozen")
    }
    names = {id(p): name for name, p in module.named_parameters()}
    assert {names[id(p)] for p in others} == expected
    assert len(others) == len(expected)


@pytest.mark.parametrize(
    "settings", [AdamWSettings(), SGDSettings(name="sgd"), LARSSettings(name="lars")]
)
def test_groups_of_each_optimiser(settings):
    groups = build_optimiser(settings, Everything()).param_groups
    assert [group["weight_decay"] for group in groups] == [settings.weight_decay, 0]
    assert groups[0]["peak"] == settings.lr
    assert groups[1]["peak"] == getattr(settings, "lr_biases", settings.lr)


def test_adam_penalises_every_parameter_within_the_gradient():
    module, reference = Everything(), Everything()
    reference.load_state_dict(module.state_dict())
    settings = AdamSettings(name="adam", lr=0.01, weight_decay=0.5)
    ours = build_optimiser(settings, module)
    theirs = torch.optim.Adam(reference.parameters(), lr=0.01, weight_decay=0.5)
    for optimiser, each in ((ours, module), (theirs, reference)):
        for parameter in each.parameters():
            parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
        optimiser.step()
    for one, other in zip(module.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_method_without_biases_has_one_group():
    assert len(build_optimiser(AdamWSettings(), nn.Linear(2, 2, bias=False)).param_groups) == 1


def lars_by_hand(weight, gradients, lr, momentum, decay, trust, adapt):
    """Entry by entry in Python numbers."""
    velocity = [0.0] * len(weight)
    for gradient in gradients:
        update = [g + decay * w for g, w in zip(gradient, weight, strict=True)]
        size = sum(w * w for w in weight) ** 0.5
        change = sum(u * u for u in update) ** 0.5
        factor = trust * size / change if adapt and size > 0 and change > 0 else 1.0
        velocity = [momentum * v + factor * u for v, u in zip(velocity, update, strict=True)]
        weight = [w - lr * v for w, v in zip(weight, velocity, strict=True)]
    return weight


@pytest.mark.parametrize("start", [[0.3, -1.2, 0.7, 2.0], [0.0, 0.0, 0.0, 0.0]])
@pytest.mark.parametrize("adapt", [True, False])
def test_lars_equals_the_formula(start, adapt):
    torch.manual_seed(1)
    gradients = torch.randn(5, 4, dtype=torch.float64)
    gradients[3] = 0
    weight = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    group = {"params": [weight], "adapt": adapt}
    optimiser = LARS([group], 0.2, momentum=0.9, weight_decay=1e-2, trust=0.05)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimiser.step()
        assert torch.equal(weight.grad, gradient)
    expected = lars_by_hand(start, gradients.tolist(), 0.2, 0.9, 1e-2, 0.05, adapt)
    torch.testing.assert_close(weight.detach().tolist(), expected, atol=1e-12, rtol=1e-12)


def test_lars_skips_what_has_no_gradient_and_returns_the_closures_loss():
    weight = nn.Parameter(torch.ones(2, 2))
    optimiser = LARS([{"params": [weight]}], 0.1)
    assert optimiser.step(lambda: 3.0) == 3.0
    assert torch.equal(weight.detach(), torch.ones(2, 2))
    assert not optimiser.state


def test_lars_continues_from_its_state():
    torch.manual_seed(0)
    gradients = torch.randn(6, 3, 3)
    whole = nn.Parameter(torch.ones(3, 3))
    halves = [nn.Parameter(torch.ones(3, 3))]
    optimiser = LARS([{"params": [whole]}], 0.1)
    for gradient in gradients:
        whole.grad = gradient
        optimiser.step()
    first = LARS([{"params": halves}], 0.1)
    for gradient in gradients[:3]:
        halves[0].grad = gradient
        first.step()
    second = LARS([{"params": halves}], 0.1)
    second.load_state_dict(first.state_dict())
    for gradient in gradients[3:]:
        halves[0].grad = gradient
        second.step()
    assert torch.equal(whole, halves[0])


def test_the_ratio_between_groups_holds_through_the_schedule():
    optimiser = build_optimiser(LARSSettings(name="lars"), nn.Linear(3, 3))
    rate = build_schedule(InfiniteSettings(name="infinite"), 100)
    for step in range(1, 100, 7):
        set_rates(optimiser, rate(step))
        weights, biases = (group["lr"] for group in optimiser.param_groups)
        assert weights / biases == pytest.approx(0.2 / 0.0048)


def test_shares_become_steps():
    settings = InfiniteSettings(
        name="infinite", warm_up=0.1, cool_down=0.2, anneal=0.2, constant=0.3, final=0.01
    )
    rate = build_schedule(settings, 100)
    assert [rate(n) for n in (0, 5, 10, 20, 30, 80)] == pytest.approx([0, 0.5, 1, 0.65, 0.3, 0.3])
    assert rate(90) == pytest.approx((0.3 * 0.01) ** 0.5)
    assert anneal_start(settings, 100) == 80


def test_a_continued_run_stays_constant_until_it_anneals():
    settings = InfiniteSettings(name="infinite", constant=0.3, anneal=0.2)
    rate = build_schedule(settings, 100, continued=True)
    assert {rate(step) for step in range(81)} == {0.3}
    assert rate(81) < 0.3


def test_without_anneal_the_rate_stays():
    settings = InfiniteSettings(name="infinite", constant=0.3, anneal=0)
    assert build_schedule(settings, 100)(99) == 0.3
    assert anneal_start(settings, 100) is None
    assert anneal_start(CosineSettings(), 100) is None


def test_phases_longer_than_the_run_are_refused():
    settings = InfiniteSettings(name="infinite", warm_up=0.5, cool_down=0.4, anneal=0.3)
    with pytest.raises(RecipeError, match=r"sum to 1\.2; expected at most 1"):
        build_schedule(settings, 100)


def test_constant_and_cosine():
    constant = build_schedule(ConstantSettings(name="constant", warm_up=0.1), 100)
    assert [constant(n) for n in (0, 5, 10, 99)] == [0, 0.5, 1, 1]
    cosine = build_schedule(CosineSettings(warm_up=0.1, final=0.5), 110)
    assert [cosine(n) for n in (0, 11, 110)] == pytest.approx([0, 1, 0.5])
