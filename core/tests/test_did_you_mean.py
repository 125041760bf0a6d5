"""One form of hint for every unknown name."""

import pytest

from unlabeled.did_you_mean import did_you_mean


@pytest.mark.parametrize(
    ("name", "names", "otherwise", "hint"),
    [
        ("mask_ration", ["mask", "mask_ratio"], None, " Did you mean mask_ratio?"),
        ("xyz", ["owl", "jay"], None, " There are: owl, jay."),
        ("xyz", [], None, " There are: none."),
        ("xyz", ["owl"], "Settings are --section.key value.", " Settings are --section.key value."),
        ("ow", iter(["owl"]), "", " Did you mean owl?"),
    ],
)
def test_the_nearest_name_or_what_there_is(name, names, otherwise, hint):
    assert did_you_mean(name, names, otherwise) == hint
