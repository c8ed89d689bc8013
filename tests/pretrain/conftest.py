"""One toy token set for all tests that train on it. They never change it."""

import pytest

from corpora.artefact import Artefact
from tests.pretrain.toys import toy_data


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return toy_data(tmp_path_factory.mktemp("tokens") / "data")
