"""GraphMAE2 against its formula, written out."""

import pytest
import torch
import torch.nn.functional as F
from graph_methods import batch, graph, method, nodes

from unlabeled.teachers import TeacherSettings
from unlabeled_graph.pretexts.graphmae2 import GraphMAE2, GraphMAE2Settings


def test_graphmae2_is_the_formula():
    pretext, sample = method(GraphMAE2), graph(8)
    made = batch(pretext, [sample])
    masked = made.graphs.masked
    visible = [node for node in range(8) if node not in masked.tolist()]
    x = sample.x.clone()
    x[masked] = pretext.token.detach()
    codes = nodes(pretext, x, sample.edge_index)

    def error(a, b, power):
        return (1 - F.cosine_similarity(a, b)).pow(power).mean()

    expected = 0.0
    for hidden in made.remasked:
        mapped = pretext.to_decoder(codes).clone()
        mapped[hidden] = pretext.decoder_token.detach()
        reconstructed = pretext.decoder(mapped, sample.edge_index)
        expected += error(reconstructed[masked], sample.x[masked], 3)
    target = pretext.projector(nodes(pretext, sample.x, sample.edge_index))[visible]
    predicted = pretext.predictor(pretext.projector(codes))[visible]
    expected += 0.5 * error(predicted, target, 1)

    torch.testing.assert_close(pretext(made).total, expected)
    assert made.remasked.sum(1).tolist() == [4, 4, 4]


@pytest.mark.parametrize(("momentum", "moves"), [(1.0, 0.0), (0.0, 1.0), (0.75, 0.25)])
def test_the_teacher_of_graphmae2_follows_by_its_momentum(momentum, moves):
    teacher = TeacherSettings(momentum=momentum, final_momentum=momentum)
    pretext = method(GraphMAE2, GraphMAE2Settings(teacher=teacher))
    before = [p.clone() for p in pretext.teacher.encoder.parameters()]
    with torch.no_grad():
        for parameter in pretext.encoder.parameters():
            parameter += 1

    pretext.after_step(0, 10)

    for old, new in zip(before, pretext.teacher.encoder.parameters(), strict=True):
        torch.testing.assert_close(new, old + moves)
