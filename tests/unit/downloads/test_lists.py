"""The list of PDEBench is the published one, and other lists are checked line by line."""

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from matey_core.downloads.lists import PUBLISHED_GB, choose, read_list
from matey_core.errors import ConfigError, DataError

GOOD = "a,x/a.h5,https://data.org/1," + "0" * 32


def test_the_list_of_pdebench_is_whole() -> None:
    files = read_list("PDEBench")
    counts = Counter(file.group for file in files)
    assert len(files) == 375
    assert counts["ns_incom"] == 274
    assert {urlsplit(file.url).netloc for file in files} == {"darus.uni-stuttgart.de"}
    assert len({file.url for file in files}) == len({file.path for file in files}) == 375
    # PDEBench published 24 files of incompressible flow twice.
    repeats = Counter(file.md5 for file in files if file.group == "ns_incom").values()
    assert Counter(repeats) == {1: 226, 2: 24}
    assert PUBLISHED_GB.keys() == counts.keys() - {"ns_incom"}


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (("swe",), 1),
        (("SWE", "2d_rdb_na_na.h5"), 1),
        (("darcy", "swe"), 6),
        (("2D_CFD_Rand_*_128_*",), 4),
        (("3d/test/*",), 6),
        (("*",), 375),
    ],
)
def test_files_are_chosen_by_group_name_and_pattern(names: tuple[str, ...], count: int) -> None:
    chosen = choose(read_list("pdebench"), names)
    assert len(chosen) == len(set(chosen)) == count


def test_a_name_without_a_file_says_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"'2d_swe'.*advection.*swe") as caught:
        choose(read_list("pdebench"), ["darcy", "2d_swe"])
    assert caught.value.remedy == "Did you mean 'swe'?"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("group,path,url\n", "columns"),
        (f"group,path,url,md5\n{GOOD}\n{GOOD.replace('x/a', '../a')}\n", "line 3: .*leads else"),
        (f"group,path,url,md5\n{GOOD.replace('x/a.h5', '/a')}\n", "line 2: .*leads elsewhere"),
        (f"group,path,url,md5\n{GOOD[:-1]}\n", "line 2: .*no MD5"),
        (f"group,path,url,md5\n{GOOD},more\n", "line 2 has more values"),
        ('group,path,url,md5\n"a', "unexpected end"),
    ],
    ids=["columns", "upwards", "root", "md5", "values", "quotes"],
)
def test_a_list_of_another_form_says_where(tmp_path: Path, lines: str, reason: str) -> None:
    (tmp_path / "list.csv").write_text(lines)
    with pytest.raises(DataError, match=reason):
        read_list(str(tmp_path / "list.csv"))
