"""What every check promises."""

from collections.abc import Iterator

import numpy as np
import pytest

from matey_core.linting import CHECKS, SEVERITIES, Check, Finding, Linter, lint_store
from matey_core.store import Store, open_store
from tests.support import tiny_store
from tests.unit.linting.defects import values

each_check = pytest.mark.parametrize("name", CHECKS.names())


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> list[Store]:
    folder = tmp_path_factory.mktemp("clean")
    shapes = {"a_periodic": (48,), "b_periodic": (16, 24), "c_periodic": (8, 12, 10)}
    paths = [tiny_store(folder, name=name, shape=shape) for name, shape in shapes.items()]
    paths.append(tiny_store(folder, name="static_periodic", frames=1, samples=4))
    paths.append(tiny_store(folder, name="single_periodic", shape=(40,), samples=1))
    return [open_store(path) for path in paths]


@each_check
def test_says_nothing_of_clean_stores_one_after_the_other(name: str, clean: list[Store]) -> None:
    linter = Linter((name,))
    assert {store.name: found for store in clean if (found := linter.lint(store))} == {}


@pytest.fixture(scope="module", params=[np.nan, np.inf, 0.0, -3.4e38])
def uniform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tiny_store(tmp_path_factory.mktemp("uniform"), samples=3)
    for field in ("density", "velocity_x"):
        for sample in range(3):
            values(path, field, sample)[:] = request.param
    return open_store(path)


@each_check
def test_survives_a_store_of_one_value(name: str, uniform: Store) -> None:
    for found in lint_store(uniform, checks=(name,)):
        assert found.check == name
        assert found.severity in SEVERITIES
        assert found.found
        assert found.expected
        assert found.remedy.endswith(".")
        assert found.count >= 1


@pytest.fixture(scope="module")
def hollow(tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tiny_store(tmp_path_factory.mktemp("hollow"), samples=2)
    for file in path.glob("*/c/*/*/*/*"):
        file.unlink()
    return open_store(path)


@each_check
def test_is_silent_where_nothing_can_be_read(name: str, hollow: Store) -> None:
    reads = {"read"} if CHECKS[name].reads else set()
    assert {found.check for found in lint_store(hollow, checks=(name,))} == reads


class _Recorder(Check):
    """Writes down what it is shown."""

    def start(self, store: Store) -> None:
        super().start(store)
        self.seen: list[tuple[int, str, int, int]] = []

    def see(self, block: object) -> None:
        self.seen.append((block.sample, block.field.name, block.start, len(block.values)))  # type: ignore[attr-defined]

    def findings(self) -> Iterator[Finding]:
        return iter(())


def test_blocks_come_once_and_in_order(clean: list[Store]) -> None:
    recorder = _Recorder()
    linter = Linter(())
    linter._checks = {"recorder": recorder}
    store = clean[1]
    linter.lint(store)
    assert recorder.seen == [
        (sample, name, 0, 12) for sample in range(6) for name in ("density", "velocity_x")
    ]
