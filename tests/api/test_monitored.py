"""Monitored sessions, hooks and supervisors: called in TensorFlow's order, with the same files afterwards."""

import logging
import os
import threading

import numpy as np
import pytest

import tenon
from api.both import both, tensorflow


def training(tf):
    """A small model: (feed, loss, training op)."""
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.get_variable("w", [2, 1], initializer=tf.constant_initializer([[0.5], [-0.25]]))
    step = tf.train.get_or_create_global_step()
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0), name="loss")
    (gradient,) = tf.gradients(loss, [w])
    with tf.control_dependencies([tf.assign_sub(w, 0.1 * gradient)]):
        train = tf.assign_add(step, 1).op
    tf.summary.scalar("loss", loss)
    return {x: np.ones((4, 2))}, loss, train


class Recorder:
    """Makes hooks that note when they are called."""

    def __init__(self, tf, log, name, fetch=None, stop_at=None):
        class Hook(tf.train.SessionRunHook):
            calls = 0

            def begin(self):
                log.append(f"{name} begin")

            def after_create_session(self, session, coord):
                log.append(f"{name} created {session.graph.finalized} {coord.should_stop()}")

            def before_run(self, run_context):
                log.append(f"{name} before {run_context.original_args.feed_dict is not None}")
                return tf.train.SessionRunArgs(fetch) if fetch is not None else None

            def after_run(self, run_context, run_values):
                self.calls += 1
                log.append(f"{name} after {None if fetch is None else np.round(run_values.results, 5).tolist()}")
                if self.calls == stop_at:
                    run_context.request_stop()

            def end(self, session):
                log.append(f"{name} end")

        self.hook = Hook()


def test_fetched_variables_are_read_after_the_updates():
    def program(tf):
        feed, loss, train = training(tf)
        step, found = tf.train.get_global_step(), []
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for fetches in ([train, loss, step], [step, loss, train], {"a": train, "s": [step]}):
                found += [session.run(fetches, feed) for _ in range(3)]
        return (
            [[value[2], value[1]] for value in found[:3]]
            + [value[0] for value in found[3:6]]
            + [v["s"] for v in found[6:]]
        )

    both(program)


def test_hooks_in_order(tmp_path):
    def program(tf):
        folder, log = os.path.join(tmp_path, tf.__name__), []
        feed, loss, train = training(tf)
        hooks = [Recorder(tf, log, "a", loss).hook, Recorder(tf, log, "b", stop_at=5).hook]
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=folder,
            hooks=hooks,
            save_checkpoint_steps=2,
            save_summaries_steps=2,
            log_step_count_steps=None,
        ) as session:
            while not session.should_stop():
                session.run(train, feed)
                log.append("ran")
        log.append(sorted(name for name in os.listdir(folder) if "tfevents" not in name))
        log.append([os.path.basename(p) for p in tf.train.get_checkpoint_state(folder).all_model_checkpoint_paths])
        summaries = []
        for name in os.listdir(folder):
            if "tfevents" in name:
                for event in tensorflow().train.summary_iterator(os.path.join(folder, name)):
                    kind = event.WhichOneof("what")
                    summaries.append([event.step, kind, [v.tag for v in event.summary.value], event.session_log.status])
        log.append(summaries)
        tf.summary.FileWriterCache.clear()
        return log

    both(program)


def test_resumes(tmp_path):
    def program(tf):
        folder, log = os.path.join(tmp_path, tf.__name__), []
        for last in (3, 7):
            with tf.Graph().as_default():
                feed, loss, train = training(tf)
                hooks = [tf.train.StopAtStepHook(last_step=last)]
                with tf.train.MonitoredTrainingSession(checkpoint_dir=folder, hooks=hooks) as session:
                    while not session.should_stop():
                        log.append(session.run([train, loss, tf.train.get_global_step()], feed)[1:])
            tf.summary.FileWriterCache.clear()
        return log

    assert len(both(program)) == 7


@pytest.mark.parametrize("kind", ["range", "stop", "value"])
def test_errors_in_the_loop(kind):
    def program(tf):
        log = []
        feed, loss, train = training(tf)
        hook = Recorder(tf, log, "a").hook
        error = {
            "range": tf.errors.OutOfRangeError(None, None, "over"),
            "stop": StopIteration(),
            "value": ValueError("bad"),
        }
        try:
            with tf.train.MonitoredSession(hooks=[hook]) as session:
                session.run(train, feed)
                raise error[kind]
        except ValueError as caught:
            log.append(str(caught))
        with tf.train.SingularMonitoredSession() as session:
            log.append(session.run_step_fn(lambda step_context: step_context.run_with_hooks(loss, feed)))
            log.append(session.raw_session().run(loss, feed))
        return log

    both(program)


def test_feeds_of_hooks_and_final_ops():
    def program(tf):
        feed, loss, train = training(tf)
        (x,) = feed
        final = tf.train.FinalOpsHook({"loss": loss}, feed)
        hooks = [tf.train.FeedFnHook(lambda: {x: np.full((1, 2), 2.0)}), final, tf.train.StopAtStepHook(num_steps=2)]
        log = []
        with tf.train.MonitoredSession(hooks=hooks) as session:
            while not session.should_stop():
                log.append(session.run([loss, train])[0])
        log.append(final.final_ops_values["loss"])
        with tf.train.MonitoredSession(hooks=[tf.train.FeedFnHook(lambda: {x: np.ones((1, 2))})]) as session:
            try:
                session.run(loss, feed)
            except RuntimeError as error:
                log.append(str(error)[:40])
        return log

    both(program)


def test_nan_and_checks():
    def nan(tf):
        loss = tf.constant(float("nan"))
        with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(loss)]) as session:
            session.run(loss)

    assert str(both.error(nan)) == "NaN loss during training."
    for program in (
        lambda tf: tf.train.StopAtStepHook(),
        lambda tf: tf.train.StopAtStepHook(1, 2),
        lambda tf: tf.train.SecondOrStepTimer(),
        lambda tf: tf.train.LoggingTensorHook([]),
        lambda tf: tf.train.LoggingTensorHook([], every_n_iter=0),
        lambda tf: tf.train.StepCounterHook(every_n_steps=None),
        lambda tf: tf.train.SummarySaverHook(save_steps=1),
        lambda tf: tf.train.StopAtStepHook(1).begin(),
        lambda tf: tf.train.SessionManager(ready_for_local_init_op=tf.no_op()),
    ):
        both.error(program)


def test_logging_hook():
    lines = []
    logger, handler, level = logging.getLogger("tensorflow"), logging.Handler(), tenon.logging.get_verbosity()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    tenon.logging.set_verbosity(tenon.logging.INFO)
    with tenon.Graph().as_default():
        feed, _, train = training(tenon)
        hook = tenon.train.LoggingTensorHook({"loss": tenon.identity(2.5)}, every_n_iter=2, at_end=True)
        with tenon.train.MonitoredSession(hooks=[hook]) as session:
            for _ in range(3):
                session.run(train, feed)
    logger.removeHandler(handler)
    tenon.logging.set_verbosity(level)
    lines = [line for line in lines if line.startswith("loss")]
    assert len(lines) == 3 and " sec)" in lines[1]


def test_scaffold_and_session_manager(tmp_path):
    def program(tf):
        feed, loss, _ = training(tf)
        local = tf.get_variable("l", [], collections=["local_variables"], initializer=tf.zeros_initializer())
        log = []
        scaffold = tf.train.Scaffold(
            init_fn=lambda scaffold, session: log.append("init_fn"), summary_op=tf.summary.merge_all()
        )
        with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold)) as session:
            log += [session.run([loss, local], feed), scaffold.init_op.type, scaffold.saver.as_saver_def().sharded]
        return log

    both(program)

    def unready(tf):
        training(tf)
        tf.train.SessionManager(ready_op=tf.report_uninitialized_variables()).prepare_session("", init_op=tf.no_op())

    assert "Init operations did not make model ready" in str(both.error(unready))


def test_supervisor(tmp_path):
    def program(tf):
        folder, log = os.path.join(tmp_path, tf.__name__), []
        for _ in range(2):
            with tf.Graph().as_default():
                feed, loss, train = training(tf)
                supervisor = tf.train.Supervisor(
                    logdir=folder, save_model_secs=0, save_summaries_secs=0, summary_op=None
                )
                with supervisor.managed_session() as session:
                    for _ in range(3):
                        log.append(session.run([loss, train, supervisor.global_step], feed)[::2])
                    supervisor.saver.save(session, supervisor.save_path, global_step=supervisor.global_step)
                log.append(supervisor.should_stop())
        return log

    assert len(both(program)) == 8


def test_coordinator():
    def program(tf):
        log = []
        coord = tf.train.Coordinator()

        def work(number):
            while not coord.wait_for_stop(0.01):
                if number == 2:
                    with coord.stop_on_exception():
                        raise ValueError("stop it")

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        try:
            coord.join(threads)
        except ValueError as error:
            log.append(str(error))
        log += [coord.should_stop(), coord.joined]
        coord.clear_stop()
        with coord.stop_on_exception():
            raise tf.errors.OutOfRangeError(None, None, "done")
        coord.join()
        return [*log, coord.should_stop(), coord.wait_for_stop(0)]

    both(program)


def test_clusters_and_devices():
    def program(tf):
        spec = tf.train.ClusterSpec({"ps": ["p0:1", "p1:1"], "worker": {1: "w1:1", 3: "w3:1"}})
        out = [spec.as_dict(), spec.jobs, spec.num_tasks("ps"), spec.task_indices("worker"), spec.job_tasks("worker")]
        out += [str(spec), str(spec.as_cluster_def()), spec == tf.train.ClusterSpec(spec.as_cluster_def()), bool(spec)]
        with tf.device(tf.train.replica_device_setter(cluster=spec, worker_device="/job:worker/task:3/cpu:0")):
            a, b, c = (tf.get_variable(n, [2], initializer=tf.zeros_initializer()) for n in "abc")
            out += [a.device, b.device, c.device, tf.constant(1.0).device, (a + 1).device]
        with tf.device(tf.train.replica_device_setter(ps_tasks=0)):
            out.append(tf.constant(1.0).device)
        return out

    both(program)
    both.error(lambda tf: tf.train.ClusterSpec(5))
    both.error(lambda tf: tf.train.ClusterSpec({"a": 5}))
    both.error(lambda tf: tf.train.ClusterSpec({"a": ["x"]}).task_address("b", 0))


def test_local_server():
    server = tenon.train.Server.create_local_server()
    with tenon.Graph().as_default(), tenon.Session(server.target) as session:
        assert session.run(tenon.constant(3)) == 3
    with pytest.raises(tenon.errors.InvalidArgumentError, match="no task 1 of a job 'ps'"):
        tenon.train.Server({"ps": ["localhost:0"], "worker": ["b:1"]}, job_name="ps", task_index=1)
