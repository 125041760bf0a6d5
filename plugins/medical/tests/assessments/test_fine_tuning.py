import torch
from labelled_balls import ball, encoder_of

from unlabeled_medical.assessments.dense_probe import score
from unlabeled_medical.assessments.fine_tuning import FineTuning


def test_fine_tuning_learns_a_copy():
    encoder = encoder_of()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    predict = FineTuning(steps=40, lr=5e-3).fit(encoder, [ball(0), ball(1)], classes=3)
    assert score(predict, ball(0), classes=3).dice > 0.5
    assert all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())
