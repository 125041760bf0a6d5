import math

import numpy as np
import pytest
import torch
from processes import run_on

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.contract import Tokens
from unlabeled.errors import RecipeError, ShapeError
from unlabeled.randomness import Draw
from unlabeled_remote_sensing.encoders.croma import CROMA, CROMASettings
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.pretexts.croma import (
    CROMAPretext,
    CROMAPretextSettings,
    Decoder,
    DecoderSettings,
    cross_modal_loss,
)
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor

RADAR = Sensor(bands=("VV", "VH"), mean=(0.0, 0.0), std=(1.0, 1.0))
OPTICAL = Sensor(bands=("B02", "B03", "B04"), mean=(0.0,) * 3, std=(1.0,) * 3)
SIZE = 32


def raster(seed=0, size=SIZE, sensors=("S1", "S2")):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(1, size, size))
    layers = {}
    for name, bands in (("S1", 2), ("S2", 3)):
        values = common + 0.3 * rng.normal(size=(bands, size, size))
        layers[name] = Layer(values.astype("float32"), np.ones((size, size), bool))
    return Raster({n: layers[n] for n in sensors}, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


def views(*steps):
    return Views([ViewSettings(steps=steps)])


def pretext(official=False, double=True):
    torch.manual_seed(0)
    settings = CROMASettings(sensors={"S1": RADAR, "S2": OPTICAL}, width=16, depth=2, heads=2)
    decoder = DecoderSettings(width=16, depth=1, heads=2)
    made = CROMAPretext(
        CROMAPretextSettings(decoder=decoder, official=official), CROMA(settings), views=views()
    )
    return made.double() if double else made


def batch_of(method, rasters, epoch=0):
    return method.collate(
        [method.example(one, Draw(0, epoch, f"i{i}", 0, "")) for i, one in enumerate(rasters)]
    )


def gradients(method):
    return {name: p.grad for name, p in method.named_parameters()}


def test_masks_are_independent_and_have_the_exact_count():
    method = pretext()
    one = method.example(raster(size=120), Draw(0, 0, "x", 0, ""))
    assert [int((v & ~h).sum()) for v, h in zip(one.valid, one.hidden, strict=True)] == [56, 56]
    assert (one.hidden[0] != one.hidden[1]).any()
    again = method.example(raster(size=120), Draw(0, 0, "x", 0, ""))
    np.testing.assert_array_equal(one.hidden[0], again.hidden[0])
    other = method.example(raster(size=120), Draw(0, 1, "x", 0, ""))
    assert (one.hidden[0] != other.hidden[0]).any()


def test_contrast_equals_the_formula():
    radar, optical = torch.randn(5, 3).double(), torch.randn(5, 3).double()
    scale = torch.tensor(1 / 0.07, dtype=torch.float64)
    total = 0.0
    for query, key in ((optical, radar), (radar, optical)):
        for i in range(5):
            scores = [
                float(scale * (query[i] / query[i].norm()) @ (key[j] / key[j].norm()))
                for j in range(5)
            ]
            total += math.log(sum(map(math.exp, scores))) - scores[i]
    got = cross_modal_loss(radar, optical, scale)
    assert float(got) == pytest.approx(total / 10, rel=1e-10)


def test_the_official_contrast_has_the_same_value_and_no_gradient_at_the_keys():
    def run(key_gradient):
        radar = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).double()
        optical = torch.randn(4, 3, generator=torch.Generator().manual_seed(1)).double()
        radar.requires_grad_()
        optical.requires_grad_()
        loss = cross_modal_loss(radar, optical, torch.tensor(2.0), key_gradient=key_gradient)
        loss.backward()
        return loss.detach(), radar.grad

    (ours, gradient), (theirs, less) = run(True), run(False)
    torch.testing.assert_close(ours, theirs)
    assert not torch.allclose(gradient, less)


def test_reconstruction_equals_the_sheet():
    """Joint normalisation of a patch over all bands, unbiased; mean over patches, then masked."""
    method = pretext()
    rasters = [raster(seed=i) for i in range(2)]
    batch = batch_of(method, rasters)
    parts = method(batch).parts
    (view,) = method.views.apply([batch.view])
    tokens = [
        method.encoder.encode_sensor(view, name, split.visible)
        for name, split in (("S1", batch.radar), ("S2", batch.optical))
    ]
    prediction = method.decoder(method.encoder.joint(*tokens), batch.radar.grid)
    error = {"radar": [], "optical": []}
    for n, one in enumerate(rasters):
        for token in range(16):
            rows, columns = (slice(8 * k, 8 * k + 8) for k in divmod(token, 4))
            bands = np.concatenate(
                [one.layers[s].values[:, rows, columns].astype("float64") for s in ("S2", "S1")]
            )
            target = (bands - bands.mean()) / np.sqrt(bands.var(ddof=1) + 1e-6)
            square = (prediction[n, token].detach().numpy() - target.ravel()) ** 2
            if token in batch.optical.hidden[n]:
                error["optical"].append(square[: 3 * 64].mean())
            if token in batch.radar.hidden[n]:
                error["radar"].append(square[3 * 64 :].mean())
    for name, errors in error.items():
        assert parts[name].item() == pytest.approx(np.mean(errors), rel=1e-6)


def test_the_total_is_the_sum_of_the_parts_and_every_weight_learns():
    method = pretext(double=False)
    loss = method(batch_of(method, [raster(seed=i) for i in range(4)]))
    assert float(loss.total) == pytest.approx(float(sum(loss.parts.values())), rel=1e-5)
    loss.total.backward()
    assert all(g is not None and torch.isfinite(g).all() for g in gradients(method).values())
    weights = {n: g for n, g in gradients(method).items() if g.ndim > 1}
    assert all(g.abs().sum() > 0 for g in weights.values())


def test_the_official_self_bias_differs_only_with_masks():
    ours, theirs = pretext(), pretext(official=True)
    theirs.load_state_dict(ours.state_dict())
    batch = batch_of(ours, [raster(seed=i) for i in range(3)])
    a, b = ours(batch), theirs(batch)
    assert float(a.parts["contrast"]) == pytest.approx(float(b.parts["contrast"]), rel=1e-9)
    assert float(a.parts["radar"]) != pytest.approx(float(b.parts["radar"]), rel=1e-6)
    (view,) = ours.views.apply([batch.view])
    tokens = [ours.encoder.encode_sensor(view, name) for name in ("S1", "S2")]
    plain = ours.encoder.joint(*tokens).values
    official = ours.encoder.joint(*tokens, cross_bias_everywhere=True).values
    torch.testing.assert_close(plain, official)


def test_the_decoder_puts_tokens_at_their_places():
    torch.manual_seed(0)
    decoder = Decoder(DecoderSettings(width=8, depth=1, heads=2), 4, 6)
    values = torch.randn(1, 3, 4)
    position = torch.tensor([[[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]])
    valid = torch.tensor([[True, True, False]])
    got = decoder(Tokens(values, valid, position), (2, 2))
    swapped = [1, 0, 2]
    again = decoder(Tokens(values[:, swapped], valid, position[:, swapped]), (2, 2))
    torch.testing.assert_close(got, again)
    changed = values.clone()
    changed[:, 2] = 100.0
    torch.testing.assert_close(got, decoder(Tokens(changed, valid, position), (2, 2)))
    assert got.shape == (1, 4, 6)


def test_a_missing_sensor_is_not_contrasted_and_not_asked_for():
    method = pretext()
    whole = [raster(seed=0), raster(seed=1)]
    mixed = method(batch_of(method, [*whole, raster(seed=2, sensors=("S1",))]))
    alone = method(batch_of(method, whole))
    assert float(mixed.parts["contrast"]) == pytest.approx(float(alone.parts["contrast"]))
    assert float(mixed.parts["optical"]) == pytest.approx(float(alone.parts["optical"]))
    assert float(mixed.parts["radar"]) != pytest.approx(float(alone.parts["radar"]))
    method = pretext()
    loss = method(batch_of(method, [raster(seed=s, sensors=("S2",)) for s in range(2)]))
    assert float(loss.parts["contrast"]) == 0
    assert float(loss.parts["radar"]) == 0
    loss.total.backward()
    assert all(torch.isfinite(g).all() for g in gradients(method).values() if g is not None)


def test_pixels_without_data_change_nothing():
    method = pretext()

    def holed(value):
        one = raster(seed=1)
        valid = one.layers["S2"].valid.copy()
        valid[3:20, 5:9] = False
        values = one.layers["S2"].values.copy()
        values[:, ~valid] = value
        return Raster({**one.layers, "S2": Layer(values, valid)}, one.transform)

    losses = [method(batch_of(method, [raster(), holed(v)])).total for v in (0.0, 1e6)]
    torch.testing.assert_close(losses[0], losses[1])


def test_a_permuted_batch_has_the_same_loss_and_gradient():
    method = pretext()
    examples = [method.example(raster(seed=i), Draw(0, 0, f"i{i}", 0, "")) for i in range(4)]
    results = []
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        method.zero_grad()
        loss = method(method.collate([examples[i] for i in order])).total
        loss.backward()
        results.append((loss.detach(), gradients(method)))
    torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-9)


def share(rank, counts):
    method = pretext()
    start = sum(counts[:rank])
    examples = [
        method.example(raster(seed=i), Draw(0, 0, f"i{i}", 0, ""))
        for i in range(start, start + counts[rank])
    ]
    loss = method(method.collate(examples)).total
    loss.backward()
    return loss.detach(), gradients(method)


def test_two_processes_equal_one():
    """With unequal shares; gradients are averaged over ranks, as training does."""
    loss, expected = share(0, (5,))
    first, second = run_on(2, share, (2, 3))
    torch.testing.assert_close(first[0], loss, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(second[0], loss, rtol=1e-9, atol=1e-9)
    for name, gradient in expected.items():
        mean = (first[1][name] + second[1][name]) / 2
        torch.testing.assert_close(mean, gradient, rtol=1e-8, atol=1e-10)


def test_bf16_stays_finite():
    method = pretext(double=False)
    with torch.autocast("cpu", torch.bfloat16):
        loss = method(batch_of(method, [raster(seed=i) for i in range(2)])).total
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(g).all() for g in gradients(method).values())


def test_one_sample_is_refused():
    method = pretext()
    with pytest.raises(ShapeError, match="at least 2 samples, found 1"):
        method(batch_of(method, [raster()]))


def test_other_encoders_and_several_views_are_refused():
    encoder = RasterViT(RasterViTSettings(sensors={"S1": RADAR}, width=8, depth=1, heads=2))
    with pytest.raises(RecipeError, match="remote_sensing/croma, found RasterViT"):
        CROMAPretext(CROMAPretextSettings(), encoder, views=views())
    two = Views([ViewSettings(count=2)])
    with pytest.raises(RecipeError, match="one view of a sample, found 2"):
        CROMAPretext(CROMAPretextSettings(), pretext().encoder, views=two)


def test_it_learns_to_pair_and_to_reconstruct():
    """A throw-away loop: retrieval far above chance, reconstruction below the patch mean's 1."""
    method = pretext(double=False)
    optimiser = torch.optim.AdamW(method.parameters(), lr=5e-3)
    rasters = [smooth(seed) for seed in range(16)]
    for epoch in range(30):
        loss = method(batch_of(method, rasters, epoch))
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
    assert float(loss.parts["contrast"]) < 0.7 * math.log(16)
    assert float(loss.parts["optical"]) < 0.95


def smooth(seed):
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:SIZE, :SIZE] / SIZE
    waves = np.sin(2 * np.pi * (rng.uniform(0.5, 2) * row + rng.uniform(0.5, 2) * column))
    level, layers = seed / 4 - 2, {}
    for name, bands in (("S1", 2), ("S2", 3)):
        noisy = level + waves + 0.1 * rng.normal(size=(bands, SIZE, SIZE))
        layers[name] = Layer(noisy.astype("float32"), np.ones((SIZE, SIZE), bool))
    return Raster(layers, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
