"""tf.gfile, the ops on files and readers at hdfs:// and s3://, against servers written for the tests."""

import urllib.request

import numpy as np
import pytest

import tenon as tf

BOTH = pytest.mark.parametrize("remote", ["s3", "hdfs"], indirect=True)
S3 = pytest.mark.parametrize("remote", ["s3"], indirect=True)
HDFS = pytest.mark.parametrize("remote", ["hdfs"], indirect=True)
SIZES = (0, 1, 999, 1000, 1001, 5003)  # around the size of a part


def write(path, data):
    with tf.gfile.GFile(path, "wb") as f:
        f.write(data)


def read(path):
    with tf.gfile.GFile(path, "rb") as f:
        return f.read()


def noise(size, seed=0):
    return np.random.default_rng(seed).bytes(size)


@BOTH
@pytest.mark.parametrize("size", SIZES)
def test_a_file_comes_back(folder, monkeypatch, size):
    monkeypatch.setenv("TENON_STORAGE_PART_BYTES", "1000")
    data, path = noise(size), f"{folder}/a b/ä+%&=file"
    write(path, data)
    assert read(path) == data
    assert tf.gfile.Stat(path).length == size
    assert tf.gfile.Exists(path) and not tf.gfile.IsDirectory(path)
    # Nothing else is left there: no part, no other name.
    assert tf.gfile.ListDirectory(f"{folder}/a b") == ["ä+%&=file"]


@BOTH
def test_folders(folder):
    assert not tf.gfile.Exists(folder)
    with pytest.raises(tf.errors.NotFoundError, match="test-"):
        tf.gfile.ListDirectory(folder)
    tf.gfile.MakeDirs(f"{folder}/deep/er")
    assert tf.gfile.IsDirectory(f"{folder}/deep/er") and tf.gfile.IsDirectory(f"{folder}/deep")
    assert tf.gfile.ListDirectory(f"{folder}/deep/er") == []
    names = [f"file{i:02}" for i in range(20)]  # more than a page of the server's
    for name in names:
        write(f"{folder}/{name}", name.encode())
    assert tf.gfile.ListDirectory(folder) == ["deep", *names]
    write(f"{folder}/deep/x", b"")
    assert [(top[len(folder) :], dirs, files) for top, dirs, files in tf.gfile.Walk(folder)] == [
        ("", ["deep"], names), ("/deep", ["er"], ["x"]), ("/deep/er", [], [])]  # fmt: skip
    with pytest.raises(tf.errors.FailedPreconditionError):
        read(folder)
    with pytest.raises(tf.errors.FailedPreconditionError):
        tf.gfile.ListDirectory(f"{folder}/file00")
    tf.gfile.DeleteRecursively(folder)
    assert not tf.gfile.Exists(folder)


@BOTH
def test_names_change_and_files_go(folder):
    write(f"{folder}/one", b"1")
    write(f"{folder}/two", b"2")
    with pytest.raises(tf.errors.AlreadyExistsError):
        tf.gfile.Rename(f"{folder}/one", f"{folder}/two")
    tf.gfile.Rename(f"{folder}/one", f"{folder}/two", overwrite=True)
    assert read(f"{folder}/two") == b"1" and not tf.gfile.Exists(f"{folder}/one")
    tf.gfile.MakeDirs(f"{folder}/from/inner")
    for name in ("from/saved_model.pb", "from/variables/v"):
        write(f"{folder}/{name}", name.encode())
    tf.gfile.Rename(f"{folder}/from", f"{folder}/to")
    assert read(f"{folder}/to/variables/v") == b"from/variables/v"
    assert not tf.gfile.Exists(f"{folder}/from")
    tf.gfile.Copy(f"{folder}/two", f"{folder}/three")
    tf.gfile.Remove(f"{folder}/two")
    assert read(f"{folder}/three") == b"1"
    with pytest.raises(tf.errors.NotFoundError):
        tf.gfile.Remove(f"{folder}/two")
    with pytest.raises(tf.errors.NotFoundError, match="two"):
        read(f"{folder}/two")


@BOTH
def test_files_are_read_at_any_place(folder):
    data = noise(3_000_001)
    write(f"{folder}/large", data)
    with tf.gfile.GFile(f"{folder}/large", "rb") as f:
        for at, n in ((0, 10), (2_999_990, 100), (7, 0), (1_000_000, 700_000), (5, 3), (0, -1)):
            f.seek(at)
            assert f.read(n) == (data[at : at + n] if n >= 0 else data[at:])
    write(f"{folder}/lines", b"one\ntwo\r\n\nlast")
    with tf.gfile.GFile(f"{folder}/lines") as f:
        assert f.readlines() == ["one\n", "two\r\n", "\n", "last"]


@BOTH
def test_appending(folder, monkeypatch):
    monkeypatch.setenv("TENON_STORAGE_PART_BYTES", "1000")
    whole = b""
    for i, size in enumerate((10, 0, 999, 2500, 1)):
        with tf.gfile.GFile(f"{folder}/log", "ab") as f:
            for piece in (noise(size, i), noise(size // 2, i + 100)):
                f.write(piece)
                whole += piece
                f.flush()
                assert read(f"{folder}/log") == whole, i
    with pytest.raises(tf.errors.UnimplementedError, match="read or written"):
        tf.gfile.GFile(f"{folder}/log", "r+").read()


@BOTH
def test_nobody_sees_half_a_file(folder):
    write(f"{folder}/f", b"old")
    f = tf.gfile.GFile(f"{folder}/f", "wb")
    f.write(noise(100_000))
    f.flush()
    assert read(f"{folder}/f") == b"old"
    f.close()
    assert len(read(f"{folder}/f")) == 100_000


@BOTH
def test_patterns(folder):
    for name in ("a1.txt", "a2.txt", "b1.txt", "sub1/a.txt", "sub2/a.txt", ".hidden.txt"):
        write(f"{folder}/{name}", b"")
    cases = {"*.txt": ["a1.txt", "a2.txt", "b1.txt"], "a?.txt": ["a1.txt", "a2.txt"], "[b-z]1.txt": ["b1.txt"],
             "sub*/*.txt": ["sub1/a.txt", "sub2/a.txt"], "none*": [], "sub1/a.txt": ["sub1/a.txt"], "nothing": [],
             "no/*": []}  # fmt: skip
    for pattern, names in cases.items():
        wanted = [f"{folder}/{name}" for name in names]
        assert tf.gfile.Glob(f"{folder}/{pattern}") == wanted, pattern
        with tf.Graph().as_default(), tf.Session() as session:
            assert [name.decode() for name in session.run(tf.matching_files(f"{folder}/{pattern}"))] == wanted


@BOTH
def test_ops_and_readers(folder):
    records = [noise(n, n) for n in (0, 1, 100, 30_000)]
    for compression in ("", "GZIP", "ZLIB"):
        with tf.python_io.TFRecordWriter(f"{folder}/r{compression}", compression) as writer:
            for record in records:
                writer.write(record)
        options = tf.python_io.TFRecordOptions(getattr(tf.python_io.TFRecordCompressionType, compression or "NONE"))
        assert list(tf.python_io.tf_record_iterator(f"{folder}/r{compression}", options)) == records
    with tf.Graph().as_default(), tf.Session() as session:
        session.run(tf.write_file(f"{folder}/new/made", "text\nof two lines"))
        assert session.run(tf.read_file(f"{folder}/new/made")) == b"text\nof two lines"
        session.run(tf.write_file(f"{folder}/csv", "x,y\n1,2.5\n3,4.5\n"))

        def all_of(dataset):
            item, found = tf.data.make_one_shot_iterator(dataset).get_next(), []
            while True:
                try:
                    found.append(session.run(item))
                except tf.errors.OutOfRangeError:
                    return found

        assert all_of(tf.data.TextLineDataset(f"{folder}/new/made")) == [b"text", b"of two lines"]
        assert all_of(tf.data.TFRecordDataset(f"{folder}/rGZIP", "GZIP")) == records
        assert all_of(tf.data.FixedLengthRecordDataset(f"{folder}/csv", 4)) == [b"x,y\n", b"1,2.", b"5\n3,", b"4.5\n"]
        table = tf.data.experimental.CsvDataset(f"{folder}/csv", [tf.int32, tf.float32], header=True)
        assert all_of(table) == [(1, 2.5), (3, 4.5)]
        assert all_of(tf.data.Dataset.list_files(f"{folder}/r*", shuffle=False)) == [
            f"{folder}/r{c}".encode() for c in ("", "GZIP", "ZLIB")]  # fmt: skip
        queue = tf.train.string_input_producer([f"{folder}/r"], num_epochs=1, shuffle=False)
        value = tf.TFRecordReader().read(queue)[1]
        session.run(tf.local_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        assert [session.run(value) for _ in records] == records
        coordinator.request_stop()
        coordinator.join(threads)


@BOTH
def test_errors_say_what_happened_where(folder):
    missing = f"{folder}/missing"
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(tf.errors.NotFoundError) as info:
            session.run(tf.read_file(missing))
    assert missing in str(info.value) and "404" in str(info.value) and "127.0.0.1:" in str(info.value)


def test_unknown_kinds_of_addresses():
    with pytest.raises(tf.errors.UnimplementedError, match="File system scheme 'gs' not implemented"):
        read("gs://bucket/file")
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(tf.errors.UnimplementedError, match="File system scheme 'gs' not implemented"):
            session.run(tf.read_file("gs://bucket/file"))


def test_local_files_as_before(tmp_path):
    for prefix in ("", "file://"):
        path = f"{prefix}{tmp_path}/local{len(prefix)}"
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(tf.write_file(path, "x"))
            assert session.run(tf.read_file(path)) == b"x"
        assert read(path) == b"x"


@S3
def test_s3_refuses(remote, folder, monkeypatch):
    write(f"{folder}/f", b"x")
    with pytest.raises(tf.errors.NotFoundError, match=r"NoSuchBucket|404"):
        read("s3://nobody/f")
    with pytest.raises(tf.errors.InvalidArgumentError, match="s3://BUCKET/key"):
        read("s3:///f")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(tf.errors.UnauthenticatedError, match=r"(?s)SignatureDoesNotMatch.*AWS_SECRET_ACCESS_KEY"):
        tf.gfile.ListDirectory(folder)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "session-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "session-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "old")
    with pytest.raises(tf.errors.UnauthenticatedError, match=r"The provided token has expired.*AWS_SESSION_TOKEN"):
        tf.gfile.ListDirectory(folder)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session/token==")
    assert read(f"{folder}/f") == b"x"


@S3
def test_s3_endpoint_as_tensorflow_names_it(remote, folder, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("S3_ENDPOINT", remote.url.partition("://")[2])
    monkeypatch.setenv("S3_USE_HTTPS", "0")
    monkeypatch.setenv("S3_REGION", monkeypatch.delenv("AWS_REGION") or "eu-test-1")
    write(f"{folder}/f", b"x")
    assert read(f"{folder}/f") == b"x"


@HDFS
def test_hdfs_users(remote, folder, monkeypatch, tmp_path):
    write(f"{folder}/f", b"x")
    with pytest.raises(tf.errors.PermissionDeniedError, match="Permission denied: user=tester"):
        write("hdfs://127.0.0.1:8020/private/f", b"x")
    with pytest.raises(tf.errors.PermissionDeniedError, match="user=somebody"):
        write("hdfs://somebody@127.0.0.1:8020/private/f", b"x")
    monkeypatch.setenv("TENON_HDFS_TOKEN", "old-token")
    with pytest.raises(tf.errors.UnauthenticatedError, match="InvalidToken: token is expired"):
        read(f"{folder}/f")
    (tmp_path / "token").write_text("secret-token\n")
    monkeypatch.setenv("TENON_HDFS_TOKEN_FILE", str(tmp_path / "token"))
    assert read(f"{folder}/f") == b"x"


@HDFS
def test_hdfs_addresses(remote, folder, monkeypatch):
    write(f"{folder}/f", b"x")
    path, server = f"{folder.partition('8020')[2]}/f", remote.url.partition("://")[2]
    assert read(f"webhdfs://{server}{path}") == b"x"
    for value in (server, remote.url, f"127.0.0.1:1,{server}"):
        monkeypatch.setenv("TENON_HDFS_HTTP", value)
        assert read(f"hdfs:///{path[1:]}") == b"x"
    monkeypatch.delenv("TENON_HDFS_HTTP")
    with pytest.raises(tf.errors.InvalidArgumentError, match="TENON_HDFS_HTTP"):
        read(f"hdfs://{path}")


@HDFS
def test_another_client_reads_what_was_written(remote, folder):
    data = noise(100_000)
    write(f"{folder}/f", data)
    url = f"{remote.url}/webhdfs/v1{folder.partition('8020')[2]}/f?op=OPEN&user.name=other"
    with urllib.request.urlopen(url) as reply:
        assert reply.read() == data
