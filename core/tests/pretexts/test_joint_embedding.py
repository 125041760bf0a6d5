import pytest
import torch
from torch import nn

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Encoder, Loss, Nodes, Objective, Output
from unlabeled.errors import RecipeError, ShapeError
from unlabeled.pretexts.joint_embedding import JointEmbedding, JointEmbeddingSettings
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class Line(Encoder):
    settings_type = Settings

    def __init__(self, kind="global"):
        super().__init__(Settings())
        self.outputs = (Output("embedding", kind, 3),)
        self.linear = nn.Linear(2, 3)

    def collate(self, samples):
        return torch.stack(list(samples))

    def _encode(self, batch, output):
        return self.linear(batch)


class Distance(Objective):
    """Squared distance of the first two views; remembers what it was given."""

    settings_type = Settings
    smallest_batch = 3

    def __init__(self, teaches=False):
        super().__init__(Settings(), 3)
        self.projector = nn.Linear(3, 3)
        self.needs_teacher = teaches
        self.seen = None
        self.steps = []

    def forward(self, student, teacher=None, *, groups=None):
        self.seen = student, teacher, groups
        other = self.projector(student[1]) if teacher is None else teacher[1]
        return Loss((self.projector(student[0]) - other).square().mean())

    def after_step(self, step, total_steps):
        self.steps.append((step, total_steps))


def pretext(teaches=False, views=2, **settings):
    torch.manual_seed(0)
    return JointEmbedding(
        JointEmbeddingSettings(**settings),
        Line(),
        views=Views([ViewSettings(count=views)]),
        objective=Distance(teaches),
    )


def batch(method, groups="abb", items="xyz"):
    draws = [Draw(0, 0, item, 0, group) for item, group in zip(items, groups, strict=True)]
    samples = [torch.tensor([float(n), 1.0]) for n in range(len(draws))]
    return method.collate([method.example(s, d) for s, d in zip(samples, draws, strict=True)])


def test_the_objective_gets_one_embedding_per_view():
    method = pretext(views=3)
    made = batch(method)
    loss = method(made)
    student, teacher, groups = method.objective.seen
    assert len(student) == 3
    assert torch.equal(student[2], method.encoder(made.views[2].batch))
    assert teacher is None
    assert groups is None
    assert loss.total.requires_grad
    assert method.smallest_batch == 3


class Dots(Line):
    """Every sample is a graph of as many nodes as its first number says, plus one."""

    def __init__(self):
        super().__init__("nodes")

    def _encode(self, batch, output):
        owner = torch.repeat_interleave(torch.arange(len(batch)), batch[:, 0].long() + 1)
        return Nodes(self.linear(batch[owner]), owner, torch.arange(len(owner)))


@pytest.mark.parametrize("teaches", [False, True])
def test_nodes_are_samples_of_their_own(teaches):
    method = JointEmbedding(
        JointEmbeddingSettings(),
        Dots(),
        views=Views([ViewSettings(count=2)]),
        objective=Distance(teaches),
    )
    method(batch(method))

    student, teacher, _ = method.objective.seen
    assert [len(view) for view in student] == [6, 6]
    assert teacher is None or [len(view) for view in teacher] == [6, 6]
    assert method.smallest_batch == 1
    method(batch(method, "bb", "xy"))
    with pytest.raises(ShapeError, match="3"):
        method(batch(method, "b", "x"))


def test_nodes_have_no_kin():
    with pytest.raises(RecipeError, match="negatives"):
        JointEmbedding(
            JointEmbeddingSettings(negatives="other_items"),
            Dots(),
            views=Views([ViewSettings(count=2)]),
            objective=Distance(),
        )


def test_the_teacher_gives_projected_embeddings_and_follows():
    method = pretext(teaches=True, teacher={"momentum": 0.5, "final_momentum": 0.5})
    made = batch(method)
    method(made)
    teacher = method.objective.seen[1]
    expected = method.objective.projector(method.encoder(made.views[0].batch))
    assert torch.equal(teacher[0], expected)
    assert not teacher[0].requires_grad
    before = method.teacher.encoder.linear.weight.clone()
    with torch.no_grad():
        method.encoder.linear.weight += 1
    method.after_step(4, 10)
    torch.testing.assert_close(method.teacher.encoder.linear.weight, before + 0.5)
    assert method.objective.steps == [(4, 10)]


def test_without_need_there_is_no_teacher():
    assert pretext().teacher is None


def test_the_teacher_sees_the_first_views_only():
    method = pretext(teaches=True, views=4, teacher_views=2)
    method(batch(method))
    student, teacher, _ = method.objective.seen
    assert (len(student), len(teacher)) == (4, 2)


def test_kin_are_told_to_the_objective():
    method = pretext(negatives="other_groups")
    method(batch(method, "abb"))
    groups = method.objective.seen[2]
    assert groups[1] == groups[2] != groups[0]


def test_more_views_for_the_teacher_than_there_are_is_refused():
    with pytest.raises(RecipeError, match="at most the number of views, 2, found 3"):
        pretext(teacher_views=3)


def test_one_view_is_refused():
    with pytest.raises(RecipeError, match="2 or more; found 1"):
        pretext(views=1)


def test_an_encoder_without_one_vector_per_sample_is_refused():
    with pytest.raises(RecipeError, match="default output 'embedding' gives tokens"):
        JointEmbedding(
            JointEmbeddingSettings(),
            Line("tokens"),
            views=Views([ViewSettings(count=2)]),
            objective=Distance(),
        )
