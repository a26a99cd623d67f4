"""What may be wrong with a file: its bytes, its JSON or TOML, or that it is no file at all."""

import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import tomli_w

HEADER = 8192
"""Metadata lie in the first bytes of a file: half of the damage is there."""
NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 7, 2**16, 2**31, 2**63, 2**64, 10**12, 10**30, 0.5, -0.0, 1e-300, 1e308,
    float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
TEXTS = (
    "",
    " ",
    "x",
    "../../outside/secret",
    "/dev/zero",
    "/dev/full",
    "file:///etc/passwd",
    "http://127.0.0.1:9/x",
    "\x1b[2J\x1b[31merror: gone\x1b[0m",
    "a\nerror: faked",
    "\u202eevil\u2066",
    "\x00",
    "\ud800",
    "%s%n{0}{x}",
    "[bold]rich[/bold]",
    "--help",
    "nan",
    "1e999",
    "9" * 5000,
    "n" * 300,
    "ü/ñ\\: *?",
)
DEEP = "[" * 100_000
"""Text that recursive parsers do not survive."""
WORDS = (0, 1, 0x7F, 0x80, 0xFF)


def hostile(random: Random) -> Any:
    """A value that nobody expects, of any type."""
    simple = (None, True, False, [], {}, [[]], {"": None}, [1, "x", None])
    family = random.choice((NUMBERS, TEXTS, simple))
    return random.choice(family)


def mutated_value(document: Any, random: Random) -> Any:
    """Change, add or remove one value somewhere in lists and dicts; the document is changed."""
    places = list(_places(document))
    if not places:
        return hostile(random)
    holder, key = random.choice(places)
    match random.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[random.choice(TEXTS)] = holder.pop(key)
        case 2 if isinstance(holder, dict):
            holder[random.choice(TEXTS)] = hostile(random)
        case 3 if isinstance(holder, list):
            holder.extend([holder[key]] * random.choice((1, 13, 10_000)))
        case 4:
            holder[key] = [holder[key]] if random.random() < 0.5 else {"x": holder[key]}
        case _:
            holder[key] = hostile(random)
    return document


def _places(document: Any) -> Any:
    """Yield every (list or dict, key) in a document."""
    items = ()
    if isinstance(document, dict):
        items = list(document.items())
    elif isinstance(document, list):
        items = list(enumerate(document))
    for key, value in items:
        yield document, key
        yield from _places(value)


def mutated_json(content: bytes, random: Random) -> bytes:
    """JSON with another value somewhere; sometimes too deep, or with a number too long."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):  # it is damaged already
        return mutated_bytes(content, random)
    if random.random() < 0.05:
        return random.choice((DEEP, "9" * 5000, "[" + "0," * 10**6 + "0]", "")).encode()
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        document = mutated_value(document, random)
    return json.dumps(document).encode()


def mutated_lines(content: bytes, random: Random) -> bytes:
    """Lines of JSON with one that is changed, missing or twice."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return b"\xff\n"
    index = random.randrange(len(lines))
    match random.randrange(4):
        case 0:
            del lines[index]
        case 1:
            lines.insert(index, lines[index])
        case 2:
            lines[index] = lines[index][: random.randrange(len(lines[index]))]
        case _:
            lines[index] = mutated_json(lines[index], random) + b"\n"
    return b"".join(lines)


def mutated_toml(content: bytes, random: Random) -> bytes:
    """TOML with another value somewhere, or with bytes that are none."""
    try:
        document = tomllib.loads(content.decode())
    except (ValueError, RecursionError):  # it is damaged already
        return mutated_bytes(content, random)
    if random.random() < 0.1:
        return random.choice(
            (
                f"x = {DEEP}".encode(),
                b"x = " + b"9" * 5000,
                b"\xff\xfe",
                b"\xef\xbb\xbf" + content,
                content + b"\nx = 2020-01-01\n",
                content + b"\n[a.b.c]\n[[a]]\n",
                content.replace(b"=", b"= inf #", 1),
            )
        )
    for _ in range(random.choice((1, 1, 2, 5))):
        document = mutated_value(document, random)
    try:
        return tomli_w.dumps(document).encode("utf-8", "surrogatepass")
    except (TypeError, AttributeError):  # what TOML cannot hold, such as null
        return mutated_bytes(content, random)


def mutated_safetensors(content: bytes, random: Random) -> bytes:
    """Safetensors with another header of the right length, or with other bytes."""
    length = int.from_bytes(content[:8], "little")
    if random.random() < 0.5:
        return mutated_bytes(content, random)
    header = mutated_json(content[8 : 8 + length], random)
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def mutated_bytes(content: bytes, random: Random) -> bytes:
    """Bytes that are changed, gone, moved or added, in one to eight places."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        if not data:
            break
        reach = min(HEADER, len(data)) if random.random() < 0.5 else len(data)
        random.choice(_DAMAGES)(data, random.randrange(reach), random)
    return bytes(data)


def _flip(data: bytearray, place: int, random: Random) -> None:
    data[place] ^= 1 << random.randrange(8)


def _byte(data: bytearray, place: int, random: Random) -> None:
    data[place] = random.choice((*WORDS, random.randrange(256)))


def _word(data: bytearray, place: int, random: Random) -> None:
    size = random.choice((2, 4, 8))
    value = random.choice((0, 1, 2**31, 2**40, 2**63, 2**64 - 1, place, random.getrandbits(64)))
    data[place : place + size] = (value % 2 ** (8 * size)).to_bytes(size, "little")


def _zero(data: bytearray, place: int, random: Random) -> None:
    length = min(random.choice((8, 64, 512, 4096)), len(data) - place)
    data[place : place + length] = bytes(length)


def _cut(data: bytearray, place: int, random: Random) -> None:
    del data[place:]


def _drop(data: bytearray, place: int, random: Random) -> None:
    del data[place : place + random.choice((1, 8, 64, 512))]


def _swap(data: bytearray, place: int, random: Random) -> None:
    size = random.choice((8, 64, 512))
    other = random.randrange(len(data))
    first, second = data[place : place + size], data[other : other + size]
    size = min(len(first), len(second))
    data[place : place + size], data[other : other + size] = second[:size], first[:size]


def _repeat(data: bytearray, place: int, random: Random) -> None:
    size = random.choice((1, 8, 64, 512))
    data[place:place] = data[place : place + size]


def _digits(data: bytearray, place: int, random: Random) -> None:
    """Put another number where the next digits stand."""
    start = next((k for k in range(place, len(data)) if 48 <= data[k] < 58), None)
    if start is not None:
        stop = next((k for k in range(start, len(data)) if not 48 <= data[k] < 58), len(data))
        data[start:stop] = str(random.choice(NUMBERS)).encode()


_DAMAGES = (_flip, _byte, _byte, _word, _word, _zero, _cut, _drop, _swap, _repeat, _digits)
BY_SUFFIX: dict[str, Callable[[bytes, Random], bytes]] = {
    ".json": mutated_json,
    ".jsonl": mutated_lines,
    ".toml": mutated_toml,
    ".safetensors": mutated_safetensors,
}
"""Other files are bytes."""


def replaced(path: Path, outside: Path, random: Random) -> str:
    """Put something else in the place of a file or folder, and say what."""
    kind = random.choice(
        ("pipe", "zero", "full", "secret", "loop", "folder", "empty", "gone", "folder outside")
    )
    aside = path.with_name(path.name + "~")
    path.rename(aside)
    links = {
        "zero": Path("/dev/zero"),
        "full": Path("/dev/full"),
        "secret": outside / "secret",
        "loop": path,
        "folder outside": outside,
    }
    if kind in links:
        path.symlink_to(links[kind])
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    if aside.is_dir() or random.random() < 0.9:
        _remove(aside)
    return kind


def _remove(path: Path) -> None:
    if path.is_dir():
        for entry in path.iterdir():
            _remove(entry)
        path.rmdir()
    else:
        path.unlink()


def damage(path: Path, outside: Path, random: Random) -> str:
    """Damage a file in one way or another, and say how."""
    if random.random() < 0.07:
        return f"{path.name}: {replaced(path, outside, random)}"
    mutate = BY_SUFFIX.get(path.suffix, mutated_bytes)
    if random.random() < 0.2:
        mutate = mutated_bytes
    path.write_bytes(mutate(path.read_bytes(), random))
    return f"{path.name}: {mutate.__name__}"
