"""What a plan says."""

from dataclasses import dataclass

from matey_core.planning.laws import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Settings with which a training fits into the memory."""

    options: tuple[str, ...]
    """As they are typed, such as `--accumulate 4`; empty where the settings fit as they are."""
    micro_batch: int
    """Windows that a device computes at once."""
    memory: float
    """Bytes, by the law."""
    step_seconds: float
    """By the law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """What a training needs and gives; measured on this machine, or extrapolated by the laws."""

    label: str
    """The model, such as `ti (192×12, matey)`."""
    parameters: int
    device: str
    threads: int
    precision: str
    devices: int
    windows: int
    """Windows of a step."""
    micro_batch: int
    """Windows that a device computes at once."""
    accumulate: int
    is_measured: bool
    """Whether a device's part of a step was taken as it is; otherwise its memory is too large."""
    memory: float
    """Bytes at most: on a GPU of tensors, on a CPU of the whole process."""
    memory_limit: float
    memory_law: Line
    """Bytes by windows of a micro-batch."""
    step_seconds: float
    step_law: Line
    """Seconds of a device by windows of a micro-batch."""
    exchange_seconds: float
    """Part of a step in which gradients are exchanged."""
    validation_seconds: float
    steps: int
    validations: int
    hours: float
    samples: int
    """Windows that are trained on."""
    tokens: float | None
    """Tokens that are trained on, of all frames of the histories; None without tokens."""
    cost: float | None
    """Of all devices; None without a price."""
    proposal: Proposal | None
    """None where nothing that was tried fits."""
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the settings fit into the memory as they are."""
        return self.memory <= self.memory_limit
