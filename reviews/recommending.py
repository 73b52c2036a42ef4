"""Continue, change or cancel: what the findings say a sponsor should do, and the question that a brief opens with.

DOMAIN: after its probation a program that is not `working` opens its next brief with the question whether to cancel.
Pure: findings in, words out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from program import wording as say
from program.rules.program_effect import Verdict

CONTINUE, CHANGE, CANCEL = "continue", "change", "cancel"


class Judged(NamedTuple):
    """A metric and what was found of it."""

    name: str
    verdict: str
    guardrail: bool = False


class Advice(NamedTuple):
    """What to do and why; `question` leads the brief, where one has to be asked."""

    word: str
    reason: str
    question: str = ""

    @property
    def said(self) -> str:
        """As one line: "continue: it works on Coverage."."""
        return f"{self.word}: {self.reason}"


def recommendation(findings: Sequence[Judged], held: int, probation: int, again: str = "") -> Advice:
    """What to recommend after so many reviews were held; `again` says when more will be known ("6 Jun")."""
    outcome = [one for one in findings if not one.guardrail]
    worse = [one.name for one in findings if one.guardrail and one.verdict == Verdict.HARMFUL]
    harmed = [one.name for one in outcome if one.verdict == Verdict.HARMFUL]
    helped = [one.name for one in outcome if one.verdict == Verdict.WORKING]
    over = held >= probation
    reviews = say.count(held, "review")
    question = ""
    if over and (harmed or not helped):
        shown = "does harm" if harmed else "is not shown to work"
        question = f"After {reviews} this program {shown}: should it be canceled?"
    if harmed:
        got = f"{say.listed(harmed)} got worse by it"
        return Advice(CANCEL, f"{got}, after {reviews}.", question) if over else Advice(CHANGE, f"{got}.", question)
    if worse:
        verb = "gets" if len(worse) == 1 else "get"
        more = f", though it works on {say.listed(helped)}" if helped else ""
        return Advice(CHANGE, f"{say.listed(worse)} must not get worse, and {verb} worse by it{more}.", question)
    if helped:
        rest = len(outcome) - len(helped)
        more = f"; for {say.count(rest, 'other metric')} that is not shown" if rest else ""
        return Advice(CONTINUE, f"it works on {say.listed(helped)}{more}.")
    if not over:
        return _on_probation(outcome, held, probation, again)
    if any(one.verdict == Verdict.NOT_SHOWN for one in outcome):
        return Advice(CANCEL, f"no effect is shown after {reviews}; or say what will be done otherwise.", question)
    return Advice(
        CHANGE, f"after {reviews} nobody can say whether it works: measure it so that one can, or cancel.", question
    )


def _on_probation(outcome: Sequence[Judged], held: int, probation: int, again: str) -> Advice:
    if any(one.verdict == Verdict.NOT_SHOWN for one in outcome):
        why = "no effect is shown so far"
    elif outcome:
        why = "it is too early to say whether it works"
    else:
        why = "nothing is judged yet"
    look = f", look again on {again}" if again else ""
    left = say.count(probation - held, "review")
    is_left = "is" if probation - held == 1 else "are"
    return Advice(CONTINUE, f"{why}{look}; {left} of its probation {is_left} left.")
