"""The conformance kit over everything in the manifest."""

import pytest

from unlabeled.conformance import checks_for
from unlabeled_medical.plugin import plugin


@pytest.mark.parametrize("check", checks_for(plugin), ids=lambda check: check.name)
def test_contract(check):
    if check.excused:
        pytest.skip(check.excused)
    check.run()
