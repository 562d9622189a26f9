"""tf.contrib.summary: what is run is in the event file, where recording is on."""

import numpy as np
import pytest

import tenon as tf

summary = tf.contrib.summary


def events(folder):
    return [e for path in sorted(folder.iterdir()) for e in tf.train.summary_iterator(str(path)) if not e.file_version]


def test_every_kind(tmp_path):
    image = np.random.RandomState(0).rand(2, 3, 4, 3).astype("f")
    sound = np.zeros((1, 8, 1), "f")
    with tf.Graph().as_default() as graph, tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        writer = summary.create_file_writer(str(tmp_path), filename_suffix=".mine")
        with writer.as_default(), summary.always_record_summaries():
            summary.scalar("loss", tf.constant(2.5))
            summary.histogram("h", tf.constant([1.0, 2.0, 3.0]), family="f")
            summary.image("i", image, max_images=1)
            summary.audio("a", sound, 8000, 1)
            summary.generic("g", tf.constant([1, 2]), metadata=tf.SummaryMetadata(display_name="shown"))
            summary.scalar("own", 1.0, step=7)
            session.run(tf.global_variables_initializer())
            summary.initialize(graph=graph, session=session)
        assert len(summary.all_summary_ops()) == 6
        for _ in range(2):
            session.run(summary.all_summary_ops())
            session.run(tf.assign_add(step, 1))
        session.run(writer.flush())
        written = events(tmp_path)
        session.run(writer.close())
    assert [path.name.endswith(".mine") for path in tmp_path.iterdir()] == [True]
    assert written[0].graph_def
    values = [(e.step, v) for e in written[1:] for v in e.summary.value]
    assert sorted((step, v.tag) for step, v in values) == sorted(
        (s if tag != "own" else 7, tag) for s in (0, 1) for tag in ("loss", "f/f/h", "i/image", "a/audio", "g", "own")
    )  # fmt: skip
    first = {v.tag: v for _, v in values}
    assert first["loss"].simple_value == 2.5 and first["f/f/h"].histo.num == 3
    assert (first["i/image"].image.height, first["i/image"].image.width) == (3, 4)
    assert first["a/audio"].audio.sample_rate == 8000
    assert tf.make_ndarray(first["g"].tensor).tolist() == [1, 2] and first["g"].metadata.display_name == "shown"


def test_recording(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        assert summary.should_record_summaries() is False
        assert summary.scalar("nowhere", 1.0).type == "NoOp" and not summary.all_summary_ops()
        with summary.create_file_writer(str(tmp_path)).as_default() as writer:
            summary.scalar("off", 1.0)
            with summary.always_record_summaries():
                assert summary.should_record_summaries() is True
                with summary.never_record_summaries():
                    summary.scalar("never", 1.0)
            with summary.record_summaries_every_n_global_steps(2):
                summary.scalar("second", tf.cast(step, tf.float32))
            session.run(tf.global_variables_initializer())
            with pytest.raises(tf.errors.OpError, match="not initialized"):
                session.run(summary.all_summary_ops())
            summary.initialize(session=session)
            for _ in range(5):
                session.run(summary.all_summary_ops())
                session.run(tf.assign_add(step, 1))
            session.run(summary.flush())
        assert writer is not None
        with pytest.raises(RuntimeError, match="No default"):
            summary.initialize(session=session)
    assert [(e.step, e.summary.value[0].tag) for e in events(tmp_path)] == [(s, "second") for s in (0, 2, 4)]


def test_no_writer_and_imported_events(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        nothing = summary.create_file_writer(None)
        with nothing.as_default():
            assert summary.scalar("x", 1.0).type == "NoOp"
        assert nothing.flush() is None and summary.eval_dir("m", "x").endswith("eval_x")
        with (
            summary.create_file_writer(str(tmp_path)).as_default(),
            pytest.raises(TypeError, match=r"needs a tf\.Tensor"),
        ):
            summary.graph(tf.get_default_graph())
        with summary.create_summary_file_writer(str(tmp_path)).as_default() as writer:
            event = tf.Event(step=3, summary=tf.Summary(value=[tf.Summary.Value(tag="t", simple_value=4.0)]))
            imported = summary.import_event(tf.constant(event.SerializeToString()))
            session.run(writer.init())
            session.run(imported)
            session.run(writer.close())
    assert [(e.step, e.summary.value[0].simple_value) for e in events(tmp_path) if e.summary.value] == [(3, 4.0)]


def test_eager(tmp_path):
    import subprocess
    import sys

    program = f"""
import tenon as tf
tf.enable_eager_execution()
step = tf.train.get_or_create_global_step()
writer = tf.contrib.summary.create_file_writer({str(tmp_path)!r})
with writer.as_default(), tf.contrib.summary.record_summaries_every_n_global_steps(2):
    for _ in range(3):
        tf.contrib.summary.scalar("x", tf.constant(3.0))
        step.assign_add(1)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100)
    assert [(e.step, e.summary.value[0].simple_value) for e in events(tmp_path)] == [(0, 3.0), (2, 3.0)]
