"""Processes that work for this one: what they return, and what becomes of Ctrl-C."""

import math
import os
import signal
import subprocess
import sys
import time

import pytest

from matey_core.processes import CONTEXT, Processes


def test_results_come_back_and_failures_are_raised_here() -> None:
    with Processes(2) as processes:
        assert not processes.have_started
        futures = [processes.submit(math.sqrt, value) for value in (4.0, 9.0, -1.0)]
        assert processes.have_started
        assert [future.result() for future in futures[:2]] == [2.0, 3.0]
        with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
            futures[2].result()


def test_a_shared_value_reaches_what_prepares_a_worker() -> None:
    count = CONTEXT.Value("q", 0)
    with Processes(2, setattr, count, "value", 5) as processes:
        processes.submit(os.getpid).result()
    assert count.value == 5


SCRIPT = """
import os, signal
from matey_core.processes import _for_workers_only
reached = False
try:
    with _for_workers_only():
        os.kill(os.getpid(), signal.SIGINT)
        reached = True
except KeyboardInterrupt:
    print("interrupted", reached)
"""


def test_ctrl_c_while_workers_start_is_put_off_and_not_lost() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("interrupted True\n", "")


WAITING = """
import time
from matey_core.processes import Processes
with Processes(1) as processes:
    print(processes.submit(__import__("os").getpid).result(), flush=True)
    processes.submit(time.sleep, 600).result()
"""


def test_workers_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while os.path.exists(f"/proc/{worker}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{worker}")
