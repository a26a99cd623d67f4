"""What srun sets decides which process this one is."""

import pytest
import torch

from matey_core.distributed import Place, is_one_of_a_group, place_of_this_process
from matey_core.distributed._slurm import first_host
from matey_core.errors import ConfigError
from matey_core.runs.processes import num_processes

TASK = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "8",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_STEP_NODELIST": "gpu[07-08]",
    "SLURM_PROCID": "6",
    "SLURM_LOCALID": "2",
}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    others = ("SLURM_NTASKS", "SLURM_JOB_NODELIST", "ENVIRONMENT")
    for name in (*TASK, *others, "RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)


def in_step(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    for name, value in {**TASK, **changes}.items():
        monkeypatch.setenv(name, value)


def test_a_task_knows_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    in_step(monkeypatch)
    assert is_one_of_a_group()
    place = place_of_this_process()
    assert (place.rank, place.size, place.local_rank) == (6, 8, 2)
    assert place.address == "tcp://gpu07:24711"
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "29500")
    assert place_of_this_process().address == "tcp://10.0.0.1:29500"


def test_other_steps_meet_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = set()
    for job in ("4711", "4712"):
        for step in ("0", "1"):
            in_step(monkeypatch, SLURM_JOB_ID=job, SLURM_STEP_ID=step, SLURM_STEP_NUM_NODES="1")
            addresses.add(place_of_this_process().address)
    assert len(addresses) == 4
    assert all(str(address).startswith("tcp://127.0.0.1:") for address in addresses)


def test_a_batch_script_and_a_single_task_are_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_JOB_ID"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setenv("SLURM_NTASKS", "8")
    monkeypatch.setenv("ENVIRONMENT", "BATCH")
    assert place_of_this_process() == Place()
    assert not is_one_of_a_group()
    monkeypatch.delenv("SLURM_PROCID")
    monkeypatch.delenv("ENVIRONMENT")
    assert place_of_this_process() == Place()  # a shell of salloc
    in_step(monkeypatch, SLURM_STEP_NUM_TASKS="1")
    assert place_of_this_process() == Place()


def test_a_step_without_numbers_of_its_own_is_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("SLURM_PROCID", "1")
    monkeypatch.setenv("SLURM_JOB_NODELIST", "gpu7")
    place = place_of_this_process()
    assert (place.rank, place.size, place.local_rank) == (1, 2, 0)
    assert place.address == "tcp://127.0.0.1:20000"


@pytest.mark.parametrize(
    ("name", "value"),
    [("SLURM_STEP_NUM_TASKS", "two"), ("SLURM_PROCID", "8"), ("SLURM_LOCALID", "-1")],
)
def test_a_variable_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    in_step(monkeypatch, **{name: value})
    with pytest.raises(ConfigError, match=f"{name} is '?{value}'?"):
        place_of_this_process()


def test_processes_of_a_launch_inside_a_step_are_those_of_the_launch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_step(monkeypatch)
    launched = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}
    for name, value in {**launched, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    assert place_of_this_process() == Place(rank=1, size=2, local_rank=1)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ("gpu7", "gpu7"),
        ("gpu7,gpu8", "gpu7"),
        ("gpu[03-05,9],cpu1", "gpu03"),
        ("gpu[3,5-9]", "gpu3"),
        ("rack[1-2]-node[4-5].cluster,other", "rack1-node4.cluster"),
    ],
)
def test_the_first_node_is_found(nodes: str, expected: str) -> None:
    assert first_host(nodes) == expected


def test_a_task_takes_its_own_gpu_or_one_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --gpus-per-task=1 each task sees one GPU, which has the number 0."""
    in_step(monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for visible, index in ((1, 0), (4, 2)):
        monkeypatch.setattr(torch.cuda, "device_count", lambda visible=visible: visible)
        assert place_of_this_process().device() == torch.device("cuda", index)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match="has no GPU of its own"):
        place_of_this_process().device()


def test_a_lone_task_that_sees_several_gpus_starts_a_process_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    in_step(monkeypatch, SLURM_STEP_NUM_TASKS="1", SLURM_PROCID="0", SLURM_LOCALID="0")
    assert num_processes("auto", 8) == 4
    launched = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "3"}
    for name, value in {**launched, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    assert place_of_this_process().device() == torch.device("cuda", 3)
    assert num_processes("auto", 8) == 1  # it is one of them


def test_each_of_several_tasks_starts_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    in_step(monkeypatch)
    assert num_processes("auto", 8) == 1


def test_empty_variables_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*TASK, "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "")
    assert not is_one_of_a_group()
    assert place_of_this_process() == Place()


@pytest.mark.parametrize("text", ["one", "-1", "1.0", "²", "9" * 5000])
def test_a_rank_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    for name in ("WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("RANK", text)
    with pytest.raises(ConfigError, match=f"RANK is '{text[:3]}"):
        place_of_this_process()
