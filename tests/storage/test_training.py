"""Training whose checkpoints, event files and models are at hdfs:// and s3://."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import tenon as tf
from storage.test_files import BOTH
from tenon.python.training import fencing

ROOT = Path(__file__).resolve().parents[2]


def steps_of(folder, tag):
    """The steps at which a scalar is in the event files of a folder."""
    found = []
    for path in tf.gfile.Glob(f"{folder}/events.out.tfevents.*"):
        for event in tf.train.summary_iterator(path):
            found += [event.step for value in event.summary.value if value.tag == tag]
    return sorted(found)


@BOTH
def test_saver(folder, monkeypatch):
    monkeypatch.setenv("TENON_STORAGE_PART_BYTES", "5000")
    tf.gfile.MakeDirs(folder)
    with tf.Graph().as_default(), tf.Session() as session:
        values = np.arange(3000, dtype="float32")
        variable = tf.get_variable("v", initializer=values)
        names = tf.get_variable("names", initializer=["a", "b"])
        saver = tf.train.Saver(max_to_keep=2)
        for step in range(4):
            session.run(tf.global_variables_initializer() if not step else variable.assign_add(tf.ones([3000])))
            saver.save(session, f"{folder}/model", global_step=step)
        assert tf.train.latest_checkpoint(folder) == f"{folder}/model-3"
        assert tf.train.get_checkpoint_state(folder).all_model_checkpoint_paths == [
            f"{folder}/model-2",
            f"{folder}/model-3",
        ]
        assert tf.gfile.ListDirectory(folder) == ["checkpoint"] + [
            f"model-{n}.{end}" for n in (2, 3) for end in ("data-00000-of-00001", "index", "meta")]  # fmt: skip
        assert tf.train.checkpoint_exists(f"{folder}/model-2") and not tf.train.checkpoint_exists(f"{folder}/model-1")
        assert tf.train.get_checkpoint_mtimes([f"{folder}/model-3"])[0] > 1e9
        session.run([variable.assign(tf.zeros([3000])), names.assign(["x", "y"])])
        saver.restore(session, f"{folder}/model-2")
        np.testing.assert_array_equal(session.run(variable), values + 2)
        assert list(session.run(names)) == [b"a", b"b"]
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(f"{folder}/model-3.meta").restore(session, f"{folder}/model-3")
        np.testing.assert_array_equal(session.run("v:0"), values + 3)
    assert ("v", [3000]) in tf.train.list_variables(folder)


@BOTH
def test_sharded_and_old_formats(folder):
    tf.gfile.MakeDirs(folder)
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable("v", initializer=[1.0, 2.0])
        session.run(tf.global_variables_initializer())
        for name, options in (("sharded", {"sharded": True}), ("old", {"write_version": tf.train.SaverDef.V1})):
            saver = tf.train.Saver(**options)
            path = saver.save(session, f"{folder}/{name}")
            session.run(variable.assign([0.0, 0.0]))
            saver.restore(session, path)
            assert list(session.run(variable)) == [1.0, 2.0]


@BOTH
def test_monitored_session_goes_on(folder):
    def train(last):
        with tf.Graph().as_default():
            step = tf.train.get_or_create_global_step()
            weight = tf.get_variable("w", initializer=0.0)
            loss = tf.square(weight - 1.0)
            tf.summary.scalar("loss", loss)
            update = tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step)
            hooks = [tf.train.StopAtStepHook(last_step=last)]
            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=folder,
                hooks=hooks,
                save_checkpoint_steps=3,
                save_summaries_steps=2,
                log_step_count_steps=100,
            ) as session:
                first = session.run(step)
                while not session.should_stop():
                    session.run(update)
        return first

    assert train(5) == 0
    assert train(9) == 5
    assert tf.train.latest_checkpoint(folder) == f"{folder}/model.ckpt-9"
    steps = steps_of(folder, "loss")
    assert len(steps) >= 4 and steps[-1] >= 8
    assert tf.gfile.Exists(f"{folder}/graph.pbtxt")


@BOTH
def test_a_chief_that_was_replaced_writes_nothing(folder):
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable("v", initializer=1.0)
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver(max_to_keep=1)
        assert fencing.claim(folder) is fencing.claim(folder)
        for step in range(2):
            saver.save(session, f"{folder}/model", global_step=step)
        there = tf.gfile.ListDirectory(folder)
        assert [name for name in there if name.endswith(".index")] == ["model-1.index"]
        fencing.RemoteLease(folder)  # as another process does when it takes over
        session.run(variable.assign(2.0))
        for attempt in (lambda: saver.save(session, f"{folder}/model", global_step=1), lambda: fencing.claim(folder)):
            with pytest.raises(tf.errors.FailedPreconditionError, match="belong to another chief now: process"):
                attempt()
        assert tf.gfile.ListDirectory(folder) == there
        assert tf.train.load_variable(folder, "v") == 1.0


@BOTH
def test_event_files_are_seen_while_they_grow(folder):
    writer = tf.summary.FileWriter(folder)
    for step in range(1, 4):
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="x", simple_value=step)]), step)
        writer.flush()
        assert steps_of(folder, "x") == list(range(1, step + 1))
    writer.close()
    assert steps_of(folder, "x") == [1, 2, 3]


def _model(features, labels, mode):
    weight = tf.get_variable("w", initializer=[[0.5]])
    predicted = tf.matmul(features["x"], weight)
    if mode == tf.estimator.ModeKeys.PREDICT:
        outputs = {"out": tf.estimator.export.PredictOutput({"y": predicted})}
        return tf.estimator.EstimatorSpec(mode, predictions={"y": predicted}, export_outputs=outputs)
    loss = tf.losses.mean_squared_error(labels, predicted)
    update = tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=update, eval_metric_ops={})


@BOTH
def test_estimator(folder):
    def batches():
        x = np.arange(1, 5, dtype="float32").reshape(4, 1)
        return tf.data.Dataset.from_tensors(({"x": x}, 3 * x)).repeat()

    estimator = tf.estimator.Estimator(_model, model_dir=f"{folder}/model")
    estimator.train(batches, steps=20)
    loss = estimator.evaluate(batches, steps=1)["loss"]
    assert loss < 1.0
    assert steps_of(f"{folder}/model/eval", "loss") == [20]
    again = tf.estimator.Estimator(_model, model_dir=f"{folder}/model")
    again.train(batches, steps=1)
    assert again.get_variable_value("global_step") == 21

    def receiver():
        x = tf.placeholder(tf.float32, [None, 1])
        return tf.estimator.export.ServingInputReceiver({"x": x}, {"x": x})

    export = again.export_saved_model(f"{folder}/export", receiver).decode()
    assert tf.gfile.ListDirectory(f"{folder}/export") == [os.path.basename(export)]
    assert tf.saved_model.maybe_saved_model_directory(export)
    with tf.Graph().as_default(), tf.Session() as session:
        meta = tf.saved_model.load(session, [tf.saved_model.tag_constants.SERVING], export)
        signature = meta.signature_def["serving_default"]
        found = session.run(signature.outputs["y"].name, {signature.inputs["x"].name: [[2.0]]})
        np.testing.assert_allclose(found, [[6.0]], atol=0.5)


@BOTH
def test_the_library_in_c(folder):
    """The model, saver and reader of the C API, in a program that Python has no part in."""
    done = subprocess.run([ROOT / "build/tests/peer-remote_model", folder], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "restored"
    assert f"{folder}/model" in (tf.train.latest_checkpoint(folder) or "")


def python(program, **more):
    """Runs a program in an environment with MORE in it."""
    command = [ROOT / ".venv/bin/python", "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), **more}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)


def test_without_libcurl(tmp_path):
    """A program that finds no libcurl is told what to install; local files need none."""
    program = "import tenon as tf\nf = tf.gfile.GFile('s3://data/f')\n" \
              "try:\n    f.read()\nexcept tf.errors.UnimplementedError as e:\n    print(e)\n"  # fmt: skip
    hidden = tmp_path / "no.c"
    hidden.write_text('#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <string.h>\n'
                      'void *dlopen(const char *name, int flags) {\n'
                      '  void *(*real)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");\n'
                      '  return name && strstr(name, "libcurl") ? 0 : real(name, flags);\n}\n')  # fmt: skip
    library = tmp_path / "no.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, hidden], check=True)
    done = python(program, LD_PRELOAD=str(library))
    assert "libcurl, which is not installed: install version 7.88 or newer" in done.stdout, done.stderr


def test_local_programs_do_not_load_libcurl():
    program = "import tenon as tf\ntf.gfile.Exists('/')\nprint('libcurl' in open('/proc/self/maps').read())"
    done = python(program)
    assert done.stdout == "False\n", done.stderr
