import pytest

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.radiometry import read_radiometry

HEAD = (
    '<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/x"><n1:General_Info>'
)
TAIL = "</n1:General_Info></n1:Level-2A_User_Product>"
NODATA = (
    "<Special_Values><SPECIAL_VALUE_TEXT>{}</SPECIAL_VALUE_TEXT>"
    "<SPECIAL_VALUE_INDEX>{}</SPECIAL_VALUE_INDEX></Special_Values>"
)


def read(folder, inner, level="L2A", baseline=400):
    (folder / f"MTD_MSI{level}.xml").write_text(HEAD + inner + TAIL)
    return read_radiometry(folder, level, baseline)


def test_what_esa_writes_for_l2a(tmp_path):
    offsets = "".join(f'<BOA_ADD_OFFSET band_id="{k}">-{k}00</BOA_ADD_OFFSET>' for k in range(13))
    found = read(
        tmp_path,
        NODATA.format("SATURATED", 65535)
        + NODATA.format("NODATA", 7)
        + '<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">5000'
        "</BOA_QUANTIFICATION_VALUE><AOT_QUANTIFICATION_VALUE>1000</AOT_QUANTIFICATION_VALUE>"
        f"</QUANTIFICATION_VALUES_LIST><BOA_ADD_OFFSET_VALUES_LIST>{offsets}"
        "</BOA_ADD_OFFSET_VALUES_LIST>",
    )
    assert (found.nodata, found.quantification, found.guessed) == (7, 5000, False)
    assert (found.offsets["B01"], found.offsets["B8A"], found.offsets["B12"]) == (0, -800, -1200)


def test_what_esa_writes_for_l1c(tmp_path):
    inner = "<QUANTIFICATION_VALUE>10000</QUANTIFICATION_VALUE><Radiometric_Offset_List>"
    inner += '<RADIO_ADD_OFFSET band_id="10">-1000</RADIO_ADD_OFFSET></Radiometric_Offset_List>'
    found = read(tmp_path, inner, "L1C")
    assert found.offsets == {"B10": -1000}
    assert not found.guessed


@pytest.mark.parametrize(("baseline", "offset"), [(301, 0), (400, -1000), (511, -1000), (9999, 0)])
def test_without_offsets_the_baseline_says(tmp_path, baseline, offset):
    found = read_radiometry(tmp_path, "L2A", baseline)
    assert (found.quantification, found.nodata) == (10_000, 0)
    assert found.offsets.get("B02", 0) == offset
    assert found.guessed


def test_metadata_of_old_baselines_are_complete_without_an_offset(tmp_path):
    inner = "<L2A_BOA_QUANTIFICATION_VALUE>1000</L2A_BOA_QUANTIFICATION_VALUE>"
    found = read(tmp_path, inner, baseline=212)
    assert (found.quantification, found.offsets, found.guessed) == (1000, {}, False)


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ("<BOA_QUANTIFICATION_VALUE>0</BOA_QUANTIFICATION_VALUE>", "above 0"),
        ("<BOA_QUANTIFICATION_VALUE>nan</BOA_QUANTIFICATION_VALUE>", "a number in BOA_QUANT"),
        ('<BOA_ADD_OFFSET band_id="13">-1000</BOA_ADD_OFFSET>', "a band_id from 0 to 12"),
        ('<BOA_ADD_OFFSET band_id="1">?</BOA_ADD_OFFSET>', "a number in BOA_ADD_OFFSET"),
        ("<open>", "XML without document types"),
    ],
)
def test_metadata_that_say_nonsense_are_refused(tmp_path, inner, message):
    with pytest.raises(UnreadableItem, match=message):
        read(tmp_path, inner)
