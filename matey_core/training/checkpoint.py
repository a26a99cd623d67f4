"""Checkpoints: folders that have their name only when complete, and hold no code.

    checkpoints/step-00000500/  model/  state.safetensors  state.json
                                [weights.safetensors]  [adapter/]  checksums.json
    checkpoints/last            name of the newest complete checkpoint
    checkpoints/best            name of the one with the best validation score

`model` is a model folder like any other. Where a fine-tuning mode has weights of its own, they
are merged there, and where weights are averaged, their average is there; `weights.safetensors`
then holds what trains. `adapter` is the model folder that the run has where its weights are saved
apart from its base. `state.safetensors` holds the optimizer's tensors and the averages by parameter
name, and the state of every process' random number generators; `state.json` all that is a number
or a name. Nothing is pickled, so that opening a checkpoint runs
nothing.
"""

import json
import re
import shutil
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from matey_core.distributed import load_whole, part_of, whole
from matey_core.durable import written
from matey_core.errors import CheckpointError, MateyWarning
from matey_core.files import check_regular, read_json, read_text
from matey_core.models import load_model, save_model, save_tensors, write_blends
from matey_core.training.intact import check_intact, write_checksums
from matey_core.training.precision import Precision
from matey_core.training.ranges import read_ranges, write_ranges
from matey_core.training.state import TrainState

NAME = re.compile(r"step-\d{8}")
_DAMAGES = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError)
"""What comes of JSON that is damaged, or holds values of other types."""
LONGEST_REASON = 240
"""Characters of what PyTorch says, which may name every weight of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """What a checkpoint knows besides the training state."""

    mixture: dict[str, Any]
    """Position in the stream of batches; plain values."""
    random_states: Sequence[Tensor]
    """(bytes,) random number generators of each process."""
    best: dict[str, float] = field(default_factory=dict)
    """`step` and `score` of the best validation so far; empty before the first."""
    precision: str = "float32"
    origin: Mapping[str, Any] = field(default_factory=dict)
    """What the saved model says of its training, as JSON can hold it."""

    @property
    def resumed_precision(self) -> Precision:
        """The arithmetic to go on with."""
        name: Literal["float32", "bfloat16"] = (
            "bfloat16" if self.precision == "bfloat16" else "float32"
        )
        return Precision(name=name, reason="as before")


class CheckpointFolder:
    """The `checkpoints` folder of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(
        self,
        state: TrainState,
        progressed: Progressed,
        *,
        weights: Mapping[str, Tensor] | None = None,
        evaluated: Mapping[str, Tensor] | None = None,
        moments: Mapping[str, Tensor] | None = None,
    ) -> Path:
        """Write a checkpoint and make it the last one.

        Args:
            state: where training is.
            progressed: what else it needs to go on.
            weights: whole weights by name, where the model's own are parts of them.
            evaluated: those that are scored and saved as the model, where they are others.
            moments: what `moments_of` gave, where they are parts.

        Raises:
            RunError: the disk is full or not writable.
        """
        path = self.of_step(state.step)
        weights = state.model.state_dict() if weights is None else weights
        with written(path) as partial:
            (partial / "model").mkdir(parents=True)
            saved = weights if evaluated is None else evaluated
            if _save_models(state, partial, saved, progressed.origin) or evaluated is not None:
                save_tensors(weights, partial / "weights.safetensors")
            own = moments_of(state) if moments is None else moments
            drawn = {f"random.{rank}": each for rank, each in enumerate(progressed.random_states)}
            save_tensors({**own, **drawn}, partial / "state.safetensors")
            numbers: dict[str, Any] = {
                "step": state.step,
                "skipped": state.skipped,
                "skipped_in_a_row": state.skipped_in_a_row,
                "rollbacks": state.rollbacks,
                "mixture": progressed.mixture,
                "best": progressed.best,
                "precision": progressed.precision,
                "processes": len(progressed.random_states),
            }
            if state.time is not None:
                numbers["time"] = state.time.state_dict()
            (partial / "state.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
            write_checksums(partial)
        self.point("last", path)
        return path

    def point(self, pointer: str, path: Path) -> None:
        """Let `last` or `best` name a checkpoint."""
        with written(self.path / pointer) as partial:
            partial.write_text(path.name + "\n", encoding="utf-8")

    def named(self, pointer: str) -> Path | None:
        """The checkpoint that `last` or `best` names; None before the first.

        Raises:
            CheckpointError: the pointer names something else, or what it names is gone.
        """
        try:
            name = read_text(self.path / pointer).strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.path / pointer} cannot be read: {error}.") from error
        path = self.path / name
        if not NAME.fullmatch(name) or not path.is_dir():
            raise CheckpointError(f"{self.path / pointer} names {name!r}, which is no checkpoint.")
        return path

    def steps(self) -> list[Path]:
        """All complete checkpoints, the newest first."""
        found = (path for path in self.path.glob("step-*") if NAME.fullmatch(path.name))
        return sorted(found, reverse=True)

    def last_intact(self) -> Path | None:
        """The last checkpoint, or one before it where that is damaged, with a warning.

        Returns:
            None where there has been none yet.

        Raises:
            CheckpointError: all are damaged.
        """
        damage = ""
        for path in self._from_last():
            try:
                check_intact(path)
            except CheckpointError as error:
                damage = damage or str(error)
                continue
            if damage:
                note = f"{damage} The run goes on from {path.name}, the checkpoint before."
                warnings.warn(note, MateyWarning, stacklevel=2)
            return path
        if damage:
            raise CheckpointError(
                f"{damage} There is no other to go on from.", remedy="Start a new run."
            )
        return None

    def _from_last(self) -> list[Path]:
        """Checkpoints to go on from, in this order; all, where `last` names none."""
        last = self._named_or_none("last")
        return [path for path in self.steps() if last is None or path <= last]

    def best_at(self, path: Path) -> Path:
        """The checkpoint with the best weights when this one was written, which may be itself.

        Raises:
            CheckpointError: it does not say.
        """
        try:
            step = read_json(path / "state.json")["best"].get("step")
            return path if step is None else self.of_step(int(step))
        except _DAMAGES as error:
            raise CheckpointError(f"{path / 'state.json'} cannot be read: {error!r}.") from error

    def of_step(self, step: int) -> Path:
        """Where the checkpoint after a step is, or would be."""
        return self.path / f"step-{step:08d}"

    def prune(self) -> None:
        """Remove every checkpoint but the last, the one before it, and the best at either."""
        last = self._named_or_none("last")
        kept = {last, self._named_or_none("best")}
        if before := next((path for path in self._from_last() if path != last), None):
            kept.add(before)
            with suppress(CheckpointError):
                kept.add(self.best_at(before))
        for path in self.path.glob("step-*"):
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def _named_or_none(self, pointer: str) -> Path | None:
        try:
            return self.named(pointer)
        except CheckpointError:
            return None


def _save_models(
    state: TrainState, folder: Path, weights: Mapping[str, Tensor], origin: Mapping[str, Any]
) -> bool:
    """Save the weights as a model, and apart from their base where they are saved so.

    Returns:
        Whether a fine-tuning mode merged them.
    """
    with state.evaluated():
        merged = state.mode.merged(state.model) if state.mode else None
        saved = weights if merged is None else merged
        save_model(state.model, folder / "model", weights=saved, training=origin)
        write_ranges(folder / "model", state.ranges)
        write_blends(folder / "model", state.blends)
        if state.mode is not None and state.base is not None:
            (folder / "adapter").mkdir()
            save_model(
                state.model,
                folder / "adapter",
                weights=saved,
                base=state.base,
                factors=state.mode.factors(state.model),
                training=origin,
            )
            write_ranges(folder / "adapter", state.ranges)
            write_blends(folder / "adapter", state.blends)
    return merged is not None


def load_checkpoint(path: Path, state: TrainState, *, turns_back_time: bool = True) -> Progressed:
    """Bring a training state to where a checkpoint was saved.

    Args:
        path: the checkpoint.
        state: its model has the structure of the saved one; weights, optimizer and
            counters are overwritten.
        turns_back_time: whether time that was used since then counts as not used.

    Raises:
        CheckpointError: something is missing, of the wrong kind, or does not match.
    """
    saved = load_model(path / "model", with_answers=True)
    if saved.config.label != state.model.config.label:
        raise CheckpointError(
            f"{path} is of a model {saved.config.label}; the run's settings say "
            f"{state.model.config.label}.",
            remedy="Undo the change of its config.toml, or start another run.",
        )
    state.ranges = read_ranges(path / "model")
    state.blends = saved.blends
    try:
        own = path / "weights.safetensors"
        check_regular(own)
        load_whole(state.model, load_file(own) if own.exists() else saved.state_dict())
        numbers = read_json(path / "state.json")
        check_regular(path / "state.safetensors")
        tensors = load_file(path / "state.safetensors")
        _restore_optimizer(state, tensors)
        if state.average is not None:
            state.average.load_state_dict(tensors)
        state.step = int(numbers["step"])
        if path.name != f"step-{state.step:08d}":
            raise ValueError(f"its step is {state.step}")
        state.skipped = int(numbers["skipped"])
        state.skipped_in_a_row = int(numbers["skipped_in_a_row"])
        state.rollbacks = int(numbers.get("rollbacks", 0))
        if state.time is not None and turns_back_time:
            state.time.load_state_dict(numbers["time"])
        processes = int(numbers["processes"])
        return Progressed(
            mixture=dict(numbers["mixture"]),
            random_states=[tensors[f"random.{rank}"] for rank in range(processes)],
            best={key: float(value) for key, value in dict(numbers["best"]).items()},
            precision=str(numbers["precision"]),
        )
    except (*_DAMAGES, RuntimeError, SafetensorError) as error:
        why = shorten(f"{type(error).__name__}: {error}", LONGEST_REASON, placeholder=" …")
        raise CheckpointError(
            f"{path} is not a checkpoint of this run: {why}.",
            remedy="A checkpoint holds state.json, state.safetensors and model/, and no pickles. "
            "Name another run with --name, or start again.",
        ) from error


def has_used_its_time(path: Path, *, seconds: float) -> bool:
    """Whether a checkpoint is the end of a training that has so much time instead of steps.

    Raises:
        CheckpointError: the checkpoint does not say.
    """
    try:
        time = read_json(path / "state.json")["time"]
        return bool(time["is_over"]) and seconds <= float(time.get("given", seconds))
    except _DAMAGES as error:
        raise CheckpointError(
            f"{path / 'state.json'} does not say how much time was used: {error!r}.",
            remedy="Name another run with --name, or start again.",
        ) from error


def moments_of(state: TrainState, *, are_kept: bool = True) -> dict[str, Tensor]:
    """Whole tensors that an optimizer and an average have of every parameter.

    Args:
        state: of which this process may hold parts; all processes then call this.
        are_kept: whether to return any, each in the shape of its parameter, by name.
    """
    tensors = {
        f"optimizer.{name}.{key}": value if value.ndim else value.clone()  # may be shared
        for name, parameter in state.model.named_parameters()
        for key, value in state.optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }
    if state.average is not None:
        tensors |= state.average.state_dict()
    collected = ((name, whole(value)) for name, value in tensors.items())
    return {name: value for name, value in collected if are_kept}


def _restore_optimizer(state: TrainState, tensors: dict[str, Tensor]) -> None:
    """Put the moments back; parameters that no batch has used yet have none."""
    state.optimizer.state.clear()
    kept: dict[frozenset[str], set[str]] = {}  # by kind of group: kinds keep different moments
    kinds = {
        parameter: frozenset(group)
        for group in state.optimizer.param_groups
        for parameter in group["params"]
    }
    for name, parameter in state.model.named_parameters():
        prefix = f"optimizer.{name}."
        own: dict[str, Any] = {
            key.removeprefix(prefix): value
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
        if own and parameter.requires_grad:
            if any(value.ndim and value.shape != parameter.shape for value in own.values()):
                raise ValueError(f"the optimizer's state of {name} has another shape")
            expected = kept.setdefault(kinds.get(parameter, frozenset()), set(own))
            if set(own) != expected:
                raise ValueError(f"the optimizer's state of {name} lacks one of {sorted(expected)}")
            # Fused steps count on the device as well.
            state.optimizer.state[parameter] = {
                key: part_of(value.to(parameter.device), parameter if value.ndim else value)
                for key, value in own.items()
            }


def random_state(device: torch.device) -> Tensor:
    """(bytes,) state of this process' generators: the CPU's, then the GPU's."""
    parts = [torch.get_rng_state()]
    if device.type == "cuda":
        parts.append(torch.cuda.get_rng_state(device))
    return torch.cat(parts)


def restore_random_state(saved: Tensor, device: torch.device) -> None:
    """Set this process' generators to a state, (bytes,), that `random_state` gave."""
    size = torch.get_rng_state().numel()
    torch.set_rng_state(saved[:size])
    if device.type == "cuda" and saved.numel() > size:
        torch.cuda.set_rng_state(saved[size:], device)
