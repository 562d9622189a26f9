"""Remote files when servers fail: what passes is tried again, what was cut off goes on, what is wrong is told."""

import numpy as np
import pytest

import tenon as tf
from storage.test_files import BOTH, HDFS, S3, noise, read, write


def opens(remote):
    """The requests for what is in files so far."""
    return [line for line in remote.log() if line.startswith("GET") and ("op=OPEN" in line or "?" not in line)]


@BOTH
@pytest.mark.parametrize(
    "fault",
    [{"do": "reset"}, {"do": "status", "code": 500}, {"do": "status", "code": 503, "times": 2}, {"do": "lost"}],
    ids=["reset", "500", "503", "lost"],
)
def test_every_request_is_tried_again(remote, folder, fault):
    """Each of the requests that an operation makes fails once."""
    data = noise(2500)

    def everything():
        tf.gfile.MakeDirs(f"{folder}/d")
        write(f"{folder}/d/f", data)
        with tf.gfile.GFile(f"{folder}/d/log", "ab") as f:
            f.write(b"one")
        assert read(f"{folder}/d/f") == data
        assert tf.gfile.ListDirectory(f"{folder}/d") == ["f", "log"]
        tf.gfile.Rename(f"{folder}/d/f", f"{folder}/d/g", overwrite=True)
        assert read(f"{folder}/d/g") == data
        tf.gfile.DeleteRecursively(folder)
        assert not tf.gfile.Exists(folder)

    # An answer that is lost after the deed shows in some operations: these are asked again what became of it.
    methods = ("GET", "PUT", "POST", "HEAD") if fault["do"] == "lost" else ("GET", "PUT", "POST", "DELETE", "HEAD")
    remote.faults(*({"match": f"^{method} ", **fault} for method in methods))
    everything()


@BOTH
@pytest.mark.parametrize("quiet", [False, True], ids=["reset", "closed"])
def test_a_transfer_goes_on_where_it_broke_off(remote, folder, quiet):
    data = noise(1_000_003)
    write(f"{folder}/f", data)
    before = len(opens(remote))
    match = "op=OPEN.*namenoderpc" if remote.base.startswith("hdfs") else r"^GET [^?]*$"
    remote.faults({"match": match, "do": "cut", "bytes": 300_000, "quiet": quiet, "times": 2})
    assert read(f"{folder}/f") == data
    assert len(opens(remote)) >= before + 3


@BOTH
def test_giving_up_says_how_often_it_was_tried(remote, folder, monkeypatch):
    monkeypatch.setenv("TENON_STORAGE_RETRY_SECONDS", "3")
    remote.faults({"match": "^(GET|HEAD) ", "do": "status", "code": 503, "body": "<busy>", "times": 1000})
    with pytest.raises(
        tf.errors.UnavailableError, match=r"tried \d+ times.*test-\d+/f: .* at 127\.0\.0\.1:\d+: HTTP status 503"
    ):
        read(f"{folder}/f")
    monkeypatch.setenv("TENON_STORAGE_RETRY_SECONDS", "0")
    with pytest.raises(tf.errors.UnavailableError) as info:
        read(f"{folder}/f")
    assert "tried" not in str(info.value)


@BOTH
def test_a_server_that_does_not_answer(remote, folder, monkeypatch):
    monkeypatch.setenv("TENON_STORAGE_RETRY_SECONDS", "0")
    monkeypatch.setenv("TENON_STORAGE_TIMEOUT", "1")
    remote.faults({"match": "^(GET|HEAD) ", "do": "hang"})
    with pytest.raises(tf.errors.DeadlineExceededError, match="test-"):
        read(f"{folder}/f")


@BOTH
def test_what_can_not_be_mended_is_not_tried_again(remote, folder):
    remote.faults({"match": "^(GET|HEAD) ", "do": "status", "code": 403, "body": "no", "times": 1000})
    before = len(remote.log())
    with pytest.raises(tf.errors.PermissionDeniedError):
        read(f"{folder}/f")
    assert len(remote.log()) == before + 1


@BOTH
def test_a_save_that_fails_leaves_the_old_file(remote, folder, monkeypatch):
    monkeypatch.setenv("TENON_STORAGE_PART_BYTES", "1000")
    write(f"{folder}/f", b"old")
    monkeypatch.setenv("TENON_STORAGE_RETRY_SECONDS", "0")
    for skip in range(4):
        remote.faults({"match": "^(PUT|POST) ", "do": "status", "code": 500, "skip": skip})
        with pytest.raises(tf.errors.UnavailableError):
            write(f"{folder}/f", noise(5000))
        remote.faults()
        assert read(f"{folder}/f") == b"old", skip
        assert tf.gfile.ListDirectory(folder) == ["f"], skip


@S3
def test_s3_reads_are_checked(remote, folder):
    for size, checksum in ((2000, "1"), (2000, "0"), (600_000, "0")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TENON_S3_CHECKSUM", checksum)
            write(f"{folder}/f", noise(size))
        remote.faults({"match": r"^GET [^?]*$", "do": "corrupt"})
        with pytest.raises(tf.errors.DataLossError, match="CRC32C" if checksum == "1" else "MD5"):
            read(f"{folder}/f")
        assert read(f"{folder}/f") == noise(size)


@S3
def test_s3_object_that_changes_while_it_is_read(remote, folder):
    write(f"{folder}/f", noise(600_000))
    with tf.gfile.GFile(f"{folder}/f", "rb") as f:
        assert f.read(10) == noise(600_000)[:10]
        write(f"{folder}/f", noise(600_000, 1))
        with pytest.raises(tf.errors.AbortedError, match="it changed while it was read"):
            f.seek(500_000)
            f.read(100_000)


@S3
def test_s3_redirects(remote, folder, monkeypatch):
    write(f"{folder}/f", b"x")
    path = f"/data/{folder.rpartition('/')[2]}/f"
    there = {"Location": f"{remote.url.replace('127.0.0.1', 'localhost')}{path}"}
    remote.faults({"match": "^HEAD", "do": "status", "code": 307, "headers": there},
                  {"match": "^GET", "do": "status", "code": 307, "headers": there})  # fmt: skip
    assert read(f"{folder}/f") == b"x"
    remote.faults({"match": "^PUT", "do": "status", "code": 307, "headers": there})
    write(f"{folder}/f", b"y")
    assert read(f"{folder}/f") == b"y"
    monkeypatch.setenv("AWS_REGION", "other-region")  # S3 tells which one it is
    right = {"x-amz-bucket-region": "eu-test-1"}
    remote.faults(
        *({"match": f"^{method}", "do": "status", "code": 400, "headers": right} for method in ("HEAD", "GET"))
    )
    assert read(f"{folder}/f") == b"y"


@S3
def test_s3_multipart_uploads_end(remote, folder, monkeypatch):
    """An error in a success, an answer that is lost, and parts that fail."""
    monkeypatch.setenv("TENON_STORAGE_PART_BYTES", "1000")
    slow = "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
    for fault in ({"match": "^POST .*uploadId=", "do": "status", "code": 200, "body": slow},
                  {"match": "^POST .*uploadId=", "do": "lost"},
                  {"match": "^PUT .*partNumber=2", "do": "lost"},
                  {"match": "^PUT .*partNumber=3", "do": "status", "code": 503}):  # fmt: skip
        remote.faults(fault)
        write(f"{folder}/f", noise(4500, len(fault)))
        assert read(f"{folder}/f") == noise(4500, len(fault))


@HDFS
def test_hdfs_spoilt_data_is_sent_again(remote, folder, monkeypatch):
    remote.faults({"match": "op=CREATE.*namenoderpc", "do": "spoil"})
    write(f"{folder}/f", noise(5000))
    assert read(f"{folder}/f") == noise(5000)
    monkeypatch.setenv("TENON_STORAGE_RETRY_SECONDS", "0")
    remote.faults({"match": "op=CREATE.*namenoderpc", "do": "spoil"})
    with pytest.raises(tf.errors.UnavailableError, match="the checksum of 5000 bytes is"):
        write(f"{folder}/f", noise(5000))


@HDFS
def test_hdfs_append_that_breaks_off_goes_on(remote, folder):
    path = folder.partition("8020")[2] + "/log"
    with tf.gfile.GFile(f"{folder}/log", "ab") as f:
        f.write(b"start")
        f.flush()
        remote.faults({"match": "op=APPEND.*namenoderpc", "do": "part", "bytes": 1234})
        remote.lease(path, 0)
        f.write(noise(5000))
        f.flush()
        assert read(f"{folder}/log") == b"start" + noise(5000)
        remote.lease(path, 2)  # the one that failed has not let it go yet
        f.write(b"end")
    assert read(f"{folder}/log") == b"start" + noise(5000) + b"end"


@HDFS
def test_hdfs_name_nodes_that_stand_by(remote, folder, monkeypatch):
    standby = '{"RemoteException": {"exception": "StandbyException", "message": "not supported in state standby"}}'
    remote.faults({"match": "GETFILESTATUS", "do": "status", "code": 403, "body": standby, "times": 2})
    write(f"{folder}/f", b"x")
    assert read(f"{folder}/f") == b"x"


@BOTH
def test_many_threads_read_one_checkpoint(folder):
    """A bundle's tensors are read by several threads at once, each at its own place."""
    values = {f"v{i}": np.random.default_rng(i).standard_normal(50_000).astype("float32") for i in range(8)}
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in values.items():
            tf.get_variable(name, initializer=value)
        session.run(tf.global_variables_initializer())
        tf.gfile.MakeDirs(folder)
        path = tf.train.Saver().save(session, f"{folder}/model")
        reader = tf.train.load_checkpoint(path)
        with tf.Session() as other:
            tf.train.Saver().restore(other, path)
            for name, value in values.items():
                np.testing.assert_array_equal(other.run(f"{name}:0"), value)
                np.testing.assert_array_equal(reader.get_tensor(name), value)
