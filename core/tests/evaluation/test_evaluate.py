import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from unlabeled.errors import DataError, PluginError, RunError, UsageError
from unlabeled.evaluation.evaluate import evaluate
from unlabeled.evaluation.result import ScoreTable
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.encoder import load_reader
from unlabeled.inference.embed import embed
from unlabeled.probes.logistic import Logistic

FEW = EvaluationSettings(random_encoders=2, baselines=("vectors/mean",))
ONE = EvaluationSettings(random_encoders=1)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def data(vectors, tables):
    from unlabeled_vectors.parts import write

    if not (tables / "labels.csv").exists():
        write(tables, count=120, seed=0)
    return tables


@pytest.fixture
def mixer(vectors):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    torch.manual_seed(0)
    return Mixer(MixerSettings(width=6))


def taught(mixer, data):
    """An encoder that knows the classes: what good pretraining would have to reach."""
    from unlabeled_vectors.parts import JsonReader

    reader = JsonReader()
    items = reader.index(data)
    rows = (data / "labels.csv").read_text().splitlines()[1:]
    target = torch.tensor([float(row.split(",")[2]) for row in rows])
    batch = mixer.collate([reader.read(item) for item in items])
    mixer.calibrate([batch])
    mixer.drop.p = 0.0
    head = nn.Linear(6, 1)
    optimiser = torch.optim.Adam([*mixer.parameters(), *head.parameters()], lr=0.05)
    for _ in range(200):
        loss = (head(mixer(batch))[:, 0] - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return mixer.eval()


def test_a_good_encoder_wins_and_the_run_keeps_the_numbers(mixer, data, save_mixer):
    run = save_mixer(taught(mixer, data))
    (run / "manifest.json").write_text("{}")
    found = evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)

    assert (found.about["task"], found.about["probe"]["name"], found.metric) == (
        "classification",
        "logistic",
        "accuracy",
    )
    assert "inferred" in found.about["probe_because"]
    assert (found.items, found.groups, found.about["splits"]) == (
        120,
        10,
        "5 folds by group, each left out in turn",
    )
    pretrained, random, mean = found.rows
    assert [row.kind for row in found.rows] == ["pretrained", "random", "baseline"]
    assert pretrained.score > 0.95
    assert mean.score < 0.65  # the class is a product: no linear function of the mean
    assert (pretrained.width, mean.width, random.sd is not None) == (6, 4, True)
    for row in found.rows:
        assert row.interval.low <= row.score <= row.interval.high
    for comparison, row in zip(found.comparisons, found.rows[1:], strict=True):
        assert comparison.against == row.name
        assert comparison.difference == pytest.approx(pretrained.score - row.score)
        assert comparison.outcome == "win"
        assert comparison.interval.low > 0
    assert found.outcome == "win"
    assert "better than 2 random encoders (mean)" in found.verdict()[0]

    written = json.loads((run / "evaluation" / "labels-logistic.json").read_text())
    assert written == json.loads(json.dumps(found.to_dict()))

    added = found.headline.added
    assert (added.against, added.outcome) == (mean.name, "win")
    assert found.headline.together > 0.95
    assert added.difference == pytest.approx(found.headline.together - mean.score)
    assert f"{mean.name} with the pretrained beside it reaches" in found.verdict()[-1]
    assert ScoreTable.from_dict(json.loads(json.dumps(asdict(found.headline)))) == found.headline


def test_the_best_baseline_is_joined_with_the_pretrained_column_by_column(mixer, data, save_mixer):
    seen, predict = {}, Logistic.predict

    def watched(probe, train, target, groups, test):
        seen[train.shape[1]] = train
        return predict(probe, train, target, groups, test)

    run = save_mixer(taught(mixer, data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Logistic, "predict", watched)
        evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)
    # 4 columns of the baseline, 6 of the encoders; those of the random ones came before.
    np.testing.assert_array_equal(seen[10][:, :4], seen[4])
    assert len(np.unique(seen[10][:, 4:], axis=0)) > 50


def test_the_same_call_gives_the_same_numbers(mixer, data, save_mixer):
    run, labels = save_mixer(mixer), data / "labels.csv"
    first, again = (
        evaluate(run, data, labels, target=["strength"], settings=FEW) for _ in range(2)
    )
    assert first == again


def test_items_that_changed_since_training_are_told(mixer, data, save_mixer, tmp_path):
    import shutil

    from unlabeled_vectors.parts import JsonReader

    from unlabeled.data.trained_on import keep_signatures
    from unlabeled.run_folder import RunFolder

    run, copy = save_mixer(mixer), shutil.copytree(data, tmp_path / "copy")
    (run / "manifest.json").touch()
    items = JsonReader().index(data)
    keep_signatures(RunFolder(run), items, items)
    content = json.loads((copy / "0003.json").read_text())
    (copy / "0003.json").write_text(json.dumps({**content, "values": content["values"][::-1]}))
    for where, told in ((copy, "1 of 120 items that the run was trained on"), (data, "")):
        found = evaluate(run, where, data / "labels.csv", target=["strength"], settings=ONE)
        assert [note for note in found.notes if "trained on" in note] == [
            f"{told} have other content than in training: 0003.json"
        ][: bool(told)]


def test_an_untrained_encoder_does_not_win(data, save_mixer, vectors):
    """The encoder is the random one of seed 0: nothing may tell them apart."""
    from unlabeled_vectors.parts import JsonReader

    from unlabeled.evaluation.random_encoders import random_encoder
    from unlabeled.inference.reading import Source
    from unlabeled.recipe import read_choice

    choice = read_choice("encoders", {"name": "vectors/mixer"}, "here")
    source = Source(JsonReader().index(data), JsonReader())
    encoder = random_encoder(choice, 0, source, range(120), output="pooled", batch_size=64)
    found = evaluate(
        save_mixer(encoder), data, data / "labels.csv", target=["strength"], settings=ONE
    )
    assert found.comparisons[0].difference == 0
    assert (found.outcome, found.rows[1].sd) == ("open", None)
    assert "not distinguishable from" in found.verdict()[0]


def test_the_score_is_that_of_the_probe_on_the_embedding(mixer, data, save_mixer, tmp_path):
    """By hand: embed, leave groups out, ridge, R² over all predictions."""
    import pyarrow.parquet as pq
    from sklearn.metrics import r2_score

    from unlabeled.probes.ridge import Ridge
    from unlabeled.probes.splits import leave_groups_out

    run = save_mixer(mixer)
    found = evaluate(run, data, data / "labels.csv", target=["strength"], settings=FEW)
    embed(run, data, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    values = np.array(table["vector"].to_pylist())
    groups = np.array(table["group"].to_pylist())
    lines = (data / "labels.csv").read_text().splitlines()[1:]
    strength = np.array([float(line.split(",")[2]) for line in lines])
    predicted = np.zeros(len(values))
    for split in leave_groups_out(groups, 5):
        predicted[split.test] = Ridge().predict(
            values[split.train], strength[split.train], groups[split.train], values[split.test]
        )
    assert (found.about["task"], found.metric) == ("regression", "r2")
    assert found.rows[0].score == pytest.approx(r2_score(strength, predicted), abs=1e-4)


def test_several_targets_are_averaged_and_gaps_are_left_out(mixer, data, save_mixer, tmp_path):
    lines = (data / "labels.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    labels = tmp_path / "two.csv"
    labels.write_text(
        "item,a,b\n"
        + "".join(
            f"{name},{value},{value if place % 2 else ''}\n"
            for place, (name, _, value) in enumerate(rows)
        )
    )
    found = evaluate(save_mixer(mixer), data, labels, target=["a", "b"], settings=ONE)
    scores = {table.at["target"]: table.rows[0].score for table in found.further}
    assert scores.keys() == {"a", "b"}
    assert found.rows[0].score == pytest.approx((scores["a"] + scores["b"]) / 2)


@pytest.mark.parametrize(
    ("column", "values", "described", "items"),
    [
        ("split", ["train"] * 60 + ["valid"] * 20 + ["test"] * 40, "60 items train, 40 test", 40),
        ("fold", ["1", "2", "3", "4"] * 30, "the 4 folds of the labels", 120),
    ],
)
def test_given_splits_are_followed(
    mixer, data, save_mixer, tmp_path, column, values, described, items
):
    lines = (data / "labels.csv").read_text().splitlines()[1:]
    labels = tmp_path / "given.csv"
    rows = [f"{line.rsplit(',', 1)[0]},{value}" for line, value in zip(lines, values, strict=True)]
    labels.write_text("\n".join([f"item,kind,{column}", *rows]))
    settings = EvaluationSettings(random_encoders=1, probe={"name": "knn", "k": 3})
    found = evaluate(save_mixer(mixer), data, labels, settings=settings, name="given")
    assert described in found.about["splits"]
    assert found.items == items
    assert found.about["probe"]["k"] == 3
    assert any("groups on both sides" in note for note in found.notes)


def test_an_unreadable_item_is_counted_not_fatal(mixer, data, save_mixer, tmp_path):
    import shutil

    copy = shutil.copytree(data, tmp_path / "copy")
    content = json.loads((copy / "0007.json").read_text())
    (copy / "0007.json").write_text(json.dumps({**content, "values": []}))
    with (copy / "labels.csv").open("a") as file:
        file.write("unknown.json,same,1.0\n")
    found = evaluate(
        save_mixer(mixer), copy, copy / "labels.csv", target=["strength"], settings=ONE
    )
    assert (found.items, found.skipped, found.unmatched_rows, found.unmatched_items) == (
        119,
        1,
        1,
        0,
    )


def test_nothing_readable_is_said(mixer, data, save_mixer, tmp_path):
    import shutil

    copy = shutil.copytree(data, tmp_path / "copy")
    for path in copy.glob("*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "values": []}))
    run, labels = save_mixer(mixer), copy / "labels.csv"
    with pytest.raises(DataError, match="13 of 120 items cannot be used"):
        evaluate(run, copy, labels, target=["strength"], settings=ONE)


def test_tokens_are_averaged_per_item(mixer, data, save_mixer):
    run = save_mixer(mixer)
    scores = [
        evaluate(
            run,
            data,
            data / "labels.csv",
            target=["strength"],
            settings=EvaluationSettings(random_encoders=1, output=output),
        )
        .rows[0]
        .score
        for output in ("pooled", "steps", "points")
    ]
    assert scores[1:] == pytest.approx(scores[:1] * 2, abs=1e-4)


def test_the_recipe_of_the_run_says_how(mixer, data, save_mixer):
    run = save_mixer(mixer)
    section = {"probe": {"name": "knn", "metric": "roc_auc"}, "random_encoders": 1, "folds": 3}
    (run / "manifest.json").write_text("{}")
    (run / "recipe.yaml").write_text(yaml.safe_dump({"evaluation": section}))
    found = evaluate(run, data, data / "labels.csv", target=["kind"])
    assert (found.metric, len(found.seeds)) == ("roc_auc", 1)
    assert found.about["splits"].startswith("3 folds")
    assert (run / "evaluation" / "labels-knn.json").exists()


def test_the_table_shows_every_row_with_its_difference(mixer, data, save_mixer):
    labels = data / "labels.csv"
    found = evaluate(save_mixer(mixer), data, labels, target=["strength"], settings=FEW)
    lines = found.headline.lines()
    assert [line["embedding"] for line in lines] == [row.name for row in found.rows]
    assert lines[0]["pretrained − this"] == ""
    assert lines[2]["pretrained − this"] == f"{found.comparisons[1].difference:+.3f}"
    assert "±" in lines[1]["r2"]


def test_seeds_of_pretraining_are_averaged_like_those_of_random_encoders(vectors, data, save_mixer):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    runs = []
    for seed in range(3):
        torch.manual_seed(seed)
        runs.append(save_mixer(Mixer(MixerSettings(width=6)), name=f"seed-{seed}", seed=seed))
    asked = {"labels": data / "labels.csv", "target": ["strength"], "settings": FEW}
    alone = [evaluate(run, data, **asked).rows[0].score for run in runs]

    found = evaluate(runs[0], data, average_with=runs[1:], **asked)

    row, random, _ = found.rows
    assert (row.name, row.kind) == ("3 pretrained (mean)", "pretrained")
    assert row.score == pytest.approx(np.mean(alone))
    assert row.sd == pytest.approx(np.std(alone, ddof=1))
    assert row.scores == pytest.approx(alone)
    assert ", ".join(f"{score:.3f}" for score in alone) in found.notes[-1]
    assert found.comparisons[0].difference == pytest.approx(row.score - random.score)
    assert found.verdict()[0].startswith("The pretrained encoders are on average ")

    assert len(list(runs[0].rglob("labels-ridge*.json"))) == 2  # alone, and of all three
    assert all(str(run) in found.notes[-1] for run in runs)
    with pytest.raises(UsageError, match="each run once"):
        evaluate(runs[0], data, average_with=[runs[1], runs[1]], **asked)
    other = save_mixer(Mixer(MixerSettings(width=5)), name="other")
    with pytest.raises(
        UsageError, match=r"other: expected a run of .*seed-0.*encoder.width is 5 there, 6 here"
    ):
        evaluate(runs[0], data, average_with=[other], **asked)


def test_what_cannot_be_done_is_said_before_the_long_part(mixer, data, save_mixer, monkeypatch):
    run, labels = save_mixer(mixer), data / "labels.csv"

    def fail(*args, **kwargs):
        raise AssertionError("embedded before the request was checked")

    monkeypatch.setattr("unlabeled.evaluation.candidates.embed_all", fail)
    with pytest.raises(UsageError, match="several targets, choose: kind, strength"):
        evaluate(run, data, labels)
    ridge = EvaluationSettings(probe={"name": "ridge"})
    with pytest.raises(DataError, match="'kind': expected numbers"):
        evaluate(run, data, labels, target=["kind"], settings=ridge)
    typo = EvaluationSettings(probe={"name": "rigde"})
    with pytest.raises(PluginError, match="Did you mean ridge"):
        evaluate(run, data, labels, target=["kind"], settings=typo)
    with pytest.raises(UsageError, match="name: expected letters"):
        evaluate(run, data, labels, target=["kind"], name="../out")
    with pytest.raises(DataError, match="no such table"):
        evaluate(run, data, data / "label.csv", target=["kind"])


def test_a_restoration_run_is_refused(mixer, data, save_mixer):
    with pytest.raises(RunError, match="unlabeled restore"):
        evaluate(save_mixer(mixer, kind="restoration"), data, data / "labels.csv")


def test_an_encoder_whose_outputs_are_not_finite_is_named(mixer, data, save_mixer):
    mixer.second.weight.data.fill_(3e38)  # finite weights, infinite outputs
    with pytest.raises(RunError, match="of 120 embeddings are not finite"):
        evaluate(save_mixer(mixer), data, data / "labels.csv", target=["kind"], settings=FEW)


def test_items_that_lack_what_the_output_is_made_of_are_left_out_and_counted(
    mixer, data, save_mixer, monkeypatch
):
    run = save_mixer(mixer)
    reader = load_reader(run)
    lengths = [len(reader.read(item)) for item in reader.index(data)]
    longest = float(np.median(lengths))
    absent = sum(length < longest for length in lengths)
    assert 10 < absent < 110, lengths
    monkeypatch.setattr(
        type(mixer), "present", lambda self, batch, output: batch.valid.sum(1) >= longest
    )
    found = evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)
    assert found.items == 120 - absent
    assert f"{absent} items lack what 'pooled' is made of, left out." in found.notes

    monkeypatch.setattr(type(mixer), "present", lambda self, batch, output: batch.valid.sum(1) < 0)
    with pytest.raises(DataError, match="none of 120 labelled items can be evaluated; 120 lack"):
        evaluate(run, data, data / "labels.csv", target=["kind"], settings=FEW)


def test_near_duplicates_across_groups_are_counted_and_dropped(mixer, data, save_mixer, tmp_path):
    import shutil

    copy = shutil.copytree(data, tmp_path / "copy")
    rows = (copy / "labels.csv").read_text().splitlines()
    groups = {row.split(",")[0]: number for number, row in enumerate(rows[1:])}
    for number, name in enumerate(("0003.json", "0017.json")):
        found = json.loads((copy / name).read_text())
        found["values"][0][0] += 1e-6
        found["group"] = f"other{number}"
        (copy / f"9{name}").write_text(json.dumps(found))
        rows.append(rows[1 + groups[name]].replace(name, f"9{name}", 1))
    (copy / "labels.csv").write_text("\n".join(rows) + "\n")
    run = save_mixer(mixer)
    whole = evaluate(run, copy, copy / "labels.csv", target=["strength"], settings=ONE)
    assert (whole.items, whole.near_duplicates) == (122, 2)
    [note] = [note for note in whole.notes if "nearly equal" in note]
    assert note.startswith("4 items nearly equal one of another group, such as 0003.json and")
    left = evaluate(
        run, copy, copy / "labels.csv", target=["strength"], settings=ONE, drop_duplicates=True
    )
    assert (left.items, left.near_duplicates) == (120, 0)
    assert "2 items left out that nearly equal one of another group." in left.notes
    clean = evaluate(run, data, data / "labels.csv", target=["strength"], settings=ONE)
    assert clean.near_duplicates == 0
