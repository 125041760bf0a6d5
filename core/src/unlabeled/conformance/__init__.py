"""The contract, made executable: plain checks over whatever a manifest lists.

    import pytest
    from unlabeled.conformance import checks_for
    from unlabeled_sonar.plugin import plugin

    @pytest.mark.parametrize("check", checks_for(plugin), ids=lambda check: check.name)
    def test_contract(check):
        if check.excused: pytest.skip(check.excused)
        check.run()

`unlabeled check sonar` runs the same list and prints a table.
"""

from unlabeled.conformance.check import Broken, Check
from unlabeled.conformance.listing import checks_for

__all__ = ["Broken", "Check", "checks_for"]
