from dataclasses import replace
from xml.etree import ElementTree

import numpy as np

from unlabeled_tabular.readers.pictures import MOST, picture_of


def test_names_stand_beside_values_and_are_escaped(rows):
    odd = replace(rows[0], text_names=("<b>", "slope"), texts=np.array(["&", ""], dtype=object))
    shown = picture_of(odd, marked=[True])
    words = [each.text for each in ElementTree.fromstring(shown.content)]
    assert words[0] == "age"
    assert words[4:] == ["empty", "empty", "<b>", "&", "slope", "empty"]
    assert shown.content.count(b"#d55e00") == 1
    assert shown.caption == "5 cells, in the units of the table"


def test_a_wide_row_is_cut_and_said_to_be(rows):
    wide = replace(
        rows[0],
        numbers=np.arange(100, dtype=np.float32),
        number_names=tuple(f"column with a very long name {n}" for n in range(100)),
    )
    shown = picture_of(wide)
    assert len(ElementTree.fromstring(shown.content)) == 2 * MOST
    assert f"102 cells, {MOST} shown" in shown.caption
