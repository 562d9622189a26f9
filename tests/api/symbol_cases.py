"""Programs that between them use every name of the list of TensorFlow 1.x names that public programs use, for values.

`@case` runs a program with both packages and compares; `@now(program)` gives TensorFlow's side what the name has become
there; `@gives(values)` what is expected where TensorFlow has nothing left to ask.
"""

import numpy as np

CASES = {}
RNG = np.random.RandomState(0)
PICTURE = RNG.randint(0, 256, (6, 7, 3)).astype("uint8")
X = RNG.randn(4, 5).astype("float32")
Y = np.eye(3, dtype="float32")[[0, 2, 1, 1]]


def case(ours):
    CASES[ours.__name__] = (ours, ours, None)
    return ours


def now(theirs):
    def decorate(ours):
        CASES[ours.__name__] = (ours, theirs, None)
        return ours

    return decorate


def gives(values):
    def decorate(ours):
        CASES[ours.__name__] = (ours, None, values)
        return ours

    return decorate


def trained(tf, session, steps, fetch, feed=None):
    """The values of FETCH over some steps."""
    session.run(tf.global_variables_initializer())
    return [session.run(fetch, feed)[1] for _ in range(steps)]


@case
def arithmetic(tf):
    a, b = tf.constant(X), tf.constant(np.abs(X) + 0.5)
    return [tf.abs(a), tf.add(a, b), tf.add_n([a, b, a]), tf.multiply(a, b), tf.negative(a), tf.pow(b, 1.5), tf.exp(a),
            tf.log(b), tf.sqrt(b), tf.square(a), tf.matmul(a, b, transpose_b=True), tf.sigmoid(a),
            tf.clip_by_value(a, -0.5, 0.5), tf.clip_by_global_norm([a, b], 1.0), tf.cast(a, tf.int32),
            tf.to_float(tf.constant([1, 2])), tf.cast([1.7, 0.0], tf.bool)]  # fmt: skip


@case
def comparisons(tf):
    a, b = tf.constant([1, 2, 3]), tf.constant([3, 2, 1])
    return [tf.equal(a, b), tf.not_equal(a, b), tf.greater(a, b), tf.less(a, b), tf.less_equal(a, b),
            tf.logical_and(a > 1, b > 1), tf.where(a > b, a, b), tf.where(a > 1)]  # fmt: skip


@case
def reductions(tf):
    a = tf.constant(X)
    return [tf.reduce_mean(a, 1), tf.reduce_sum(a, [0], keep_dims=True), tf.reduce_all(a > -9.0), tf.argmax(a, 1),
            tf.argmin(a, 0), tf.arg_max(a, 0), tf.arg_min(a, 1)]  # fmt: skip


@case
def shapes(tf):
    a = tf.constant(X)
    p = tf.placeholder(tf.float32, [None, 3], name="p")
    shape = tf.TensorShape([None, 3])
    with tf.Session() as session:
        fed = session.run([tf.shape(p), tf.size(p)], {p: np.ones((2, 3))})
    return [tf.reshape(a, [-1, 2]), tf.expand_dims(a, 1), tf.transpose(a), tf.concat([a, a], 1), tf.stack([a, a]),
            tf.unstack(a), tf.slice(a, [1, 2], [2, -1]), tf.strided_slice(a, [0, 4], [4, 0], [2, -1]), tf.identity(a),
            tf.gather(a, [2, 0]), tf.one_hot([1, 3], 4, 2.0, -1.0), tf.range(2, 11, 3), tf.ones([2, 3], tf.float64),
            tf.zeros([3], tf.int64), tf.sequence_mask([1, 3], 4), fed, shape, shape.is_compatible_with(p.shape),
            tf.size(a), tf.shape(a), tf.convert_to_tensor(X.tolist()), tf.constant(3, tf.int16),
            tf.constant([1, 2], tf.uint8), tf.constant([1.5], tf.float16)]  # fmt: skip


@now(lambda tf: tf.unstack(tf.constant(X)))
def unpacked(tf):
    return tf.unpack(tf.constant(X))


@case
def random(tf):
    tf.set_random_seed(3)
    return [tf.random_normal([3, 2], seed=1), tf.random_uniform([4], -1, 2, seed=2), tf.truncated_normal([5], seed=3),
            tf.random.uniform([3], seed=4)]  # fmt: skip


@case
def initial_values(tf):
    made = [tf.get_variable(f"v{i}", [3, 2], initializer=init)
            for i, init in enumerate([tf.constant_initializer(2.5), tf.ones_initializer(), tf.zeros_initializer(),
                                      tf.random_uniform_initializer(-1, 1, seed=1),
                                      tf.truncated_normal_initializer(stddev=0.5, seed=2)])]  # fmt: skip
    return [v + 0.0 for v in made], [v.op.name for v in tf.trainable_variables()]


@case
def variables(tf):
    with tf.variable_scope("outer") as scope:
        v = tf.get_variable("v", [2], initializer=tf.ones_initializer())
        w = tf.Variable([1.0, 2.0], trainable=False, name="w")
        inner = tf.get_variable_scope().name
    with tf.variable_scope(scope, reuse=True):
        again = tf.get_variable("v", [2])
    tf.add_to_collection("mine", v)
    with tf.Session() as session:
        session.run(tf.initialize_all_variables())
        with tf.control_dependencies([tf.assign(v, [5.0, 6.0])]):
            after = tf.identity(w) * 2.0
        values = session.run([after])
        session.run(tf.group(tf.assign(w, [0.0, 0.0]), tf.no_op()))
        values += session.run([v, w])
    kinds = [tf.GraphKeys.TRAINABLE_VARIABLES, tf.GraphKeys.LOSSES, tf.GraphKeys.UPDATE_OPS,
             tf.GraphKeys.ASSET_FILEPATHS]  # fmt: skip
    return [values, again is v, inner, [x.name for x in tf.get_collection("mine")], kinds,
            [x.name for x in tf.global_variables()], [x.name for x in tf.trainable_variables()]]  # fmt: skip


@now(lambda tf: (tf.Variable(1.0, name="v"), [x.name for x in tf.global_variables()])[1])
def all_the_variables(tf):
    tf.Variable(1.0, name="v")
    return [x.name for x in tf.all_variables()]


@case
def moving_averages(tf):
    v = tf.Variable(1.0, name="v")
    ema = tf.train.ExponentialMovingAverage(0.5)
    average = ema.apply([v])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(v.assign(5.0))
        session.run(average)
        return session.run(ema.average(v)), [x.op.name for x in tf.moving_average_variables()]


@case
def graphs(tf):
    graph = tf.Graph()
    with graph.as_default(), tf.name_scope("scope"), tf.device("/cpu:0"):
        a = tf.constant(2.0, name="a")
        b = tf.multiply(a, 3.0, name="b")
    definition = tf.GraphDef.FromString(graph.as_graph_def().SerializeToString())
    node = tf.NodeDef(name="c", op="NoOp")
    found = tf.import_graph_def(definition, input_map={"scope/a:0": tf.constant(7.0)}, return_elements=["scope/b:0"])
    with tf.Session() as session:
        value = session.run(found[0])
    return b.name, b.device, [n.name for n in definition.node], node.op, value, tf.get_default_graph() is not graph


@case
def interactive(tf):
    session = tf.InteractiveSession(config=tf.ConfigProto(allow_soft_placement=True))
    try:
        return (tf.constant(2.0) * 3.0).eval()
    finally:
        session.close()


@case
def traced_run(tf):
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    with tf.Session() as session:
        a = tf.placeholder(tf.float32, name="a")
        product = tf.matmul(a, a, name="product")
        value = session.run(product, {a: np.ones((2, 2))}, options=options, run_metadata=metadata)
    names = {n.node_name for device in metadata.step_stats.dev_stats for n in device.node_stats}
    return value, "product" in {name.split(":")[0] for name in names}


@case
def loops(tf):
    array = tf.TensorArray(tf.float32, 3).unstack([1.0, 2.0, 3.0])
    total = tf.while_loop(lambda i, _: i < 3, lambda i, s: (i + 1, s + array.read(i)), [0, 0.0])
    x = tf.constant(3.0)
    return total, tf.gradients(x * x, x)


@case
def assertions(tf):
    with tf.control_dependencies([tf.assert_positive([1.0, 2.0])]):
        right = tf.constant(1)
    try:
        with tf.Session() as session:
            session.run(tf.assert_positive(tf.placeholder_with_default(-1.0, [])))
    except tf.errors.InvalidArgumentError as error:
        told = error.error_code
    return right, told


@case
def layers_of_nn(tf):
    a = tf.constant(X)
    pictures = tf.constant(PICTURE[None].astype("float32"))
    kernel = tf.constant(np.linspace(-1, 1, 27).reshape(3, 3, 3, 1).astype("float32"))
    return [tf.nn.relu(a), tf.nn.elu(a), tf.nn.tanh(a), tf.nn.sigmoid(a), tf.nn.softmax(a),
            tf.nn.bias_add(a, [1.0, 2.0, 3.0, 4.0, 5.0]), tf.nn.conv2d(pictures, kernel, [1, 1, 1, 1], "SAME"),
            tf.nn.avg_pool(pictures, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), tf.nn.dropout(a, 0.5, seed=3),
            tf.nn.max_pool(pictures, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"),
            tf.nn.embedding_lookup(a, [3, 0])]  # fmt: skip


@case
def losses(tf):
    logits, labels = tf.constant(X[:, :3]), tf.constant(Y)
    squared = tf.losses.mean_squared_error(labels, logits)
    entropy = tf.losses.softmax_cross_entropy(labels, logits)
    sampled = tf.constant([1, 2, 3], tf.int64), tf.ones([4, 1]), tf.ones([3])
    truth = tf.constant([[0], [1], [2], [3]], tf.int64)
    return [squared, entropy, tf.losses.get_total_loss(), tf.get_collection(tf.GraphKeys.LOSSES),
            tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits),
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 2, 1, 1], logits=logits),
            tf.nn.nce_loss(tf.constant(X), tf.zeros([4]), truth, tf.constant(X), 3, 4,
                           sampled_values=sampled)]  # fmt: skip


@case
def layers(tf):
    pictures = tf.constant(PICTURE[None].astype("float32") / 255.0)
    start = tf.truncated_normal_initializer(stddev=0.3, seed=1)
    net = tf.layers.conv2d(pictures, 4, 3, padding="same", activation=tf.nn.relu, kernel_initializer=start)
    up = tf.layers.conv2d_transpose(net, 2, 3, strides=2, kernel_initializer=start)
    normal = tf.layers.batch_normalization(net, training=True)
    dense = tf.layers.dense(tf.layers.average_pooling2d(normal, 2, 2)[0], 3, kernel_initializer=start)
    layer = tf.layers.Dense(2, kernel_initializer=start, name="by_class")
    dropped = tf.layers.dropout(net, 0.5, training=True, seed=4)
    updates = [op.op.type if hasattr(op, "op") else op.type for op in tf.get_collection(tf.GraphKeys.UPDATE_OPS)]
    return [net, up, normal, dense, layer(tf.constant(X)), dropped, tf.layers.max_pooling2d(net, 2, 2), len(updates),
            [v.op.name for v in tf.global_variables()]]  # fmt: skip


def rnn_of(tf, cells, home):
    """The outputs of two stacked cells over four steps."""
    start = tf.random_uniform_initializer(-0.5, 0.5, seed=3)
    with tf.variable_scope("rnn", initializer=start):
        made = [cells.DropoutWrapper(cells.BasicLSTMCell(3), output_keep_prob=0.5, seed=1) for _ in range(2)]
        return home(cells.MultiRNNCell(made), tf.unstack(tf.constant(np.tile(X, (4, 1, 1))), 4), dtype=tf.float32)


@case
def recurrent(tf):
    inputs = tf.constant(np.tile(X, (3, 1, 1)))
    with tf.variable_scope("v", initializer=tf.random_uniform_initializer(-0.5, 0.5, seed=3)):
        cells = tf.nn.rnn_cell
        one = tf.nn.dynamic_rnn(cells.MultiRNNCell([cells.DropoutWrapper(cells.BasicLSTMCell(3))] * 1), inputs,
                                dtype=tf.float32)  # fmt: skip
        two = tf.nn.bidirectional_dynamic_rnn(cells.BasicLSTMCell(3), cells.BasicLSTMCell(3), inputs, [2, 4, 1],
                                              dtype=tf.float32)  # fmt: skip
    return list(one), list(two)


@now(lambda tf: rnn_of(tf, tf.nn.rnn_cell, tf.nn.static_rnn))
def recurrent_of_contrib(tf):
    return rnn_of(tf, tf.contrib.rnn, tf.contrib.rnn.static_rnn)


@now(lambda tf: rnn_of(tf, tf.nn.rnn_cell, tf.nn.static_rnn))
def recurrent_of_old(tf):
    return rnn_of(tf, tf.nn.rnn_cell, tf.nn.rnn)


def by_example(tf):
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 2, 1, 1], logits=tf.constant(X[:, :3]))
    return each * tf.constant([1.0, 0.5, 0.0, 2.0]) / (tf.constant([1.0, 0.5, 0.0, 2.0]) + 1e-12)


@now(lambda tf: [by_example(tf)] * 2)
def sequence_losses(tf):
    arguments = [tf.constant(X[:, :3])], [tf.constant([0, 2, 1, 1])], [tf.constant([1.0, 0.5, 0.0, 2.0])]
    return [tf.contrib.legacy_seq2seq.sequence_loss_by_example(*arguments),
            tf.nn.seq2seq.sequence_loss_by_example(*arguments)]  # fmt: skip


@gives((4, True, True))
def attention(tf):
    """The alignments of a step are the softmax of v tanh(W m + W q): recomputed from the cell's own variables."""
    memory = tf.constant(np.tile(X, (2, 1, 1)))
    cell = tf.contrib.seq2seq.AttentionWrapper(
        tf.nn.rnn_cell.BasicLSTMCell(3), tf.contrib.seq2seq.BahdanauAttention(6, memory), alignment_history=False
    )
    output, state = cell(tf.ones([2, 3]), cell.zero_state(2, tf.float32))
    named = {v.op.name: v for v in tf.trainable_variables()}
    pick = {last: next(v for name, v in named.items() if name.endswith(last))
            for last in ("query_layer/kernel", "memory_layer/kernel", "attention_v")}  # fmt: skip
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        hidden, align, wq, wm, v = session.run([state.cell_state.h, state.alignments, *pick.values()])
    score = np.tanh(np.tile(X, (2, 1, 1)) @ wm + (hidden @ wq)[:, None]) @ v
    weights = np.exp(score) / np.exp(score).sum(1, keepdims=True)
    return align.shape[1], bool(np.allclose(weights, align, atol=1e-5)), output.shape[0] == 2


@case
def optimizers(tf):
    out = []
    for make in (tf.train.GradientDescentOptimizer, tf.train.AdamOptimizer, tf.train.AdagradOptimizer,
                 tf.train.RMSPropOptimizer):  # fmt: skip
        v = tf.Variable([3.0, -1.0])
        loss = tf.reduce_sum(tf.square(v - 1.0))
        step = make(0.1).minimize(loss)
        with tf.Session() as session:
            out.append(trained(tf, session, 5, [step, loss]))
    return out


@case
def schedules(tf):
    step = tf.Variable(7, trainable=False)
    return [tf.train.exponential_decay(0.5, step, 3, 0.9),
            tf.train.exponential_decay(0.5, step, 3, 0.9, staircase=True),
            tf.train.get_or_create_global_step().op.name, tf.train.get_global_step().op.name]  # fmt: skip


def helped(tf, step):
    step()
    return tf.train.get_global_step().op.name, [v.op.name for v in tf.global_variables()]


@now(lambda tf: helped(tf, tf.train.get_or_create_global_step))
def global_steps_of_contrib(tf):
    return (helped(tf, tf.contrib.framework.get_or_create_global_step)[0],
            [tf.contrib.framework.get_global_step().op.name])  # fmt: skip


def network_by_hand(tf):
    start = tf.constant_initializer(0.1)
    with tf.variable_scope("fully_connected"):
        w, b = tf.get_variable("weights", [5, 3], initializer=start), tf.get_variable("biases", [3], initializer=start)
    out = tf.nn.relu(tf.matmul(tf.reshape(tf.constant(X), [4, 5]), w) + b)
    loss = tf.reduce_mean(tf.square(out - Y)) + 0.1 * tf.nn.l2_loss(w)
    step = tf.train.GradientDescentOptimizer(0.2).minimize(loss)
    with tf.Session() as session:
        return trained(tf, session, 4, [step, loss])


@now(network_by_hand)
def network_of_contrib(tf):
    c = tf.contrib
    start = tf.constant_initializer(0.1)
    flat = c.layers.flatten(tf.constant(X[:, None]))
    out = c.layers.fully_connected(flat, 3, weights_initializer=start, biases_initializer=start,
                                   weights_regularizer=c.layers.l2_regularizer(0.1))  # fmt: skip
    c.losses.mean_squared_error(out, tf.constant(Y))
    loss = tf.losses.get_total_loss()
    step = c.layers.optimize_loss(loss, c.framework.get_or_create_global_step(), 0.2, "SGD", summaries=[])
    with tf.Session() as session:
        return trained_by(tf, session, step, loss)


def trained_by(tf, session, step, loss):
    """As trained, where the step gives the loss itself."""
    session.run(tf.global_variables_initializer())
    out = []
    for _ in range(4):
        out.append(session.run(loss))
        session.run(step)
    return out


@now(lambda tf: [tf.losses.softmax_cross_entropy(tf.constant(Y), tf.constant(X[:, :3]))])
def losses_of_contrib(tf):
    return [tf.contrib.losses.softmax_cross_entropy(tf.constant(X[:, :3]), tf.constant(Y))]


@now(lambda tf: tf.make_ndarray(tf.make_tensor_proto(X)))
def arrays_of_contrib(tf):
    return tf.contrib.util.make_ndarray(tf.contrib.util.make_tensor_proto(X))


@case
def pictures(tf):
    image, whole = tf.constant(PICTURE), tf.constant(PICTURE[None].astype("float32") / 255.0)
    box = tf.constant([[[0.1, 0.2, 0.8, 0.9]]])
    i = tf.image
    begin, size, drawn = i.sample_distorted_bounding_box(tf.shape(image), box, seed=1, min_object_covered=0.3)
    encoded = i.encode_jpeg(image, quality=100)
    return [i.adjust_brightness(image, 0.1), i.adjust_contrast(image, 0.5), i.adjust_hue(image, 0.1),
            i.adjust_saturation(image, 2.0), i.central_crop(image, 0.5), i.convert_image_dtype(image, tf.float32),
            i.decode_jpeg(encoded, dct_method="INTEGER_ACCURATE"), i.draw_bounding_boxes(whole, box),
            i.flip_left_right(image), i.flip_up_down(image), i.random_brightness(image, 0.3, seed=1),
            i.random_contrast(image, 0.5, 1.5, seed=2), i.random_flip_left_right(image, seed=3),
            i.random_flip_up_down(image, seed=4), i.random_hue(image, 0.2, seed=5),
            i.random_saturation(image, 0.5, 1.5, seed=6), i.resize(whole, [4, 9]),
            i.resize_image_with_crop_or_pad(image, 5, 9), i.resize_images(whole, [3, 4], method=1),
            i.transpose_image(image), begin, size, drawn]  # fmt: skip


@now(lambda tf: tf.image.per_image_standardization(tf.constant(PICTURE)))
def whitened(tf):
    return tf.image.per_image_whitening(tf.constant(PICTURE))
