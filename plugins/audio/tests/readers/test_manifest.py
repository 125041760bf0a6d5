"""Manifests: which segments they name, and what is said of rows that name none."""

import numpy as np
import pytest
import soundfile

from unlabeled.errors import DataError
from unlabeled_audio.readers.clips import Clips


@pytest.fixture
def folder(tmp_path):
    time = np.arange(8000) / 8000
    soundfile.write(tmp_path / "a_anna_0.wav", 0.5 * np.sin(2 * np.pi * 440 * time), 8000)
    return tmp_path


def only(items):
    assert len(items) == 1
    return items[0]


def index(folder, text, **settings):
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "m.csv").write_bytes(content)
    return Clips(sample_rate=8000, **settings).index(folder / "m.csv")


@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_a_manifest_names_segments(folder, write):
    text = "path,start,end,group,label\na_anna_0.wav,0.25,0.75,g1,x\na_anna_0.wav,0.75,,g2,y\n"
    manifest = folder / f"segments.{write}"
    if write == "csv":
        manifest.write_text(text)
    else:
        import io

        import pyarrow.csv
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.csv.read_csv(io.BytesIO(text.encode())), manifest)
    reader = Clips(sample_rate=8000)
    items = reader.index(manifest)
    assert [item.id for item in items] == ["a_anna_0.wav@0.25-0.75", "a_anna_0.wav@0.75-1"]
    assert [item.group for item in items] == ["g1", "g2"]
    assert [item.metadata["label"] for item in items] == ["x", "y"]
    whole = soundfile.read(folder / "a_anna_0.wav", dtype="float32")[0]
    np.testing.assert_array_equal(reader.read(items[0]).values[0], whole[2000:6000])
    np.testing.assert_array_equal(reader.read(items[1]).values[0], whole[6000:])


def test_a_segment_outside_its_file_is_left_out_with_its_reason(folder):
    manifest = folder / "segments.csv"
    manifest.write_text("path,start,end\na_anna_0.wav,0.5,1.5\na_anna_0.wav,0,1\nno.wav,0,1\n")
    items = Clips().index(manifest)
    assert only(items).id == "a_anna_0.wav@0-1"
    assert next(q.expected for q in items.quarantine) == "a segment within its 1.000 s"
    assert "No such file" in items.quarantine[1].found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file\na.wav\n", "expected a column 'path', found file"),
        (
            "path,start\na.wav,soon\n",
            "row 2, column start: expected a finite number or nothing, found 'soon'",
        ),
        ("path,rate\na_anna_0.wav,1\n", "rename these columns"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(folder, text, message):
    (folder / "m.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        Clips().index(folder / "m.csv")


def test_a_slight_overhang_is_cut_and_noted_and_a_large_one_left_out(folder):
    text = "path,start,end\na_anna_0.wav,0.5,1.0003\na_anna_0.wav,0,1.05\na_anna_0.wav,0.9,1.3\n"
    items = index(folder, text)
    assert [item.id for item in items] == ["a_anna_0.wav@0.5-1", "a_anna_0.wav@0-1"]
    assert items.notes[0] == (
        "2 segments end up to 0.05 s after the end of the file, cut there (m.csv, rows 2 and 3)"
    )
    (bad,) = items.quarantine
    assert bad.source.endswith("m.csv, row 4")
    assert (bad.expected, bad.found) == ("a segment within its 1.000 s", "start 0.9 s, end 1.3 s")


def test_times_wholly_past_the_end_show_the_length_of_the_file(folder):
    with pytest.raises(DataError, match=r"within its 1.000 s, found start 8000 s, end 16000 s"):
        index(folder, "path,start,end\na_anna_0.wav,8000,16000\n")


def test_two_labels_of_one_window_are_one_item_with_both(folder):
    text = (
        "path,start,end,species,site\n"
        "a_anna_0.wav,0,0.5,tit,x\n./a_anna_0.wav,0.5,1,tit,x\na_anna_0.wav,0,0.5,owl,x\n"
        "a_anna_0.wav,0,0.5,tit,x\n"
    )
    items = index(folder, text)
    assert [item.id for item in items] == ["a_anna_0.wav@0-0.5", "a_anna_0.wav@0.5-1"]
    assert [item.metadata["species"] for item in items] == [["tit", "owl"], ["tit"]]
    assert [item.metadata["site"] for item in items] == ["x", "x"]
    assert items.notes[0] == (
        "4 rows are about 2 clips; species: a list of the values of each clip; 1 row repeats "
        "another"
    )


def test_windows_that_two_segments_share_are_one_item(folder):
    text = "path,start,end,bird\na_anna_0.wav,0,0.5,tit\na_anna_0.wav,0.25,0.75,owl\n"
    items = index(folder, text, window_seconds=0.25)
    birds = {item.id.partition("@")[2]: item.metadata["bird"] for item in items}
    assert birds == {"0-0.25": ["tit"], "0.25-0.5": ["tit", "owl"], "0.5-0.75": ["owl"]}


def test_a_clip_in_two_groups_is_a_contradiction_with_its_rows(folder):
    text = "path,start,end,group\na_anna_0.wav,0,1,x\na_anna_0.wav,0,1,y\n"
    with pytest.raises(DataError, match=r"a_anna_0.wav@0-1, rows 2 and 3, column group: .*'x' and"):
        index(folder, text)


def test_a_manifest_from_a_spreadsheet_is_read_and_its_odd_rows_are_named(folder):
    text = (
        "\ufeffpath;start;end;label\r\n"
        "a_anna_0.wav;0;0,5;1\r\na_anna_0.wav;0\r\n;0;1;2\r\na_anna_0.wav;0,5;1;n/a\r\n"
    )
    items = index(folder, text)
    assert [item.id for item in items] == ["a_anna_0.wav@0-0.5", "a_anna_0.wav@0.5-1"]
    assert [item.metadata["label"] for item in items] == [1, None]
    assert [(bad.source[-5:], bad.found) for bad in items.quarantine] == [
        ("row 3", "2"),
        ("row 4", "an empty field"),
    ]
    assert any("column label: 1 fields ('n/a'; row 5) count as missing" in n for n in items.notes)


def test_groups_that_are_empty_are_none(folder):
    items = index(folder, "path,group\na_anna_0.wav,\n")
    assert only(items).group == ""


def test_include_and_exclude_hold_for_the_rows_of_a_table(folder):
    (folder / "list.csv").write_text("path\na_anna_0.wav\n")
    with pytest.raises(DataError, match="1 by exclude a_"):
        Clips(manifest="list.csv", exclude=("a_*",)).index(folder)
    items = Clips(manifest="list.csv", include=("a_*",)).index(folder)
    assert len(items) == 1


def test_fields_of_a_pattern_join_the_columns_of_a_table(folder):
    (folder / "list.csv").write_text("path,bird\na_anna_0.wav,tit\nb_bert_1.flac,\n")
    reader = Clips(manifest="list.csv", pattern="{take}_{who}_{n}.wav", group="who")
    items = reader.index(folder)
    assert items.table["id"].to_pylist() == ["a_anna_0.wav"]
    assert items.table["group"].to_pylist() == ["anna"]
    assert (items[0].metadata["take"], items[0].metadata["bird"]) == ("a", "tit")
    assert "  1 by the pattern {take}_{who}_{n}.wav" in items.account()
