import json
import os
import shutil
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from unlabeled.errors import DataError, RunError, UnreadableItem, UsageError
from unlabeled.export.encoder import load_encoder, load_reader
from unlabeled.inference import embed as module
from unlabeled.inference.embed import embed
from unlabeled.inference.neighbours import neighbours
from unlabeled.inference.table import read_embeddings


@pytest.fixture
def data(vectors, tmp_path):
    from unlabeled_vectors.parts import write

    write(tmp_path / "data", count=23, seed=0)
    return tmp_path / "data"


@pytest.fixture
def run(save_mixer):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    torch.manual_seed(0)
    return save_mixer(Mixer(MixerSettings(width=6)), batch_size=4)


@pytest.fixture
def counted(monkeypatch):
    """The numbers of items that encoders were run over."""
    counts = []
    plain = module.encode

    def encode(encoder, samples, output):
        counts.append(len(samples))
        return plain(encoder, samples, output)

    monkeypatch.setattr(module, "encode", encode)
    return counts


def one_by_one(run, data, output):
    encoder, reader = load_encoder(run), load_reader(run)
    with torch.no_grad():
        for item in reader.index(data):
            yield item, encoder.encode(encoder.collate([reader.read(item)]), output)


@pytest.mark.parametrize("name", ["e.txt", "e.csv", "e"])
def test_a_table_of_another_format_is_not_promised(run, tmp_path, name):
    with pytest.raises(UsageError, match=r"expected a name in \.parquet"):
        embed(run, tmp_path, tmp_path / name)
    assert not (tmp_path / name).exists()


def break_file(path):
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "values": []}))


def test_rows_stand_in_the_order_of_the_index_and_hold_each_items_own_embedding(
    run, data, tmp_path
):
    done = embed(run, data, tmp_path / "out.parquet")

    table = pq.read_table(tmp_path / "out.parquet")
    expected = list(one_by_one(run, data, "pooled"))
    assert table["id"].to_pylist() == [item.id for item, _ in expected]
    assert table["group"].to_pylist() == [item.group for item, _ in expected]
    assert table["site"].to_pylist() == [item.metadata["site"] for item, _ in expected]
    assert str(table.schema.field("vector").type) == "fixed_size_list<element: float>[6]"
    found = np.array(table["vector"].to_pylist())
    np.testing.assert_allclose(found, torch.cat([e for _, e in expected]).numpy(), atol=1e-6)
    assert (done.rows, done.items, done.added, done.gone, done.width) == (23, 23, 23, 0, 6)


def test_tokens_become_rows_with_their_position(run, data, tmp_path):
    embed(run, data, tmp_path / "out.parquet", output="steps")
    table = pq.read_table(tmp_path / "out.parquet")
    expected = list(one_by_one(run, data, "steps"))
    assert table["id"].to_pylist() == [i.id for i, tokens in expected for _ in tokens.values[0]]
    assert str(table.schema.field("position").type) == "fixed_size_list<element: double>[1]"
    assert table["position"].to_pylist() == [
        [0.5 * step] for _, tokens in expected for step in range(tokens.values.shape[1])
    ]
    values = np.concatenate([tokens.values[0].numpy() for _, tokens in expected])
    np.testing.assert_allclose(np.array(table["vector"].to_pylist()), values, atol=1e-6)


def test_nodes_become_rows_with_their_id(run, data, tmp_path):
    embed(run, data, tmp_path / "out.parquet", output="points")
    table = pq.read_table(tmp_path / "out.parquet")
    expected = list(one_by_one(run, data, "points"))
    assert table["node"].to_pylist() == [n for _, nodes in expected for n in nodes.id.tolist()]
    values = np.concatenate([nodes.values.numpy() for _, nodes in expected])
    np.testing.assert_allclose(np.array(table["vector"].to_pylist()), values, atol=1e-6)


def test_a_second_call_embeds_only_what_is_new_or_changed(run, data, tmp_path, counted):
    from unlabeled_vectors.parts import write

    out = tmp_path / "out.parquet"
    embed(run, data, out)
    counted.clear()
    assert embed(run, data, out).added == 0
    assert counted == []

    write(tmp_path / "more", count=30, seed=5)
    for number in range(23, 30):
        (tmp_path / "more" / f"{number:04}.json").rename(data / f"{number:04}.json")
    changed = json.loads((data / "0003.json").read_text())
    (data / "0003.json").write_text(json.dumps({**changed, "group": "another"}))
    (data / "0005.json").unlink()
    done = embed(run, data, out)

    assert sum(counted) == 8
    assert (done.rows, done.items, done.added, done.gone) == (29, 29, 8, 1)
    table = pq.read_table(out)
    found = dict(zip(table["id"].to_pylist(), table["vector"].to_pylist(), strict=True))
    assert found.keys() == {item.id for item in load_reader(run).index(data)}
    for item, embedding in one_by_one(run, data, "pooled"):
        np.testing.assert_allclose(found[item.id], embedding[0].numpy(), atol=1e-6)


def vectors_of(out):
    """(rows, width) by item."""
    table, found = pq.read_table(out), {}
    for key, vector in zip(table["id"].to_pylist(), table["vector"].to_pylist(), strict=True):
        found.setdefault(key, []).append(vector)
    return found


def close(one, other):
    one, other = vectors_of(one), vectors_of(other)
    assert list(one) == list(other)  # in the order of the index, replaced ones in their places
    for key, vectors in one.items():
        np.testing.assert_allclose(vectors, other[key], atol=1e-6)


def replace(file):
    """Other content of the same length, as old as the former: what the index sees stays."""
    was, content = file.stat(), json.loads(file.read_text())
    text = json.dumps({**content, "values": content["values"][::-1]})
    assert len(text) == was.st_size
    file.write_text(text)
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))


def test_a_replaced_file_of_equal_length_is_embedded_again(run, data, tmp_path, counted):
    out = tmp_path / "out.parquet"
    embed(run, data, out, output="steps")
    counted.clear()
    replace(data / "0003.json")
    done = embed(run, data, out, output="steps")
    assert (done.added, done.changed, done.unknown, sum(counted)) == (1, 1, 0, 1)
    embed(run, data, tmp_path / "fresh.parquet", output="steps")
    close(out, tmp_path / "fresh.parquet")
    assert embed(run, data, out, output="steps").added == 0


def test_other_data_of_the_same_ids_are_embedded_and_copies_are_not(run, data, tmp_path, counted):
    from unlabeled_vectors.parts import write

    out = tmp_path / "out.parquet"
    embed(run, data, out)
    counted.clear()
    shutil.copytree(data, tmp_path / "copy", copy_function=shutil.copyfile)
    assert embed(run, tmp_path / "copy", out).added == 0
    write(tmp_path / "other", count=23, seed=7)
    done = embed(run, tmp_path / "other", out)
    assert (done.added, done.changed) == (23, 23)
    fresh = tmp_path / "fresh.parquet"
    embed(run, tmp_path / "other", fresh)
    close(out, fresh)


def test_unchanged_files_are_not_read_again_to_see_that(run, data, tmp_path, monkeypatch):
    from unlabeled.data import signature

    later = time.time_ns() + 3_600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    embed(run, data, tmp_path / "out.parquet")
    signature._content.cache_clear()
    monkeypatch.setattr(signature, "_pieces", None)
    assert embed(run, data, tmp_path / "out.parquet").added == 0


def test_a_table_without_signatures_is_made_again_and_says_so(run, data, tmp_path):
    out = tmp_path / "out.parquet"
    embed(run, data, out)
    pq.write_table(pq.read_table(out).drop_columns(["signature"]), out)
    done = embed(run, data, out)
    assert (done.added, done.changed, done.unknown) == (23, 0, 23)
    assert embed(run, data, out).added == 0


def test_what_is_read_and_left_out_is_said_at_the_start_and_in_the_result(
    run, data, tmp_path, capsys
):
    (data / "0007.json").write_text("no json")
    done = embed(run, data, tmp_path / "out.parquet")
    assert done.account[0] == "22 items read, 1 file left out:"
    assert "0007.json: expected" in done.account[1]
    assert "\n".join(done.account) in capsys.readouterr().err


def test_a_killed_call_loses_no_finished_part(run, data, tmp_path, counted, monkeypatch):
    monkeypatch.setattr(module, "BATCHES_PER_PART", 2)
    out = tmp_path / "out.parquet"
    plain = module.encode

    def dies_late(encoder, samples, output):
        if sum(counted) >= 16:
            raise KeyboardInterrupt
        return plain(encoder, samples, output)

    with monkeypatch.context() as patch:
        patch.setattr(module, "encode", dies_late)
        with pytest.raises(KeyboardInterrupt):
            embed(run, data, out)
    assert not out.exists()
    finished = sum(counted)
    counted.clear()

    done = embed(run, data, out)
    assert finished >= 16
    assert sum(counted) == done.added == 23 - 16
    embed(run, data, tmp_path / "whole.parquet")
    assert pq.read_table(out).equals(pq.read_table(tmp_path / "whole.parquet"))
    assert not list(tmp_path.glob(".*"))


def test_parts_left_behind_by_a_kill_after_joining_are_not_doubled(
    run, data, tmp_path, monkeypatch
):
    out = tmp_path / "out.parquet"
    with monkeypatch.context() as patch:
        patch.setattr("unlabeled.inference.table.shutil.rmtree", lambda *a, **k: None)
        embed(run, data, out)
    assert list(tmp_path.glob(".*.parts"))
    assert embed(run, data, out).rows == 23


def test_an_unreadable_item_is_left_out_listed_and_tried_again(run, data, tmp_path):
    out = tmp_path / "out.parquet"
    original = (data / "0004.json").read_text()
    break_file(data / "0004.json")
    (data / "0007.json").write_text("no json")

    done = embed(run, data, out)
    assert (done.rows, done.added, len(done.quarantine)) == (21, 21, 2)
    lines = (tmp_path / "out.parquet.quarantine.jsonl").read_text().splitlines()
    listed = [json.loads(line) for line in lines]
    assert {entry["source"] for entry in listed} == {
        str(data / "0004.json"),
        str(data / "0007.json"),
    }

    (data / "0004.json").write_text(original)
    (data / "0007.json").unlink()
    done = embed(run, data, out)
    assert (done.rows, done.added, done.quarantine) == (22, 1, ())
    assert not (tmp_path / "out.parquet.quarantine.jsonl").exists()


def test_the_policy_stop_names_the_file(run, data, tmp_path):
    break_file(data / "0004.json")
    with pytest.raises(UnreadableItem, match=r"0004\.json: expected at least one vector"):
        embed(run, data, tmp_path / "out.parquet", unreadable="stop")


def test_too_many_unreadable_items_end_the_call(run, data, tmp_path):
    for number in range(3):
        break_file(data / f"000{number}.json")
    with pytest.raises(DataError, match="3 of 23 items cannot be used, more than the share"):
        embed(run, data, tmp_path / "out.parquet")
    for path in data.glob("*.json"):
        break_file(path)
    with pytest.raises(DataError, match="none of 23 items could be embedded"):
        embed(run, data, tmp_path / "out.parquet", max_skipped=1.0)
    assert not (tmp_path / "out.parquet").exists()


def test_a_table_of_another_format_is_refused_by_number(run, data, tmp_path):
    out = tmp_path / "e.parquet"
    embed(run, data, out)
    table = pq.read_table(out)
    metadata = table.schema.metadata
    assert metadata[b"unlabeled_format"] == b"1"
    pq.write_table(table.replace_schema_metadata({**metadata, b"unlabeled_format": b"2"}), out)
    before = out.read_bytes()
    said = r"e\.parquet: expected format 1, found 2.*pip install --upgrade"
    with pytest.raises(DataError, match=said):
        embed(run, data, out)
    with pytest.raises(DataError, match=said):
        read_embeddings(out)
    assert out.read_bytes() == before


def test_another_encoders_table_is_not_touched(run, data, tmp_path, save_mixer):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    out = tmp_path / "out.parquet"
    embed(run, data, out)
    before = out.read_bytes()
    other = save_mixer(Mixer(MixerSettings(width=6)), name="other")
    with pytest.raises(UsageError, match="Choose another output file"):
        embed(other, data, out)
    with pytest.raises(UsageError, match="Choose another output file"):
        embed(run, data, out, output="steps")
    assert out.read_bytes() == before
    out.write_text("not parquet")
    with pytest.raises(DataError, match="expected a Parquet file of embeddings"):
        embed(run, data, out)


def test_an_unknown_output_lists_those_there_are(run, data, tmp_path):
    with pytest.raises(UsageError, match=r"'pool'.*pooled \(global\), steps \(tokens\)"):
        embed(run, data, tmp_path / "out.parquet", output="pool")


def test_a_restoration_run_has_no_embedding(save_mixer, data, tmp_path):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    run = save_mixer(Mixer(MixerSettings()), kind="restoration")
    with pytest.raises(RunError, match="unlabeled restore"):
        embed(run, data, tmp_path / "out.parquet")


def test_what_an_item_lacks_is_null_and_counted(run, data, tmp_path, monkeypatch):
    """Nearest neighbours are those of the other rows, whose vectors keep their places."""
    from unlabeled_vectors.parts import Mixer

    whole = pq.read_table(embed(run, data, tmp_path / "whole.parquet").path)
    short = np.array(whole["size"]) < np.median(np.array(whole["size"]))
    limit = float(np.median(np.array(whole["size"])))
    monkeypatch.setattr(Mixer, "present", lambda self, batch, output: batch.valid.sum(1) >= limit)

    done = embed(run, data, tmp_path / "out.parquet")
    found = pq.read_table(done.path)
    assert done.absent == short.sum() > 3
    assert done.rows == 23
    assert np.array_equal(np.array(found["vector"].is_null()), short)
    kept = found.filter(found["vector"].is_valid())
    expected = whole.filter(found["vector"].is_valid())
    assert kept["vector"].to_pylist() == expected["vector"].to_pylist()

    query = kept["id"][0].as_py()
    near = neighbours(done.path, query, count=30)
    assert sorted(near["id"].to_pylist()) == sorted(kept["id"].to_pylist()[1:])
    lacking = found["id"].filter(found["vector"].is_null())[0].as_py()
    with pytest.raises(UsageError, match="has no vector"):
        neighbours(done.path, lacking)


def test_a_new_file_is_a_query_embedded_by_the_run_that_made_the_table(run, data, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    query = sorted(data.glob("*.json"))[4]
    shutil.copy(query, new / "fresh.json")
    done = embed(run, data, tmp_path / "out.parquet")
    known = neighbours(done.path, query.name, count=30)
    found = neighbours(done.path, new, count=30)
    assert found["id"][0].as_py() == query.name
    assert found["similarity"][0].as_py() == pytest.approx(1, abs=1e-5)
    assert found["id"].to_pylist()[1:] == known["id"].to_pylist()
    np.testing.assert_allclose(found["similarity"][1:], known["similarity"], atol=1e-5)


def test_a_new_file_is_refused_where_the_encoder_is_another_or_not_named(
    run, data, tmp_path, save_mixer
):
    from unlabeled_vectors.parts import Mixer, MixerSettings

    file = tmp_path / "new"
    file.mkdir()
    shutil.copy(next(data.glob("*.json")), file)
    done = embed(run, data, tmp_path / "out.parquet")
    shutil.rmtree(run)
    torch.manual_seed(1)
    assert save_mixer(Mixer(MixerSettings(width=6)), batch_size=4) == run
    with pytest.raises(RunError, match=r"not the one that made .*out\.parquet"):
        neighbours(done.path, file)
    table = pq.read_table(done.path).replace_schema_metadata({})
    pq.write_table(table, tmp_path / "bare.parquet")
    with pytest.raises(UsageError, match="does not say which run made it"):
        neighbours(tmp_path / "bare.parquet", file)
