import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.encoders.patches import patchify
from unlabeled.encoders.pooling import mean_of_valid
from unlabeled.encoders.token_transformer import TokenDecoder, TokenTransformer
from unlabeled.errors import ShapeError

PATCHES = {1: (4,), 2: (3, 2), 3: (2, 2, 3)}
POSITIONS = ("sine", "learned", "alibi")


def transformer(rank: int, positions: str = "sine", prefix: int = 0, **options) -> TokenTransformer:
    torch.manual_seed(0)
    grid = (3, 2, 2)[:rank]
    module = TokenTransformer(
        channels=2,
        patch=PATCHES[rank],
        width=24,
        depth=2,
        heads=3,
        positions=positions,
        grid=grid,
        prefix=prefix,
        **options,
    )
    return module.double().eval()


def signal(rank: int, size: int = 7, n: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(rank)
    sizes = [size + axis for axis in range(rank)]
    return torch.randn(n, 2, *sizes, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("prefix", [0, 2])
@settings(max_examples=8, deadline=None)
@given(rank=st.integers(1, 3), size=st.integers(2, 13), extra=st.integers(0, 9))
def test_padding_changes_no_embedding(positions, prefix, rank, size, extra):
    module = transformer(rank, positions, prefix)
    x = signal(rank, size)
    sizes = x.shape[2:]
    padded = torch.full((len(x), 2, *(s + extra for s in sizes)), math.nan, dtype=x.dtype)
    valid = torch.zeros(len(x), *padded.shape[2:], dtype=torch.bool)
    corner = tuple(map(slice, sizes))
    padded[(..., *corner)], valid[(..., *corner)] = x, True
    alone, within = module(x), module(padded, valid)
    torch.testing.assert_close(within.prefix, alone.prefix)
    kept = within.tokens.valid
    torch.testing.assert_close(
        within.tokens.values[kept], alone.tokens.values.flatten(0, 1), rtol=1e-9, atol=1e-9
    )
    torch.testing.assert_close(within.tokens.position[kept], alone.tokens.position.flatten(0, 1))


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("prefix", [0, 1])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_visible_only_is_the_full_computation_with_the_others_absent(positions, prefix, rank):
    module = transformer(rank, positions, prefix)
    x = signal(rank, 12)
    patch = PATCHES[rank]
    sizes = [s // p * p for s, p in zip(x.shape[2:], patch, strict=True)]
    x = x[(..., *map(slice, sizes))]
    grid = [s // p for s, p in zip(sizes, patch, strict=True)]
    length = math.prod(grid)
    generator = torch.Generator().manual_seed(1)
    orders = [torch.randperm(length, generator=generator)[: length // 2] for _ in x]
    visible = torch.stack(orders).sort(dim=1).values
    shown = torch.zeros(len(x), length, dtype=torch.bool).scatter(1, visible, True)
    # The last token stays, so that the extent of the sample, hence its positions, are the same.
    shown[:, -1] = True
    visible = torch.cat([visible[:, :-1], torch.full((len(x), 1), length - 1)], dim=1)
    shown = torch.zeros_like(shown).scatter(1, visible, True)
    valid = shown.reshape(len(x), *grid)
    for axis, repeat in enumerate(patch, start=1):
        valid = valid.repeat_interleave(repeat, dim=axis)
    part = module(x, visible=visible)
    whole = module(x, valid)
    index = visible.unsqueeze(-1).expand(-1, -1, 24)
    torch.testing.assert_close(
        part.tokens.values, whole.tokens.values.gather(1, index), rtol=1e-9, atol=1e-9
    )
    torch.testing.assert_close(part.prefix, whole.prefix, rtol=1e-9, atol=1e-9)


def test_padded_places_change_no_visible_token():
    module = transformer(2, "learned", 1)
    x = signal(2)
    visible = torch.tensor([[0, 2, 5], [1, 3, 4]])
    padded = torch.tensor([[0, 2, 5, -1], [1, 3, 4, -1]])
    few, more = module(x, visible=visible), module(x, visible=padded)
    torch.testing.assert_close(more.tokens.values[:, :3], few.tokens.values)
    assert more.tokens.valid.tolist() == [[True, True, True, False]] * 2


def test_order_of_samples_and_of_visible_tokens_does_not_matter():
    module = transformer(2, "alibi")
    x = signal(2, n=3)
    visible = torch.tensor([[0, 2, 5], [1, 3, 4], [0, 1, 2]])
    one = module(x, visible=visible).tokens.values
    other = module(x[[2, 0, 1]], visible=visible[[2, 0, 1]].flip(1)).tokens.values
    torch.testing.assert_close(other.flip(1), one[[2, 0, 1]])


def test_hidden_tokens_are_replaced_and_keep_their_place():
    module = transformer(2)
    x, token = signal(2, 6), torch.zeros(24, dtype=torch.float64)
    length = module(x).tokens.values.shape[1]
    hidden = torch.zeros(2, length, dtype=torch.bool)
    hidden[:, 1] = True
    other = x.clone()
    other[:, :, :3, 2:4] += 1  # patch 1 of the first row
    one = module(x, hidden=hidden, mask_token=token).tokens.values
    two = module(other, hidden=hidden, mask_token=token).tokens.values
    torch.testing.assert_close(one, two)
    assert not torch.allclose(module(x).tokens.values, module(other).tokens.values)
    assert not torch.allclose(one[:, 1], one[:, 0])


def test_a_sample_without_data_is_finite_and_pools_to_zero():
    module = transformer(2)
    x = torch.full((2, 2, 6, 6), math.nan, dtype=torch.float64)
    x[0] = 1
    valid = torch.tensor([True, False]).view(2, 1, 1)
    encoded = module(x, valid)
    assert encoded.tokens.values.isfinite().all()
    assert (mean_of_valid(encoded.tokens)[1] == 0).all()


def test_gradient_checkpointing_changes_nothing():
    module = transformer(1)
    x = signal(1)

    def gradients():
        module.zero_grad()
        module(x).tokens.values.square().sum().backward()
        return [p.grad.clone() for p in module.parameters()]

    plain = gradients()
    module.blocks.gradient_checkpointing = True
    assert all(torch.equal(a, b) for a, b in zip(plain, gradients(), strict=True))


@pytest.mark.parametrize("positions", POSITIONS)
def test_every_parameter_gets_a_gradient_from_visible_tokens(positions):
    module = transformer(2, positions, prefix=1).train()
    encoded = module(signal(2, 6), visible=torch.tensor([[0, 1, 3]] * 2))
    encoded.tokens.values.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


def test_two_runs_give_the_same_bits():
    module = transformer(3, "learned")
    x = signal(3, 9)

    def gradient():
        module.zero_grad()
        module(x).tokens.values.square().sum().backward()
        return torch.cat([p.grad.flatten() for p in module.parameters()])

    assert torch.equal(gradient(), gradient())


def test_runs_under_bf16_autocast_on_every_kind_of_position():
    for positions in POSITIONS:
        module = transformer(2, positions, 1).float()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            values = module(signal(2).float(), torch.ones(1, 7, 8, dtype=torch.bool)).tokens.values
        exact = module(signal(2).float()).tokens.values
        torch.testing.assert_close(values.float(), exact, rtol=0.1, atol=0.1)


def test_wrong_rank_is_refused_by_shape():
    with pytest.raises(ShapeError, match=r"need \(N, C, \*sizes\) with 2 sizes; found \(2, 2, 7\)"):
        transformer(2)(signal(1))


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ShapeError, match="width 24, heads 5"):
        TokenTransformer(channels=1, patch=(2,), width=24, depth=1, heads=5)


def test_decoder_predicts_hidden_tokens_whatever_the_padding():
    torch.manual_seed(0)
    decoder = TokenDecoder(24, 12, width=16, depth=1, heads=2).double()
    tokens = torch.randn(2, 3, 24, dtype=torch.float64)
    visible, hidden = torch.tensor([[0, 2, 5], [1, 3, 4]]), torch.tensor([[1, 3], [0, 5]])
    one = decoder(tokens, visible, hidden, (2, 3))
    assert one.shape == (2, 2, 12)
    pad = torch.full((2, 1), -1)
    two = decoder(
        torch.cat([tokens, torch.randn(2, 1, 24, dtype=torch.float64)], 1),
        torch.cat([visible, pad], 1),
        torch.cat([hidden, pad], 1),
        (2, 3),
    )
    torch.testing.assert_close(two[:, :2], one)
    # What is predicted for a place does not depend on the order of the others.
    three = decoder(tokens.flip(1), visible.flip(1), hidden.flip(1), (2, 3))
    torch.testing.assert_close(three.flip(1), one)


def test_first_token_is_the_linear_map_of_the_first_patch():
    module = transformer(2)
    module.blocks = torch.nn.Module()
    module.blocks.forward = lambda x, valid, bias: x
    x = signal(2, 6)
    values = module(x).tokens.values[:, 0]
    patch = patchify(x[..., :3, :2], (3, 2))[:, 0]
    # At the first place the sine code is zeros, then ones, for each axis.
    code = torch.tensor(([0.0] * 6 + [1.0] * 6) * 2, dtype=torch.float64)
    torch.testing.assert_close(values, module.embedding(patch) + code)


def test_exports_with_a_batch_of_any_size():
    module = transformer(2, "learned", prefix=1).float()
    batch = torch.export.Dim("batch", min=1, max=64)
    x, valid = signal(2).float(), torch.ones(2, 7, 8, dtype=torch.bool)
    shapes = {"x": {0: batch}, "valid": {0: batch}}
    pooled = _Pooled(module).eval()
    exported = torch.export.export(pooled, (x, valid), dynamic_shapes=shapes).module()
    more = signal(2, n=5).float(), torch.ones(5, 7, 8, dtype=torch.bool)
    torch.testing.assert_close(exported(*more), pooled(*more))


class _Pooled(torch.nn.Module):
    def __init__(self, transformer):
        super().__init__()
        self.transformer = transformer

    def forward(self, x, valid):
        return mean_of_valid(self.transformer(x, valid).tokens)
