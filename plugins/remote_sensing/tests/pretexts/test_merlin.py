import numpy as np
import pytest
import rasterio
import torch

from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled_remote_sensing.encoders.despeckler import Despeckler, DespecklerSettings
from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.evaluators.despeckling import equivalent_looks
from unlabeled_remote_sensing.pretexts.merlin import (
    Merlin,
    MerlinSettings,
    speckle_loss,
)
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.readers.complex_scenes import ComplexScenes
from unlabeled_remote_sensing.sensors import Sensor
from unlabeled_remote_sensing.synthetic import speckled

SENSORS = {"slc": Sensor(bands=("amplitude",))}


def scene(values):
    return Raster(
        {"slc": Layer(values[None].astype("complex64"), np.ones(values.shape, bool))},
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    )


def merlin(structures=0.0, **settings):
    torch.manual_seed(0)
    encoder = Despeckler(DespecklerSettings(sensors=SENSORS, width=6, **settings))
    return Merlin(MerlinSettings(structures=structures), encoder)


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


def test_examples_keep_real_and_imaginary_part_together_and_are_keyed():
    method = merlin(subsample=2)
    values = speckled(np.full((32, 32), 9.0), np.random.default_rng(0))
    one, again, other = (
        method.example(scene(values), Draw(0, epoch, "a", 0, "")).layers["slc"].values
        for epoch in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert one.shape == (1, 16, 16)
    assert not np.array_equal(one, other)


def test_structures_change_the_level_and_nothing_else():
    """Speckle times a gain is the speckle of another reflectivity: phases stay as they are."""
    values = speckled(np.full((32, 32), 9.0), np.random.default_rng(0))
    changed = 0
    for name in "abcdefgh":
        plain, shown = (
            merlin(symmetrise=False, structures=share)
            .example(scene(values), Draw(0, 0, name, 0, ""))
            .layers["slc"]
            .values
            for share in (0.0, 1.0)
        )
        gain = shown / plain
        np.testing.assert_allclose(gain.imag, 0, atol=1e-4 * gain.real.max())
        assert gain.real.min() > 0
        changed += np.ptp(gain.real) > 0.1
    assert changed > 4


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
    method = merlin(symmetrise=False)
    optimiser = torch.optim.AdamW(method.parameters(), lr=3e-3, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 160)
    rng = np.random.default_rng(0)
    for _ in range(160):
        scenes = [scene(speckled(np.full((32, 32), 9.0), rng)) for _ in range(4)]
        loss = method(method.collate(scenes)).total
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    noisy = scene(speckled(np.full((64, 64), 9.0), rng))
    restored = method.encoder.eval().restore(noisy).layers["slc"].values
    assert restored.mean() == pytest.approx(9.0, rel=0.15)
    assert equivalent_looks(restored) > 10


def test_other_encoders_are_refused():
    other = RasterViT(RasterViTSettings(sensors=SENSORS, width=8, depth=1, heads=2))
    with pytest.raises(RecipeError, match="despeckler, found RasterViT"):
        Merlin(MerlinSettings(), other)


def test_a_scene_is_restored_to_a_file(write_tiff, tmp_path):
    values = speckled(np.full((40, 50), 9.0), np.random.default_rng(0))[None]
    write_tiff(tmp_path / "in" / "a.tif", values)
    reader = ComplexScenes()
    item = reader.index(tmp_path / "in")[0]
    encoder = merlin().encoder.eval()
    Merlin.restore(encoder, reader, item, tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as found:
        expected = encoder.restore(reader.read(item)).layers["slc"].values
        np.testing.assert_allclose(found.read(), expected, rtol=1e-5)


def test_windows_without_data_do_not_end_training(tmp_path):
    """The edge of a scene is zeros: the logarithm of nothing was NaN."""
    values = speckled(np.full((64, 96), 50.0), np.random.default_rng(0))
    values[:, :40] = 0
    profile = {"driver": "GTiff", "height": 64, "width": 96, "count": 1, "dtype": "complex64"}
    with rasterio.open(tmp_path / "x.tif", "w", **profile) as target:
        target.write(values, 1)
    reader, method = ComplexScenes(window=32, items="window"), merlin()
    samples = [reader.read(item) for item in reader.index(tmp_path)]
    draws = (Draw(0, 0, name, 0, "") for name in "abcdef")
    batch = method.collate([method.example(*pair) for pair in zip(samples, draws, strict=True)])
    assert not batch.valid[0].any()
    for some in (batch, method.collate(samples[:1])):
        total = method(some).total
        total.backward()
        assert torch.isfinite(total)
        assert all(p.grad is None or torch.isfinite(p.grad).all() for p in method.parameters())


def test_it_shows_a_scene_before_and_after():
    values = speckled(np.full((24, 24), 50.0), np.random.default_rng(0))
    kept = []

    class Kept:
        def previews(self, item, sample):
            kept.append(sample.layers["slc"].values)
            return ()

    method = merlin().eval()
    work = method.show_work(None, scene(values), Draw(0, 0, "a", 0, ""), Kept())
    assert [title for title, _ in work.columns] == ["single look", "despeckled"]
    np.testing.assert_array_equal(kept[0][0], values)
    expected = method.encoder.restore(scene(values)).layers["slc"].values
    np.testing.assert_allclose(np.abs(kept[1]) ** 2, expected, rtol=1e-5)
