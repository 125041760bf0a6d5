import math

import torch

from unlabeled.encoders.attention import Attention, Blocks, CrossAttention, attention_mask


def plain_attention(query, key, value, heads, bias):
    """softmax(q kᵀ / √d + bias) v, head by head."""
    mixed = []
    for h, (q, k, v) in enumerate(
        zip(query.chunk(heads, -1), key.chunk(heads, -1), value.chunk(heads, -1), strict=True)
    ):
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]) + bias[:, h]
        mixed.append(scores.softmax(-1) @ v)
    return torch.cat(mixed, -1)


def test_self_attention_is_the_formula():
    torch.manual_seed(0)
    attention = Attention(12, 3).double()
    x = torch.randn(2, 5, 12, dtype=torch.float64)
    bias = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    valid = torch.tensor([[True] * 5, [True, False, True, True, False]])
    gone = torch.where(valid[:, None, None], 0.0, -math.inf)
    expected = plain_attention(*attention.qkv(x).chunk(3, -1), 3, bias + gone)
    found = attention(x, attention_mask(valid, bias))
    torch.testing.assert_close(found, attention.out(expected), rtol=1e-10, atol=1e-10)


def test_cross_attention_is_the_formula():
    torch.manual_seed(0)
    attention = CrossAttention(12, 3, qkv_bias=False).double()
    x = torch.randn(2, 5, 12, dtype=torch.float64)
    context = torch.randn(2, 7, 12, dtype=torch.float64)
    bias = torch.randn(1, 3, 5, 7, dtype=torch.float64)
    key, value = attention.key_value(context).chunk(2, -1)
    expected = plain_attention(attention.query(x), key, value, 3, bias.expand(2, -1, -1, -1))
    found = attention(x, context, attention_mask(None, bias))
    torch.testing.assert_close(found, attention.out(expected), rtol=1e-10, atol=1e-10)


def test_no_valid_key_gives_finite_values_and_gradients():
    blocks = Blocks(8, 2, 2)
    x = torch.randn(2, 3, 8, requires_grad=True)
    valid = torch.tensor([[True, True, False], [False] * 3])
    out = blocks(x, valid)
    out[0, :2].sum().backward()
    assert out.isfinite().all()
    assert x.grad.isfinite().all()
    assert (x.grad[0, 2] == 0).all()
    assert (x.grad[1] == 0).all()
