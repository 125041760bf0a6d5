"""The reader: what it lists, what it reads, and how it says that something cannot be read."""

import numpy as np
import pytest
import soundfile

from unlabeled.data.items import Items
from unlabeled.errors import DataError, RecipeError, UnreadableItem
from unlabeled_audio.readers.clips import Clips, resample


def tone(seconds, rate, channels=1, frequency=440.0):
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * frequency * time)
    return np.stack([wave * (1 + c) / channels for c in range(channels)], axis=1)


@pytest.fixture
def folder(tmp_path):
    soundfile.write(tmp_path / "a_anna_0.wav", tone(1.0, 8000), 8000)
    soundfile.write(tmp_path / "b_bert_1.flac", tone(0.5, 16000, 2), 16000)
    (tmp_path / "notes.txt").write_text("not a sound")
    return tmp_path


def only(items: Items):
    assert len(items) == 1
    return items[0]


def test_lists_by_name_with_sizes_at_the_output_rate(folder):
    items = Clips(sample_rate=16000).index(folder)
    assert [item.id for item in items] == ["a_anna_0.wav", "b_bert_1.flac"]
    assert [item.size for item in items] == [16000, 8000]
    assert any("resampled to 16000 Hz" in note for note in items.notes)


@pytest.mark.parametrize(
    ("channels", "taken"), [("mean", "their mean is"), ("first", "the first is")]
)
def test_what_becomes_of_several_channels_is_said(folder, channels, taken):
    told = f"1 clip has several channels, {taken} taken; see reader.channels"
    assert told in Clips(channels=channels).index(folder).notes
    assert not any("channels" in note for note in Clips(channels="each").index(folder).notes)


def test_named_fields_become_group_and_metadata(folder):
    reader = Clips(pattern="{label}_{speaker}_{take}.{kind}", group="speaker")
    items = reader.index(folder)
    assert [item.group for item in items] == ["anna", "bert"]
    assert [item.metadata["label"] for item in items] == ["a", "b"]


def test_a_name_that_does_not_fit_the_pattern_is_left_out_with_its_reason(folder):
    items = Clips(pattern="{label}_{speaker}_{take}.wav").index(folder)
    assert len(items) == 1
    assert "  1 by the pattern {label}_{speaker}_{take}.wav" in items.account()


def test_a_group_that_is_no_field_is_a_recipe_error(folder):
    with pytest.raises(RecipeError, match=r"reader\.group: 'speaker'"):
        Clips(pattern="{label}.wav", group="speaker").index(folder)


def test_globs_choose_files(folder):
    assert only(Clips(include=("*.flac",)).index(folder)).id == "b_bert_1.flac"
    assert only(Clips(exclude=("*.flac",)).index(folder)).id == "a_anna_0.wav"


def test_hidden_files_are_no_recordings(folder):
    (folder / "._a_anna_0.wav").write_bytes(b"litter of a file manager")
    items = Clips().index(folder)
    assert len(items) == 2
    assert not items.quarantine


def test_one_file_can_be_indexed(folder):
    assert only(Clips().index(folder / "a_anna_0.wav")).id == "a_anna_0.wav"


def test_a_moved_folder_keeps_its_fingerprint(folder, tmp_path_factory):
    moved = tmp_path_factory.mktemp("moved") / "elsewhere"
    before = Clips().index(folder).fingerprint()
    folder.rename(moved)
    assert Clips().index(moved).fingerprint() == before


def test_windows_slide_over_long_recordings(folder):
    reader = Clips(sample_rate=8000, window_seconds=0.4, hop_seconds=0.25)
    items = reader.index(folder)
    assert [item.id for item in items] == [
        "a_anna_0.wav@0-0.4",
        "a_anna_0.wav@0.25-0.65",
        "a_anna_0.wav@0.5-0.9",
        "a_anna_0.wav@0.75-1",
        "b_bert_1.flac@0-0.4",
        "b_bert_1.flac@0.25-0.5",
    ]
    whole = soundfile.read(folder / "a_anna_0.wav", dtype="float32")[0]
    np.testing.assert_array_equal(reader.read(items[1]).values[0], whole[2000:5200])
    np.testing.assert_array_equal(reader.read(items[3]).values[0], whole[6000:])


def test_a_clip_of_one_window_stays_whole(folder):
    items = Clips(window_seconds=1.0).index(folder)
    assert [item.id for item in items] == ["a_anna_0.wav", "b_bert_1.flac"]


def test_paths_that_hold_nothing_to_read(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        Clips().index(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no sound file"):
        Clips().index(tmp_path)
    (tmp_path / "broken.wav").write_bytes(b"")
    with pytest.raises(DataError, match="an empty file"):
        Clips().index(tmp_path)


def test_channel_policies(tmp_path):
    stereo = np.random.default_rng(0).uniform(-1, 1, (100, 2)).astype(np.float32)
    soundfile.write(tmp_path / "s.wav", stereo, 16000, subtype="FLOAT")
    for policy, expected in (("first", stereo[:, 0]), ("mean", stereo.mean(axis=1))):
        reader = Clips(channels=policy)
        np.testing.assert_array_equal(reader.read(only(reader.index(tmp_path))).values[0], expected)
    each = Clips(channels="each")
    items = each.index(tmp_path)
    assert [item.id for item in items] == ["s.wav#0", "s.wav#1"]
    for channel, item in enumerate(items):
        np.testing.assert_array_equal(each.read(item).values[0], stereo[:, channel])


def test_the_training_window_is_a_piece_of_the_file_drawn_from_the_rng(tmp_path):
    wave = np.random.default_rng(0).uniform(-1, 1, 16000).astype(np.float32)
    soundfile.write(tmp_path / "w.wav", wave, 16000, subtype="FLOAT")
    reader = Clips(crop_seconds=0.25)
    item = only(reader.index(tmp_path))
    starts = set()
    for seed in range(20):
        window = reader.read(item, np.random.default_rng(seed)).values[0].numpy()
        again = reader.read(item, np.random.default_rng(seed)).values[0].numpy()
        np.testing.assert_array_equal(window, again)
        start = int(np.flatnonzero(wave == window[0])[0])
        np.testing.assert_array_equal(window, wave[start : start + 4000])
        starts.add(start)
    assert len(starts) > 15
    assert reader.read(item).values.shape == (1, 16000)


def test_a_window_of_a_long_file_does_not_read_the_file(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "long.wav", np.zeros(1_000_000), 16000)
    reader = Clips(crop_seconds=0.1)
    item = only(reader.index(tmp_path))
    asked = []
    original = soundfile.SoundFile.read

    def read(self, frames=-1, *args, **kwargs):
        asked.append(frames)
        return original(self, frames, *args, **kwargs)

    monkeypatch.setattr(soundfile.SoundFile, "read", read)
    reader.read(item, np.random.default_rng(0))
    assert sum(asked) == 1600


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
def test_resampling_keeps_a_tone_and_its_length(rate):
    wave = tone(1.0, rate).astype(np.float32)[:, 0]
    resampled = resample(wave, rate, 16000)
    assert len(resampled) == 16000
    expected = tone(1.0, 16000)[:, 0]
    np.testing.assert_allclose(resampled[500:-500], expected[500:-500], atol=2e-3)


def test_resampling_removes_what_the_new_rate_cannot_hold():
    wave = tone(1.0, 48000, frequency=10_000.0).astype(np.float32)[:, 0]
    assert np.abs(resample(wave, 48000, 16000)[500:-500]).max() < 0.5 * 10 ** (-40 / 20)


def test_describes_its_rate(folder):
    reader = Clips(sample_rate=22050)
    assert reader.describe(reader.index(folder)) == {"sample_rate": 22050}


def test_a_file_that_ends_early_is_unreadable_with_the_reason(tmp_path):
    path = tmp_path / "t.wav"
    soundfile.write(path, tone(1.0, 16000), 16000)
    reader = Clips()
    item = only(reader.index(tmp_path))
    path.write_bytes(path.read_bytes()[:10_000])
    with pytest.raises(UnreadableItem, match="a truncated file"):
        reader.read(item)
    path.unlink()
    with pytest.raises(UnreadableItem, match="No such file"):
        reader.read(item)


def test_samples_that_are_no_numbers_are_unreadable(tmp_path):
    wave = np.zeros(100, np.float32)
    wave[3], wave[4] = np.nan, np.inf
    soundfile.write(tmp_path / "n.wav", wave, 16000, subtype="FLOAT")
    reader = Clips()
    with pytest.raises(UnreadableItem, match="2 that are NaN or infinite"):
        reader.read(only(reader.index(tmp_path)))


def test_long_items_are_looked_at_through_windows(tmp_path):
    with soundfile.SoundFile(tmp_path / "day.wav", "w", 8000, 1) as file:
        for minute in range(20):
            file.write(np.full(60 * 8000, 0.01 * minute))
    reader = Clips(sample_rate=8000)
    items = reader.index(tmp_path)
    assert reader.extent(items[0]) == 1200
    assert any("1 clip is longer than 10 minutes, up to 0.3 h" in note for note in items.notes)
    values = reader.glance(items[0]).values
    assert values.shape == (1, 60 * 8000)
    assert values[0, ::80000].tolist() == pytest.approx([0, 0.03, 0.07, 0.11, 0.15, 0.19], abs=1e-4)


def test_short_items_are_looked_at_whole(folder):
    reader = Clips(sample_rate=8000)
    item = reader.index(folder)[0]
    np.testing.assert_array_equal(reader.glance(item).values, reader.read(item).values)


def test_a_file_without_a_length_is_cut_into_windows_and_noted(tmp_path):
    wave = tone(1.5, 16000).astype(np.float32)
    soundfile.write(tmp_path / "s.flac", wave, 16000)
    content = bytearray((tmp_path / "s.flac").read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)  # the number of samples in STREAMINFO: unknown
    (tmp_path / "s.flac").write_bytes(content)
    reader = Clips(window_seconds=1)
    items = reader.index(tmp_path)
    assert [item.id for item in items] == ["s.flac@0-1", "s.flac@1-1.5"]
    assert "1 file says no length or a wrong one" in items.notes[0]
    np.testing.assert_allclose(reader.read(items[1]).values[0], wave[16000:, 0], atol=1e-4)


def test_sound_of_other_formats_comes_with_a_way_to_convert_it(folder):
    (folder / "phone.m4a").write_bytes(b"\0\0\0 ftypM4A ")
    assert any("ffmpeg -i NAME.m4a NAME.flac" in note for note in Clips().index(folder).notes)
    (folder / "phone.m4a").unlink()
    assert not any("ffmpeg" in note for note in Clips().index(folder).notes)


def test_a_manifest_in_the_folder_can_be_a_setting(folder):
    (folder / "list.csv").write_text("path,start,end\na_anna_0.wav,0,0.5\n")
    assert only(Clips(manifest="list.csv").index(folder)).id == "a_anna_0.wav@0-0.5"


def test_columns_come_in_one_order(folder):
    names = Clips().index(folder).table.column_names
    assert names[5:] == ["rate", "channel", "first", "frames"]
