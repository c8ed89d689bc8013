"""jieba itself, once for all tests that compare with it."""

import pytest

from tests.tokenization.jiebas import Jiebas


@pytest.fixture(scope="session")
def jieba(tmp_path_factory: pytest.TempPathFactory) -> Jiebas:
    """jieba with its own dictionary."""
    return Jiebas.usual(tmp_path_factory.mktemp("jieba"))
