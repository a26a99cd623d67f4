"""Small files are read within bounds, and nothing is written or removed through a link."""

import json
import os
from pathlib import Path

import pytest

from matey_core import files
from matey_core.errors import RunError


def victim(folder: Path) -> Path:
    """A folder of others, with a file."""
    place = folder / "others"
    place.mkdir()
    (place / "file").write_text("theirs")
    return place


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        for read in (files.read_bytes, files.read_json, files.read_text):
            with pytest.raises(OSError, match="a pipe or a device"):
                read(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        files.read_bytes(tmp_path / "nothing")


def test_what_is_too_large_or_too_deep_is_a_mistake(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(files.MOST_BYTES + 1)
    with pytest.raises(ValueError, match="67,108,865 bytes"):
        files.read_bytes(tmp_path / "large")
    for text in ("[" * 100_000, '{"a":' * 100_000):
        (tmp_path / "deep").write_text(text)
        with pytest.raises(ValueError, match="nested too deep"):
            files.read_json(tmp_path / "deep")
    (tmp_path / "latin").write_bytes(b'"\xff"')
    with pytest.raises(ValueError, match="utf-8"):
        files.read_json(tmp_path / "latin")


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    place = victim(tmp_path)
    (tmp_path / "folder").mkdir()
    for link, target in {"a": place, "folder/b": place, "folder/c": place / "file"}.items():
        (tmp_path / link).symlink_to(target)
    files.remove(tmp_path / "a")
    files.remove_links(tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["folder", "others"]
    assert os.listdir(tmp_path / "folder") == []
    (tmp_path / "a").symlink_to(place)
    files.remove_links(tmp_path / "a")
    assert not (tmp_path / "a").is_symlink()
    assert (place / "file").read_text() == "theirs"


def test_links_in_the_place_of_finished_work_are_refused(tmp_path: Path) -> None:
    place = victim(tmp_path)
    own = tmp_path / "run"
    own.mkdir()
    (own / "model.partial").symlink_to(place)
    files.check_no_links(own, tmp_path / "nothing")
    assert os.listdir(own) == []
    (own / "journal.jsonl").symlink_to(place / "file")
    with pytest.raises(RunError, match=r"journal\.jsonl is a link to"):
        files.check_no_links(own)
    with pytest.raises(OSError, match=r"[Ss]ymbolic"):
        files.opener(str(own / "journal.jsonl"), os.O_WRONLY)
    assert json.dumps((place / "file").read_text()) == '"theirs"'


@pytest.mark.parametrize("text", ['["\\ud800"]', '{"\\uDfff": 1}', '["\\udc00\\ud800"]'])
def test_text_that_no_utf8_can_hold_is_no_json(text: str) -> None:
    for each in (text, text.encode()):
        with pytest.raises(ValueError, match="surrogates"):
            files.parse_json(each)
    assert files.parse_json('["\\ud83d\\ude00"]') == ["\U0001f600"]


def test_whole_numbers_beyond_all_floats_are_no_json() -> None:
    for digits in (310, 4000, 5000):
        for text in ("9" * digits, '{"a": [-' + "9" * digits + "]}"):
            with pytest.raises(ValueError, match="digits"):
                files.parse_json(text)
    assert files.parse_json(f'["{"9" * 5000}", {"1" * 308}]') == ["9" * 5000, int("1" * 308)]
