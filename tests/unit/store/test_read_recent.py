"""What was used last stays, up to a limit; what belongs to nobody goes."""

import numpy as np

from matey_core.store._reading.recent import Recent


def test_what_was_not_used_for_longest_goes() -> None:
    recent: Recent[str] = Recent(2)
    recent.put((0, "a"), "A")
    recent.put((0, "b"), "B")
    assert recent.get((0, "a")) == "A"
    recent.put((0, "c"), "C")
    assert [recent.get((0, key)) for key in "abc"] == ["A", None, "C"]
    assert len(recent) == 2


def test_sizes_are_bounded_and_the_newest_is_kept() -> None:
    recent: Recent[np.ndarray] = Recent(100, size=lambda value: value.nbytes)
    for number in range(4):
        recent.put((0, number), np.zeros(40, np.uint8))
    assert len(recent) == 2
    recent.put((0, 3), np.zeros(60, np.uint8))
    assert [recent.get((0, number)) is not None for number in range(4)] == [0, 0, 1, 1]
    recent.put((0, 9), np.zeros(1000, np.uint8))
    assert len(recent) == 1
    recent.put((0, 1), np.zeros(90, np.uint8))
    assert recent.get((0, 9)) is None


def test_an_owner_takes_its_values_along() -> None:
    recent: Recent[str] = Recent(10)
    for owner in (1, 2):
        recent.put((owner, "x"), str(owner))
    recent.drop(1)
    assert (recent.get((1, "x")), recent.get((2, "x"))) == (None, "2")
