"""Settings of `matey plan`."""

from pydantic import Field, PositiveFloat, PositiveInt

from matey_core.workflows.pretrain import PretrainConfig


class PlanConfig(PretrainConfig):
    """A pretraining, and what it shall be planned for."""

    devices: PositiveInt = 1
    """Number of equal devices that train together; more than one is extrapolated."""
    memory: PositiveInt | None = None
    """Bytes that a process may use, such as 24GB; by default what the device has."""
    price: PositiveFloat | None = None
    """Price of a device for an hour, in any currency."""
    bandwidth: PositiveFloat = 10e9
    """Bytes a second that each device sends to another, for the extrapolation."""
    probe_seconds: PositiveFloat = Field(default=5.0, le=600)
    """Seconds for which steps of each micro-batch are timed."""
