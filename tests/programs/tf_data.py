# Datasets: from tensors, from files, with iterators of both kinds.
import numpy as np
import tensorflow as tf

dataset = tf.data.Dataset.from_tensor_slices([1, 2, 3, 5, 8]).map(lambda x: x * x)
x = dataset.make_one_shot_iterator().get_next()
with tf.Session() as sess:
    print([sess.run(x) for _ in range(5)])
    try:
        sess.run(x)
    except tf.errors.OutOfRangeError:
        print("the end")

with open("numbers.txt", "w") as f:
    f.write("".join("%d,%d\n" % (i, i * 3) for i in range(10)))
lines = tf.data.TextLineDataset("numbers.txt").map(lambda line: tuple(tf.decode_csv(line, [[0.0], [0.0]])))
lines = lines.shuffle(10, seed=3).repeat(2).batch(4)
iterator = lines.make_initializable_iterator()
a, b = iterator.get_next()
with tf.Session() as sess:
    sess.run(iterator.initializer)
    total = 0.0
    while True:
        try:
            left, right = sess.run([a, b])
            assert np.allclose(right, 3 * left)
            total += left.sum()
        except tf.errors.OutOfRangeError:
            break
    print("sum of two epochs %.1f" % total)

with tf.python_io.TFRecordWriter("examples.tfrecord") as writer:
    for i in range(6):
        feature = {
            "x": tf.train.Feature(float_list=tf.train.FloatList(value=[i, i / 2.0])),
            "y": tf.train.Feature(int64_list=tf.train.Int64List(value=[i % 2])),
        }
        writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def parser(record):
    parsed = tf.parse_single_example(
        record, {"x": tf.FixedLenFeature([2], tf.float32), "y": tf.FixedLenFeature([], tf.int64)}
    )
    return parsed["x"], parsed["y"]


filenames = tf.placeholder(tf.string)
training = tf.data.TFRecordDataset(filenames).map(parser).take(4).batch(2)
testing = tf.data.TFRecordDataset(filenames).map(parser).skip(4).batch(2)
iterator = tf.data.Iterator.from_structure(training.output_types, training.output_shapes)
x, y = iterator.get_next()
starts = [("train", iterator.make_initializer(training)), ("test", iterator.make_initializer(testing))]
with tf.Session() as sess:
    for name, start in starts:
        sess.run(start, feed_dict={filenames: ["examples.tfrecord"]})
        while True:
            try:
                values, labels = sess.run([x, y])
                print(name, values.tolist(), labels.tolist())
            except tf.errors.OutOfRangeError:
                break
padded = (
    tf.data.Dataset.range(5).map(lambda n: tf.fill([tf.cast(n, tf.int32)], n)).padded_batch(3, padded_shapes=[None])
)
zipped = tf.data.Dataset.zip((tf.data.Dataset.range(3), tf.data.Dataset.range(10, 13))).prefetch(1)
p, z = padded.make_one_shot_iterator().get_next(), zipped.make_one_shot_iterator().get_next()
with tf.Session() as sess:
    print(sess.run(p).tolist(), sess.run(p).tolist(), sess.run(z), sess.run(z))
