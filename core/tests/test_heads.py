import torch
from torch import nn

from unlabeled.heads import mlp


def kinds(head: nn.Sequential) -> list[str]:
    return [type(layer).__name__ for layer in head]


def biases(head: nn.Sequential) -> list[bool]:
    return [layer.bias is not None for layer in head if isinstance(layer, nn.Linear)]


def test_layers_and_biases():
    head = mlp((3, 5, 5, 2))
    norm = ["Linear", "BatchNorm1d", "ReLU"]
    assert kinds(head) == [*norm, *norm, "Linear"]
    assert biases(head) == [False, False, True]
    assert head(torch.randn(4, 3)).shape == (4, 2)


def test_the_projector_of_barlow_twins_has_no_bias_at_all():
    assert biases(mlp((3, 5, 5, 5), last_bias=False)) == [False, False, False]


def test_a_last_norm_has_no_scale_of_its_own():
    head = mlp((3, 5, 2), last_norm=True)
    assert kinds(head)[-1] == "BatchNorm1d"
    assert not head[-1].affine
    assert biases(head) == [False, False]


def test_without_norm_and_with_layer_norm():
    assert kinds(mlp((3, 5, 2), norm="none", activation=nn.GELU)) == ["Linear", "GELU", "Linear"]
    head = mlp((3, 5, 2), norm="layer")
    assert kinds(head)[1] == "LayerNorm"
    assert head(torch.randn(2, 7, 3)).shape == (2, 7, 2)


def test_one_width_is_the_identity():
    x = torch.randn(4, 3)
    assert mlp((3,))(x) is x
