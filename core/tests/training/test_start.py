"""What a run says before its first step."""

import toy_runs

from unlabeled.training.pretrain import pretrain


def test_the_first_line_comes_before_the_data_are_listed(vectors, tmp_path, capsys, monkeypatch):
    data = toy_runs.write_data(tmp_path / "data")
    recipe = toy_runs.recipe()
    kind = type(recipe.reader.settings)
    listed, seen = kind.index, []

    def index(reader, path):
        seen.append(capsys.readouterr().err)
        return listed(reader, path)

    monkeypatch.setattr(kind, "index", index)
    pretrain(recipe, data, tmp_path / "run")
    assert seen[0].startswith(f"toy on {data}, to {tmp_path / 'run'}; ")
    assert seen[0].endswith("Listing the items …\n")
    told = capsys.readouterr().err
    assert "12 steps of 7 items, 3 epochs" in told
    assert "of 30 draws an epoch leaves out 2, which fill no batch of 7" in told
    assert "parameters in the encoder" in told
    assert "30" in told


def test_a_quiet_run_says_nothing(vectors, tmp_path, capsys):
    data = toy_runs.write_data(tmp_path / "data")
    pretrain(toy_runs.recipe(steps=1), data, tmp_path / "run", quiet=True)
    assert capsys.readouterr().err == ""


def test_labels_are_counted_and_rows_that_are_left_out_are_named(vectors, tmp_path, capsys):
    data = toy_runs.write_data(tmp_path / "data")
    table = tmp_path / "few.csv"
    table.write_text("item,kind\n0000.json,a\n0001.json,b\n0002.json,a\nelsewhere.json,b\n")
    sections = {
        **toy_runs.MEMORY,
        "pretext": {"name": "vectors/classify"},
        "labels": {"table": str(table), "target": "kind"},
    }
    pretrain(toy_runs.recipe(sections, steps=1), data, tmp_path / "run")
    told = capsys.readouterr().err
    assert "labels: 3 of 30 items have one of 2 classes of kind" in told
    assert "  1 of 4 labels are about items that are not in the data" in told
    assert "(few.csv, row 5)" in told


def test_one_step_of_one_item_is_no_plural(vectors, tmp_path, capsys):
    data = toy_runs.write_data(tmp_path / "data")
    pretrain(toy_runs.recipe(batch_size=30, steps=1), data, tmp_path / "run")
    assert "; 1 step of 30 items, 1 epoch\n" in capsys.readouterr().err


def test_nothing_is_said_of_batches_that_take_every_draw(vectors, tmp_path, capsys):
    data = toy_runs.write_data(tmp_path / "data")
    pretrain(toy_runs.recipe(batch_size=10, steps=3), data, tmp_path / "even")
    pretrain(toy_runs.recipe(batch_size=99, steps=3), data, tmp_path / "one")
    assert "leaves out" not in capsys.readouterr().err
