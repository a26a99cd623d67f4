"""What names of dims in `--dims` tell: a sample is never a space axis."""

from pathlib import Path

import numpy as np
import pytest

from matey_core.errors import ConfigError
from matey_core.readers import ReaderOptions
from matey_core.readers._options import named_dims
from matey_core.readers.array import ArrayReader

RUNS = np.random.default_rng(0).normal(size=(3, 4, 5, 6)).astype(np.float32)
"""(sample, time, y, x)"""
SAMPLES = ["batch", "N", "b", "n", "traj", "trajectories", "case", "number", "runs", "n_samples"]


@pytest.mark.parametrize("frame", ["time", "T", "frame", "steps", "timestep", "snapshot"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_and_times_are_no_space_axes(tmp_path: Path, sample: str, frame: str) -> None:
    np.save(tmp_path / "runs.npy", RUNS)
    reader = ArrayReader(ReaderOptions(dims=(sample, frame, "y", "x")))
    source = reader.open(tmp_path / "runs.npy")
    assert source.header.spec.grid.shape == (5, 6)
    assert (len(source.header.sample_names), len(source.header.times)) == (3, 4)
    np.testing.assert_array_equal(source.read(2, 1, 3)[:, 0], RUNS[2, 1:3])


@pytest.mark.parametrize(
    ("dims", "roles"),
    [
        ("N,T,H,W", "sample time y x"),
        ("b,t,h,w", "sample time y x"),
        ("N,C,D,H,W", "sample field z y x"),
        ("batch,time,height,width", "sample time y x"),
        ("batch, time, depth, height, width", "sample time z y x"),
        ("n,t,x,y", "sample time x y"),
        ("time,variable,lat,lon", "time field y x"),
        ("time,i,j,k", "time i j k"),
        ("time,r,theta", "time r theta"),
        ("time,height", "time height"),
        ("sample=i,time,y,x", "sample time y x"),
        ("batch=i,step=j,y,x", "sample time y x"),
        ("time,width=i,lat=j", "time width lat"),
        ("s=s,time,x", "s time x"),
        ("x=s,time", "x time"),
    ],
)
def test_names_tell_roles(dims: str, roles: str) -> None:
    assert list(named_dims(dims.split(",")).roles.values()) == roles.split()


@pytest.mark.parametrize(
    ("dims", "unknown"),
    [
        ("s,time,y,x", "s"),
        ("time,foo,x", "foo"),
        ("foo,bar", "foo"),
        ("i,time,y,x", "i"),
        ("index,t,h,w", "index"),
        ("time,h", "h"),
    ],
)
def test_a_name_that_tells_nothing_is_asked_for(dims: str, unknown: str) -> None:
    with pytest.raises(ConfigError, match=f"--dims names {unknown}, which may be") as caught:
        named_dims(dims.split(","))
    assert f"sample={unknown}" in caught.value.remedy
    assert f"{unknown}={unknown}" in caught.value.remedy


@pytest.mark.parametrize("dims", ["batch,n,time,x", "time,frame,x", "h,w,y", "sample=a,batch=b,x"])
def test_two_dims_of_one_role_are_refused(dims: str) -> None:
    with pytest.raises(ConfigError, match="says twice"):
        named_dims(dims.split(","))
