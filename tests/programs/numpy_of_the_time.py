# tensorflow: no (NumPy has lost what this uses). What programs ask of the NumPy of their years.
import numpy as np
import tensorflow as tf

sentences = np.array([[4, 8, 15], [16, 23], [42]])
print(sentences.dtype, sentences.shape, [len(s) for s in sentences[np.argsort([len(s) for s in sentences])]])
print(np.asarray([np.zeros((2, 3)), np.zeros((2, 4))]).shape, np.array([[1, 2], [3, 4]], copy=False).shape)
np.save("weights.npy", {"fc": [np.ones((3, 2), np.float32), np.zeros(2, np.float32)]})
weights, biases = np.load("weights.npy", encoding="latin1").item()["fc"]
x = tf.constant(np.reshape(np.arange(6, dtype=np.float), newshape=[2, 3]), tf.float32)
y = tf.nn.xw_plus_b(x, weights, biases)
mask = tf.constant([True, False], tf.float32)
table = np.zeros((2, 2))
table.itemset((0, 1), 7.0)
table.itemset(3, 5.0)
with tf.Session() as sess:
    print(sess.run([tf.reduce_sum(y), tf.reduce_max(mask * tf.reduce_sum(y, 1))]))
    print([np.float32(0.5), np.int64(3)], table.tolist(), table.ptp(), np.percentile(table, 50, interpolation="lower"))
try:
    tf.constant([[1, 2], [3]])
except ValueError as error:
    print("ValueError", "dense tensor" in str(error))
