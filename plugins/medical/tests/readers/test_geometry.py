import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlabeled_medical.readers.geometry import Grid

SIGNS = st.lists(st.sampled_from([-1, 1]), min_size=3, max_size=3)


def affine_of(order, signs, spacing=(1.0, 2.0, 3.0), origin=(5.0, -7.0, 11.0)):
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, list(order)] * np.asarray(signs) * np.asarray(spacing)
    affine[:3, 3] = origin
    return affine


def whole(grid):
    return tuple(slice(0, length) for length in grid.shape)


def loader(values):
    return lambda box: values[(*box, slice(None))]


@given(st.permutations(range(3)), SIGNS)
def test_turned_voxels_keep_value_and_place(order, signs):
    values = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5, 1)
    affine = affine_of(order, signs)
    grid = Grid.of((3, 4, 5), affine).towards_ras()
    turned = grid.read(whole(grid), loader(values))
    places = {tuple(affine @ [*index, 1]): values[index][0] for index in np.ndindex(3, 4, 5)}
    for index in np.ndindex(*grid.shape):
        assert turned[(0, *index)] == places[tuple(grid.affine @ [*index, 1])]
    assert (np.diag(grid.affine)[:3] > 0).all()


def test_an_oblique_volume_is_turned_but_not_resampled():
    angle = np.radians(20)
    affine = np.eye(4)
    affine[:2, :2] = [[-np.cos(angle), np.sin(angle)], [-np.sin(angle), -np.cos(angle)]]
    grid = Grid.of((4, 5, 6), affine).towards_ras()
    assert grid.flipped == (True, True, False)
    np.testing.assert_array_equal(grid.affine @ [3, 4, 0, 1], affine @ [0, 0, 0, 1])


@given(
    st.floats(0.4, 3.7),
    st.integers(0, 2),
    st.permutations(range(3)),
    SIGNS,
    st.integers(0, 2**31),
)
def test_a_window_equals_that_window_of_the_whole(step, axis, order, signs, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(7, 9, 8, 2)).astype(np.float32)
    grid = Grid.of((7, 9, 8), affine_of(order, signs, (1, 1, 1))).towards_ras()
    grid = grid.spaced([step if a == axis else None for a in range(3)])
    read = grid.read(whole(grid), loader(values))
    start = [int(rng.integers(length)) for length in grid.shape]
    stop = [
        int(rng.integers(a + 1, length + 1)) for a, length in zip(start, grid.shape, strict=True)
    ]
    window = tuple(map(slice, start, stop))
    np.testing.assert_allclose(
        grid.read(window, loader(values)), read[(slice(None), *window)], atol=1e-6
    )


def test_resampling_keeps_a_linear_field_and_its_place():
    """A field that is linear in the world is linear after any spacing, away from the borders."""
    affine = affine_of((0, 1, 2), (1, 1, 1), (1.0, 1.5, 2.0))
    index = np.stack(np.meshgrid(*map(np.arange, (20, 20, 20)), indexing="ij"), -1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    field = (world @ [1.0, -2.0, 0.5]).astype(np.float32)[..., None]
    grid = Grid.of((20, 20, 20), affine).spaced((2.5, 1.0, 2.0))
    read = grid.read(whole(grid), loader(field))[0]
    inner = np.stack(np.meshgrid(*[np.arange(3, n - 3) for n in grid.shape], indexing="ij"), -1)
    expected = (inner @ grid.affine[:3, :3].T + grid.affine[:3, 3]) @ [1.0, -2.0, 0.5]
    np.testing.assert_allclose(read[3:-3, 3:-3, 3:-3], expected, atol=1e-4)


def test_larger_voxels_do_not_alias():
    stripes = np.tile([1.0, -1.0], 20).astype(np.float32).reshape(40, 1, 1, 1)
    grid = Grid.of((40, 1, 1), np.eye(4)).spaced((4.0, None, None))
    assert np.abs(grid.read(whole(grid), loader(stripes))[0, 1:-1]).max() < 1e-6


@pytest.mark.parametrize("spacing", [(2.0, 3.0, 4.0), (2.0 + 1e-6, 3.0, 4.0 - 1e-6)])
def test_the_spacing_it_has_changes_nothing(spacing):
    affine = affine_of((0, 1, 2), (1, 1, 1), (2.0, 3.0, 4.0))
    grid = Grid.of((4, 5, 6), affine).spaced(spacing)
    assert grid.shape == (4, 5, 6)
    np.testing.assert_array_equal(grid.affine, affine)
