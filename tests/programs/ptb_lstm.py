# tensorflow: no (as lstm_unrolled.py). A language model of words, as for the Penn Treebank.
import numpy as np
import tensorflow as tf

BATCH, STEPS, HIDDEN, VOCAB, LAYERS = 4, 6, 12, 20, 2


class PTBModel(object):
    def __init__(self, is_training):
        self.input_data = tf.placeholder(tf.int32, [BATCH, STEPS])
        self.targets = tf.placeholder(tf.int32, [BATCH, STEPS])
        keep = 0.9 if is_training else 1.0
        cells = [
            tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.BasicLSTMCell(HIDDEN), output_keep_prob=keep, seed=i)
            for i in range(LAYERS)
        ]
        cell = tf.nn.rnn_cell.MultiRNNCell(cells)
        self.initial_state = cell.zero_state(BATCH, tf.float32)
        embedding = tf.get_variable("embedding", [VOCAB, HIDDEN])
        inputs = tf.nn.embedding_lookup(embedding, self.input_data)
        if is_training:
            inputs = tf.nn.dropout(inputs, keep, seed=5)
        outputs, state = [], self.initial_state
        with tf.variable_scope("RNN"):
            for step in range(STEPS):
                if step > 0:
                    tf.get_variable_scope().reuse_variables()
                cell_output, state = cell(inputs[:, step, :], state)
                outputs.append(cell_output)
        output = tf.reshape(tf.concat(outputs, 1), [-1, HIDDEN])
        logits = tf.matmul(output, tf.transpose(embedding)) + tf.get_variable("bias", [VOCAB])
        loss = tf.contrib.legacy_seq2seq.sequence_loss_by_example(
            [logits], [tf.reshape(self.targets, [-1])], [tf.ones([BATCH * STEPS], dtype=tf.float32)]
        )
        self.cost = tf.reduce_sum(loss) / BATCH
        self.final_state = state
        if not is_training:
            return
        variables = tf.trainable_variables()
        grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, variables), 5)
        self.train_op = tf.train.GradientDescentOptimizer(1.0).apply_gradients(zip(grads, variables))


def epoch(session, model, words, train_op):
    costs, iters, state = 0.0, 0, session.run(model.initial_state)
    for start in range(0, len(words[0]) - STEPS, STEPS):
        x, y = words[:, start : start + STEPS], words[:, start + 1 : start + STEPS + 1]
        cost, state, _ = session.run(
            [model.cost, model.final_state, train_op],
            {model.input_data: x, model.targets: y, model.initial_state: state},
        )
        costs, iters = costs + cost, iters + STEPS
    return np.exp(costs / iters)


words = np.tile(np.arange(BATCH * 61).reshape(BATCH, 61) * 7 % VOCAB, 1)
tf.set_random_seed(3)
with tf.variable_scope("language_model", initializer=tf.random_uniform_initializer(-0.5, 0.5)):
    train = PTBModel(True)
with tf.variable_scope("language_model", reuse=True):
    test = PTBModel(False)
print([v.op.name for v in tf.trainable_variables()])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    first = epoch(sess, test, words, tf.no_op())
    for _ in range(40):
        epoch(sess, train, words, train.train_op)
    last = epoch(sess, test, words, tf.no_op())
    print("perplexity falls:", last < 0.7 * first)
