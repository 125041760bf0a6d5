import math

import pytest
import torch
from processes import run_on
from waves import Waves, signals

from unlabeled.encoders.patches import take_tokens
from unlabeled.pretexts.masked_autoencoder import MaskedAutoencoder, MaskedAutoencoderSettings
from unlabeled.randomness import Draw


def method(**settings) -> MaskedAutoencoder:
    torch.manual_seed(0)
    values = {"decoder": {"width": 8, "depth": 1, "heads": 2}, **settings}
    return MaskedAutoencoder(MaskedAutoencoderSettings(**values), Waves()).double()


def batch(pretext, samples):
    examples = [pretext.example(s, Draw(0, 0, str(i), 0, "")) for i, s in enumerate(samples)]
    return pretext.collate(examples)


def test_loss_is_the_mean_over_hidden_values():
    pretext = method(normalise_target=False)
    made = batch(pretext, signals(40, 40))
    visible, hidden = made.split.visible, made.split.hidden
    assert hidden.shape == (2, 8)
    tokens = pretext.encoder.encode_visible(made.batch, visible)
    prediction = pretext.decoder(tokens, visible, hidden, (10,))
    total = 0.0
    for sample in range(2):
        for place, predicted in zip(hidden[sample].tolist(), prediction[sample], strict=True):
            truth = made.batch[sample, 0, 4 * place : 4 * place + 4]
            total += float((predicted - truth).detach().square().sum())
    assert float(pretext(made).total.detach()) == pytest.approx(total / (2 * 8 * 4), abs=1e-12)


def test_a_perfect_prediction_costs_nothing():
    pretext = method(normalise_target=False)
    made = batch(pretext, signals(40, 23))
    patches, _ = pretext.encoder.patches(made.batch)
    pretext.decoder.forward = lambda tokens, visible, hidden, grid: take_tokens(patches, hidden)
    assert float(pretext(made).total) == 0.0


def test_hidden_values_do_not_reach_the_encoder():
    pretext = method()
    made = batch(pretext, signals(40))
    before = pretext.encoder.encode_visible(made.batch, made.split.visible)
    place = int(made.split.hidden[0, 0])
    made.batch[0, 0, 4 * place : 4 * place + 4] += 100
    after = pretext.encoder.encode_visible(made.batch, made.split.visible)
    assert torch.equal(before, after)


def test_padding_and_batch_order_change_nothing():
    pretext = method()
    samples = signals(40, 13, 26)
    examples = [pretext.example(s, Draw(0, 0, str(i), 0, "")) for i, s in enumerate(samples)]
    whole = pretext(pretext.collate(examples)).total
    mixed = pretext(pretext.collate([examples[i] for i in (2, 0, 1)])).total
    torch.testing.assert_close(mixed, whole, rtol=1e-12, atol=0)
    counts = [int(e.hidden.sum()) * 4 for e in examples]
    alone = [float(pretext(pretext.collate([e])).total.detach()) for e in examples]
    # 13 and 26 values leave the last patch partly empty; it counts for what it holds.
    for n, (sample, example) in enumerate(zip(samples, examples, strict=True)):
        if example.hidden[-1]:
            counts[n] -= -len(sample) % 4
    expected = sum(c * a for c, a in zip(counts, alone, strict=True)) / sum(counts)
    assert float(whole.detach()) == pytest.approx(expected, rel=1e-9)


def test_what_holds_no_data_is_neither_seen_nor_asked_for():
    pretext = method()
    sample = signals(40)[0]
    sample[8:16] = math.nan
    sample[17] = math.nan
    made = batch(pretext, [sample])
    used = torch.cat([made.split.visible, made.split.hidden], dim=1)[0].sort().values
    assert used.tolist() == [0, 1, 4, 5, 6, 7, 8, 9]
    loss = pretext(made).total
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in pretext.parameters())


def test_every_parameter_gets_a_gradient():
    pretext = method()
    pretext(batch(pretext, signals(40, 32))).total.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in pretext.parameters())


def test_it_learns_a_batch_by_heart():
    pretext = method(normalise_target=False).float()
    made = batch(pretext, [torch.sin(torch.arange(40) * (0.1 + 0.1 * i)) for i in range(4)])
    optimiser = torch.optim.AdamW(pretext.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        loss = pretext(made).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("name", ["random", "blocks", "groups"])
def test_every_mask_can_be_chosen(name):
    pretext = method(mask={"name": name})
    assert pretext(batch(pretext, signals(40))).total.isfinite()


def _gradient(rank, parts):
    pretext = method()
    examples = [
        pretext.example(s, Draw(0, 0, str(i), 0, "")) for i, s in enumerate(signals(40, 13, 26, 33))
    ]
    loss = pretext(pretext.collate([examples[i] for i in parts[rank]])).total
    loss.backward()
    return loss.detach(), torch.cat([p.grad.flatten() for p in pretext.parameters()])


def test_two_processes_with_unequal_tokens_equal_one():
    loss, gradient = _gradient(0, [[0, 1, 2, 3]])
    ranks = run_on(2, _gradient, [[0], [1, 2, 3]])
    for value, _ in ranks:
        torch.testing.assert_close(value, loss, rtol=1e-9, atol=1e-9)
    mean = sum(g for _, g in ranks) / 2
    torch.testing.assert_close(mean, gradient, rtol=1e-9, atol=1e-9)


def test_a_mask_and_its_complement_ask_for_every_value_once():
    pretext = method(complement=True, normalise_target=False, mask={"ratio": 0.3})
    made = batch(pretext, signals(40, 23))
    asked = []
    run = pretext._predict
    pretext._predict = lambda *args: asked.append(run(*args)) or asked[-1]
    found = float(pretext(made).total.detach())
    weights = torch.cat([weight for _, _, weight in asked], dim=1)
    assert weights.sum(dim=(1, 2)).tolist() == [40, 23]
    total = sum(((p - t).square() * w).sum() for p, t, w in asked)
    assert found == pytest.approx(float(total.detach()) / 63, rel=1e-9)
    plain = method(normalise_target=False, mask={"ratio": 0.3})
    assert float(plain(made).total.detach()) != pytest.approx(found)
