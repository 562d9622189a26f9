"""train.Checkpoint and CheckpointManager: files that TensorFlow reads and writes, with its own keys."""

import os
import subprocess
import sys

import numpy as np
import pytest

import tenon
from api.both import both, run, tensorflow

PACKAGES = {"tenon": lambda: tenon, "tensorflow": tensorflow}


def network(tf, offset=0.0):
    """Variables, an optimizer with slots, lists and dicts below a Checkpoint, and a step of training."""
    w = tf.Variable([1.0 + offset, 2.0], name="w")
    b = tf.get_variable("b", [2], initializer=tf.constant_initializer(offset), use_resource=True)
    optimizer = tf.train.AdamOptimizer(0.1)
    step = optimizer.minimize(tf.reduce_sum(tf.square(w) + 3.0 * b), var_list=[w, b])
    inner = tf.train.Checkpoint(bias=b)
    return tf.train.Checkpoint(weights=w, inner=inner, optimizer=optimizer, again=w), step, [w, b], optimizer


def write(tf, prefix):
    """Trains three steps and saves; the values of all variables by key."""

    def program(tf):
        checkpoint, step, values, optimizer = network(tf)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run(step)
            path = checkpoint.save(prefix)
            slots = [optimizer.get_slot(v, name) for v in values for name in ("m", "v")]
            return path, session.run(values + slots)

    return run(tf, program)


@pytest.mark.parametrize("writer, reader", [(a, b) for a in PACKAGES for b in PACKAGES])
def test_what_one_writes_the_other_reads(writer, reader, tmp_path):
    path, expected = write(PACKAGES[writer](), str(tmp_path / "model"))
    assert os.path.basename(path) == "model-1"
    tf = PACKAGES[reader]()

    def program(tf):
        checkpoint, step, values, optimizer = network(tf, 7.0)
        with tf.Session() as session:
            status = checkpoint.restore(tf.train.latest_checkpoint(str(tmp_path)))
            status.assert_consumed()
            status.initialize_or_restore(session)
            slots = [optimizer.get_slot(v, name) for v in values for name in ("m", "v")]
            restored = session.run(values + slots)
            session.run(step)  # all that the step needs has a value
            return restored, session.run(checkpoint.save_counter)

    restored, count = run(tf, program)
    for ours, theirs in zip(restored, expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert count == 1


def test_keys_and_object_graph(tmp_path):
    def program(tf):
        path, _ = write(tf, str(tmp_path / tf.__name__.replace(".", "_") / "model"))
        reader = tf.train.load_checkpoint(path)
        shapes = reader.get_variable_to_shape_map()
        return {key: list(shape) for key, shape in shapes.items()}

    both(program)


def test_parts_and_what_is_missing(tmp_path):
    def program(tf):
        folder = tmp_path / tf.__name__.replace(".", "_")
        path, _ = write(tf, str(folder / "model"))
        with tf.Graph().as_default(), tf.Session() as session:
            w, other = tf.Variable([0.0, 0.0], name="other_name"), tf.Variable(5.0, name="other")
            checkpoint = tf.train.Checkpoint(weights=w, other=other)
            status = checkpoint.restore(path)
            failed = []
            for check in ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match"):
                try:
                    getattr(status, check)()
                except AssertionError:
                    failed.append(check)
            status.initialize_or_restore(session)
            return failed, session.run([w, other])

    both(program)
    both.error(lambda tf: tf.train.Checkpoint(a=3))
    both.error(lambda tf: tf.train.Checkpoint(v=tf.Variable(1.0)).restore(str(tmp_path / "nothing")))


def test_a_saver_s_checkpoint_by_names(tmp_path):
    """TensorFlow's own looks for a save_counter there, which no Saver writes; ours takes what there is."""
    with tenon.Graph().as_default(), tenon.Session() as session:
        v = tenon.Variable([1.0, 2.0], name="named")
        session.run(tenon.global_variables_initializer())
        path = tenon.train.Saver().save(session, str(tmp_path / "model"))
        session.run(v.assign([0.0, 0.0]))
        tenon.train.Checkpoint(anything=v).restore(path).run_restore_ops(session)
        assert session.run(v).tolist() == [1.0, 2.0]


def test_keras_and_layers(tmp_path):
    """Models' variables have TensorFlow's keys, and their values come back."""

    def program(tf):
        folder = tmp_path / tf.__name__.replace(".", "_")
        model = tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(2,), kernel_initializer="ones"),
                                     tf.keras.layers.ReLU(), tf.keras.layers.Dense(1)])  # fmt: skip
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            path = tf.train.Checkpoint(model=model).save(str(folder / "model"))
            session.run(model.weights[0].assign(np.zeros((2, 3))))
            tf.train.Checkpoint(model=model).restore(path).run_restore_ops(session)
            kernel = session.run(model.weights[0])
        keys = tf.train.load_checkpoint(path).get_variable_to_shape_map()
        return kernel, sorted(key for key in keys if "save_counter" not in key)

    both(program)


def test_eager(tmp_path):
    text = """
import tensorflow as tf
tf.enable_eager_execution()
v = tf.Variable([1.0, 2.0])
checkpoint = tf.train.Checkpoint(v=v)
manager = tf.train.CheckpointManager(checkpoint, "folder", 2)
path = manager.save()
v.assign([0.0, 0.0])
checkpoint.restore(path).assert_consumed()
print(path, v.numpy().tolist(), checkpoint.save_counter.numpy())
"""
    (tmp_path / "program.py").write_text(text)
    python = os.path.join(os.path.dirname(__file__), "..", "..", "python")
    done = subprocess.run([sys.executable, "-m", "tenon.compat", "program.py"], cwd=tmp_path, capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": os.path.abspath(python)}, timeout=60)  # fmt: skip
    assert done.stdout == "folder/ckpt-1 [1.0, 2.0] 1\n", done.stderr


def test_the_manager_keeps_the_newest(tmp_path):
    def program(tf):
        folder = str(tmp_path / tf.__name__.replace(".", "_"))
        v = tf.Variable(1.0, name="v")
        checkpoint = tf.train.Checkpoint(v=v)
        manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2)
        assert manager.latest_checkpoint is None and manager.checkpoints == []
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            made = [os.path.basename(manager.save()) for _ in range(4)]
            made.append(os.path.basename(manager.save(checkpoint_number=9)))
        again = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=5)
        files = sorted(name for name in os.listdir(folder) if name.endswith(".index"))
        kept = [os.path.basename(path) for path in again.checkpoints]
        return [made, files, kept, os.path.basename(again.latest_checkpoint),
                tf.train.latest_checkpoint(folder) == again.latest_checkpoint]  # fmt: skip

    both(program)
    both.error(lambda tf: tf.train.CheckpointManager(tf.train.Checkpoint(), str(tmp_path), max_to_keep=0))
