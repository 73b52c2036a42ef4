"""When a tone is of little use or ignored by most, at the exact edges, and that more good evidence never makes it worse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.rules.usefulness import BAD, Evidence, Finding, State, finding, next_state


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (Evidence(), Finding.UNKNOWN),
        (Evidence(votes=9, useful=0), Finding.UNKNOWN),
        (Evidence(votes=10, useful=3), Finding.LITTLE_USE),
        (Evidence(votes=10, useful=4), Finding.FINE),
        (Evidence(said=19, people=5, followed=0), Finding.UNKNOWN),
        (Evidence(said=20, people=4, followed=0), Finding.UNKNOWN),
        (Evidence(said=20, people=5, followed=3), Finding.IGNORED),
        (Evidence(said=20, people=5, followed=4), Finding.FINE),
        # Votes are asked first; either is enough.
        (Evidence(votes=10, useful=3, said=20, people=5, followed=20), Finding.LITTLE_USE),
        (Evidence(votes=10, useful=10, said=20, people=5, followed=0), Finding.IGNORED),
        (Evidence(votes=9, useful=0, said=20, people=5, followed=20), Finding.FINE),
    ],
)
def test_the_edges(seen, found):
    assert finding(seen) == found


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (Evidence(votes=4, useful=0), Finding.UNKNOWN),
        (Evidence(votes=5, useful=1), Finding.LITTLE_USE),
        (Evidence(votes=5, useful=2), Finding.FINE),
        (Evidence(said=10, people=2, followed=0), Finding.UNKNOWN),
        (Evidence(said=10, people=3, followed=1), Finding.IGNORED),
        (Evidence(said=10, people=3, followed=2), Finding.FINE),
    ],
)
def test_half_is_enough_while_it_is_slow(seen, found):
    assert finding(seen, 0.5) == found


@pytest.mark.parametrize(
    ("state", "found", "weeks", "after"),
    [
        ("normal", "of little use", 0, "slowed"),
        ("normal", "ignored by most", 0, "slowed"),
        ("normal", "fine", 0, "normal"),
        ("normal", "too little to say", 0, "normal"),
        ("slowed", "ignored by most", 3, "slowed"),
        ("slowed", "ignored by most", 4, "stopped"),
        ("slowed", "of little use", 9, "stopped"),
        ("slowed", "fine", 3, "slowed"),
        ("slowed", "fine", 4, "normal"),
        ("slowed", "too little to say", 40, "slowed"),
        ("stopped", "fine", 40, "stopped"),
        ("stopped", "ignored by most", 40, "stopped"),
    ],
)
def test_what_follows(state, found, weeks, after):
    assert next_state(State(state), Finding(found), weeks) == after


@pytest.mark.parametrize("parts", [{"votes": 1, "useful": 2}, {"said": 1, "followed": 2}, {"said": 1, "people": 2}])
def test_parts_of_what_was_said(parts):
    with pytest.raises(ValueError, match="parts of what was said were expected"):
        Evidence(**parts)


@st.composite
def seen(draw) -> Evidence:
    votes, said = draw(st.integers(0, 60)), draw(st.integers(0, 120))
    useful, people, followed = (draw(st.integers(0, most)) for most in (votes, said, said))
    return Evidence(votes, useful, said, people, followed)


@given(seen(), st.sampled_from([0.5, 1.0]))
def test_better_evidence_is_never_found_worse(one, part):
    if finding(one, part) in BAD:
        return
    better = [
        Evidence(one.votes + 1, one.useful + 1, one.said, one.people, one.followed),
        Evidence(one.votes, min(one.votes, one.useful + 1), one.said, one.people, one.followed),
        Evidence(one.votes, one.useful, one.said, one.people, min(one.said, one.followed + 1)),
    ]
    # One more useful vote may make enough votes to judge by: then the others count, whatever the last one said.
    for other in better[0 if finding(one, part) == Finding.FINE and one.votes >= 10 * part else 1 :]:
        assert finding(other, part) not in BAD


@given(seen(), st.sampled_from(list(State)), st.integers(0, 60))
def test_little_evidence_slows_nothing_and_good_evidence_stops_nothing(one, state, weeks):
    found = finding(one)
    after = next_state(state, found, weeks)
    if found not in BAD:
        assert after in (state, State.NORMAL)
    if one.votes < 10 and (one.said < 20 or one.people < 5):
        assert after == state
    # Never from usual to stopped in one step.
    assert not (state == State.NORMAL and after == State.STOPPED)
