"""The contract as executable checks over everything that a manifest lists.

    import pytest
    from unlabeled.conformance import checks_for
    from unlabeled_sonar.plugin import plugin

    @pytest.mark.parametrize("check", checks_for(plugin), ids=lambda check: check.name)
    def test_contract(check):
        if check.expected_failure: pytest.skip(check.expected_failure)
        check.run()

`unlabeled check sonar` runs the same list and prints a table.
"""

from unlabeled.conformance.check import Check, Violation
from unlabeled.conformance.listing import checks_for

__all__ = ["Check", "Violation", "checks_for"]
