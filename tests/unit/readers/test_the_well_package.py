"""The Well's own package reads the same values from the same files."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from matey_core.readers import READERS
from tests.support_well import well_file

PACKAGE = "the-well==1.2.0"
NEEDED = ("torch", "einops", "fsspec", "yaml", "h5py")
"""All that reading a file takes; the package asks for more."""
FRAMES = 5
READ = """
import sys
import numpy as np
from the_well.data import WellDataset
folder, out, frames = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = WellDataset(
    path=folder, n_steps_input=1, n_steps_output=frames - 1, normalize_time_grid=False
)
samples = [data[index] for index in range(len(data))]
names = [name for order in range(3) for name in data.metadata.field_names[order]]
static = [name for order in range(3) for name in data.metadata.constant_field_names[order]]
stacked = {key: np.stack([sample[key].numpy() for sample in samples]) for key in samples[0]}
scalars = data.metadata.constant_scalar_names
np.savez(out, names=names, static=static, scalars=scalars, **stacked)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, which only this test needs."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{PACKAGE} needs {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("packages")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--retries=1", "--timeout=10"]
    try:
        subprocess.run(
            [*command, "--target", str(folder), PACKAGE],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    except (subprocess.SubprocessError, OSError) as error:
        reason = getattr(error, "stderr", None) or error
        pytest.skip(f"{PACKAGE} cannot be installed: {str(reason).strip()[-200:]}")
    return folder


def with_one_point(file: h5py.File) -> None:
    """Store the axis along which `shear` does not vary: the package reads it only so."""
    attributes, values = dict(file["t0_fields/shear"].attrs), file["t0_fields/shear"][...]
    del file["t0_fields/shear"]
    file["t0_fields/shear"] = values[..., None]
    file["t0_fields/shear"].attrs.update(attributes)


@pytest.mark.parametrize(("axes", "shape"), [(("x", "y"), (8, 6)), (("x", "y", "z"), (4, 6, 3))])
def test_values_are_those_that_the_package_reads(
    tmp_path: Path, package: Path, axes: tuple[str, ...], shape: tuple[int, ...]
) -> None:
    for name in "ab":
        path = tmp_path / "data" / f"{name}.hdf5"
        well_file(path, axes=axes, shape=shape, start=ord(name), change=with_one_point)
    out = tmp_path / "read.npz"
    subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "data"), str(out), str(FRAMES)],
        check=True,
        env={"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1", "PATH": ""},
        timeout=120,
    )
    with np.load(out) as read:
        theirs = dict(read)
    source = READERS["the_well"]().open(tmp_path / "data")
    header = source.header
    samples = range(len(header.sample_names))
    assert list(theirs["names"]) == list(header.spec.names)
    assert list(theirs["static"]) == [field.name for field in header.static_fields]

    states = np.concatenate([theirs["input_fields"], theirs["output_fields"]], axis=1)
    ours = np.stack([source.read(sample, 0, FRAMES) for sample in samples])
    np.testing.assert_array_equal(np.moveaxis(states, -1, 2), ours)
    static = np.stack([source.read_static(sample) for sample in samples])
    np.testing.assert_array_equal(np.moveaxis(theirs["constant_fields"], -1, 1), static)

    constants = dict(zip(theirs["scalars"], theirs["constant_scalars"].T, strict=True))
    assert constants.keys() == header.parameters.keys()
    for name, values in constants.items():
        np.testing.assert_array_equal(values, header.parameters[name].astype(np.float32))
    times = np.concatenate([theirs["input_time_grid"], theirs["output_time_grid"]], axis=1)
    np.testing.assert_array_equal(times, np.broadcast_to(header.times, times.shape))
    grid = np.stack(np.meshgrid(*header.coordinates.values(), indexing="ij"), axis=-1)
    for grid_of_sample in theirs["space_grid"]:
        np.testing.assert_array_equal(grid_of_sample, grid)
    kinds = {0: "no_flux", 1: "outflow", 2: "periodic"}
    ends = [[kinds[int(end)] for end in axis] for axis in theirs["boundary_conditions"][0]]
    assert ends == [[kind, kind] for kind in header.spec.grid.boundary]
