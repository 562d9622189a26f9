# A convolutional network for sentences: several filter sizes, summaries of gradients, checkpoints by step.
import os
import re

import numpy as np
import tensorflow as tf

tf.flags.DEFINE_integer("embedding_dim", 8, "Dimensionality of character embedding")
tf.flags.DEFINE_string("filter_sizes", "2,3,4", "Comma-separated filter sizes")
tf.flags.DEFINE_integer("num_filters", 6, "Number of filters per filter size")
tf.flags.DEFINE_float("dropout_keep_prob", 0.5, "Dropout keep probability")
tf.flags.DEFINE_float("l2_reg_lambda", 0.1, "L2 regularization lambda")
tf.flags.DEFINE_integer("batch_size", 16, "Batch Size")
tf.flags.DEFINE_integer("num_epochs", 10, "Number of training epochs")
tf.flags.DEFINE_integer("evaluate_every", 40, "Evaluate model on dev set after this many steps")
tf.flags.DEFINE_boolean("allow_soft_placement", True, "Allow device soft device placement")
FLAGS = tf.flags.FLAGS


def clean_str(string):
    string = re.sub(r"[^A-Za-z0-9(),!?\'\`]", " ", string)
    string = re.sub(r"\'s", " 's", string)
    return re.sub(r"\s{2,}", " ", string).strip().lower()


def load_data_and_labels():
    rng = np.random.RandomState(9)
    good, bad = "fine warm clever bright".split(), "dull cold stupid dark".split()
    rest = "the a film story actor's, plot! scene, music and of".split()
    texts, labels = [], []
    for i in range(176):
        words = list(rng.choice(rest, rng.randint(4, 9))) + list(rng.choice(good if i % 2 else bad, 2))
        rng.shuffle(words)
        texts.append(clean_str(" ".join(words)))
        labels.append([0, 1] if i % 2 else [1, 0])
    return texts, np.array(labels)


def batch_iter(data, batch_size, num_epochs):
    data = np.array(data, dtype=object)
    num_batches_per_epoch = int((len(data) - 1) / batch_size) + 1
    rng = np.random.RandomState(10)
    for _ in range(num_epochs):
        shuffled = data[rng.permutation(np.arange(len(data)))]
        for batch_num in range(num_batches_per_epoch):
            yield shuffled[batch_num * batch_size : min((batch_num + 1) * batch_size, len(data))]


class TextCNN(object):
    def __init__(self, sequence_length, num_classes, vocab_size, embedding_size, filter_sizes, num_filters, l2):
        self.input_x = tf.placeholder(tf.int32, [None, sequence_length], name="input_x")
        self.input_y = tf.placeholder(tf.float32, [None, num_classes], name="input_y")
        self.dropout_keep_prob = tf.placeholder(tf.float32, name="dropout_keep_prob")
        l2_loss = tf.constant(0.0)
        with tf.device("/cpu:0"), tf.name_scope("embedding"):
            self.W = tf.Variable(tf.random_uniform([vocab_size, embedding_size], -1.0, 1.0, seed=1), name="W")
            self.embedded_chars = tf.nn.embedding_lookup(self.W, self.input_x)
            self.embedded_chars_expanded = tf.expand_dims(self.embedded_chars, -1)
        pooled_outputs = []
        for i, filter_size in enumerate(filter_sizes):
            with tf.name_scope("conv-maxpool-%s" % filter_size):
                shape = [filter_size, embedding_size, 1, num_filters]
                W = tf.Variable(tf.truncated_normal(shape, stddev=0.1, seed=10 + i), name="W")
                b = tf.Variable(tf.constant(0.1, shape=[num_filters]), name="b")
                conv = tf.nn.conv2d(self.embedded_chars_expanded, W, [1, 1, 1, 1], padding="VALID", name="conv")
                h = tf.nn.relu(tf.nn.bias_add(conv, b), name="relu")
                pooled = tf.nn.max_pool(
                    h, ksize=[1, sequence_length - filter_size + 1, 1, 1], strides=[1, 1, 1, 1], padding="VALID"
                )
                pooled_outputs.append(pooled)
        num_filters_total = num_filters * len(filter_sizes)
        self.h_pool_flat = tf.reshape(tf.concat(pooled_outputs, 3), [-1, num_filters_total])
        with tf.name_scope("dropout"):
            self.h_drop = tf.nn.dropout(self.h_pool_flat, self.dropout_keep_prob, seed=20)
        with tf.name_scope("output"):
            W = tf.get_variable(
                "W", shape=[num_filters_total, num_classes], initializer=tf.glorot_uniform_initializer(seed=21)
            )
            b = tf.Variable(tf.constant(0.1, shape=[num_classes]), name="b")
            l2_loss += tf.nn.l2_loss(W) + tf.nn.l2_loss(b)
            self.scores = tf.nn.xw_plus_b(self.h_drop, W, b, name="scores")
            self.predictions = tf.argmax(self.scores, 1, name="predictions")
        with tf.name_scope("loss"):
            losses = tf.nn.softmax_cross_entropy_with_logits(logits=self.scores, labels=self.input_y)
            self.loss = tf.reduce_mean(losses) + l2 * l2_loss
        with tf.name_scope("accuracy"):
            correct_predictions = tf.equal(self.predictions, tf.argmax(self.input_y, 1))
            self.accuracy = tf.reduce_mean(tf.cast(correct_predictions, "float"), name="accuracy")


def main(argv=None):
    texts, y = load_data_and_labels()
    vocabulary = {word: i + 1 for i, word in enumerate(sorted({w for t in texts for w in t.split(" ")}))}
    longest = max(len(t.split(" ")) for t in texts)
    x = np.array([[vocabulary[w] for w in t.split(" ")] + [0] * (longest - len(t.split(" "))) for t in texts])
    x_train, x_dev, y_train, y_dev = x[:-16], x[-16:], y[:-16], y[-16:]
    with tf.Graph().as_default():
        sess = tf.Session(config=tf.ConfigProto(allow_soft_placement=FLAGS.allow_soft_placement))
        with sess.as_default():
            cnn = TextCNN(
                x.shape[1], 2, len(vocabulary) + 1, FLAGS.embedding_dim,
                list(map(int, FLAGS.filter_sizes.split(","))), FLAGS.num_filters, FLAGS.l2_reg_lambda,
            )  # fmt: skip
            global_step = tf.Variable(0, name="global_step", trainable=False)
            optimizer = tf.train.AdamOptimizer(1e-2)
            grads_and_vars = optimizer.compute_gradients(cnn.loss)
            train_op = optimizer.apply_gradients(grads_and_vars, global_step=global_step)
            grad_summaries = []
            for g, v in grads_and_vars:
                if g is not None:
                    grad_summaries.append(tf.summary.histogram("{}/grad/hist".format(v.name), g))
                    grad_summaries.append(tf.summary.scalar("{}/grad/sparsity".format(v.name), tf.nn.zero_fraction(g)))
            train_summary_op = tf.summary.merge([tf.summary.scalar("loss", cnn.loss), tf.summary.merge(grad_summaries)])
            out_dir = os.path.abspath(os.path.join(os.path.curdir, "runs"))
            writer = tf.summary.FileWriter(os.path.join(out_dir, "summaries", "train"), sess.graph)
            checkpoint_dir = os.path.abspath(os.path.join(out_dir, "checkpoints"))
            os.makedirs(checkpoint_dir)
            saver = tf.train.Saver(tf.global_variables(), max_to_keep=5)
            sess.run(tf.global_variables_initializer())
            losses = []
            for batch in batch_iter(list(zip(x_train, y_train)), FLAGS.batch_size, FLAGS.num_epochs):
                x_batch, y_batch = zip(*batch)
                feed = {cnn.input_x: x_batch, cnn.input_y: y_batch, cnn.dropout_keep_prob: FLAGS.dropout_keep_prob}
                _, step, summaries, loss = sess.run([train_op, global_step, train_summary_op, cnn.loss], feed)
                losses.append(loss)
                writer.add_summary(summaries, step)
                current_step = tf.train.global_step(sess, global_step)
                if current_step % FLAGS.evaluate_every == 0:
                    feed = {cnn.input_x: x_dev, cnn.input_y: y_dev, cnn.dropout_keep_prob: 1.0}
                    loss, accuracy = sess.run([cnn.loss, cnn.accuracy], feed)
                    print("step {}, loss {:.4f}, acc {:g}".format(current_step, loss, accuracy))
                    path = saver.save(sess, os.path.join(checkpoint_dir, "model"), global_step=current_step)
                    print("Saved", os.path.relpath(path))
            print(" ".join("%.4f" % loss for loss in losses))
    checkpoint_file = tf.train.latest_checkpoint(checkpoint_dir)
    graph = tf.Graph()
    with graph.as_default(), tf.Session() as sess:
        saver = tf.train.import_meta_graph("{}.meta".format(checkpoint_file))
        saver.restore(sess, checkpoint_file)
        input_x = graph.get_operation_by_name("input_x").outputs[0]
        dropout_keep_prob = graph.get_operation_by_name("dropout_keep_prob").outputs[0]
        predictions = graph.get_operation_by_name("output/predictions").outputs[0]
        print(sess.run(predictions, {input_x: x_dev, dropout_keep_prob: 1.0}))


if __name__ == "__main__":
    tf.app.run()
