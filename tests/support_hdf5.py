"""Files as Dedalus, Athena++ and MATLAB write them."""

from pathlib import Path

import h5py
import numpy as np

from tests.support_well import wave


def dedalus(path: Path, *, first: int = 0) -> dict[str, np.ndarray]:
    values = {"buoyancy": wave(6, 32, 16), "u": wave(6, 2, 32, 16)}
    with h5py.File(path, "w") as file:
        scales, tasks = file.create_group("scales"), file.create_group("tasks")
        for name, points in (
            ("sim_time", 0.1 * (first + np.arange(6))),
            ("iteration", np.arange(6)),
            ("write_number", np.arange(1, 7)),
            ("x_hash_1a2b", np.linspace(0, 4, 32, endpoint=False)),
            ("z_hash_3c4d", (np.arange(16) + 0.5) / 16),
        ):
            scales[name] = points
            scales[name].make_scale(name)
        for name, array in values.items():
            task = tasks.create_dataset(name, data=array)
            task.dims[0].label = "t"
            task.dims[0].attach_scale(scales["sim_time"])
            task.dims[array.ndim - 2].attach_scale(scales["x_hash_1a2b"])
            task.dims[array.ndim - 1].attach_scale(scales["z_hash_3c4d"])
        file.attrs["set_number"] = 1
    return values


BLOCKS = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)]


def athena(path: Path, number: int, levels: tuple[int, ...] = (0,) * 4) -> np.ndarray:
    whole = np.random.default_rng(number).random((5, 16, 32)).astype("f4")
    with h5py.File(path, "w") as file:
        file.attrs["Time"] = 0.1 * number
        file.attrs["NumCycles"] = number
        file.attrs["VariableNames"] = np.array([b"rho", b"press", b"vel1", b"vel2", b"vel3"])
        file.attrs["DatasetNames"] = np.array([b"prim"])
        file.attrs["MeshBlockSize"] = [16, 8, 1]
        file.attrs["RootGridSize"] = [32, 16, 1]
        parts = [whole[:, 8 * y : 8 * y + 8, 16 * x : 16 * x + 16] for x, y, _ in BLOCKS]
        file["prim"] = np.stack(parts, 1)[:, :, None]
        file["Levels"] = np.array(levels, "i4")
        file["LogicalLocations"] = np.array(BLOCKS)
        file["x1v"] = np.array([np.arange(16) + 16 * x + 0.5 for x, _, _ in BLOCKS], "f4") / 32
        file["x2v"] = np.array([np.arange(8) + 8 * y + 0.5 for _, y, _ in BLOCKS], "f4") / 32
    return whole


def matlab73(path: Path, **arrays: np.ndarray) -> None:
    """As MATLAB writes it: a block of text before HDF5, and dims in the opposite order."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            file[name] = values.T
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        file["#refs#/a"] = np.zeros((3, 4, 5))
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
