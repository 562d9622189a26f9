"""The server over HTTP/2, called by grpcio."""

import socket
import threading

import grpc
import pytest
from cluster.grpc_peers import CODES, NO_LIMIT, PROGRAM, Server, grpcio_call, pattern, until

if not PROGRAM.exists():
    pytest.skip("build/tests/peer-rpc is not built: ninja -C build peers", allow_module_level=True)


@pytest.fixture(params=["tcp", "unix"])
def server(request, tmp_path):
    address = "127.0.0.1:0" if request.param == "tcp" else f"unix:{tmp_path}/s"
    with Server(address) as server:
        yield server


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.address, options=NO_LIMIT) as channel:
        yield channel


@pytest.mark.parametrize("size", [0, 1, 16384, 5_000_000])
def test_sizes(channel, size):
    data = pattern(size)
    assert grpcio_call(channel, "Echo", data) == data
    assert grpcio_call(channel, "Give", str(size).encode()) == data


def test_hundred_megabytes():
    with Server() as server, grpc.insecure_channel(server.address, options=NO_LIMIT) as channel:
        assert grpcio_call(channel, "Size", bytes(100_000_000)) == b"100000000"
        assert grpcio_call(channel, "Give", b"100000000") == pattern(100_000_000)


@pytest.mark.parametrize("code", [code for code in CODES if code])
def test_statuses(channel, code):
    message = f"100% of {code}: wr\u00f6ng\n\u4e2d"
    with pytest.raises(grpc.RpcError) as error:
        grpcio_call(channel, "Fail", f"{code} {message}".encode())
    assert error.value.code() == CODES[code]
    assert error.value.details() == message


def test_long_message(channel):
    """Only its beginning comes, and no half of a character."""
    for text, n in (("x" * 3072, 3072), ("x" * 3073, 3072), ("x" + "\u00f6" * 100_000, 1 + 1194)):
        with pytest.raises(grpc.RpcError) as error:
            grpcio_call(channel, "Fail", b"5 " + text.encode())
        assert error.value.code() == grpc.StatusCode.NOT_FOUND
        assert error.value.details() == (text if len(text) == n else text[:n] + " ... [truncated]")


def test_unknown_method(channel):
    with pytest.raises(grpc.RpcError) as error:
        grpcio_call(channel, "Nothing")
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "/test.Test/Nothing" in error.value.details()


def test_metadata(channel):
    assert grpcio_call(channel, "Metadata", b"x-color", metadata=[("x-color", "light green")]) == b"light green"
    assert grpcio_call(channel, "Metadata", b"content-type").startswith(b"application/grpc")


def test_deadlines(channel):
    # grpcio rounds what is left up to three digits.
    assert 3_500_000 < int(grpcio_call(channel, "Deadline", timeout=3600)) <= 3_610_000
    with pytest.raises(grpc.RpcError) as error:
        grpcio_call(channel, "Hang", timeout=0.3)
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_cancelled(channel):
    """The handlers of calls that are cancelled hear of it; others go on."""
    grpcio_call(channel, "Echo")
    calls = [channel.unary_unary("/test.Test/Hang").future(b"", timeout=60) for _ in range(10)]
    grpcio_call(channel, "Echo")  # behind them on the same connection
    assert grpcio_call(channel, "Cancelled") == b"0"
    for call in calls:
        call.cancel()
    for call in calls:
        assert call.code() == grpc.StatusCode.CANCELLED
    until(lambda: grpcio_call(channel, "Cancelled") == b"10")


def test_hundred_at_once(channel):
    echo, later = channel.unary_unary("/test.Test/Echo"), channel.unary_unary("/test.Test/Later")
    calls = [(later if i % 2 else echo).future(str(i % 13).encode(), wait_for_ready=True) for i in range(100)]
    for i, call in enumerate(calls):
        assert call.result() == str(i % 13).encode()


def test_too_large():
    with Server(max_message=1000) as server, grpc.insecure_channel(server.address, options=NO_LIMIT) as channel:
        assert grpcio_call(channel, "Size", bytes(1000)) == b"1000"
        for size in (1001, 100_000, 20_000_000):
            with pytest.raises(grpc.RpcError) as error:
                grpcio_call(channel, "Size", bytes(size))
            assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert (
                error.value.details()
                == f"a message of {size} bytes came; the limit is 1000 (--message-limit or TENON_MESSAGE_LIMIT)"
            )
        assert grpcio_call(channel, "Size", bytes(10)) == b"10"


def test_compression_is_refused(server):
    with grpc.insecure_channel(server.address, compression=grpc.Compression.Gzip, options=NO_LIMIT) as channel:
        with pytest.raises(grpc.RpcError) as error:
            grpcio_call(channel, "Size", bytes(100_000))
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "compressed" in error.value.details()


def test_garbage_and_other_protocols():
    """Whatever comes, that connection ends and the server stays."""
    with Server(silence_ms=2000) as server:
        host, port = server.address.split(":")
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        for data in (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\x00" * 1000,
            preface + b"\xff" * 100,
            preface
            + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
            + b"\x00\x00\x05\x01\x05\x00\x00\x00\x01\xff\xff\xff\xff\xff",
            pattern(100_000),
        ):
            with socket.create_connection((host, int(port)), timeout=60) as s:
                s.sendall(data)
                while True:
                    try:
                        if not s.recv(65536):
                            break
                    except ConnectionResetError:
                        break
        with grpc.insecure_channel(server.address, options=NO_LIMIT) as channel:
            assert grpcio_call(channel, "Echo", b"still here") == b"still here"


def test_silent_connections_end():
    """A client that opens a connection and says nothing, or stops answering, is let go."""
    with Server(silence_ms=800) as server:
        host, port = server.address.split(":")
        with socket.create_connection((host, int(port)), timeout=60) as silent:
            while silent.recv(65536):
                pass


def test_server_that_ends_lets_calls_finish(server, channel):
    call = channel.unary_unary("/test.Test/Later").future(b"100", wait_for_ready=True)
    grpcio_call(channel, "Echo")
    ended = threading.Thread(target=server.counts)
    ended.start()
    assert call.result() == b"100"
    ended.join()


def test_server_killed_mid_call(server, channel):
    call = channel.unary_unary("/test.Test/Hang").future(b"", wait_for_ready=True)
    grpcio_call(channel, "Echo")
    server.process.kill()
    assert call.code() == grpc.StatusCode.UNAVAILABLE


def test_token():
    with Server(token="secret") as server, grpc.insecure_channel(server.address) as channel:
        for metadata in ([], [("authorization", "Bearer wrong!")], [("authorization", "")]):
            with pytest.raises(grpc.RpcError) as error:
                grpcio_call(channel, "Echo", metadata=metadata)
            assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert grpcio_call(channel, "Echo", b"x", metadata=[("authorization", "Bearer secret")]) == b"x"


def test_only_loopback_without_leave():
    for address in ("0.0.0.0:0", "[::]:0"):
        server = Server(address)
        assert server.address.startswith(f"PERMISSION_DENIED {address} can be reached from other machines")
        server.process.wait(10)
    with Server("0.0.0.0:0", open=1) as server:
        with grpc.insecure_channel(server.address.replace("0.0.0.0", "127.0.0.1")) as channel:
            assert grpcio_call(channel, "Echo", b"x") == b"x"


def test_addresses_that_are_none():
    for address in ("", "localhost", "localhost:", ":1", "1:2:3", "localhost:65536", "localhost:1x", "unix:", "[::1:0"):
        server = Server(address)
        assert server.address.startswith("INVALID_ARGUMENT "), address
        assert server.process.wait(10) == 1
