"""What torch says when ranks do not meet, as a user reads it."""

from datetime import timedelta

import pytest
import torch.distributed as dist

from corpora.errors import UsageError
from pretrain.launch.meeting import meet

TAKEN = (
    "The server socket has failed to listen on any local network address. port: 29501, useIpv6: false, "
    "code: -98, name: EADDRINUSE, message: address already in use"
)
MISSING = "Timed out after 601 seconds waiting for clients. 5/8 clients joined."
UNREACHED = "The client socket has timed out after 600000ms while trying to connect to (node1, 29501)."
MESH = "Gloo connectFullMesh failed with [...] connect [127.0.1.1]:27389: Connection refused"


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    job = {"RANK": "3", "WORLD_SIZE": "8", "MASTER_ADDR": "node1", "MASTER_PORT": "29501"}
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def fail(meeting: pytest.MonkeyPatch, message: str) -> None:
    def init(*_: object, **__: object) -> None:
        raise RuntimeError(message)

    meeting.setattr(dist, "init_process_group", init)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (TAKEN, "port 29501 of .* is taken by another program: set MASTER_PORT to a free one"),
        (MISSING, r"not all ranks came to node1:29501 \(5/8 did\).* `srun python -m pretrain\.run"),
        (UNREACHED, "rank 3 on .* cannot reach rank 0 at node1:29501"),
        (MESH, "rank 3 on .* do not reach each other: set GLOO_SOCKET_IFNAME"),
    ],
)
def test_usual_faults_are_explained(meeting: pytest.MonkeyPatch, message: str, said: str) -> None:
    fail(meeting, message)
    with pytest.raises(UsageError, match=said):
        meet("gloo", timedelta(seconds=1))


def test_other_faults_stay_what_they_are(meeting: pytest.MonkeyPatch) -> None:
    fail(meeting, "something new")
    with pytest.raises(RuntimeError, match="something new"):
        meet("gloo", timedelta(seconds=1))
