"""Where matey connects is decided by who runs it, never by a file that was given to them."""

from pathlib import Path

import pytest

from matey_core.errors import ConfigError, DataError
from matey_core.locations import location, recorded_location

URLS = ["http", "https", "ftp", "github", "sftp", "smb", "hdfs", "simplecache::s3", "", "data"]


@pytest.mark.parametrize("scheme", URLS)
def test_only_object_storage_is_a_place(scheme: str) -> None:
    with pytest.raises(ConfigError, match="does not connect to"):
        location(f"{scheme}://127.0.0.1/data")


@pytest.mark.parametrize("text", [*(f"{scheme}://host/a" for scheme in URLS), "s3://bucket/a.zarr"])
def test_what_a_file_names_is_never_an_address(text: str) -> None:
    for asked_for in (None, Path("data"), Path("/")):
        with pytest.raises(DataError, match="matey connects only to addresses that you give"):
            recorded_location(text, asked_for=asked_for)


def test_a_path_that_a_file_names_is_a_path() -> None:
    for text in ("data/a.zarr", "/data/zarr/a.zarr", "s3:/bucket", "a::b"):
        assert recorded_location(text) == Path(text)


def test_an_address_below_the_one_that_was_given_is_used() -> None:
    pytest.importorskip("s3fs")
    given = location("s3://bucket/data")
    for text in ("s3://bucket/data", "s3://bucket/data/zarr/a.zarr"):
        assert str(recorded_location(text, asked_for=given)) == text
    others = [
        "s3://bucket/database/a.zarr",
        "s3://bucket",
        "s3://other/data/a",
        "s3a://bucket/data",
    ]
    for text in [*others, "s3://bucket/data/../other/a.zarr"]:
        with pytest.raises(DataError, match="that you give"):
            recorded_location(text, asked_for=given)
