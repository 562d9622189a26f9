"""TLS and certificates of `tenon certs`, between this transport and grpcio, both ways."""

import os
import stat
import subprocess
from pathlib import Path

import grpc
import pytest
from cluster.grpc_peers import NO_LIMIT, PROGRAM, ROOT, Client, Server, grpcio_call, grpcio_server, pattern, weighed

if not PROGRAM.exists():
    pytest.skip("build/tests/peer-rpc is not built: ninja -C build peers", allow_module_level=True)


def tenon_certs(*arguments):
    command = [ROOT / "build" / "tenon", "certs", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certs")
    assert tenon_certs(folder / "own", "server", "client", "elsewhere=10.1.2.3,far.example").returncode == 0
    assert tenon_certs(folder / "other", "server", "client").returncode == 0
    return folder


def options(folder, name, authority=True):
    found = {"certificate": folder / f"{name}.pem", "key": folder / f"{name}.key"}
    return {**found, "authority": folder / "ca.pem"} if authority else found


def read(folder, *names):
    return [(folder / name).read_bytes() for name in names]


def test_grpcio_calls_us(certs):
    own, other = certs / "own", certs / "other"
    ca, key, pem = read(own, "ca.pem", "client.key", "client.pem")
    data = pattern(5_000_000)
    with Server(**options(own, "server")) as server:
        address = server.address.replace("127.0.0.1", "localhost")
        with grpc.secure_channel(address, grpc.ssl_channel_credentials(ca, key, pem), options=NO_LIMIT) as channel:
            assert grpcio_call(channel, "Echo", data) == data
            assert grpcio_call(channel, "Give", b"100000000") == pattern(100_000_000)
        foreign_key, foreign = read(other, "client.key", "client.pem")
        for credentials in (
            grpc.ssl_channel_credentials(ca),
            grpc.ssl_channel_credentials(ca, foreign_key, foreign),
            grpc.ssl_channel_credentials(*read(other, "ca.pem"), key, pem),
        ):
            with grpc.secure_channel(address, credentials, options=NO_LIMIT) as channel:
                with pytest.raises(grpc.RpcError) as error:
                    grpcio_call(channel, "Echo", wait_for_ready=False)
                assert error.value.code() == grpc.StatusCode.UNAVAILABLE
        with grpc.insecure_channel(address, options=NO_LIMIT) as channel:
            with pytest.raises(grpc.RpcError) as error:
                grpcio_call(channel, "Echo", wait_for_ready=False)
            assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    with Server(**options(own, "server", authority=False)) as server:
        credentials = grpc.ssl_channel_credentials(ca)
        with grpc.secure_channel(server.address, credentials, options=NO_LIMIT) as channel:
            assert grpcio_call(channel, "Echo", b"server's certificate alone") == b"server's certificate alone"


def test_we_call_grpcio(certs):
    own, other = certs / "own", certs / "other"
    ca, key, pem = read(own, "ca.pem", "server.key", "server.pem")
    credentials = grpc.ssl_server_credentials([(key, pem)], ca, require_client_auth=True)
    server, _, address = grpcio_server("127.0.0.1:0", credentials)
    data = pattern(5_000_000)
    with Client(**options(own, "client")) as client:
        assert client.call(address, "Echo", "bytes", len(data))[:3] == ("OK", len(data), weighed(data))
        assert client.call(address, "Size", "bytes", 100_000_000)[3] == "100000000"
        client.start(address, "Later", value="20", count=50)
        assert [client.result()[3] for _ in range(50)] == ["20"] * 50
    with Client(**options(other, "client")) as client:
        code, _, _, text = client.call(address, "Echo")
        assert (code, text.split(": ", 1)[0]) == ("UNAVAILABLE", address)
        assert "the peer's certificate is refused: " in text
    with Client(authority=own / "ca.pem") as client:
        assert client.call(address, "Echo")[0] == "UNAVAILABLE"
    with Client() as client:
        assert client.call(address, "Echo")[0] == "UNAVAILABLE"
    server.stop(0)


def test_the_name_is_checked(certs):
    own = certs / "own"
    with Server(**options(own, "elsewhere")) as server:
        with Client(**options(own, "client")) as client:  # good for localhost too
            assert client.call(server.address, "Echo", value="x")[3] == "x"
        with Client(**options(own, "client"), server_name="far.example") as client:
            assert client.call(server.address, "Echo", value="x")[3] == "x"
        with Client(**options(own, "client"), server_name="10.1.2.3") as client:
            assert client.call(server.address, "Echo", value="x")[3] == "x"
        with Client(**options(own, "client"), server_name="near.example") as client:
            code, _, _, text = client.call(server.address, "Echo")
            assert code == "UNAVAILABLE"
            assert "hostname mismatch" in text


def test_token_over_tls(certs):
    own = certs / "own"
    with Server(**options(own, "server"), token="secret") as server:
        with Client(**options(own, "client"), token="secret") as client:
            assert client.call(server.address, "Echo", value="x")[3] == "x"
        with Client(**options(own, "client"), token="Secret") as client:
            assert client.call(server.address, "Echo")[0] == "UNAUTHENTICATED"


def test_files_that_are_no_good(certs, tmp_path):
    own, other = certs / "own", certs / "other"
    (tmp_path / "junk").write_text("nothing")
    for wrong, word in (
        ({"certificate": tmp_path / "none", "key": own / "server.key"}, "none"),
        ({"certificate": tmp_path / "junk", "key": own / "server.key"}, "junk"),
        ({"certificate": own / "server.pem", "key": other / "server.key"}, "server.key"),
        ({"certificate": own / "server.pem"}, "without its key"),
        ({"certificate": own / "server.pem", "key": own / "server.key", "authority": tmp_path / "junk"}, "junk"),
    ):
        server = Server(**wrong)
        assert server.address.startswith("INVALID_ARGUMENT "), wrong
        assert word in server.address
        server.process.wait(10)


def test_certs_command(tmp_path):
    folder = tmp_path / "c"
    done = tenon_certs(folder, "ps0")
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(folder)) == ["ca.key", "ca.pem", "ps0.key", "ps0.pem"]
    for name in ("ca.key", "ps0.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    ca = (folder / "ca.pem").read_bytes()
    assert tenon_certs(folder, "worker0=10.0.0.1,w.example", "worker1").returncode == 0
    assert (folder / "ca.pem").read_bytes() == ca
    verify = ["openssl", "verify", "-CAfile", folder / "ca.pem", folder / "ps0.pem", folder / "worker0.pem"]
    if Path("/usr/bin/openssl").exists():
        assert subprocess.run(verify, capture_output=True).returncode == 0
    for arguments, code, word in (
        ([folder, "ps0"], 1, "ps0.key: File exists"),
        ([folder, "../x"], 1, "'../x': expected NAME"),
        ([folder, "x="], 1, "after the = stand hosts"),
        ([folder, "y", "--days", "0"], 2, "--days takes 1 to 36500"),
        ([], 2, "expected a folder"),
        (["/proc/none"], 1, "cannot make the folder /proc/none"),
    ):
        done = tenon_certs(*arguments)
        assert (done.returncode, word in done.stderr) == (code, True), done.stderr
