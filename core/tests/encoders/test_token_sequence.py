import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.data.vocabulary import SPECIAL
from unlabeled.encoders.token_sequence import TokenSequence, TokenSequenceSettings, pad_numbers
from unlabeled.errors import RecipeError, ShapeError

LETTERS = "ACDEFG"


def encoder(**named) -> TokenSequence:
    torch.manual_seed(0)
    values = {"width": 16, "depth": 2, "heads": 2, "split": "characters", **named}
    made = TokenSequence(TokenSequenceSettings(vocabulary=(*SPECIAL, *LETTERS), **values))
    return made.double().eval()


@torch.no_grad()
def pooled(module, samples):
    return module.encode(module.collate(samples), "pooled")


texts = st.lists(st.text(alphabet=LETTERS, min_size=1, max_size=30), min_size=1, max_size=5)


@settings(max_examples=30, deadline=None)
@given(texts=texts, order=st.randoms())
def test_neither_padding_nor_order_nor_neighbours_change_an_embedding(texts, order):
    module, samples = encoder(), [(text,) for text in texts]
    together = pooled(module, samples)
    for sample, found in zip(samples, together, strict=True):
        torch.testing.assert_close(found, pooled(module, [sample])[0], rtol=1e-9, atol=1e-9)
    turned = order.sample(range(len(samples)), len(samples))
    again = pooled(module, [samples[n] for n in turned])
    torch.testing.assert_close(again, together[turned], rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_tokens_are_placed_by_number_and_pooled_is_their_mean():
    module = encoder()
    tokens = module.encode(module.collate([("ACD", "E"), ("GG",)]), "tokens")
    assert tokens.valid.tolist() == [
        [True, True, True, False, True],
        [True, True, False, False, False],
    ]
    assert tokens.position[0, :, 0].tolist() == [0, 1, 2, 3, 4]
    mean = tokens.values[0, [0, 1, 2, 4]].mean(dim=0)
    torch.testing.assert_close(pooled(module, [("ACD", "E")])[0], mean)


def test_the_order_of_tokens_matters():
    far = (pooled(encoder(), [("ACD",)]) - pooled(encoder(), [("DCA",)])).abs().max()
    assert far > 1e-3


def test_special_tokens_are_not_to_be_masked():
    module = encoder()
    numbers = module.numbers(("AX", "G"))
    assert (numbers >= module.first_maskable).tolist() == [True, False, False, True]
    assert module.token_vectors().shape == (module.vocabulary_size, module.token_width)


def test_sequences_of_unequal_length_are_padded():
    numbers, valid = pad_numbers([encoder().numbers((t,)) for t in ("ACD", "E")])
    assert numbers.tolist() == [[4, 5, 6], [7, 0, 0]]
    assert valid.tolist() == [[True, True, True], [True, False, False]]


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(RecipeError, match="expected vocabulary and split"):
        TokenSequence(TokenSequenceSettings())
    module = encoder()
    batch = module.collate([("A",)])
    with pytest.raises(ShapeError, match="has no output 'cls'"):
        module.encode(batch, "cls")
