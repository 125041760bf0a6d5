import torch
from waves import Waves, signals

from unlabeled.pretexts.gmml import GMML, GMMLSettings
from unlabeled.randomness import Draw


def method(**settings):
    torch.manual_seed(0)
    return GMML(GMMLSettings(**settings), Waves()).double()


def examples(pretext, samples):
    return [pretext.example(s, Draw(0, 0, str(i), 0, "")) for i, s in enumerate(samples)]


def test_what_the_encoder_sees_is_the_corrupted_signal():
    """As if each patch had been altered in the signal itself."""
    pretext = method(corruption={"zeroed": 0.5, "replaced": 0.5}, mask={"ratio": 0.6})
    (example,) = examples(pretext, signals(40))
    made = pretext.collate([example])
    altered = made.batch.clone()
    for place, source in enumerate(example.source.tolist()):
        piece = torch.zeros(4) if source < 0 else made.batch[0, 0, 4 * source : 4 * source + 4]
        altered[0, 0, 4 * place : 4 * place + 4] = piece
    expected = pretext.encoder.encode(altered, "steps").values
    found = pretext.encoder.encode_visible(made.batch, made.places, source=made.source)
    torch.testing.assert_close(found, expected)


def test_loss_is_the_mean_over_corrupted_values():
    pretext = method()
    made = pretext.collate(examples(pretext, signals(40, 23)))
    tokens = pretext.encoder.encode_visible(made.batch, made.places, source=made.source)
    prediction = pretext.prediction(tokens)
    terms = []
    for n, length in enumerate((40, 23)):
        for k in range(made.places.shape[1]):
            if made.hidden[n, k]:
                start = 4 * int(made.places[n, k])
                truth = made.batch[n, 0, start : min(start + 4, length)]
                terms.append((prediction[n, k, : len(truth)] - truth).abs())
    expected = torch.cat(terms).mean()
    torch.testing.assert_close(pretext(made).total, expected)


def test_padding_and_batch_order_change_nothing():
    pretext = method()
    made = examples(pretext, signals(40, 13, 26))
    whole = pretext(pretext.collate(made)).total
    mixed = pretext(pretext.collate([made[i] for i in (2, 0, 1)])).total
    torch.testing.assert_close(mixed, whole, rtol=1e-12, atol=0)


def test_every_weight_learns():
    pretext = method()
    pretext(pretext.collate(examples(pretext, signals(40, 40)))).total.backward()
    assert all(p.grad is not None and p.grad.any() for p in pretext.parameters())
