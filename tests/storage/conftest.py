"""The servers as fixtures."""

import pytest

from storage import servers


@pytest.fixture(scope="session")
def s3_remote():
    """A small S3."""
    with servers.s3() as remote:
        yield remote


@pytest.fixture(scope="session")
def hdfs_remote():
    """A small HDFS."""
    with servers.hdfs() as remote:
        yield remote


@pytest.fixture
def remote(request, monkeypatch):
    """The server of the test's parameter, its environment set."""
    server = request.getfixturevalue(f"{request.param}_remote")
    for name in servers.CLEARED:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**server.environment, "TENON_STORAGE_RETRY_SECONDS": "60"}.items():
        monkeypatch.setenv(name, value)
    server.faults()
    yield server
    server.faults()


@pytest.fixture
def folder(remote):
    """An address where nothing is yet."""
    return remote.folder()
