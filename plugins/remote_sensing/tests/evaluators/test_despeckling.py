import numpy as np
import pytest

from unlabeled_remote_sensing.evaluators.despeckling import (
    bias,
    edge_contrast,
    equivalent_looks,
    find_edges,
    homogeneous_zones,
    psnr,
    ratio_image,
)
from unlabeled_remote_sensing.filters import boxcar
from unlabeled_remote_sensing.synthetic import speckled


def intensity(reflectivity, seed=0):
    return np.abs(speckled(reflectivity, np.random.default_rng(seed)).astype("complex128")) ** 2


STEP = np.where(np.arange(120) < 60, 5.0, 80.0)[None].repeat(120, axis=0)


def test_single_look_intensity_has_one_look():
    assert equivalent_looks(intensity(np.full((400, 400), 7.0))) == pytest.approx(1, rel=0.03)


def test_psnr_and_bias():
    truth = np.array([[4.0, 9.0], [16.0, 1.0]])
    restored = np.array([[1.0, 9.0], [16.0, 4.0]])
    error = ((2 - 1) ** 2 + (1 - 2) ** 2) / 4
    assert psnr(truth, restored) == pytest.approx(10 * np.log10(16 / error))
    assert bias(truth, 1.1 * truth) == pytest.approx(0.1)


def test_a_perfect_filter_removes_white_speckle_and_nothing_else():
    ratio = ratio_image(intensity(STEP), STEP)
    assert ratio.mean == pytest.approx(1, abs=0.02)
    assert ratio.looks == pytest.approx(1, rel=0.1)
    assert abs(ratio.lag1[0]) < 0.03
    assert abs(ratio.lag1[1]) < 0.03


def test_a_blurring_filter_leaves_structure_in_the_ratio():
    blurred = ratio_image(STEP, boxcar(STEP, 15))
    assert blurred.lag1[0] > 0.9


def test_pixels_without_data_do_not_count_in_the_ratio():
    noisy = intensity(STEP)
    half, holed = ratio_image(noisy[:60], STEP[:60]), STEP.copy()
    holed[60:] = np.nan
    found = ratio_image(noisy, holed)
    assert found.mean == pytest.approx(half.mean)
    assert found.looks == pytest.approx(half.looks)
    assert found.lag1 == pytest.approx(half.lag1)


def test_zones_are_the_flat_ones():
    values = np.full((90, 90), 5.0)
    values[30:60, 30:60] = 5 + 50 * (np.arange(30) > 15)
    found = homogeneous_zones(intensity(values), 30, 8)
    assert (30, 30) not in found
    assert len(set(found)) == 8


def test_edges_are_found_with_their_side():
    edges = find_edges(intensity(STEP), share=0.01)
    assert (np.abs(edges.places[:, 1] - 60) <= 4).all()
    assert (edges.steps == [0, 1]).all()


def test_blurring_lowers_edge_contrast_and_speckle_does_not():
    edges = find_edges(intensity(STEP, seed=1), share=0.01)
    whole = edge_contrast(intensity(STEP, seed=2), edges, reach=5)
    assert whole == pytest.approx(np.log(16), abs=0.4)
    curve = [edge_contrast(boxcar(intensity(STEP, seed=2), size), edges) for size in (3, 7, 15)]
    assert curve[0] > curve[1] > curve[2]
