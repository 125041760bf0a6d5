import numpy as np
import pytest
import torch

from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled_remote_sensing.encoders.despeckler import Despeckler, DespecklerSettings
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.evaluators.despeckling import equivalent_looks
from unlabeled_remote_sensing.pretexts.merlin import (
    Merlin,
    MerlinSettings,
    centring_shift,
    speckle_loss,
    symmetrised,
)
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor
from unlabeled_remote_sensing.synthetic import speckled

SENSORS = {"slc": Sensor(bands=("amplitude",))}


def scene(values):
    return Raster(
        {"slc": Layer(values[None].astype("complex64"), np.ones(values.shape, bool))},
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    )


def merlin(subsample=1, low=-1.5):
    torch.manual_seed(0)
    encoder = Despeckler(
        DespecklerSettings(sensors=SENSORS, width=6, low=low, high=3.0, subsample=subsample)
    )
    return Merlin(MerlinSettings(), encoder)


def test_loss_equals_the_formula():
    rng = np.random.default_rng(0)
    log_r, part = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    valid = rng.random((2, 3, 4)) > 0.3
    values = [
        log_r[i] / 2 + part[i] ** 2 / np.exp(log_r[i]) for i in np.ndindex(2, 3, 4) if valid[i]
    ]
    got = speckle_loss(*map(torch.from_numpy, (log_r, part, valid)))
    assert got.item() == pytest.approx(np.mean(values), rel=1e-12)


def test_loss_is_least_where_reflectivity_is_twice_the_mean_square():
    part = torch.from_numpy(np.random.default_rng(0).normal(0, 3, (1, 50, 50)))
    expected = (2 * part.square().mean()).log()
    everywhere = torch.ones(1, 50, 50, dtype=torch.bool)
    log_r = expected.clone().requires_grad_()
    speckle_loss(log_r.expand(1, 50, 50), part, everywhere).backward()
    assert abs(log_r.grad.item()) < 1e-12


@pytest.mark.parametrize("offset", [(20, -13), (37, 50), (-90, 70), (0, 0)])
def test_symmetrising_puts_the_spectrum_back_in_the_middle(offset):
    rng = np.random.default_rng(0)
    n = 256
    row, column = np.mgrid[:n, :n] - n // 2
    shape = np.exp(-0.5 * ((row / 40) ** 2 + (column / 30) ** 2))
    white = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    spectrum = np.roll(white * shape, offset, axis=(0, 1))
    image = np.fft.ifft2(np.fft.ifftshift(spectrum))
    centred = symmetrised(scene(image), "slc").layers["slc"].values[0]
    power = np.abs(np.fft.fftshift(np.fft.fft2(centred))) ** 2
    assert abs((power * row).sum() / power.sum()) < 1
    assert abs((power * column).sum() / power.sum()) < 1
    assert (np.abs(centred) ** 2).sum() == pytest.approx((np.abs(image) ** 2).sum(), rel=1e-5)


@pytest.mark.parametrize("n", [31, 32])
@pytest.mark.parametrize("shift", [-7, 0, 5])
def test_a_shifted_profile_is_shifted_back(n, shift):
    profile = np.exp(-0.5 * ((np.arange(n) - n // 2) / 4) ** 2)
    assert abs(centring_shift(np.roll(profile, shift)) % n - (-shift) % n) <= 1


def test_examples_keep_real_and_imaginary_part_together_and_are_keyed():
    method = merlin(subsample=2)
    values = speckled(np.full((32, 32), 9.0), np.random.default_rng(0))
    one, again, other = (
        method.example(scene(values), Draw(0, epoch, "a")).layers["slc"].values
        for epoch in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert one.shape == (1, 16, 16)
    assert not np.array_equal(one, other)


def test_every_weight_learns():
    method = merlin()
    values = speckled(np.full((64, 64), 9.0), np.random.default_rng(0))
    torch.nn.init.normal_(method.encoder.network.get_parameter("dec1.weight"), std=0.1)
    method(method.collate([scene(values), scene(values)])).total.backward()
    for name, parameter in method.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_it_learns_the_level_of_a_flat_scene_and_smooths_it():
    """A throw-away loop; how good it is on scenes is the benchmark's question."""
    method = merlin(low=0.0)
    optimiser = torch.optim.AdamW(method.parameters(), lr=3e-3)
    rng = np.random.default_rng(0)
    for _ in range(160):
        scenes = [scene(speckled(np.full((32, 32), 9.0), rng)) for _ in range(4)]
        loss = method(method.collate(scenes)).total
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), 5.0)
        optimiser.step()
    noisy = scene(speckled(np.full((64, 64), 9.0), rng))
    restored = method.encoder.eval().restore(noisy).layers["slc"].values
    assert restored.mean() == pytest.approx(9.0, rel=0.05)
    assert equivalent_looks(restored) > 10


def test_other_encoders_are_refused():
    other = RasterViT(RasterViTSettings(sensors=SENSORS, width=8, depth=1, heads=2))
    with pytest.raises(RecipeError, match="despeckler, found RasterViT"):
        Merlin(MerlinSettings(), other)
