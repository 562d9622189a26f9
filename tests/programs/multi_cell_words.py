# A language model whose words come from a text: vocabulary, ids, batches, perplexity.
import codecs
import collections
from operator import itemgetter

import numpy as np
import tensorflow as tf

TRAIN_BATCH_SIZE, TRAIN_NUM_STEP = 5, 7
EVAL_BATCH_SIZE, EVAL_NUM_STEP = 1, 1
HIDDEN_SIZE, NUM_LAYERS, MAX_GRAD_NORM = 16, 2, 5
LSTM_KEEP_PROB, EMBEDDING_KEEP_PROB = 0.9, 0.9
SHARE_EMB_AND_SOFTMAX = True

rng = np.random.RandomState(6)
words = ["w%d" % i for i in range(18)]
with codecs.open("raw.txt", "w", "utf-8") as f:
    for _ in range(70):
        start = rng.randint(18)
        f.write(" ".join(words[(start + j * j) % 18] for j in range(rng.randint(4, 9))) + "\n")

counter = collections.Counter()
with codecs.open("raw.txt", "r", "utf-8") as f:
    for line in f:
        for word in line.strip().split():
            counter[word] += 1
sorted_words = [x[0] for x in sorted(sorted(counter.items()), key=itemgetter(1), reverse=True)]
sorted_words = ["<eos>"] + sorted_words + ["<unk>"]
VOCAB_SIZE = len(sorted_words)
word_to_id = dict(zip(sorted_words, range(VOCAB_SIZE)))
with codecs.open("raw.txt", "r", "utf-8") as f:
    id_list = [word_to_id.get(w, word_to_id["<unk>"]) for line in f for w in line.strip().split() + ["<eos>"]]


def make_batches(ids, batch_size, num_step):
    num_batches = (len(ids) - 1) // (batch_size * num_step)
    data = np.array(ids[: num_batches * batch_size * num_step])
    data = np.split(np.reshape(data, [batch_size, num_batches * num_step]), num_batches, axis=1)
    label = np.array(ids[1 : num_batches * batch_size * num_step + 1])
    label = np.split(np.reshape(label, [batch_size, num_batches * num_step]), num_batches, axis=1)
    return list(zip(data, label))


class PTBModel(object):
    def __init__(self, is_training, batch_size, num_steps):
        self.batch_size = batch_size
        self.num_steps = num_steps
        self.input_data = tf.placeholder(tf.int32, [batch_size, num_steps])
        self.targets = tf.placeholder(tf.int32, [batch_size, num_steps])
        dropout_keep_prob = LSTM_KEEP_PROB if is_training else 1.0
        lstm_cells = [
            tf.nn.rnn_cell.DropoutWrapper(
                tf.nn.rnn_cell.BasicLSTMCell(HIDDEN_SIZE), output_keep_prob=dropout_keep_prob, seed=layer
            )
            for layer in range(NUM_LAYERS)
        ]
        cell = tf.nn.rnn_cell.MultiRNNCell(lstm_cells)
        self.initial_state = cell.zero_state(batch_size, tf.float32)
        embedding = tf.get_variable("embedding", [VOCAB_SIZE, HIDDEN_SIZE])
        inputs = tf.nn.embedding_lookup(embedding, self.input_data)
        if is_training:
            inputs = tf.nn.dropout(inputs, EMBEDDING_KEEP_PROB, seed=3)
        outputs = []
        state = self.initial_state
        with tf.variable_scope("RNN"):
            for time_step in range(num_steps):
                if time_step > 0:
                    tf.get_variable_scope().reuse_variables()
                cell_output, state = cell(inputs[:, time_step, :], state)
                outputs.append(cell_output)
        output = tf.reshape(tf.concat(outputs, 1), [-1, HIDDEN_SIZE])
        if SHARE_EMB_AND_SOFTMAX:
            weight = tf.transpose(embedding)
        else:
            weight = tf.get_variable("weight", [HIDDEN_SIZE, VOCAB_SIZE])
        bias = tf.get_variable("bias", [VOCAB_SIZE])
        logits = tf.matmul(output, weight) + bias
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(self.targets, [-1]), logits=logits)
        self.cost = tf.reduce_sum(loss) / batch_size
        self.final_state = state
        if not is_training:
            return
        trainable_variables = tf.trainable_variables()
        grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, trainable_variables), MAX_GRAD_NORM)
        optimizer = tf.train.GradientDescentOptimizer(learning_rate=1.0)
        self.train_op = optimizer.apply_gradients(zip(grads, trainable_variables))


def run_epoch(session, model, batches, train_op, output_log, step):
    total_costs = 0.0
    iters = 0
    state = session.run(model.initial_state)
    for x, y in batches:
        cost, state, _ = session.run(
            [model.cost, model.final_state, train_op],
            {model.input_data: x, model.targets: y, model.initial_state: state},
        )
        total_costs += cost
        iters += model.num_steps
        if output_log and step % 5 == 0:
            print("After %d steps, perplexity is %.3f" % (step, np.exp(total_costs / iters)))
        step += 1
    return step, np.exp(total_costs / iters)


def main():
    initializer = tf.random_uniform_initializer(-0.1, 0.1, seed=8)
    with tf.variable_scope("language_model", reuse=None, initializer=initializer):
        train_model = PTBModel(True, TRAIN_BATCH_SIZE, TRAIN_NUM_STEP)
    with tf.variable_scope("language_model", reuse=True, initializer=initializer):
        eval_model = PTBModel(False, EVAL_BATCH_SIZE, EVAL_NUM_STEP)
    print([v.name for v in tf.trainable_variables()], VOCAB_SIZE)
    with tf.Session() as session:
        tf.global_variables_initializer().run()
        train_batches = make_batches(id_list, TRAIN_BATCH_SIZE, TRAIN_NUM_STEP)
        eval_batches = make_batches(id_list[:150], EVAL_BATCH_SIZE, EVAL_NUM_STEP)
        step = 0
        for i in range(8):
            print("In iteration: %d" % (i + 1))
            step, _ = run_epoch(session, train_model, train_batches, train_model.train_op, True, step)
            _, eval_pplx = run_epoch(session, eval_model, eval_batches, tf.no_op(), False, 0)
            print("Epoch: %d Eval Perplexity: %.3f" % (i + 1, eval_pplx))


if __name__ == "__main__":
    main()
