"""What breaks a group is told apart from what fails in one."""

import pytest
import torch
import torch.distributed as dist

from matey_core.errors import RunError
from matey_core.sequence_group import BROKEN, together

FROM_LIBRARIES = [
    RuntimeError("[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed"),
    RuntimeError("Application timeout caused pair closure"),
    dist.DistBackendError("remote process exited or there was an error"),
]


@pytest.mark.parametrize("error", FROM_LIBRARIES, ids=str)
def test_a_connection_that_breaks_is_said_plainly(error: RuntimeError) -> None:
    with pytest.raises(RunError, match=BROKEN), together():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: device-side assert triggered"),
        torch.OutOfMemoryError("CUDA out of memory"),
        ValueError("connection"),
    ],
    ids=str,
)
def test_all_else_is_itself(error: Exception) -> None:
    with pytest.raises(type(error)) as found, together():
        raise error
    assert found.value is error
