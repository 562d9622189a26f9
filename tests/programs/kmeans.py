# Clusters found by a graph of segments and gathers, and the nearest neighbour of points.
import numpy as np
import tensorflow as tf

rng = np.random.RandomState(4)
points = np.concatenate([rng.randn(60, 2) * 0.4 + center for center in ([0, 0], [3, 1], [1, 4])]).astype("float32")
vectors = tf.constant(points)
k = 3
centroids = tf.Variable(tf.slice(tf.random_shuffle(vectors, seed=3), [0, 0], [k, -1]))
expanded_vectors = tf.expand_dims(vectors, 0)
expanded_centroids = tf.expand_dims(centroids, 1)
assignments = tf.argmin(tf.reduce_sum(tf.square(tf.subtract(expanded_vectors, expanded_centroids)), 2), 0)
means = tf.concat(
    [
        tf.reduce_mean(
            tf.gather(vectors, tf.reshape(tf.where(tf.equal(assignments, c)), [1, -1])), reduction_indices=[1]
        )
        for c in range(k)
    ],
    0,
)
update_centroids = tf.assign(centroids, means)
by_segments = tf.unsorted_segment_sum(vectors, assignments, k)
counts = tf.unsorted_segment_sum(tf.ones_like(vectors[:, 0]), assignments, k)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    before = sess.run(centroids)
    for _ in range(20):
        _, centroid_values, assignment_values = sess.run([update_centroids, centroids, assignments])
    print(before.round(4).tolist())
    print(sess.run(centroids).round(4).tolist(), np.bincount(assignment_values))
    print((sess.run(by_segments) / sess.run(counts)[:, None]).round(4).tolist())

xtr, xte = tf.placeholder("float", [None, 2]), tf.placeholder("float", [2])
distance = tf.reduce_sum(tf.abs(tf.add(xtr, tf.negative(xte))), reduction_indices=1)
pred = tf.arg_min(distance, 0)
_, nearest = tf.nn.top_k(-distance, 3)
with tf.Session() as sess:
    for probe in ([0.1, 0.2], [2.5, 1.5], [1.0, 3.0]):
        print(sess.run([pred, nearest], feed_dict={xtr: points, xte: probe}))
