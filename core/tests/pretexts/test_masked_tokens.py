import math

import numpy as np
import pytest
import torch
from processes import run_on
from waves import Waves

from unlabeled.data.vocabulary import SPECIAL
from unlabeled.encoders.token_sequence import TokenSequence, TokenSequenceSettings
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.pretexts.masked_tokens import MaskedTokens, MaskedTokensSettings
from unlabeled.randomness import Draw

LETTERS = "ACDEFGHIKL"
TEXTS = [("ACDEFGHIKL" * 2, "ACC"), ("LKI",), ("ACDDCA",)]


def method(**settings) -> MaskedTokens:
    torch.manual_seed(0)
    values = {"width": 16, "depth": 1, "heads": 2, "split": "characters"}
    encoder = TokenSequence(TokenSequenceSettings(vocabulary=(*SPECIAL, *LETTERS), **values))
    return MaskedTokens(MaskedTokensSettings(**settings), encoder).double()


def examples(pretext, samples, epoch=0):
    return [pretext.example(s, Draw(0, epoch, str(n), 0, "")) for n, s in enumerate(samples)]


def test_loss_is_the_mean_cross_entropy_of_what_is_asked_for():
    pretext = method(mask={"ratio": 0.5})
    batch = pretext.collate(examples(pretext, TEXTS))
    states = pretext.encoder.encode_numbers(batch.shown, batch.valid)
    terms = []
    for row, place in batch.predicted.nonzero().tolist():
        scores = pretext.encoder.embedding.weight @ pretext.head(states[row, place]) + pretext.bias
        truth = batch.truth[row, place]
        terms.append(scores.exp().sum().log() - scores[truth])
    loss = pretext(batch)
    assert loss.total.item() == pytest.approx((sum(terms) / len(terms)).item(), abs=1e-12)
    assert int(loss.count) == len(terms)


def test_of_15_percent_80_are_hidden_10_replaced_and_10_left():
    pretext = method(mask={"ratio": 0.15})
    text = ("".join(np.random.default_rng(0).choice(list(LETTERS), 20_000)), "AC")
    [made] = examples(pretext, [text])
    predicted = made.predicted
    assert predicted.mean() == pytest.approx(0.15, abs=1e-3)
    shown, truth = made.shown[predicted], made.truth[predicted]
    assert (shown == pretext.encoder.mask_number).mean() == pytest.approx(0.8, abs=0.025)
    # One of ten letters that are put in is the right one by chance.
    assert (shown == truth).mean() == pytest.approx(0.1 + 0.1 / len(LETTERS), abs=0.02)
    others = shown[(shown != truth) & (shown != pretext.encoder.mask_number)]
    assert others.min() >= pretext.encoder.first_maskable
    assert (made.shown[~predicted] == made.truth[~predicted]).all()


def test_separators_and_unknown_tokens_are_never_asked_for():
    pretext = method(mask={"ratio": 0.9})
    for epoch in range(20):
        [made] = examples(pretext, [("AXC", "XD")], epoch)
        assert made.predicted[[1, 3, 4]].sum() == 0


def test_padding_and_batch_order_change_nothing():
    pretext = method(mask={"ratio": 0.5})
    made = examples(pretext, TEXTS)
    whole = pretext(pretext.collate(made)).total.item()
    assert pretext(pretext.collate(made[::-1])).total.item() == pytest.approx(whole, abs=1e-12)
    losses = [pretext(pretext.collate([one])) for one in made]
    weighed = sum(one.total.item() * int(one.count) for one in losses)
    total = sum(int(one.count) for one in losses)
    assert weighed / total == pytest.approx(whole, abs=1e-12)


def _on_process(rank, counts):
    pretext = method(mask={"ratio": 0.5})
    made = examples(pretext, TEXTS)
    start = sum(counts[:rank])
    return pretext(pretext.collate(made[start : start + counts[rank]])).total.item()


def test_processes_equal_one_joint_batch():
    pretext = method(mask={"ratio": 0.5})
    joint = pretext(pretext.collate(examples(pretext, TEXTS))).total.item()
    for found in run_on(2, _on_process, (2, 1)):
        assert found == pytest.approx(joint, abs=1e-12)


def test_a_first_guess_costs_the_logarithm_of_the_vocabulary():
    pretext = method()
    loss = pretext(pretext.collate(examples(pretext, TEXTS))).total
    assert loss.item() == pytest.approx(math.log(14), abs=0.3)


def test_it_learns_what_stands_beside():
    """Each text is of two letters, so one that is hidden costs log 2 when the others are seen."""
    pretext = method(mask={"ratio": 0.3}).float()
    optimiser = torch.optim.Adam(pretext.parameters(), lr=0.01)
    rng = np.random.default_rng(0)
    texts = [("".join(rng.choice(list(LETTERS[n : n + 2]), 12)),) for n in (0, 2, 4, 6, 8) * 3]
    for epoch in range(150):
        loss = pretext(pretext.collate(examples(pretext, texts, epoch))).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.5 * math.log(len(LETTERS))  # of letters that are equally frequent


def test_too_short_a_text_cannot_be_read():
    with pytest.raises(UnreadableItem, match="2 or more known tokens, found 1"):
        examples(method(), [("AX",)])


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(RecipeError, match="Waves takes no tokens of a vocabulary"):
        MaskedTokens(MaskedTokensSettings(), Waves())
    with pytest.raises(RecipeError, match=r"hidden \+ replaced of at most 1, found 0.8 \+ 0.5"):
        method(replaced=0.5)
