# Vectors for words, with noise-contrastive estimation.
import numpy as np
import tensorflow as tf

VOCAB, SIZE, BATCH = 50, 8, 16
rng = np.random.RandomState(1)
words = rng.randint(0, VOCAB, 500)
train_inputs = tf.placeholder(tf.int32, shape=[BATCH])
train_labels = tf.placeholder(tf.int32, shape=[BATCH, 1])
embeddings = tf.Variable(tf.random_uniform([VOCAB, SIZE], -1.0, 1.0, seed=2))
embed = tf.nn.embedding_lookup(embeddings, train_inputs)
nce_weights = tf.Variable(tf.truncated_normal([VOCAB, SIZE], stddev=1.0 / np.sqrt(SIZE), seed=3))
nce_biases = tf.Variable(tf.zeros([VOCAB]))
sampled = tf.nn.log_uniform_candidate_sampler(
    tf.cast(train_labels, tf.int64), num_true=1, num_sampled=5, unique=True, range_max=VOCAB, seed=4
)
loss = tf.reduce_mean(
    tf.nn.nce_loss(
        weights=nce_weights,
        biases=nce_biases,
        labels=train_labels,
        inputs=embed,
        num_sampled=5,
        num_classes=VOCAB,
        sampled_values=sampled,
    )
)
optimizer = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keep_dims=True))
normalized = embeddings / norm
similarity = tf.matmul(tf.nn.embedding_lookup(normalized, [3, 5]), normalized, transpose_b=True)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(61):
        at = step * BATCH % 480
        feed = {train_inputs: words[at : at + BATCH], train_labels: words[at + 1 : at + BATCH + 1, None]}
        _, value = sess.run([optimizer, loss], feed_dict=feed)
        if step % 20 == 0:
            print("loss at step %d: %.4f" % (step, value))
    print(["%.4f" % x for x in sess.run(similarity)[0][:5]])
