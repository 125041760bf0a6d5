import numpy as np
import pytest
import torch

from unlabeled.errors import DataError, RecipeError, ShapeError
from unlabeled_remote_sensing.encoders.croma import CROMA, CROMASettings
from unlabeled_remote_sensing.encoders.croma_weights import (
    load_official,
    load_official_state,
    official_names,
    to_official,
)
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import KNOWN, Sensor

RADAR = Sensor(bands=("VV", "VH"), mean=(-12.0, -20.0), std=(5.0, 6.0))
OPTICAL = Sensor(bands=("B02", "B03", "B04"), mean=(900.0,) * 3, std=(500.0,) * 3)
GLOBAL = ("joint", "S1", "S2")


def raster(height=24, width=24, seed=0, sensors=("S1", "S2")):
    rng = np.random.default_rng(seed)
    layers = {
        "S1": rng.normal(-15, 5, (2, height, width)),
        "S2": rng.normal(900, 500, (3, height, width)),
    }
    valid = np.ones((height, width), bool)
    chosen = {name: Layer(layers[name].astype("float32"), valid) for name in sensors}
    return Raster(chosen, (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0), "EPSG:32633", 10.0)


def croma(**settings):
    torch.manual_seed(0)
    values = {"width": 24, "depth": 4, "heads": 4, **settings}
    return CROMA(CROMASettings(sensors={"S1": RADAR, "S2": OPTICAL}, **values)).eval()


@pytest.fixture(scope="module")
def encoder():
    return croma()


def test_six_outputs_and_their_shapes(encoder):
    batch = encoder.collate([raster(seed=i) for i in range(2)])
    assert [output.name for output in encoder.outputs[:3]] == list(GLOBAL)
    for name in GLOBAL:
        assert encoder.encode(batch, name).shape == (2, 24)
        tokens = encoder.encode(batch, f"{name}_tokens")
        assert tokens.values.shape == (2, 9, 24)
        assert tokens.valid.all()


def test_concatenated_is_all_three_in_a_row(encoder):
    batch = encoder.collate([raster(seed=i) for i in range(2)])
    expected = torch.cat([encoder.encode(batch, name) for name in ("joint", "S1", "S2")], dim=1)
    torch.testing.assert_close(encoder.encode(batch, "concatenated"), expected)


def test_tokens_say_exactly_where_they_are(encoder):
    tokens = encoder.encode(encoder.collate([raster()]), "S2_tokens")
    assert tokens.position.dtype == torch.float64
    expected = [[600_040.0 + 80 * x, 4_999_960.0 - 80 * y] for y in range(3) for x in range(3)]
    assert tokens.position[0].tolist() == expected


def test_a_sensor_is_encoded_without_looking_at_the_other(encoder):
    one, other = raster(seed=0), raster(seed=1)
    mixed = Raster({"S1": one.layers["S1"], "S2": other.layers["S2"]}, one.transform)
    a, b = (encoder.encode(encoder.collate([x]), "S1") for x in (one, mixed))
    torch.testing.assert_close(a, b, rtol=0, atol=0)
    a, b = (encoder.encode(encoder.collate([x]), "joint") for x in (one, mixed))
    assert not torch.allclose(a, b)


@pytest.mark.parametrize("name", GLOBAL)
def test_a_sample_does_not_depend_on_neighbours_or_padding(encoder, name):
    alone = encoder.encode(encoder.collate([raster(16, 24)]), name)
    others = [raster(16, 24), raster(40, 32, seed=3), raster(16, 16, seed=4, sensors=("S2",))]
    together = encoder.encode(encoder.collate(others), name)[:1]
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_nodata_is_not_seen(encoder):
    first = raster()
    valid = first.layers["S1"].valid.copy()
    valid[8:16, 8:16] = False

    def with_hole(value):
        values = first.layers["S1"].values.copy()
        values[:, ~valid] = value
        return Raster({"S1": Layer(values, valid), "S2": first.layers["S2"]}, first.transform)

    batches = [encoder.collate([with_hole(value)]) for value in (0.0, float("nan"))]
    tokens = [encoder.encode(batch, "joint_tokens") for batch in batches]
    assert tokens[0].valid.sum() == 8
    torch.testing.assert_close(tokens[0].values[tokens[0].valid], tokens[1].values[tokens[1].valid])


@pytest.mark.parametrize("sensor", ["S1", "S2"])
def test_either_sensor_may_be_missing(encoder, sensor):
    alone = encoder.collate([raster(sensors=(sensor,))])
    both = encoder.collate([raster()])
    missing = "S2" if sensor == "S1" else "S1"
    torch.testing.assert_close(encoder.encode(alone, sensor), encoder.encode(both, sensor))
    assert (encoder.encode(alone, missing) == 0).all()
    joint = encoder.encode(alone, "joint")
    assert torch.isfinite(joint).all()
    assert joint.std() > 0
    assert not encoder.encode(alone, f"{missing}_tokens").valid.any()


def test_nothing_at_all_gives_finite_zeros(encoder):
    empty = raster()
    layers = {n: Layer(x.values * 0, x.valid & False) for n, x in empty.layers.items()}
    batch = encoder.collate([Raster(layers, empty.transform)])
    for name in GLOBAL:
        assert (encoder.encode(batch, name) == 0).all()


def test_images_may_be_larger_than_in_training(encoder):
    tokens = encoder.encode(encoder.collate([raster(184, 96)]), "joint_tokens")
    assert tokens.values.shape == (1, 23 * 12, 24)
    assert torch.isfinite(tokens.values).all()


def test_bias_makes_attention_depend_on_distance_not_on_place(encoder):
    """Without other positions, a shift by whole patches of a periodic image changes nothing."""
    tile = raster(8, 8)
    layers = {
        n: Layer(np.tile(x.values, (1, 3, 3)), np.ones((24, 24), bool))
        for n, x in tile.layers.items()
    }
    tokens = encoder.encode(encoder.collate([Raster(layers, tile.transform)]), "S2_tokens").values
    torch.testing.assert_close(tokens[0, 0], tokens[0, 8], rtol=1e-4, atol=1e-5)


def test_the_table_of_a_grid_is_that_of_the_positions_also_where_a_sensor_is_missing(encoder):
    batch = encoder.collate([raster(20, 27), raster(20, 27, sensors=("S2",))])
    tokens = [encoder.encode_sensor(batch, name) for name in ("S1", "S2")]
    torch.testing.assert_close(
        encoder.encode(batch, "joint_tokens").values, encoder.joint(*tokens).values
    )


def test_wrong_sensors_are_refused():
    with pytest.raises(RecipeError, match=r"encoder.radar.*data have S2"):
        CROMA(CROMASettings(sensors={"S2": OPTICAL}))
    with pytest.raises(RecipeError, match=r"encoder.sensors"):
        CROMA(CROMASettings())
    few = raster()
    layers = {**few.layers, "S2": Layer(few.layers["S2"].values[:2], few.layers["S2"].valid)}
    with pytest.raises(ShapeError, match="expected 3 bands, found 2"):
        croma().collate([Raster(layers, few.transform)])


def test_statistics_are_estimated_where_they_are_not_declared():
    plain = Sensor(bands=("VV", "VH"))
    encoder = CROMA(CROMASettings(sensors={"S1": plain, "S2": OPTICAL}, width=24, depth=2, heads=4))
    rasters = [raster(16 + 8 * i, 16, seed=i) for i in range(3)]
    encoder.calibrate([encoder.collate(rasters[:2]), encoder.collate(rasters[2:])])
    pixels = np.concatenate([r.layers["S1"].values.reshape(2, -1) for r in rasters], axis=1)
    declared = encoder.preprocessing()["sensors"]
    assert declared["S1"]["mean"] == pytest.approx(pixels.mean(axis=1), rel=1e-5)
    assert declared["S1"]["std"] == pytest.approx(pixels.std(axis=1), rel=1e-5)
    assert declared["S2"]["mean"] == [900.0] * 3


def official_state(width, depth, optical=12, radar=2, patch=8):
    """Random tensors in the names and shapes of the released files."""

    def attention(prefix, cross):
        keys = ("to_q", "to_k", "to_v") if cross else ("to_qkv",)
        size = width if cross else 3 * width
        return {
            **{f"{prefix}.{key}.weight": (size, width) for key in keys},
            f"{prefix}.to_out.weight": (width, width),
            f"{prefix}.to_out.bias": (width,),
            f"{prefix}.input_norm.weight": (width,),
            f"{prefix}.input_norm.bias": (width,),
        }

    def network(prefix):
        return {
            f"{prefix}.net.0.weight": (4 * width, width),
            f"{prefix}.net.0.bias": (4 * width,),
            f"{prefix}.net.3.weight": (width, 4 * width),
            f"{prefix}.net.3.bias": (width,),
            f"{prefix}.input_norm.weight": (width,),
            f"{prefix}.input_norm.bias": (width,),
        }

    def vit(bands, layers):
        shapes = {
            "linear_input.weight": (width, bands * patch * patch),
            "linear_input.bias": (width,),
            "transformer.norm_out.weight": (width,),
            "transformer.norm_out.bias": (width,),
        }
        for k in range(layers):
            shapes |= attention(f"transformer.layers.{k}.0", False)
            shapes |= network(f"transformer.layers.{k}.1")
        return shapes

    head = {
        "0.weight": (width,),
        "0.bias": (width,),
        "1.weight": (4 * width, width),
        "1.bias": (4 * width,),
        "3.weight": (width, 4 * width),
        "3.bias": (width,),
    }
    joint = {"norm_out.weight": (width,), "norm_out.bias": (width,)}
    for k in range(depth // 2):
        joint |= attention(f"layers.{k}.0", False)
        joint |= attention(f"layers.{k}.1", True)
        joint |= network(f"layers.{k}.2")
    groups = {
        "s1_encoder": vit(radar, depth // 2),
        "s1_GAP_FFN": head,
        "s2_encoder": vit(optical, depth),
        "s2_GAP_FFN": head,
        "joint_encoder": joint,
    }
    generator = torch.Generator().manual_seed(0)
    return {
        group: {key: torch.randn(shape, generator=generator) * 0.05 for key, shape in keys.items()}
        for group, keys in groups.items()
    }


def full_bands(**settings):
    sensors = {"S1": KNOWN["sentinel1"], "S2": KNOWN["sentinel2_l2a"]}
    return CROMA(CROMASettings(sensors=sensors, **settings))


def test_the_official_layout_loads_with_nothing_missing_and_nothing_left_over(tmp_path):
    state = official_state(width=32, depth=4)
    torch.save(state, tmp_path / "CROMA_tiny.pt")
    encoder = full_bands(width=32, depth=4, heads=4)
    report = load_official(encoder, tmp_path / "CROMA_tiny.pt")
    assert report.missing == report.left_over == ()
    assert report.loaded == sum(len(group) for group in state.values())
    back = to_official(encoder)
    assert {group: set(keys) for group, keys in back.items()} == {
        group: set(keys) for group, keys in state.items()
    }
    for group, keys in state.items():
        for key, value in keys.items():
            torch.testing.assert_close(back[group][key], value, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("size", "counts"),
    [
        ({}, (42_614_016, 85_618_944, 56_684_544)),
        ({"width": 1024, "depth": 24}, (151_251_968, 303_025_152, 201_488_384)),
    ],
)
def test_base_and_large_have_the_official_shapes(size, counts):
    """On the meta device: shapes only."""
    with torch.device("meta"):
        encoder = full_bands(**size)
    parts = (encoder.radar, encoder.optical, encoder.joint)
    assert tuple(sum(p.numel() for p in part.parameters()) for part in parts) == counts
    groups = {}
    for _, names in official_names(encoder):
        for name in names:
            groups.setdefault(name.split(".")[0], []).append(name)
    if not size:
        sizes = {group: len(names) for group, names in groups.items()}
        assert sizes["s1_encoder"] == 70
        assert sizes["s2_encoder"] == 136
        assert sizes["joint_encoder"] == 110


def test_what_does_not_fit_is_named(tmp_path):
    encoder = full_bands(width=32, depth=4, heads=4)
    state = official_state(width=32, depth=4)
    flat = {f"{g}.{k}": v for g, keys in state.items() for k, v in keys.items()}
    del flat["s1_GAP_FFN.1.bias"]
    flat["s1_encoder.cls_token"] = torch.zeros(1)
    report = load_official_state(encoder, flat, "x.pt")
    assert report.missing == ("s1_GAP_FFN.1.bias",)
    assert report.left_over == ("s1_encoder.cls_token",)
    with pytest.raises(DataError, match=r"width 32"):
        load_official_state(encoder, {k: torch.zeros(7, 7) for k in flat}, "x.pt")
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(DataError, match=r"text.pt"):
        load_official(encoder, tmp_path / "text.pt")


def test_attention_equals_the_sheet(encoder):
    """One joint block on two tokens, by hand in float64."""
    block = croma(depth=2, heads=2, width=4).joint.layers[0].double()
    x, context = torch.randn(1, 2, 4).double(), torch.randn(1, 3, 4).double()
    own, across = torch.randn(1, 2, 2, 2).double(), torch.randn(1, 2, 2, 3).double()
    got = block(x, context, own, across, torch.ones(1, 1, 1, dtype=torch.bool))

    def norm(values, layer):
        centred = values - values.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return scaled * layer.weight + layer.bias

    def attend(query, key, value, bias, out):
        heads = []
        for h in range(2):
            q, k, v = (y[0][:, 2 * h : 2 * h + 2] for y in (query, key, value))
            heads.append((q @ k.T / 2**0.5 + bias[0, h]).softmax(-1) @ v)
        return (torch.cat(heads, -1) @ out.weight.T + out.bias)[None]

    n = norm(x, block.attention_norm)
    q, k, v = (n @ block.attention.qkv.weight.T).chunk(3, dim=-1)
    y = x + attend(q, k, v, own, block.attention.out)
    cross = block.cross_attention
    k, v = (norm(context, block.cross_norm) @ cross.key_value.weight.T).chunk(2, dim=-1)
    y = y + attend(norm(y, block.cross_norm) @ cross.query.weight.T, k, v, across, cross.out)
    hidden = norm(y, block.mlp_norm) @ block.mlp[0].weight.T + block.mlp[0].bias
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
    expected = y + hidden @ block.mlp[2].weight.T + block.mlp[2].bias
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)
