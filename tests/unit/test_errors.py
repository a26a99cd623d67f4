"""Several failures, said as one."""

from matey_core.errors import DataError, combined


def test_a_reason_that_several_files_share_is_said_once() -> None:
    errors = [DataError(f"{name}.nc: no time axis.", remedy="Name it.") for name in "abc"]
    said = combined([*errors, DataError("d.nc is truncated.", remedy="Copy it again.")])
    assert str(said) == (
        "4 files or sources cannot be read. a.nc, b.nc, c.nc: no time axis. d.nc is truncated."
    )
    assert said.remedy == "Name it. Copy it again."
    assert combined(errors[:1]) is errors[0]
