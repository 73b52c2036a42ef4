"""Continue, change or cancel, and the question that a brief opens with."""

from __future__ import annotations

import pytest

from reviews.recommending import Judged, recommendation

WORKS, HARMS, NOT, EARLY = (
    Judged("Coverage", "working"), Judged("Coverage", "harmful"), Judged("Coverage", "not shown"),
    Judged("Coverage", "too early"),
)  # fmt: skip
GUARD = Judged("Flaky tests", "harmful", guardrail=True)
ASK = "After 2 reviews this program is not shown to work: should it be canceled?"


@pytest.mark.parametrize(
    ("findings", "held", "said", "question"),
    [
        ([WORKS], 0, "continue: it works on Coverage.", ""),
        ([WORKS], 5, "continue: it works on Coverage.", ""),
        ([WORKS, NOT], 2, "continue: it works on Coverage; for 1 other metric that is not shown.", ""),
        ([NOT], 1, "continue: no effect is shown so far, look again on 6 Jun; 1 review of its probation is left.", ""),
        ([EARLY], 0, "continue: it is too early to say whether it works, look again on 6 Jun; 2 reviews of its probation"
                     " are left.", ""),
        ([], 0, "continue: nothing is judged yet, look again on 6 Jun; 2 reviews of its probation are left.", ""),
        ([NOT], 2, "cancel: no effect is shown after 2 reviews; or say what will be done otherwise.", ASK),
        ([EARLY], 2, "change: after 2 reviews nobody can say whether it works: measure it so that one can, or cancel.", ASK),
        ([], 2, "change: after 2 reviews nobody can say whether it works: measure it so that one can, or cancel.", ASK),
        ([HARMS], 1, "change: Coverage got worse by it.", ""),
        ([HARMS], 2, "cancel: Coverage got worse by it, after 2 reviews.",
         "After 2 reviews this program does harm: should it be canceled?"),
        ([WORKS, GUARD], 1, "change: Flaky tests must not get worse, and gets worse by it, though it works on Coverage.", ""),
        ([NOT, GUARD], 2, "change: Flaky tests must not get worse, and gets worse by it.", ASK),
    ],
)  # fmt: skip
def test_what_is_recommended(findings, held, said, question):
    advice = recommendation(findings, held, 2, "6 Jun")
    assert (advice.said, advice.question) == (said, question)


def test_the_charter_may_give_it_longer():
    assert recommendation([NOT], 3, 4).said == "continue: no effect is shown so far; 1 review of its probation is left."
    assert (
        recommendation([NOT], 0, 0).question
        == "After 0 reviews this program is not shown to work: should it be canceled?"
    )
