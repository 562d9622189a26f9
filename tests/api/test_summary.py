"""Summaries and event files: TensorFlow's nodes and bytes; TensorBoard shows all of it."""

import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
from ports import free_port

import tenon as tf
from api.both import both, tensorflow
from tenon.python.framework import proto

KINDS = [
    ("scalar", lambda tf: tf.summary.scalar("a b", tf.constant(1.5))),
    ("family", lambda tf: tf.summary.scalar("x", tf.constant(1.5), family="fam", collections=["mine"])),
    ("histogram", lambda tf: tf.summary.histogram("h", tf.constant([1.0, 2.0, -3.0]))),
    ("text", lambda tf: tf.summary.text("t", tf.constant(["a", "b"]))),
    ("tensor", lambda tf: tf.summary.tensor_summary("s", tf.constant([1, 2]), "about", display_name="shown")),
    ("audio", lambda tf: tf.summary.audio("u", tf.constant([[0.0, 0.5, -0.5]]), 8000.0)),
]


@pytest.mark.parametrize("name,make", KINDS, ids=[name for name, _ in KINDS])
def test_nodes_and_bytes(name, make):
    def program(tf):
        with tf.name_scope("scope"):
            tensor = make(tf)
        keys = sorted(key for key in tf.get_default_graph().get_all_collection_keys())
        nodes = [(op.name, op.type, [i.name for i in op.inputs]) for op in tf.get_default_graph().get_operations()]
        return [tensor.name, keys, sorted(map(str, nodes)), tensor]

    both(program)


def test_image_merge_and_merge_all():
    def program(tf):
        pictures = tf.constant(np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3))
        image = tf.summary.image("i", pictures, max_outputs=2)
        scalar = tf.summary.scalar("s", tf.constant(2.0))
        merged = tf.summary.merge([image, scalar], name="both", collections=["merged"])
        every = tf.summary.merge_all()
        with tf.Session() as session:
            tags = [v.tag for v in type(tf.Summary()).FromString(session.run(every)).value]
        return [merged.name, every.name, tags, tf.summary.merge_all("none"), len(tf.get_collection("merged"))]

    both(program)


def test_errors():
    both.error(lambda tf: tf.summary.text("t", tf.constant(1.0)))
    both.error(lambda tf: tf.summary.get_summary_description(tf.NodeDef(op="Add")))
    both.error(lambda tf: tf.summary.initialize())

    def same_tag(tf):
        a, b = (tf.summary.tensor_summary("t", tf.constant(1.0)) for _ in range(2))
        with tf.Session() as session:
            session.run(tf.summary.merge([a, a, b]))

    both.error(same_tag)


def events_of(folder):
    """The events that TensorFlow reads from the one file in FOLDER."""
    (name,) = os.listdir(folder)
    return list(tensorflow().train.summary_iterator(os.path.join(folder, name)))


def test_writer(tmp_path):
    def program(tf):
        folder = os.path.join(tmp_path, tf.__name__)
        writer = tf.summary.FileWriter(folder, tf.get_default_graph(), filename_suffix=".x")
        tf.constant(1.0, name="c")
        value = tf.Summary.Value(tag="a", simple_value=0.5, metadata=tf.SummaryMetadata(display_name="A"))
        writer.add_summary(tf.Summary(value=[value]), 1)
        writer.add_summary(tf.Summary(value=[value]).SerializeToString(), np.int64(2))
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 3)
        writer.add_graph(tf.get_default_graph(), 4)
        writer.add_run_metadata(tf.RunMetadata(), "run", 5)
        writer.add_event(tf.Event(step=6, wall_time=7.0))
        writer.flush()
        found = events_of(folder)
        writer.close()
        out = [[e.step, e.WhichOneof("what"), [v.HasField("metadata") for v in e.summary.value]] for e in found]
        try:
            writer.add_run_metadata(tf.RunMetadata(), "run")
        except ValueError as error:
            out.append(str(error))
        writer.reopen()
        writer.add_summary(tf.Summary(), 9)
        writer.close()
        return [out, writer.get_logdir() == folder]

    out = both(program)
    assert [e[1] for e in out[0][:4]] == ["file_version", "graph_def", "meta_graph_def", "summary"]


def test_writer_errors(tmp_path):
    both.error(lambda tf: tf.summary.FileWriter(str(tmp_path)).add_graph(None))
    both.error(lambda tf: tf.summary.FileWriter(str(tmp_path)).add_graph(3))
    both.error(lambda tf: tf.summary.FileWriter(str(tmp_path)).add_meta_graph(3))
    with pytest.raises(tf.errors.OpError, match="events"):
        tf.summary.FileWriter(str(tmp_path), filename_suffix="/no/such")
    writer = tf.summary.FileWriter(str(tmp_path / "closed"))
    writer.close()
    with pytest.warns(UserWarning, match="closed FileWriter"):
        writer.add_summary(tf.Summary(), 1)
    assert tf.summary.FileWriterCache.get(str(tmp_path / "c")) is tf.summary.FileWriterCache.get(str(tmp_path / "c"))
    tf.summary.FileWriterCache.clear()


def write_everything(folder):
    """A log directory with something for each plugin."""
    projector = tf.contrib.tensorboard.plugins.projector
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        with tf.name_scope("layer"):
            w = tf.get_variable("w", [2, 3], initializer=tf.ones_initializer())
            y = tf.nn.relu(tf.matmul(x, w), name="y")
        embedding = tf.get_variable("embedding", [5, 4], initializer=tf.ones_initializer())
        tf.summary.scalar("loss", tf.reduce_mean(y))
        tf.summary.histogram("activations", y)
        tf.summary.image("pictures", tf.reshape(tf.tile(y, [1, 4]), [1, 4, 6, 1]))
        tf.summary.text("words", tf.constant("**bold**"))
        tf.summary.audio("sound", tf.sin(tf.linspace(0.0, 100.0, 800))[None], 8000)
        merged = tf.summary.merge_all()
        session.run(tf.global_variables_initializer())
        with tf.summary.FileWriter(folder, session.graph) as writer:
            for step in range(5):
                options, metadata = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), tf.RunMetadata()
                summary = session.run(merged, {x: np.full((2, 2), step)}, options, metadata)
                writer.add_summary(summary, step)
                if step == 3:
                    writer.add_run_metadata(metadata, "step3", step)
            config = projector.ProjectorConfig()
            config.embeddings.add(tensor_name=embedding.name, metadata_path="labels.tsv")
            projector.visualize_embeddings(writer, config)
        with open(os.path.join(folder, "labels.tsv"), "w") as file:
            file.write("\n".join("abcde"))
        tf.train.Saver([embedding]).save(session, os.path.join(folder, "model.ckpt"), 4)


@pytest.fixture(scope="module")
def tensorboard(tmp_path_factory):
    """Asks a running TensorBoard: ask(path, **query) gives the answer's bytes."""
    folder = str(tmp_path_factory.mktemp("logs"))
    write_everything(folder)
    port = free_port()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--port", str(port), "--host", "127.0.0.1",
               "--load_fast=false", "--reload_multifile=true"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ask(path, **query):
        url = f"http://127.0.0.1:{port}/{path}" + ("?" + urllib.parse.urlencode(query) if query else "")
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.read()

    try:
        until = time.time() + 120
        while True:
            try:
                if b"loss" in ask("data/plugin/scalars/tags"):
                    break
            except OSError:
                pass
            assert process.poll() is None and time.time() < until, "TensorBoard does not come up"
            time.sleep(0.5)
        yield ask
    finally:
        process.terminate()
        process.wait()


def test_tensorboard_serves_all_plugins(tensorboard):
    def ask(path, **query):
        return json.loads(tensorboard(f"data/plugin/{path}", **query))

    run = "."
    assert [point[1] for point in ask("scalars/scalars", run=run, tag="loss")] == [0, 1, 2, 3, 4]
    assert ask("scalars/scalars", run=run, tag="loss")[2][2] == 4.0
    histograms = ask("histograms/histograms", run=run, tag="activations")
    assert len(histograms) == 5 and histograms[3][2]
    assert len(ask("distributions/distributions", run=run, tag="activations")) == 5
    images = ask("images/images", run=run, tag="pictures/image/0", sample=0)
    assert len(images) == 5, images
    assert tensorboard("data/plugin/images/individualImage?" + images[0]["query"])[:4] == b"\x89PNG"
    words = ask("text/text", run=run, tag="words")
    assert "<strong>bold</strong>" in words[0]["text"]
    sounds = ask("audio/audio", run=run, tag="sound/audio/0", sample=0)
    assert sounds and sounds[0]["contentType"] == "audio/wav"
    graph = tensorboard("data/plugin/graphs/graph", run=run, conceptual="false").decode()
    assert 'name: "layer/y"' in graph and 'op: "MatMul"' in graph
    info = ask("graphs/info")[run]
    assert info["run_graph"] and "step3" in info["tags"]
    metadata = tensorboard("data/plugin/graphs/run_metadata", run=run, tag="step3").decode()
    assert "node_stats" in metadata and "layer" in metadata
    assert ask("projector/runs") == [run]
    config = ask("projector/info", run=run)
    assert {e["tensorName"] for e in config["embeddings"]} == {"embedding"}
    values = np.frombuffer(tensorboard("data/plugin/projector/tensor", run=run, name="embedding"), "f")
    np.testing.assert_array_equal(values, np.ones(20))
    assert tensorboard("data/plugin/projector/metadata", run=run, name="embedding").split() == [
        b"a",
        b"b",
        b"c",
        b"d",
        b"e",
    ]


def test_events_of_the_core(tmp_path):
    """What the library's own writer makes reads back."""
    from tenon import _core

    writer = _core.EventWriter(str(tmp_path), ".c")
    writer.write(
        proto.Event(step=5, summary=proto.Summary(value=[{"tag": "a", "simple_value": 2}])).SerializeToString()
    )
    writer.close()
    found = events_of(tmp_path)
    assert found[0].file_version == "brain.Event:2" and found[1].summary.value[0].simple_value == 2
