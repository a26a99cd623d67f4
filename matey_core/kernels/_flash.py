"""What torch's variable-length flash attention can take."""

import torch

HALF = (torch.bfloat16, torch.float16)
WIDEST = 256
"""Channels of a head, once they are a multiple of 8."""
OLDEST = (8, 0)
"""Compute capability: that of Ampere."""


def hindrance(device: torch.device, dtype: torch.dtype, width: int) -> str | None:
    """Say why it cannot attend, or None where it can.

    Args:
        device: where queries, keys and values are.
        dtype: of the values.
        width: channels of a head.
    """
    if device.type != "cuda" or dtype not in HALF:
        return f"{str(dtype).removeprefix('torch.')} on {device.type}"
    if -(-width // 8) * 8 > WIDEST:
        return f"heads of {width} channels"
    capability = torch.cuda.get_device_capability(device)
    if capability < OLDEST:
        return "a device of compute capability {}.{}".format(*capability)
    return None
