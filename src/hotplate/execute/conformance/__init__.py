"""What every executor promises, as checks to run on one: hotplate's own, or yours.

    from hotplate.execute.conformance import CASES

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_it_keeps_what_executors_promise(case):
        case.check(MyExecutor)

A case needs no test framework: `check` raises AssertionError and says what the executor did.
"""

from hotplate.execute.conformance.cases import CASES, Case
from hotplate.execute.conformance.shapes import SHAPES, Needs

__all__ = ["CASES", "SHAPES", "Case", "Needs"]
