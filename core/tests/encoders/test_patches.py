import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.encoders.patches import (
    PatchEmbedding,
    grid_of,
    patchify,
    take_tokens,
    unpatchify,
    valid_patches,
)
from unlabeled.errors import ShapeError

axes = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=3)


@settings(max_examples=40, deadline=None)
@given(axes, st.integers(1, 3))
def test_patches_are_cut_out_row_by_row(pairs, channels):
    grid, patch = zip(*pairs, strict=True)
    x = torch.randn(2, channels, *(g * p for g, p in pairs))
    places = itertools.product(*map(range, grid))
    corners = [[slice(i * p, (i + 1) * p) for i, p in zip(at, patch, strict=True)] for at in places]
    expected = [x[(slice(None), slice(None), *corner)].flatten(1) for corner in corners]
    assert torch.equal(patchify(x, patch), torch.stack(expected, dim=1))


@pytest.mark.parametrize(("rank", "patch"), [(1, (4,)), (2, (2, 3)), (3, (2, 1, 2))])
def test_embedding_is_the_convolution_with_kernel_equal_to_stride(rank, patch):
    x = torch.randn(2, 3, *(p * 2 for p in patch), dtype=torch.float64)
    embedding = PatchEmbedding(3, patch, 5).double()
    weight = embedding.projection.weight.view(5, 3, *patch)
    convolve = getattr(torch.nn.functional, f"conv{rank}d")
    expected = convolve(x, weight, embedding.projection.bias, stride=patch)
    torch.testing.assert_close(embedding(patchify(x, patch)), expected.flatten(2).transpose(1, 2))


def test_values_without_data_are_zero_and_known_as_such():
    x = torch.arange(10.0).view(1, 2, 5)
    x[:, :, 3] = math.nan
    valid = torch.tensor([[True, True, True, False, True]])
    patches, known = valid_patches(x, valid, (3,))
    assert patches.tolist() == [[[0, 1, 2, 5, 6, 7], [0, 4, 0, 0, 9, 0]]]
    assert known.tolist() == [[[True] * 6, [False, True, False] * 2]]


def test_a_patch_that_is_not_full_counts_as_one():
    assert grid_of((5, 6, 1), (3, 3, 3)) == (2, 2, 1)
    patches, known = valid_patches(torch.ones(1, 1, 5), None, (3,))
    assert patches.tolist() == [[[1, 1, 1], [1, 1, 0]]]
    assert known.tolist() == [[[True, True, True], [True, True, False]]]
    assert valid_patches(torch.ones(1, 1, 6), None, (3,))[1] is None


def test_take_tokens_takes_rows_of_each_sample():
    x = torch.arange(12).view(2, 3, 2)
    index = torch.tensor([[2, 0], [1, -1]])
    assert take_tokens(x, index).tolist() == [[[4, 5], [0, 1]], [[8, 9], [6, 7]]]
    assert take_tokens(x[:1], index).tolist() == [[[4, 5], [0, 1]], [[2, 3], [0, 1]]]
    assert take_tokens(x[..., 0], index).tolist() == [[4, 0], [8, 6]]


def test_sizes_that_are_not_whole_patches_are_refused():
    with pytest.raises(ShapeError, match=r"multiples of it; found \(1, 1, 5\)"):
        patchify(torch.ones(1, 1, 5), (3,))


@settings(max_examples=40, deadline=None)
@given(axes, st.integers(1, 3), st.data())
def test_patches_are_put_together_again(pairs, channels, data):
    _, patch = zip(*pairs, strict=True)
    size = [data.draw(st.integers(1, g * p)) for g, p in pairs]
    x = torch.randn(2, channels, *size)
    patches, _ = valid_patches(x, None, patch)
    assert torch.equal(unpatchify(patches, size, patch), x)
