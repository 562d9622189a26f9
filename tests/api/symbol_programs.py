"""More of symbol_cases: records, data sets, queues, saving, training loops, flags, Keras and estimators."""

import os
import tempfile

import numpy as np

from api.symbol_cases import PICTURE, X, Y, case, gives, now


def record(tf, i):
    f = tf.train
    feature = {"i": f.Feature(int64_list=f.Int64List(value=[i])),
               "x": f.Feature(float_list=f.FloatList(value=[i, 0.5])),
               "s": f.Feature(bytes_list=f.BytesList(value=[b"text %d" % i]))}  # fmt: skip
    return f.Example(features=f.Features(feature=feature)).SerializeToString()


def number(tf, text):
    return tf.train.Example.FromString(text).features.feature["i"].int64_list.value[0]


def records(tf, n=5):
    path = os.path.join(tempfile.mkdtemp(), "data.tfrecord")
    with tf.python_io.TFRecordWriter(path) as writer:
        for i in range(n):
            writer.write(record(tf, i))
    return path


@case
def examples(tf):
    wanted = {"i": tf.FixedLenFeature([], tf.int64), "x": tf.io.FixedLenFeature([2], tf.float32),
              "s": tf.FixedLenFeature([], tf.string)}  # fmt: skip
    path = records(tf)
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(record(tf, 9))
    reader = tf.TFRecordReader()
    queue = tf.train.string_input_producer([path], num_epochs=1)
    _, text = reader.read(queue)
    found = tf.parse_single_example(text, wanted)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        values = session.run(found)
        coordinator.request_stop()
        coordinator.join(threads)
    return values, tf.io.parse_single_example(record(tf, 3), wanted)


@case
def text(tf):
    raw = tf.decode_raw(tf.constant(b"\x01\x02\x03\x04"), tf.uint8)
    parts = tf.string_split(["a b", "c"])
    path = os.path.join(tempfile.mkdtemp(), "text")
    with tf.gfile.GFile(path, "w") as f:
        f.write("some text")
    with tf.gfile.FastGFile(path, "rb") as f:
        read = f.read()
    exists = [tf.gfile.Exists(path), tf.gfile.IsDirectory(path), tf.gfile.Exists(path + "?")]
    return [raw, parts.values, tf.string_to_number(["1.5", "-2"]), tf.decode_csv("1,a", [[0], [""]]), read, exists,
            tf.io.decode_csv(["2,b"], [[0], [""]]), tf.read_file(path), tf.io.read_file(path),
            tf.constant("text", tf.string)]  # fmt: skip


@case
def data_sets(tf):
    path = os.path.join(tempfile.mkdtemp(), "lines.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("1,2.5\n3,4.5\n")
    d = tf.data
    sets = [d.Dataset.from_generator(lambda: iter([1, 2, 3]), tf.int32, []), d.Dataset.from_tensor_slices([1.0, 2.0]),
            d.Dataset.zip((d.Dataset.range(3), d.Dataset.range(5))), d.TFRecordDataset(records(tf)),
            d.TextLineDataset(path), d.experimental.CsvDataset(path, [tf.int32, tf.float32])]  # fmt: skip
    out = []
    for one in sets:
        element = one.make_one_shot_iterator().get_next()
        with tf.Session() as session:
            got = []
            try:
                while True:
                    got.append(session.run(element))
            except tf.errors.OutOfRangeError:
                pass
        out.append(got if one is not sets[3] else [number(tf, text) for text in got])
    return out


@now(lambda tf: [[0, 1, 2], [b"a", b"b"]])
def data_sets_of_contrib(tf):
    path = os.path.join(tempfile.mkdtemp(), "lines")
    with open(path, "w", encoding="utf-8") as f:
        f.write("a\nb\n")
    ids = tf.contrib.data.TFRecordDataset(records(tf, 3)).make_one_shot_iterator().get_next()
    lines = tf.contrib.data.TextLineDataset(path).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        return [[number(tf, session.run(ids)) for _ in range(3)], [session.run(lines) for _ in range(2)]]


@case
def queues(tf):
    queue = tf.FIFOQueue(20, tf.int32, shapes=[[]])
    runner = tf.train.QueueRunner(queue, [queue.enqueue_many([[1, 2, 3, 4]])])
    tf.train.add_queue_runner(runner)
    t = tf.train
    produced = t.string_input_producer(["a", "b"], shuffle=False).dequeue()
    batch = t.batch([t.slice_input_producer([X], shuffle=False)[0]], 3)
    numbers = t.range_input_producer(4, shuffle=False).dequeue_many(6)
    shuffled = t.shuffle_batch([t.range_input_producer(4, shuffle=False).dequeue()], 40, 200, 50, seed=1)
    path = os.path.join(tempfile.mkdtemp(), "match")
    open(path, "w", encoding="utf-8").close()
    matched = t.match_filenames_once(path)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        coordinator = t.Coordinator()
        threads = t.start_queue_runners(session, coordinator)
        out = [session.run(queue.dequeue_many(4)), session.run(produced), session.run(batch), session.run(numbers),
               sorted(set(session.run(shuffled).tolist())), session.run(matched).tolist() == [path.encode()],
               len(threads) > 3]  # fmt: skip
        coordinator.request_stop()
        session.run(queue.close(cancel_pending_enqueues=True))
        coordinator.join(threads, stop_grace_period_secs=20)
    return out


@case
def saving(tf):
    folder = tempfile.mkdtemp()
    v = tf.Variable([1.0, 2.0], name="v")
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.save(session, os.path.join(folder, "model"), 3)
        session.run(v.assign([0.0, 0.0]))
        saver.restore(session, tf.train.latest_checkpoint(folder))
        first = session.run(v)
    state = tf.train.get_checkpoint_state(folder)
    with tf.Graph().as_default(), tf.Session() as session:
        other = tf.train.import_meta_graph(state.model_checkpoint_path + ".meta")
        other.restore(session, state.model_checkpoint_path)
        second = session.run("v:0")
    return first, second, os.path.basename(state.model_checkpoint_path)


@now(lambda tf: ["model-4", [1.5]])
def saver_of_old(tf):
    folder = tempfile.mkdtemp()
    v = tf.Variable([1.5], name="v")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.Saver().save(session, os.path.join(folder, "model"), 4)
    return [os.path.basename(path), tf.train.load_variable(path, v.op.name).tolist()]


def tags_of(tf, folder):
    found = [name for name in os.listdir(folder) if "tfevents" in name]
    return [sorted((v.tag, v.WhichOneof("value")) for v in event.summary.value)
            for event in tf.train.summary_iterator(os.path.join(folder, found[0])) if event.summary.value]  # fmt: skip


@case
def summaries(tf):
    folder = tempfile.mkdtemp()
    s = tf.summary
    s.scalar("loss", tf.constant(0.5))
    s.histogram("weights", tf.constant(X))
    s.image("pictures", tf.constant(PICTURE[None]))
    merged = s.merge_all()
    writer = s.FileWriter(folder)
    with tf.Session() as session:
        writer.add_summary(session.run(merged), 7)
    writer.close()
    return tags_of(tf, folder)


@now(lambda tf: [[["h", "histo"]], "weights"])
def summaries_of_old(tf):
    folder = tempfile.mkdtemp()
    made = tf.histogram_summary("h", tf.constant(X))
    merged = tf.merge_all_summaries()
    writer = tf.train.SummaryWriter(folder)
    with tf.Session() as session:
        writer.add_summary(session.run(merged), 1)
        again = tf.Summary.FromString(session.run(made)).value[0].tag
    writer.close()
    return [[list(tag) for tag in tags_of(tf, folder)[0]], "weights" if again == "h" else again]


@case
def metrics(tf):
    accuracy, update = tf.metrics.accuracy([1, 0, 1], [1, 1, 1])
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        return session.run(update), session.run(accuracy)


@case
def monitored(tf):
    folder = tempfile.mkdtemp()
    step = tf.train.get_or_create_global_step()
    x = tf.placeholder(tf.float32, [])
    seen = x * 1.0
    add = tf.assign_add(step, 1)
    out = []
    t = tf.train
    hooks = [t.StopAtStepHook(last_step=3), t.FeedFnHook(lambda: {x: 4.0})]
    scaffold = t.Scaffold(init_op=tf.global_variables_initializer())
    with t.MonitoredTrainingSession(checkpoint_dir=folder, hooks=hooks, scaffold=scaffold) as session:
        while not session.should_stop():
            out.append(session.run([add, seen]))
    with t.MonitoredSession(t.ChiefSessionCreator(checkpoint_dir=folder)) as session:
        out.append(session.run(step))
    with t.Supervisor(logdir=folder, global_step=step, save_model_secs=0).managed_session() as session:
        out.append(session.run(step))
    return out


@case
def cluster(tf):
    spec = tf.train.ClusterSpec({"ps": ["a:1", "b:1"], "worker": ["c:1"]})
    with tf.device(tf.train.replica_device_setter(cluster=spec)):
        placed = [tf.Variable(0.0, name=f"v{i}").device for i in range(3)] + [tf.constant(1.0).device]
    server = tf.train.Server.create_local_server()
    with tf.Graph().as_default(), tf.Session(server.target) as session:
        value = session.run(tf.constant(2.0))
    return spec.as_dict(), placed, value


@case
def servers(tf):
    server = tf.train.Server({"local": ["localhost:0"]}, start=False)
    return server.server_def.job_name, server.server_def.task_index


@case
def synchronous(tf):
    v = tf.Variable(3.0, name="v")
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.5), 1, total_num_replicas=1)
    train = optimizer.minimize(tf.square(v), global_step=step)
    runner, tokens = optimizer.get_chief_queue_runner(), optimizer.get_init_tokens_op(0)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        session.run([optimizer.chief_init_op, tokens])
        threads = runner.create_threads(session, daemon=True, start=True)
        session.run(train)
        values = session.run([v, step])
    for thread in threads:  # its step waits for gradients until the session is closed
        thread.join(60)
    return values, any(thread.is_alive() for thread in threads)


@case
def flags_and_logging(tf):
    f = tf.app.flags
    f.DEFINE_integer("symbol_steps", 3, "steps")
    f.DEFINE_float("symbol_rate", 0.5, "rate")
    f.DEFINE_string("symbol_name", "n", "name")
    found = []
    try:
        tf.app.run(lambda argv: found.append(argv[1:]), ["program", "--symbol_steps=5", "rest"])
    except SystemExit as end:
        found.append(end.code)
    before = tf.logging.get_verbosity()
    tf.logging.set_verbosity(tf.logging.ERROR)
    levels = [tf.logging.get_verbosity(), tf.logging.INFO]
    tf.logging.set_verbosity(before)
    values = [f.FLAGS.symbol_steps, tf.flags.FLAGS.symbol_rate, f.FLAGS.symbol_name]
    return found, levels, values


@case
def keras(tf):
    k = tf.keras
    dense = k.layers.Dense(2, kernel_initializer="ones", activation="softmax")
    truth, guess = tf.constant(Y), tf.nn.softmax(tf.constant(X[:, :3]))
    return [dense(tf.constant(X)), k.losses.categorical_crossentropy(truth, guess),
            k.metrics.categorical_accuracy(truth, guess)]  # fmt: skip


@case
def testing(tf):
    class Case(tf.test.TestCase):
        def runTest(self):
            with self.test_session():
                self.assertAllClose(tf.constant([1.0]).eval(), [1.0])
                self.assertTrue(os.path.isdir(tf.test.get_temp_dir()))

    result = Case().run()
    return result is None or result.wasSuccessful()


def numbers(tf, home):
    """Rows and what they should give, again and again."""
    return home.inputs.numpy_input_fn({"x": X}, X[:, 0] * 2.0, batch_size=4, num_epochs=None, shuffle=False)


def linear(tf):
    def model_fn(features, labels, mode):
        w = tf.get_variable("w", [5, 1], initializer=tf.constant_initializer(0.1))
        guess = tf.matmul(tf.cast(features["x"], tf.float32), w)[:, 0]
        if mode == tf.estimator.ModeKeys.PREDICT:
            return tf.estimator.EstimatorSpec(mode, predictions={"guess": guess})
        loss = tf.losses.mean_squared_error(labels, guess)
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())
        train = train if mode == tf.estimator.ModeKeys.TRAIN else None
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)

    return model_fn


def by_numpy(steps):
    """What linear() predicts after some steps."""
    w = np.full(5, 0.1)
    for _ in range(steps):
        w -= 0.1 * 2 * X.T.astype("f8") @ (X @ w - X[:, 0] * 2.0) / 4
    return [float(value) for value in X @ w]


@gives(by_numpy(6))
def estimator(tf):
    made = tf.estimator.Estimator(linear(tf), tempfile.mkdtemp())
    made.train(numbers(tf, tf.estimator), steps=6)
    once = tf.estimator.inputs.numpy_input_fn({"x": X}, num_epochs=1, shuffle=False)
    return [float(found["guess"]) for found in made.predict(once)]


def dense(x, made, scope):
    """X through the layers that a canned network of one hidden layer has trained."""
    names = made.get_variable_names()
    pick = {}
    for layer in ("hiddenlayer_0", "logits"):
        for last in ("kernel", "weights", "bias", "biases"):
            found = [name for name in names if name.endswith(f"{scope}/{layer}/{last}")]
            if found:
                pick[layer, last[0] in "kw"] = made.get_variable_value(found[0])
    hidden = np.maximum(x @ pick["hiddenlayer_0", True] + pick["hiddenlayer_0", False], 0)
    return hidden @ pick["logits", True] + pick["logits", False]


@gives([True, True, 5])
def canned_estimator(tf):
    columns = [tf.feature_column.numeric_column("x", shape=[5])]
    made = tf.estimator.DNNClassifier([4], columns, tempfile.mkdtemp(), n_classes=3)
    labels = np.array([0, 2, 1, 1])
    data = tf.estimator.inputs.numpy_input_fn({"x": X}, labels, num_epochs=None, batch_size=4, shuffle=False)
    made.train(data, steps=5)
    once = tf.estimator.inputs.numpy_input_fn({"x": X}, labels, num_epochs=1, shuffle=False)
    chances = np.array([found["probabilities"] for found in made.predict(once)])
    score = np.exp(dense(X, made, "dnn"))
    right = made.evaluate(once)["accuracy"] == np.mean(np.argmax(score, 1) == labels)
    same = np.allclose(score / score.sum(1, keepdims=True), chances, atol=1e-5)
    return [bool(same), bool(right), int(made.get_variable_value("global_step"))]


@gives([True, 4])
def contrib_learn(tf):
    """The predictions of a trained network are those of its own weights."""
    learn, layers = tf.contrib.learn, tf.contrib.layers
    columns = [layers.real_valued_column("x", dimension=5)]
    made = learn.DNNRegressor([4], columns, model_dir=tempfile.mkdtemp(), config=learn.RunConfig(tf_random_seed=3))
    made.fit(input_fn=lambda: ({"x": tf.constant(X)}, tf.constant(X[:, :1])), steps=5)
    once = tf.estimator.inputs.numpy_input_fn({"x": X}, num_epochs=1, shuffle=False)
    found = list(made.predict_scores(input_fn=once, as_iterable=True))
    return [bool(np.allclose(found, dense(X, made, "dnn")[:, 0], atol=1e-5)), len(found)]
