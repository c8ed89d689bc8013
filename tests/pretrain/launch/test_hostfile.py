"""Hostfiles: DeepSpeed's lines, and every line that is none."""

from pathlib import Path

import pytest

from corpora.errors import UsageError
from pretrain.launch.hostfile import Host, read


def test_hosts_in_order(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("# ours\nnode1 slots=8\n\n  10.0.0.2   slots = 4  # half\n")
    assert read(path) == [Host("node1", 8), Host("10.0.0.2", 4)]


def test_deepspeed_reads_the_same(tmp_path: Path) -> None:
    """Of what DeepSpeed's own launcher takes, nothing is refused here, and it is read alike."""
    text = "worker-1 slots=8\n#worker-2 slots=8\nworker-3 slots=2\n"
    path = tmp_path / "hosts"
    path.write_text(text)
    from deepspeed.launcher.runner import fetch_hostfile

    assert {host.name: host.slots for host in read(path)} == dict(fetch_hostfile(str(path)))


def test_all_bad_lines_are_told_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("node1 slots=8\nnode2\nnode3 slots=0\n-oProxyCommand=x slots=1\nnode1 slots=2\n")
    with pytest.raises(UsageError) as caught:
        read(path)
    lines = str(caught.value).splitlines()
    assert [line.removeprefix(f"{path}:").split(":")[0] for line in lines] == ["2", "3", "4", "5"]
    assert "got 'node2', wanted a host and its processes: node1 slots=8" in lines[0]
    assert "the first is in line 1" in lines[3]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"# none\n", "names no host"), (b"\xff", "cannot be read"), (None, "cannot be read")],
)
def test_files_that_are_none(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "hosts"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read(path)
