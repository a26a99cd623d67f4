"""Errors of the last predicted frame near solid cells, and away from them.

python -m bench.near_solid ./stores/pier.zarr ./run-1/rollout ./run-2/rollout > near.jsonl

Reads what `matey rollout` wrote, and gives a line for every folder: by field, the root mean square
error over those points, as a share of the field's root mean square over all that are not solid.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Bool


def main() -> None:
    """Write a line for every rollout."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("store", type=Path, help="The known trajectories.")
    parser.add_argument("rollouts", type=Path, nargs="+", help="Folders with predicted states.")
    parser.add_argument("--cells", type=int, default=3, help="What is near, along each axis.")
    options = parser.parse_args()
    known = xr.open_zarr(options.store, consolidated=False)
    for folder in options.rollouts:
        (path,) = folder.rglob("*.zarr")
        errors = compare(known, xr.open_zarr(path, consolidated=False), options.cells)
        json.dump({"rollout": str(folder), "cells": options.cells, **errors}, sys.stdout)
        sys.stdout.write("\n")


def compare(known: xr.Dataset, predicted: xr.Dataset, cells: int) -> dict[str, dict[str, float]]:
    """Give each field's errors `near` and `away`, as means over trajectories.

    Args:
        known: trajectories in a plane, among them those that were predicted; NaN in solid cells.
        predicted: of the same grid.
        cells: distance up to which a point is near.
    """
    truth = known.set_index(sample="sample").sel(sample=predicted["sample"])
    truth = truth.sel(time=predicted["time"][-1], method="nearest")
    found = {}
    for name in predicted.data_vars:
        if predicted[name].ndim != 4:
            continue
        true = truth[name].values
        solid = np.isnan(true)
        error = np.nan_to_num(predicted[name].values[:, -1] - true) ** 2
        size = np.nan_to_num(true**2).sum((1, 2))
        near = _widened(solid, cells) & ~solid
        found[str(name)] = {
            place: float(np.sqrt((error * points).sum((1, 2)) / size).mean())
            for place, points in (("near", near), ("away", ~near & ~solid))
        }
    return found


def _widened(solid: Bool[np.ndarray, "b x y"], cells: int) -> Bool[np.ndarray, "b x y"]:
    """Solid cells and those that so many steps along the axes lead to, within the grid."""
    for _ in range(cells):
        padded = np.pad(solid, ((0, 0), (1, 1), (1, 1)))
        solid = (
            padded[:, 1:-1, 1:-1]
            | padded[:, :-2, 1:-1]
            | padded[:, 2:, 1:-1]
            | padded[:, 1:-1, :-2]
            | padded[:, 1:-1, 2:]
        )
    return solid


if __name__ == "__main__":
    main()
