# A sine wave learnt by stacked cells.
import numpy as np
import tensorflow as tf

HIDDEN, LAYERS, STEPS, BATCH = 16, 2, 10, 32


def generate_data(seq):
    xs = [[seq[i : i + STEPS]] for i in range(len(seq) - STEPS)]
    ys = [[seq[i + STEPS]] for i in range(len(seq) - STEPS)]
    return np.array(xs, dtype=np.float32).transpose(0, 2, 1), np.array(ys, dtype=np.float32)


def lstm_model(x, y, is_training):
    start = tf.random_uniform_initializer(-0.3, 0.3, seed=1)
    with tf.variable_scope("lstm", initializer=start):
        cell = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(HIDDEN) for _ in range(LAYERS)])
        outputs, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    output = outputs[:, -1, :]
    predictions = tf.contrib.layers.fully_connected(output, 1, activation_fn=None, weights_initializer=start)
    if not is_training:
        return predictions, None, None
    loss = tf.losses.mean_squared_error(labels=y, predictions=predictions)
    train_op = tf.train.AdagradOptimizer(0.1).minimize(loss, global_step=tf.train.get_global_step())
    return predictions, loss, train_op


def run_eval(sess, test_x, test_y):
    ds = tf.data.Dataset.from_tensor_slices((test_x, test_y)).batch(1)
    x, y = ds.make_one_shot_iterator().get_next()
    with tf.variable_scope("model", reuse=True):
        prediction, _, _ = lstm_model(x, [0.0], False)
    predictions, labels = [], []
    for _ in range(20):
        p, label = sess.run([prediction, y])
        predictions.append(p)
        labels.append(label)
    rmse = np.sqrt(((np.array(predictions).squeeze() - np.array(labels).squeeze()) ** 2).mean(axis=0))
    print("Root Mean Square Error is: %.4f" % rmse)


train_x, train_y = generate_data(np.sin(np.linspace(0, 40, 1200, dtype=np.float32)))
test_x, test_y = generate_data(np.sin(np.linspace(41, 61, 600, dtype=np.float32)))
tf.train.get_or_create_global_step()
ds = tf.data.Dataset.from_tensor_slices((train_x, train_y)).repeat().batch(BATCH)
x, y = ds.make_one_shot_iterator().get_next()
with tf.variable_scope("model"):
    _, loss, train_op = lstm_model(x, y, True)
print([v.name for v in tf.trainable_variables()])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    run_eval(sess, test_x, test_y)
    losses = [sess.run([train_op, loss])[1] for _ in range(100)]
    print(" ".join("%.5f" % value for value in losses))
    run_eval(sess, test_x, test_y)
    print("step", sess.run(tf.train.get_global_step()))
