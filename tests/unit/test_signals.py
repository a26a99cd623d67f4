"""Who hears a signal, and what it ends."""

import os
import signal
from collections.abc import Iterator

import pytest

from matey_core.errors import Interrupted
from matey_core.signals import Stop


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Leave the process as it was."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_ends_work_at_once_unless_it_is_put_off() -> None:
    with Stop().listening() as stop:
        with stop.put_off():
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.number == signal.SIGTERM
        with pytest.raises(Interrupted) as caught:
            os.kill(os.getpid(), signal.SIGUSR1)
    assert (caught.value.exit_code, caught.value.is_kept) == (143, False)


def test_a_signal_that_is_ignored_stays_so() -> None:
    """Workers of a study ignore Ctrl-C: the study decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Stop().listening() as stop, stop.put_off():
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.number == 0
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_handlers_are_those_from_before() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with Stop().listening():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
