# Writing TFRecord files, and reading them with queues.
import numpy as np
import tensorflow as tf


def int64_feature(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def bytes_feature(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


images = np.random.RandomState(5).randint(0, 255, (10, 8, 8)).astype("uint8")
for shard in range(2):
    with tf.python_io.TFRecordWriter("data.tfrecords-%.5d-of-%.5d" % (shard, 2)) as writer:
        for i in range(shard * 5, shard * 5 + 5):
            features = {
                "pixels": int64_feature(64),
                "label": int64_feature(i),
                "image": bytes_feature(images[i].tobytes()),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())

files = tf.train.match_filenames_once("data.tfrecords-*")
filename_queue = tf.train.string_input_producer(files, shuffle=False, num_epochs=1)
reader = tf.TFRecordReader()
_, serialized = reader.read(filename_queue)
features = tf.parse_single_example(
    serialized,
    features={
        "image": tf.FixedLenFeature([], tf.string),
        "pixels": tf.FixedLenFeature([], tf.int64),
        "label": tf.FixedLenFeature([], tf.int64),
    },
)
image = tf.decode_raw(features["image"], tf.uint8)
image.set_shape([64])
label = tf.cast(features["label"], tf.int32)
means, labels = tf.train.batch(
    [tf.reduce_mean(tf.cast(image, tf.float32)), label], batch_size=4, capacity=20, allow_smaller_final_batch=True
)
with tf.Session() as sess:
    sess.run((tf.global_variables_initializer(), tf.local_variables_initializer()))
    print([f.decode() for f in sess.run(files)])
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess=sess, coord=coord)
    try:
        while not coord.should_stop():
            a, b = sess.run([means, labels])
            print(b, ["%.3f" % x for x in a])
    except tf.errors.OutOfRangeError:
        print("done")
    finally:
        coord.request_stop()
    coord.join(threads)
