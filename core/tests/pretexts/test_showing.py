"""What was hidden is covered, what was found stands there, and the rest is as it was."""

import numpy as np
import pytest
import torch

from unlabeled.contract import DrawsPatches, PatchEncoder, Preview
from unlabeled.data.items import Item
from unlabeled.objectives.masked_regression import normalise_tokens, undo_normalisation
from unlabeled.pretexts.masked_autoencoder import MaskedAutoencoder, MaskedAutoencoderSettings
from unlabeled.pretexts.showing import work_of
from unlabeled.randomness import Draw

ITEM = Item("a", "a.txt", "", 4)
VALUES = torch.tensor([[1.0, 2], [3, 4], [5, 6], [7, 10]])


class Patches(PatchEncoder, DrawsPatches):
    """Of one sample, which is drawn as its bytes."""

    def grid(self, sample):
        return np.ones(len(sample), bool)

    def patches(self, batch):
        return batch[None], None

    def encode_visible(self, batch, visible, source=None):
        raise NotImplementedError

    def draw_patches(self, item, sample, patches, reader):
        return [Preview(patches.numpy().tobytes(), "png", f"{item.id} {reader}")]


def columns(work):
    return {
        title: np.frombuffer(shown[0].content, np.float32).reshape(-1, 2).tolist()
        for title, shown in work.columns
    }


def test_hidden_places_are_covered_by_the_mean_of_what_is_seen():
    found = torch.tensor([[1, 3, -1]]), torch.full((1, 3, 2), 9.0)
    work = work_of(Patches(), VALUES, found, (ITEM, VALUES), "reader", "so it is")
    assert columns(work) == {
        "hidden": [[1, 2], [3, 4], [5, 6], [3, 4]],
        "reconstructed": [[1, 2], [9, 9], [5, 6], [9, 9]],
        "true": VALUES.tolist(),
    }
    assert work.note == "so it is"
    assert work.columns[0][1][0].caption == "a reader"


def test_an_encoder_that_draws_nothing_shows_nothing():
    assert work_of(object(), VALUES, (VALUES, VALUES), (ITEM, VALUES), "reader") is None


def test_mean_and_spread_of_a_patch_are_given_back():
    x = torch.randn(3, 7)
    counts = torch.rand(3, 7) < 0.8
    torch.testing.assert_close(undo_normalisation(normalise_tokens(x), x), x)
    back = undo_normalisation(normalise_tokens(x, counts), x, counts)
    torch.testing.assert_close(back[counts], x[counts], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("normalised", [True, False])
def test_a_masked_autoencoder_shows_what_its_decoder_says(monkeypatch, normalised):
    from unlabeled.pretexts import masked_autoencoder as room

    kept = {}
    monkeypatch.setattr(room, "maskable", lambda encoder: encoder)
    monkeypatch.setattr(room, "work_of", lambda *found: kept.update(found=found))
    pretext = MaskedAutoencoder.__new__(MaskedAutoencoder)
    torch.nn.Module.__init__(pretext)
    pretext.settings = MaskedAutoencoderSettings(normalise_target=normalised)
    prediction, target = torch.zeros(1, 2, 2), torch.tensor([[[1.0, 3], [5, 5]]])
    batch = type("Batch", (), {"batch": None, "split": type("Split", (), {"hidden": "places"})})
    monkeypatch.setattr(MaskedAutoencoder, "example", lambda *_: None)
    monkeypatch.setattr(MaskedAutoencoder, "collate", lambda *_: batch)
    asked = prediction, target, torch.ones(1, 2, 2, dtype=torch.bool)
    monkeypatch.setattr(MaskedAutoencoder, "_predict", lambda *_: asked)
    pretext.encoder = None
    pretext.show_work(ITEM, VALUES, Draw.of(ITEM, 0, 0), "reader")
    _, _, (places, values), shown, _, note = kept["found"]
    assert places == "places"
    assert shown == (ITEM, VALUES)
    # Nothing but 0 is the mean of each patch where mean and spread are given back.
    assert values.tolist() == ([[[2, 2], [5, 5]]] if normalised else [[[0, 0], [0, 0]]])
    assert bool(note) == normalised
