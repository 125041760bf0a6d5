import pytest
import torch
from waves import Waves, signals

from unlabeled.contract import Encoder
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.masks.random import RandomMask
from unlabeled.pretexts.masking import collate_masked, mask_sample, maskable
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


def test_the_mask_depends_on_the_draw_alone():
    sample = signals(40)[0]
    draws = [Draw(0, 0, "a", 0, ""), Draw(0, 0, "a", 0, ""), Draw(0, 1, "a", 0, "")]
    one, again, other = (mask_sample(Waves(), RandomMask(), sample, draw) for draw in draws)
    assert (one.hidden == again.hidden).all()
    assert (one.hidden != other.hidden).any()


def test_samples_of_unequal_size_share_a_grid():
    samples = signals(40, 13)
    made = [mask_sample(Waves(), RandomMask(ratio=0.5), s, Draw(0, 0, "a", 0, "")) for s in samples]
    batch = collate_masked(Waves(), made)
    assert batch.split.grid == (10,)
    assert batch.batch.shape == (2, 1, 40)
    assert (batch.split.hidden >= 0).sum(dim=1).tolist() == [5, 2]
    assert (batch.split.visible >= 0).sum(dim=1).tolist() == [5, 2]
    assert torch.cat([batch.split.visible, batch.split.hidden], 1)[1].max() == 3


def test_a_sample_too_small_to_hide_from_is_quarantined():
    with pytest.raises(UnreadableItem, match="2 or more patches with data, found 1"):
        mask_sample(Waves(), RandomMask(), signals(3)[0], Draw(0, 0, "short.wav", 0, ""))


def test_an_encoder_that_cannot_be_masked_is_refused_by_name():
    class Plain(Encoder):
        settings_type = Settings
        collate = _encode = None

        def __init__(self):
            super().__init__(Settings())

    with pytest.raises(RecipeError, match="it is no PatchEncoder"):
        maskable(Plain())
