# The whole input pipeline of pictures: files, examples, distortions, batches by several threads, training.
import numpy as np
import tensorflow as tf

SIZE, CLASSES = 16, 3
rng = np.random.RandomState(7)
with tf.python_io.TFRecordWriter("pictures.tfrecords") as writer:
    for i in range(30):
        picture = rng.randint(0, 255, (24, 20, 3)).astype("uint8")
        feature = {
            "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[picture.tobytes()])),
            "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[i % CLASSES])),
            "size": tf.train.Feature(int64_list=tf.train.Int64List(value=picture.shape)),
        }
        writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def preprocess_for_train(image, height, width):
    image = tf.image.convert_image_dtype(image, dtype=tf.float32)
    begin, size, _ = tf.image.sample_distorted_bounding_box(
        tf.shape(image), bounding_boxes=tf.constant([0.0, 0.0, 1.0, 1.0], shape=[1, 1, 4]), min_object_covered=0.4
    )
    distorted = tf.image.resize_images(tf.slice(image, begin, size), [height, width], method=np.random.randint(4))
    distorted = tf.image.random_flip_left_right(distorted)
    distorted = tf.image.random_brightness(distorted, max_delta=32.0 / 255.0)
    distorted = tf.image.random_saturation(distorted, lower=0.5, upper=1.5)
    distorted = tf.image.random_hue(distorted, max_delta=0.2)
    return tf.clip_by_value(distorted, 0.0, 1.0)


files = tf.train.match_filenames_once("pictures.tfrecords")
filename_queue = tf.train.string_input_producer(files, shuffle=True)
_, serialized = tf.TFRecordReader().read(filename_queue)
features = tf.parse_single_example(
    serialized,
    features={
        "image": tf.FixedLenFeature([], tf.string),
        "label": tf.FixedLenFeature([], tf.int64),
        "size": tf.FixedLenFeature([3], tf.int64),
    },
)
image = tf.reshape(tf.decode_raw(features["image"], tf.uint8), tf.cast(features["size"], tf.int32))
image.set_shape([None, None, 3])
distorted = preprocess_for_train(image, SIZE, SIZE)
distorted.set_shape([SIZE, SIZE, 3])
images, labels = tf.train.shuffle_batch(
    [distorted, features["label"]], batch_size=10, num_threads=5, capacity=1000 + 3 * 10, min_after_dequeue=20
)
net = tf.layers.conv2d(images, 4, 3, activation=tf.nn.relu)
net = tf.layers.batch_normalization(net, training=True)
logits = tf.layers.dense(tf.layers.flatten(tf.layers.max_pooling2d(net, 2, 2)), CLASSES)
loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train_step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
with tf.Session() as sess:
    sess.run((tf.global_variables_initializer(), tf.local_variables_initializer()))
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess=sess, coord=coord)
    for _ in range(15):
        _, value, batch = sess.run([train_step, loss, images])
    print(np.isfinite(value), batch.shape, batch.min() >= 0, batch.max() <= 1)
    coord.request_stop()
    coord.join(threads)
print("all threads ended:", not any(t.is_alive() for t in threads))
