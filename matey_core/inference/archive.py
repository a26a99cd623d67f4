"""Predicted trajectories, streamed into a Zarr store that xarray opens without matey."""

import errno
import os
import time
import uuid
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import zarr

from matey_core.errors import RunError
from matey_core.fields import FieldSpec
from matey_core.files import remove
from matey_core.store.cf import CONVENTIONS, axis_attributes, field_attributes

BLOCK_BYTES = 8 * 2**20
"""Frames are collected up to this size before they are written as one chunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinate:
    """Positions along one dimension."""

    values: np.ndarray
    attributes: Mapping[str, Any]


class StateWriter:
    """Writes (sample, time, *space) arrays a field, state by state, in bounded memory.

    Used as a context manager: the folder has its final name only when the `with` block
    ends without an exception; otherwise nothing is left behind. An older result of the
    same name is replaced at that moment.
    """

    def __init__(
        self,
        path: Path,
        spec: FieldSpec,
        *,
        coordinates: Mapping[str, Coordinate],
        attributes: Mapping[str, Any],
    ) -> None:
        """Describe what will be written.

        Args:
            path: final name of the folder.
            spec: fields and grid of the states.
            coordinates: of `sample` and `time`, and of the space axes that have one.
            attributes: of the group; plain JSON values.
        """
        self.path = path
        self.spec = spec
        self._coordinates = coordinates
        self._attributes = attributes
        self._partial = path.with_name(path.name + ".partial")
        frame = 4 * int(np.prod(spec.grid.shape))
        num_times = len(coordinates["time"].values)
        self._block = max(1, min(num_times, BLOCK_BYTES // (frame * len(spec.fields))))
        self._waiting: list[np.ndarray] = []

    def __enter__(self) -> Self:
        try:
            self._create()
        except OSError as error:
            self._discard()
            raise self._failure(error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._finish()
            return
        self._discard()
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise self._failure(error) from error

    def write(self, states: np.ndarray, *, samples: slice, time_index: int) -> None:
        """Add one state of some samples; times come in order, without gaps.

        Args:
            states: (b, c, *space) at one time.
            samples: where the b samples lie on the sample axis.
            time_index: where the state lies on the time axis; 0 starts these samples.
        """
        self._waiting.append(states)
        is_last = time_index + 1 == len(self._coordinates["time"].values)
        if len(self._waiting) < self._block and not is_last:
            return
        block = np.stack(self._waiting, axis=1)
        self._waiting.clear()
        times = slice(time_index + 1 - block.shape[1], time_index + 1)
        for index, name in enumerate(self.spec.names):
            self._arrays[name][samples, times] = block[:, :, index]

    def _create(self) -> None:
        self._discard()
        self._partial.parent.mkdir(parents=True, exist_ok=True)
        group = zarr.open_group(self._partial, mode="w", zarr_format=3)
        group.attrs.update({"Conventions": CONVENTIONS, **self._attributes})
        for name, coordinate in self._coordinates.items():
            group.create_array(
                name,
                data=np.asarray(coordinate.values),
                dimension_names=(name,),
                attributes=_described(name, coordinate.attributes),
            )
        sizes = tuple(len(self._coordinates[name].values) for name in ("sample", "time"))
        self._arrays = {
            field.name: group.create_array(
                field.name,
                shape=(*sizes, *self.spec.grid.shape),
                chunks=(1, self._block, *self.spec.grid.shape),
                dtype="float32",
                fill_value=np.nan,
                dimension_names=("sample", "time", *self.spec.grid.axes),
                attributes={
                    **field_attributes(field.name),
                    **({"units": field.unit} if field.unit else {}),
                },
            )
            for field in self.spec.fields
        }

    def _finish(self) -> None:
        try:
            with warnings.catch_warnings():
                # Zarr says that other readers may ignore consolidated metadata, which is harmless.
                warnings.simplefilter("ignore")
                zarr.consolidate_metadata(self._partial)
            replace_folder(self._partial, self.path)
        except OSError as error:
            self._discard()
            raise self._failure(error) from error

    def _discard(self) -> None:
        # A write that was interrupted may still finish in another thread.
        for _ in range(50):
            remove(self._partial)
            if not self._partial.exists():
                return
            time.sleep(0.02)

    def _failure(self, error: OSError) -> RunError:
        return RunError(
            f"{self.path} cannot be written: {error.strerror or error}.",
            remedy="Free some space, or choose another folder with --out.",
        )


def replace_folder(new: Path, path: Path) -> None:
    """Give `new` the name `path`, and remove the folder that had it before."""
    old = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.partial")
    if path.exists():
        os.replace(path, old)
    os.replace(new, path)
    remove(old)


def _described(name: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a coordinate, with those of CF."""
    return {**axis_attributes(name, str(attributes.get("units", ""))), **attributes}
