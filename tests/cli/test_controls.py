"""What a file is called, and what is in it, never acts on the terminal."""

import io
import json
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
import zarr

from matey_cli import app, output, progress, render
from matey_cli.output import one_line
from matey_core.progress import Progress
from matey_core.texts import visible
from tests.command import Matey
from tests.support import tiny_store

EVIL = "a\x1b[2J\x1b]0;x\x07\r\x9b31m\u202ecod.\u2066\x7f\nerror: all lost"
CONTROLS = {*map(chr, range(32)), *map(chr, range(127, 160)), *"\u061c\u200e\u200f\u2028\u2029"}
CONTROLS |= {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def check(text: str) -> None:
    """No control characters but our line feeds, and no line that matey did not begin."""
    assert not set(text) & (CONTROLS - {"\n"}), repr(text)
    assert not any(line.startswith("error: all lost") for line in text.splitlines()), text


def test_every_control_character_becomes_text() -> None:
    for sign in CONTROLS:
        assert visible(sign) == ("\n" if sign == "\n" else sign.encode("unicode_escape").decode())
        assert one_line(f"a{sign}b").isascii()
    plain = "µ ×10⁴ – 温度 é 🌊 \\x1b [31m"
    assert one_line(plain) == plain


def test_all_that_is_printed_is_free_of_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    render.table(EVIL, (EVIL, "b"), [(EVIL, 1), (Path(EVIL), [EVIL])], caption=EVIL)
    render.table("", ("a",), [(render.Lines((EVIL, EVIL)),)])
    render.facts(EVIL, **{EVIL: EVIL})
    render.heading(EVIL)
    render.caption(EVIL)
    render.note(EVIL)
    render.error(EVIL, EVIL)
    app._show_warning(UserWarning(EVIL), UserWarning, "a.py", 3)
    output.console(sys.stdout).print(EVIL.partition("\n")[0], soft_wrap=True)
    lines = progress._Lines()
    lines._last -= 2 * progress.LINE_EVERY
    lines(Progress(task=EVIL, done=1, total=2, facts=((EVIL, EVIL),)))
    monkeypatch.setattr(output, "_current", output.Output(debug=True))
    app._end(ValueError(EVIL.replace("\n", "")))
    out, error = capsys.readouterr()
    check(out)
    check(error)
    monkeypatch.setattr(output, "_current", output.Output(json=True))
    render.emit({EVIL: EVIL})
    render.error(EVIL)
    for text in capsys.readouterr():
        check(text)
        assert json.loads(text)


def test_colors_of_our_own_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    output.configure([])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    render.error("\x1b[2J")
    render.heading("\x1b[2J")
    assert terminal.getvalue().startswith("\x1b[1;31merror:\x1b[0m \\x1b[2J\n\x1b[1m\\x1b[2J")


def test_names_in_files_do_not_reach_the_terminal(matey: Matey, tmp_path: Path) -> None:
    name = EVIL.replace("/", "_")
    coords = {"t": ("t", np.arange(5.0), {"units": EVIL}), "x": ("x", np.arange(8.0))}
    values = ("run", "t", "x"), np.random.default_rng(0).normal(size=(4, 5, 8)), {"units": EVIL}
    data = xr.Dataset({name: values, "u": values}, coords, {EVIL: EVIL})
    (tmp_path / "in").mkdir()
    data.to_netcdf(tmp_path / "in" / f"{name}.nc", engine="h5netcdf")
    np.save(tmp_path / f"{name}.npy", np.zeros((2, 3)))
    with h5py.File(tmp_path / f"{name}.h5", "w") as file:
        file[name] = np.zeros((2, 3, 4, 4))
        file[name].attrs[name] = EVIL
        file.attrs[name] = EVIL
        file[f"{name}2"] = h5py.SoftLink("/nowhere")
    path = tiny_store(tmp_path / "store", shape=(8,))
    group = zarr.open_group(path, mode="r+")
    group.attrs.update({"units": {"time": EVIL, "x": EVIL}})
    described = json.loads(json.dumps(group.attrs["fields"]))
    described[0]["unit"] = EVIL
    group.attrs["fields"] = described
    path.rename(path.with_name(f"{name}.zarr"))
    for command in (
        ("data", "inspect", tmp_path / "in"),
        ("data", "inspect", tmp_path),
        ("data", "inspect", tmp_path / "store"),
        ("data", "inspect", path.with_name(f"{name}.zarr")),
        ("data", "check", tmp_path / "store"),
        ("prepare", "netcdf", tmp_path / "in", "--dims", "sample=run,time=t,x"),
        ("prepare", "auto", tmp_path / "in", "--fields", "u", "--dims", "sample=run,time=t,x"),
        ("data", "inspect", tmp_path / f"{name}.h5"),
        ("prepare", "auto", tmp_path / f"{name}.h5"),
        ("prepare", "hdf5", tmp_path / f"{name}.h5"),
        ("prepare", "hdf5", tmp_path / f"{name}.h5", "--dims", "time,z,y,x"),
        ("prepare", "array", tmp_path / f"{name}.npy"),
        ("tokenize-inspect", path.with_name(f"{name}.zarr")),
        ("pretrain", "--data", tmp_path / "store", "--steps", "1", "--variant", EVIL),
        ("rollout", EVIL),
        (EVIL,),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = matey(*command, cwd=tmp_path)
        check(done.stdout)
        check(done.stderr)
        assert "fault of matey" not in done.stderr
