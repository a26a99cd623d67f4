"""Several failures, said as one."""

import pytest

from matey_core.errors import DataError, combined


def test_a_reason_that_several_files_share_is_said_once() -> None:
    errors = [DataError(f"{name}.nc: no time axis.", remedy="Name it.") for name in "abc"]
    said = combined([*errors, DataError("d.nc is truncated.", remedy="Copy it again.")])
    assert str(said) == (
        "4 files or sources cannot be read. a.nc, b.nc, c.nc: no time axis. d.nc is truncated."
    )
    assert said.remedy == "Name it. Copy it again."
    assert combined(errors[:1]) is errors[0]


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (f"shape ({10**4000}, 3)", "shape (100000…(4,001 digits), 3)"),
        (f"{10**60:,} values", "1,000,…(61 digits) values"),
        (f"step {'9' * 40}", f"step {'9' * 40}"),
        (f"picks {','.join('12345678')}", "picks 1,2,3,4,5,6,7,8"),
        (f"names {'n' * 10**6}.", f"names {'n' * 200}…(1,000,001 characters)"),
        (f"/{'long/' * 399}", f"/{'long/' * 399}"),
    ],
)
def test_long_numbers_and_words_are_cut(problem: str, said: str) -> None:
    assert str(DataError(problem)) == said
    assert DataError("x", remedy=problem).remedy == said
