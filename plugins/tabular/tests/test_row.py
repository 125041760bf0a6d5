from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from unlabeled_tabular.readers.rows import Rows


def test_a_row_stays_light_however_long_its_table(tmp_path):
    """It goes to data workers and back, with the rows that its cells may be drawn from."""
    (tmp_path / "t.csv").write_text("x\n" + "".join(f"{n}\n" for n in range(20_000)))
    row = Rows().read(Rows().index(tmp_path)[0])
    assert row.marginals.numbers.nbytes <= 4_000


def test_a_row_is_changed_by_making_another(rows):
    with pytest.raises(FrozenInstanceError):
        rows[0].numbers = np.zeros(3)
    assert replace(rows[0], numbers=np.zeros(3)).text_names == rows[0].text_names
