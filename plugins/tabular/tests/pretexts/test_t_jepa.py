import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled_tabular.encoders.ft_transformer import FTTransformer, FTTransformerSettings
from unlabeled_tabular.encoders.resnet import ResNet, ResNetSettings
from unlabeled_tabular.pretexts.t_jepa import TJEPA, TJEPASettings


class Named:
    def __init__(self, number):
        self.id, self.group = f"row {number}", ""


def draw(number, epoch=0):
    return Draw.of(Named(number), 0, epoch)


def build(transformer, **settings):
    torch.manual_seed(0)
    return TJEPA(TJEPASettings(predictor={"width": 8, "heads": 2}, **settings), transformer).eval()


def batch_of(method, rows):
    return method.collate([method.example(row, draw(n)) for n, row in enumerate(rows)])


@settings(deadline=None, max_examples=30)
@given(
    st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)).map(sorted),
    st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)).map(sorted),
    st.integers(2, 12),
    st.integers(0, 99),
)
def test_targets_lie_outside_the_context_and_neither_is_empty(context, target, columns, number):
    encoder = FTTransformer(
        FTTransformerSettings(
            numbers=tuple(map(str, range(columns))), categories={}, width=4, depth=1
        )
    )
    method = TJEPA(TJEPASettings(context=tuple(context), target=tuple(target), targets=3), encoder)
    plan = method.example(None, draw(number))
    assert len(plan.context) >= 1
    assert plan.targets.shape[0] == 3
    assert plan.targets.shape[1] >= 1
    assert not set(plan.context) & set(plan.targets.ravel())
    assert {*plan.context, *plan.targets.ravel()} <= set(range(1, columns + 1))
    assert all(len(set(each)) == len(each) for each in plan.targets.tolist())


def test_every_column_is_context_and_target_at_some_time_and_targets_differ(transformer, rows):
    method = build(transformer)
    plans = [method.example(rows[0], draw(0, epoch)) for epoch in range(200)]
    assert set(np.concatenate([plan.context for plan in plans])) == {1, 2, 3, 4, 5}
    assert set(np.concatenate([plan.targets.ravel() for plan in plans])) == {1, 2, 3, 4, 5}
    differing = [len({tuple(sorted(t)) for t in plan.targets.tolist()}) > 1 for plan in plans]
    assert np.mean(differing) > 0.5


def test_the_loss_is_the_formula_row_by_row(transformer, rows):
    """No padding, no batches: each row and each target by itself, in float64."""
    method = build(transformer).double()
    batch = batch_of(method, rows[:6])
    batch.cells.numbers = batch.cells.numbers.double()
    errors = []
    for n, row in enumerate(rows[:6]):
        plan = method.example(row, draw(n))
        cells = transformer.collate([row])
        cells.numbers = cells.numbers.double()
        tokens = transformer.embed(cells)
        places = torch.tensor([[0, *plan.context]])
        states = transformer.blocks(tokens[:, places[0]])
        taught = method.teacher.encoder.blocks(method.teacher.encoder.embed(cells))[0]
        for target in torch.from_numpy(plan.targets):
            found = method.predictor(states, places, target[None], (6,))[0]
            errors.append((found - taught[target]).square().mean(1))
    expected = torch.cat(errors).mean()
    loss = method(batch)
    torch.testing.assert_close(loss.total, expected, atol=1e-10, rtol=1e-10)
    assert loss.count == len(torch.cat(errors))


def test_the_student_never_sees_what_it_predicts(transformer, rows):
    method = build(transformer)
    batch = batch_of(method, rows[:4])
    tokens = transformer.embed(batch.cells)
    before = transformer.run(tokens, batch.context)
    for n, context in enumerate(batch.context.tolist()):
        hidden = [place for place in range(1, 6) if place not in context]
        tokens[n, hidden] = 1e3
    torch.testing.assert_close(transformer.run(tokens, batch.context), before)


def test_targets_carry_no_gradient_and_the_teacher_follows_the_student(transformer, rows):
    method = build(transformer, teacher={"momentum": 0.9, "final_momentum": 0.9})
    method(batch_of(method, rows)).total.backward()
    assert all(p.grad is None for p in method.teacher.parameters())
    start = [p.detach().clone() for p in method.teacher.encoder.parameters()]
    with torch.no_grad():
        for weight in transformer.parameters():
            weight.add_(1)
    for step in range(3):
        method.after_step(step, 10)
    for before, after in zip(start, method.teacher.encoder.parameters(), strict=True):
        torch.testing.assert_close(after, before + (1 - 0.9**3), atol=1e-5, rtol=0)
    assert method.exported is method.teacher.encoder


def test_what_it_cannot_train_is_refused():
    with pytest.raises(RecipeError, match="needs tabular/ft_transformer"):
        TJEPA(TJEPASettings(), ResNet(ResNetSettings(numbers=("x", "y"), categories={})))
    lone = FTTransformer(FTTransformerSettings(numbers=("x",), categories={}))
    with pytest.raises(RecipeError, match="2 or more; found 1"):
        TJEPA(TJEPASettings(), lone)
    with pytest.raises(ValidationError, match="smallest ≤ largest"):
        TJEPASettings(context=(0.5, 0.2))
