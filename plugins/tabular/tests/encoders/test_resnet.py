import torch

from unlabeled_tabular.encoders.resnet import ResNet, ResNetSettings


def test_it_is_the_published_network_with_flags_of_empty_cells(rows):
    encoder = ResNet(
        ResNetSettings(
            numbers=("age", "fare", "empty"),
            categories={"soil": ("clay", "sand"), "slope": ("flat", "hill", "steep")},
            width=16,
            depth=2,
            category_width=3,
        )
    ).eval()
    batch = encoder.collate(rows[:8])
    known = encoder.known(batch).float()
    parts = [encoder.scores(batch)]
    for place, table in enumerate(encoder.tables):
        parts.append(table.weight[batch.codes[:, place].clamp(min=0)] * known[:, 3 + place, None])
    state = encoder.first(torch.cat([*parts, 1 - known], 1))
    for block in encoder.blocks:
        norm, wide, _, _, narrow, _ = block
        state = state + narrow(torch.relu(wide(norm(state))))
    norm, _, last = encoder.last
    torch.testing.assert_close(encoder(batch), last(torch.relu(norm(state))))


def test_a_missing_category_is_not_the_first_one(rows):
    encoder = ResNet(
        ResNetSettings(
            numbers=("age", "fare", "empty"),
            categories={"soil": ("clay", "sand"), "slope": ("flat", "hill", "steep")},
            width=8,
            depth=1,
        )
    ).eval()
    rows[0].texts[:] = ["clay", "flat"]
    first = encoder(encoder.collate(rows[:1]))
    rows[0].texts[:] = ["clay", ""]
    assert (encoder(encoder.collate(rows[:1])) - first).abs().max() > 1e-4
