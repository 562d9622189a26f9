# Translation: two texts of ids by tf.data, an encoder and a decoder, decoding by a loop in a graph of its own.
import numpy as np
import tensorflow as tf

MAX_LEN, SOS_ID, EOS_ID = 10, 1, 2
HIDDEN_SIZE, NUM_LAYERS, SRC_VOCAB_SIZE, TRG_VOCAB_SIZE, BATCH_SIZE = 20, 2, 14, 15, 12
MAX_GRAD_NORM = 5
SHARE_EMB_AND_SOFTMAX = True
CHECKPOINT_PATH = "./seq2seq_ckpt"

rng = np.random.RandomState(12)
with open("train.src", "w") as src, open("train.trg", "w") as trg:
    for _ in range(150):
        ids = rng.randint(3, SRC_VOCAB_SIZE, rng.randint(2, 8))
        src.write(" ".join(map(str, list(ids) + [EOS_ID])) + "\n")
        trg.write(" ".join(map(str, list(ids + 1) + [EOS_ID])) + "\n")


def make_dataset(file_path):
    dataset = tf.data.TextLineDataset(file_path)
    dataset = dataset.map(lambda string: tf.string_split([string]).values)
    dataset = dataset.map(lambda string: tf.string_to_number(string, tf.int32))
    return dataset.map(lambda x: (x, tf.size(x)))


def make_src_trg_dataset(src_path, trg_path, batch_size):
    dataset = tf.data.Dataset.zip((make_dataset(src_path), make_dataset(trg_path)))

    def filter_length(src_tuple, trg_tuple):
        ((_, src_len), (_, trg_len)) = (src_tuple, trg_tuple)
        src_len_ok = tf.logical_and(tf.greater(src_len, 1), tf.less_equal(src_len, MAX_LEN))
        trg_len_ok = tf.logical_and(tf.greater(trg_len, 1), tf.less_equal(trg_len, MAX_LEN))
        return tf.logical_and(src_len_ok, trg_len_ok)

    dataset = dataset.filter(filter_length)

    def make_trg_input(src_tuple, trg_tuple):
        ((src_input, src_len), (trg_label, trg_len)) = (src_tuple, trg_tuple)
        trg_input = tf.concat([[SOS_ID], trg_label[:-1]], axis=0)
        return ((src_input, src_len), (trg_input, trg_label, trg_len))

    dataset = dataset.map(make_trg_input)
    dataset = dataset.shuffle(10000, seed=5)
    padded_shapes = (
        (tf.TensorShape([None]), tf.TensorShape([])),
        (tf.TensorShape([None]), tf.TensorShape([None]), tf.TensorShape([])),
    )
    return dataset.padded_batch(batch_size, padded_shapes)


class NMTModel(object):
    def __init__(self):
        self.enc_cell = tf.nn.rnn_cell.MultiRNNCell(
            [tf.nn.rnn_cell.BasicLSTMCell(HIDDEN_SIZE) for _ in range(NUM_LAYERS)]
        )
        self.dec_cell = tf.nn.rnn_cell.MultiRNNCell(
            [tf.nn.rnn_cell.BasicLSTMCell(HIDDEN_SIZE) for _ in range(NUM_LAYERS)]
        )
        self.src_embedding = tf.get_variable("src_emb", [SRC_VOCAB_SIZE, HIDDEN_SIZE])
        self.trg_embedding = tf.get_variable("trg_emb", [TRG_VOCAB_SIZE, HIDDEN_SIZE])
        if SHARE_EMB_AND_SOFTMAX:
            self.softmax_weight = tf.transpose(self.trg_embedding)
        else:
            self.softmax_weight = tf.get_variable("weight", [HIDDEN_SIZE, TRG_VOCAB_SIZE])
        self.softmax_bias = tf.get_variable("softmax_bias", [TRG_VOCAB_SIZE])

    def forward(self, src_input, src_size, trg_input, trg_label, trg_size):
        batch_size = tf.shape(src_input)[0]
        src_emb = tf.nn.embedding_lookup(self.src_embedding, src_input)
        trg_emb = tf.nn.embedding_lookup(self.trg_embedding, trg_input)
        src_emb = tf.nn.dropout(src_emb, 0.9, seed=1)
        trg_emb = tf.nn.dropout(trg_emb, 0.9, seed=2)
        with tf.variable_scope("encoder"):
            enc_outputs, enc_state = tf.nn.dynamic_rnn(self.enc_cell, src_emb, src_size, dtype=tf.float32)
        with tf.variable_scope("decoder"):
            dec_outputs, _ = tf.nn.dynamic_rnn(self.dec_cell, trg_emb, trg_size, initial_state=enc_state)
        output = tf.reshape(dec_outputs, [-1, HIDDEN_SIZE])
        logits = tf.matmul(output, self.softmax_weight) + self.softmax_bias
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(trg_label, [-1]), logits=logits)
        label_weights = tf.sequence_mask(trg_size, maxlen=tf.shape(trg_label)[1], dtype=tf.float32)
        label_weights = tf.reshape(label_weights, [-1])
        cost = tf.reduce_sum(loss * label_weights)
        cost_per_token = cost / tf.reduce_sum(label_weights)
        trainable_variables = tf.trainable_variables()
        grads = tf.gradients(cost / tf.to_float(batch_size), trainable_variables)
        grads, _ = tf.clip_by_global_norm(grads, MAX_GRAD_NORM)
        optimizer = tf.train.GradientDescentOptimizer(learning_rate=1.0)
        return cost_per_token, optimizer.apply_gradients(zip(grads, trainable_variables))

    def inference(self, src_input):
        src_size = tf.convert_to_tensor([len(src_input)], dtype=tf.int32)
        src_input = tf.convert_to_tensor([src_input], dtype=tf.int32)
        src_emb = tf.nn.embedding_lookup(self.src_embedding, src_input)
        with tf.variable_scope("encoder"):
            enc_outputs, enc_state = tf.nn.dynamic_rnn(self.enc_cell, src_emb, src_size, dtype=tf.float32)
        max_dec_len = 12
        with tf.variable_scope("decoder/rnn/multi_rnn_cell"):
            init_array = tf.TensorArray(dtype=tf.int32, size=0, dynamic_size=True, clear_after_read=False)
            init_array = init_array.write(0, SOS_ID)
            init_loop_var = (enc_state, init_array, 0)

            def continue_loop_condition(state, trg_ids, step):
                return tf.reduce_all(
                    tf.logical_and(tf.not_equal(trg_ids.read(step), EOS_ID), tf.less(step, max_dec_len - 1))
                )

            def loop_body(state, trg_ids, step):
                trg_input = [trg_ids.read(step)]
                trg_emb = tf.nn.embedding_lookup(self.trg_embedding, trg_input)
                dec_outputs, next_state = self.dec_cell.call(state=state, inputs=trg_emb)
                output = tf.reshape(dec_outputs, [-1, HIDDEN_SIZE])
                logits = tf.matmul(output, self.softmax_weight) + self.softmax_bias
                next_id = tf.argmax(logits, axis=1, output_type=tf.int32)
                trg_ids = trg_ids.write(step + 1, next_id[0])
                return next_state, trg_ids, step + 1

            state, trg_ids, step = tf.while_loop(continue_loop_condition, loop_body, init_loop_var)
            return trg_ids.stack()


def run_epoch(session, cost_op, train_op, saver, step):
    while True:
        try:
            cost, _ = session.run([cost_op, train_op])
            if step % 10 == 0:
                print("After %d steps, per token cost is %.3f" % (step, cost))
            if step % 40 == 0:
                saver.save(session, CHECKPOINT_PATH, global_step=step)
            step += 1
        except tf.errors.OutOfRangeError:
            break
    return step


def main():
    initializer = tf.random_uniform_initializer(-0.2, 0.2, seed=3)
    with tf.Graph().as_default():
        with tf.variable_scope("nmt_model", reuse=None, initializer=initializer):
            train_model = NMTModel()
            data = make_src_trg_dataset("train.src", "train.trg", BATCH_SIZE)
            iterator = data.make_initializable_iterator()
            (src, src_size), (trg_input, trg_label, trg_size) = iterator.get_next()
            cost_op, train_op = train_model.forward(src, src_size, trg_input, trg_label, trg_size)
        saver = tf.train.Saver()
        step = 0
        with tf.Session() as sess:
            tf.global_variables_initializer().run()
            for i in range(7):
                print("In iteration: %d" % (i + 1))
                sess.run(iterator.initializer)
                step = run_epoch(sess, cost_op, train_op, saver, step)
        print(sorted(v.op.name for v in tf.trainable_variables()))
    with tf.Graph().as_default():
        with tf.variable_scope("nmt_model", reuse=None):
            model = NMTModel()
            output_op = model.inference([5, 9, 4, EOS_ID])
        saver = tf.train.Saver()
        with tf.Session() as sess:
            saver.restore(sess, CHECKPOINT_PATH + "-80")
            print(sess.run(output_op))


if __name__ == "__main__":
    main()
