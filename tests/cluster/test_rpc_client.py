"""The client over HTTP/2, calling grpcio."""

import signal
import socket
import threading
import time

import pytest
from cluster.grpc_peers import CODES, PROGRAM, Client, Server, grpcio_server, pattern, until, weighed
from ports import free_port

if not PROGRAM.exists():
    pytest.skip("build/tests/peer-rpc is not built: ninja -C build peers", allow_module_level=True)


@pytest.fixture(scope="module", params=["tcp", "unix"])
def server(request, tmp_path_factory):
    address = "127.0.0.1:0" if request.param == "tcp" else f"unix:{tmp_path_factory.mktemp('s')}/s"
    server, service, address = grpcio_server(address)
    yield service, address
    server.stop(0)


@pytest.fixture
def client():
    with Client() as client:
        yield client


@pytest.mark.parametrize("size", [0, 1, 16384, 5_000_000, 100_000_000])
def test_sizes(server, client, size):
    data = pattern(size)
    assert client.call(server[1], "Size", "bytes", size)[3] == str(size)
    code, n, total, text = client.call(server[1], "Give", "text", size)
    assert (code, n, total) == ("OK", size, weighed(data)), text
    if size < 10_000_000:
        assert client.call(server[1], "Echo", "bytes", size)[:3] == ("OK", size, weighed(data))


@pytest.mark.parametrize("code", [code for code in CODES if code])
def test_statuses(server, client, code):
    message = f"100% of {code}: wr\u00f6ng\n\u4e2d"
    result = client.call(server[1], "Fail", "text", f"{code} {message}")
    assert result == (CODES[code].name, 0, 0, message)


def test_unknown_method(server, client):
    assert client.call(server[1], "Nothing")[0] == "UNIMPLEMENTED"


def test_metadata(server, client):
    code, _, _, text = client.call(server[1], "Metadata", value="x-color", metadata=[("x-color", "light green")])
    assert (code, text) == ("OK", "light green")
    assert client.call(server[1], "Metadata", value="te")[3] in ("trailers", "")
    with Client(token="secret") as other:
        assert other.call(server[1], "Metadata", value="authorization")[3] == "Bearer secret"


def test_deadlines(server, client):
    assert int(client.call(server[1], "Deadline")[3]) > 10**15  # none, as grpcio says it
    assert 3_500_000 < int(client.call(server[1], "Deadline", deadline_ms=3_600_000)[3]) <= 3_600_000
    code, _, _, text = client.call(server[1], "Hang", deadline_ms=300)
    assert code == "DEADLINE_EXCEEDED"
    # The server counts as well, and may be the first to say so.
    assert server[1] in text or text == "Deadline Exceeded"


def test_cancelled(server, client):
    service, address = server
    before = service.hanging
    client.start(address, "Hang", count=10, cancel_ms=2000)
    assert [client.result()[0] for _ in range(10)] == ["CANCELLED"] * 10
    until(lambda: service.cancelled == service.hanging > before)
    assert client.call(address, "Echo", value="x")[3] == "x"


def test_hundred_at_once(server, client):
    client.start(server[1], "Echo", value="a", count=100)
    client.start(server[1], "Later", value="20", count=100)
    assert [client.result()[3] for _ in range(200)] == ["a"] * 100 + ["20"] * 100


def test_too_large(server):
    with Client(max_message=1000) as client:
        assert client.call(server[1], "Give", value=1000)[0] == "OK"
        code, _, _, text = client.call(server[1], "Give", value=1001)
        assert (code, text) == (
            "RESOURCE_EXHAUSTED",
            f"/test.Test/Give at {server[1]}: a message of 1001 bytes came; the limit is 1000 "
            "(--message-limit or TENON_MESSAGE_LIMIT)",
        )
        assert client.call(server[1], "Give", value=10)[0] == "OK"


def test_nobody_listens(client, tmp_path):
    address = f"127.0.0.1:{free_port()}"
    for where in (address, f"localhost:{address.rsplit(':', 1)[1]}"):
        code, _, _, text = client.call(where, "Echo")
        assert code == "UNAVAILABLE"
        assert text == f"{where}: cannot connect: Connection refused"
    code, _, _, text = client.call(f"unix:{tmp_path}/none", "Echo")
    assert (code, text) == ("UNAVAILABLE", f"unix:{tmp_path}/none: cannot connect: there is no such socket")
    code, _, _, text = client.call("nowhere.invalid:1", "Echo")
    assert code == "UNAVAILABLE"
    assert text.startswith("nowhere.invalid:1: the host is not found")
    assert client.call("nonsense", "Echo")[0] == "INVALID_ARGUMENT"


def test_connects_again(client):
    """The server goes and comes back at the same port: calls fail meanwhile, and work again."""
    server, _, address = grpcio_server(f"127.0.0.1:{free_port()}")
    assert client.call(address, "Echo", value="1")[0] == "OK"
    server.stop(0).wait()
    until(lambda: client.call(address, "Echo", value="2")[0] == "UNAVAILABLE")
    for _ in range(3):
        assert client.call(address, "Echo", value="2")[0] == "UNAVAILABLE"
    server, _, _ = grpcio_server(address)
    assert client.call(address, "Echo", value="3")[0] == "OK"
    server.stop(0)


def test_names_are_looked_up(client):
    server, _, address = grpcio_server("localhost:0")
    assert address.startswith("localhost:")
    assert client.call(address, "Echo", value="x")[3] == "x"
    server.stop(0)


def test_server_ends_in_order(client):
    """A server that stops within a grace lets the call finish."""
    server, service, address = grpcio_server()
    assert client.call(address, "Echo")[0] == "OK"
    client.start(address, "Later", value="300")
    until(lambda: service.later_calls == 1)
    stopped = server.stop(10)
    assert client.result()[3] == "300"
    stopped.wait()


def test_killed_mid_call(client):
    server = Server()
    assert client.call(server.address, "Echo")[0] == "OK"
    client.start(server.address, "Hang")
    with Client() as other:
        until(lambda: other.call(server.address, "Hanging")[3] == "1")
    server.process.kill()
    code, _, _, text = client.result()
    assert (code, text) == ("UNAVAILABLE", f"{server.address}: the peer closed the connection")
    server.process.wait()


@pytest.mark.parametrize("kind", ["tcp", "near", "unix"])
def test_frozen_peer_is_noticed(kind, tmp_path):
    address = f"unix:{tmp_path}/s" if kind == "unix" else "127.0.0.1:0"
    far = {"network_only": int(kind == "tcp")}
    with Server(address, silence_ms=60000, **far) as server, Client(silence_ms=1600, **far) as client:
        assert client.call(server.address, "Echo")[0] == "OK"
        server.process.send_signal(signal.SIGSTOP)
        begin = time.monotonic()
        code, _, _, text = client.call(server.address, "Hang")
        seconds = time.monotonic() - begin
        server.process.send_signal(signal.SIGCONT)
        assert code == "UNAVAILABLE"
        assert text.startswith(f"{server.address}: the peer has not answered for ")
        assert seconds < 60
        assert client.call(server.address, "Echo", value="back")[3] == "back"


def test_frozen_client_is_noticed():
    """The server tells the handlers of a client that does not answer any more."""
    with Server(silence_ms=1600) as server, Client(silence_ms=60000) as client, Client() as other:
        client.start(server.address, "Hang", count=3)
        until(lambda: other.call(server.address, "Hanging")[3] == "3")
        assert other.call(server.address, "Cancelled")[3] == "0"
        client.process.send_signal(signal.SIGSTOP)
        until(lambda: other.call(server.address, "Cancelled")[3] == "3")
        client.process.send_signal(signal.SIGCONT)
        assert {client.result()[0] for _ in range(3)} == {"UNAVAILABLE"}


def test_two_thousand_at_once():
    with Server() as server, Client() as client:
        client.start(server.address, "Later", value="200", count=2000)
        assert {client.result()[::3] for _ in range(2000)} == {("OK", "200")}


def test_slow_server_is_not_lost():
    """A call may take much longer than the silence, as long as the peer answers when it is asked."""
    with Server(silence_ms=1600) as server, Client(silence_ms=1600) as client:
        assert client.call(server.address, "Later", value="4000")[3] == "4000"


def test_client_that_was_frozen_goes_on():
    """After SIGCONT the client asks again before it gives the peer up."""
    with Server(silence_ms=60000) as server, Client(silence_ms=1600) as client:
        client.start(server.address, "Later", value="3000")
        time.sleep(0.5)
        client.process.send_signal(signal.SIGSTOP)
        time.sleep(3)
        client.process.send_signal(signal.SIGCONT)
        assert client.result()[3] == "3000"


def test_peer_that_is_no_grpc(client):
    """Garbage, silence, and a connection that is closed at once, are errors that name the peer."""

    def serve(listener, data):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(data)
            time.sleep(0.2)

    for data in (b"", b"HTTP/1.1 200 OK\r\n\r\nhello", b"\0" * 100, b"\xff" * 100000):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=serve, args=(listener, data), daemon=True).start()
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            code, _, _, text = client.call(address, "Echo")
            assert code == "UNAVAILABLE"
            assert text.startswith(f"{address}: ")
