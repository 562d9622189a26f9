# Transfer learning: a frozen network gives each picture its bottleneck, kept in files; a last layer learns of them.
import glob
import os.path
import random

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import graph_util
from tensorflow.python.platform import gfile

BOTTLENECK_TENSOR_SIZE = 24
BOTTLENECK_TENSOR_NAME = "pool_3/_reshape:0"
JPEG_DATA_TENSOR_NAME = "DecodeJpeg/contents:0"
MODEL_FILE = "classify_image_graph_def.pb"
INPUT_DATA = "photos"
CACHE_DIR = "tmp/bottleneck"
VALIDATION_PERCENTAGE, TEST_PERCENTAGE = 20, 10
LEARNING_RATE, STEPS, BATCH = 0.05, 100, 20


def make_the_model():
    """A small network with the names of the one that everybody used."""
    with tf.Graph().as_default():
        contents = tf.placeholder(tf.string, [], name="DecodeJpeg/contents")
        image = tf.image.decode_jpeg(contents, channels=3, dct_method="INTEGER_ACCURATE", name="DecodeJpeg")
        image = tf.expand_dims(tf.cast(image, tf.float32, name="Cast"), 0, name="ExpandDims")
        net = tf.image.resize_bilinear(image, [32, 32], name="ResizeBilinear")
        net = (net - 128.0) / 128.0
        for i, (depth, last) in enumerate([(8, 3), (BOTTLENECK_TENSOR_SIZE, 8)]):
            with tf.variable_scope("conv%d" % i):
                start = tf.truncated_normal_initializer(stddev=0.3, seed=i)
                kernel = tf.get_variable("kernel", [3, 3, last, depth], initializer=start)
                net = tf.nn.relu(tf.nn.conv2d(net, kernel, [1, 2, 2, 1], "SAME"))
        with tf.name_scope("pool_3"):
            pooled = tf.nn.avg_pool(net, [1, 8, 8, 1], [1, 8, 8, 1], "VALID")
            tf.reshape(pooled, [-1, BOTTLENECK_TENSOR_SIZE], name="_reshape")
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            graph_def = tf.get_default_graph().as_graph_def()
            output = graph_util.convert_variables_to_constants(sess, graph_def, [BOTTLENECK_TENSOR_NAME[:-2]])
            with gfile.GFile(MODEL_FILE, "wb") as f:
                f.write(output.SerializeToString())


def make_the_photos():
    rng = np.random.RandomState(1)
    with tf.Graph().as_default(), tf.Session() as sess:
        picture = tf.placeholder(tf.uint8, [None, None, 3])
        encoded = tf.image.encode_jpeg(picture, quality=95)
        for label, color in (("roses", [200, 40, 60]), ("tulips", [180, 80, 160]), ("dandelion", [210, 200, 40])):
            tf.gfile.MakeDirs(os.path.join(INPUT_DATA, label))
            for i in range(14):
                pixels = np.clip(np.array(color) + rng.randint(-40, 40, (30 + i, 40, 3)), 0, 255)
                with tf.gfile.FastGFile(os.path.join(INPUT_DATA, label, "%02d.jpg" % i), "wb") as f:
                    f.write(sess.run(encoded, {picture: pixels}))


def create_image_lists():
    result = {}
    sub_dirs = sorted(x[0] for x in os.walk(INPUT_DATA))
    for sub_dir in sub_dirs[1:]:
        file_list = []
        for extension in ["jpg", "jpeg", "JPG", "JPEG"]:
            file_list.extend(glob.glob(os.path.join(INPUT_DATA, os.path.basename(sub_dir), "*." + extension)))
        sets = {"training": [], "testing": [], "validation": []}
        for name in sorted(map(os.path.basename, file_list)):
            chance = np.random.randint(100)
            if chance < VALIDATION_PERCENTAGE:
                sets["validation"].append(name)
            elif chance < TEST_PERCENTAGE + VALIDATION_PERCENTAGE:
                sets["testing"].append(name)
            else:
                sets["training"].append(name)
        result[os.path.basename(sub_dir).lower()] = sets
    return result


def get_or_create_bottleneck(sess, label, name, jpeg_data_tensor, bottleneck_tensor):
    path = os.path.join(CACHE_DIR, label, name + ".txt")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        image_data = gfile.FastGFile(os.path.join(INPUT_DATA, label, name), "rb").read()
        values = np.squeeze(sess.run(bottleneck_tensor, {jpeg_data_tensor: image_data}))
        with open(path, "w") as bottleneck_file:
            bottleneck_file.write(",".join(str(x) for x in values))
    with open(path) as bottleneck_file:
        return [float(x) for x in bottleneck_file.read().split(",")]


def batch_of(sess, image_lists, how_many, category, jpeg_data_tensor, bottleneck_tensor):
    bottlenecks, truths = [], []
    labels = list(image_lists.keys())
    for _ in range(how_many):
        index = random.randrange(len(labels))
        names = image_lists[labels[index]][category]
        name = names[random.randrange(65536) % len(names)]
        bottlenecks.append(get_or_create_bottleneck(sess, labels[index], name, jpeg_data_tensor, bottleneck_tensor))
        truth = np.zeros(len(labels), dtype=np.float32)
        truth[index] = 1.0
        truths.append(truth)
    return bottlenecks, truths


def main(_):
    np.random.seed(4)
    random.seed(4)
    make_the_model()
    make_the_photos()
    image_lists = create_image_lists()
    n_classes = len(image_lists)
    with gfile.FastGFile(MODEL_FILE, "rb") as f:
        graph_def = tf.GraphDef()
        graph_def.ParseFromString(f.read())
    bottleneck_tensor, jpeg_data_tensor = tf.import_graph_def(
        graph_def, return_elements=[BOTTLENECK_TENSOR_NAME, JPEG_DATA_TENSOR_NAME]
    )
    print(bottleneck_tensor.name, jpeg_data_tensor.name, n_classes)
    bottleneck_input = tf.placeholder(tf.float32, [None, BOTTLENECK_TENSOR_SIZE], name="BottleneckInputPlaceholder")
    ground_truth_input = tf.placeholder(tf.float32, [None, n_classes], name="GroundTruthInput")
    with tf.name_scope("final_training_ops"):
        weights = tf.Variable(tf.truncated_normal([BOTTLENECK_TENSOR_SIZE, n_classes], stddev=0.001, seed=9))
        biases = tf.Variable(tf.zeros([n_classes]))
        logits = tf.matmul(bottleneck_input, weights) + biases
        final_tensor = tf.nn.softmax(logits)
    cross_entropy = tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=ground_truth_input)
    cross_entropy_mean = tf.reduce_mean(cross_entropy)
    train_step = tf.train.GradientDescentOptimizer(LEARNING_RATE).minimize(cross_entropy_mean)
    with tf.name_scope("evaluation"):
        correct_prediction = tf.equal(tf.argmax(final_tensor, 1), tf.argmax(ground_truth_input, 1))
        evaluation_step = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
    with tf.Session() as sess:
        tf.global_variables_initializer().run()
        losses = []
        for i in range(STEPS):
            xs, ys = batch_of(sess, image_lists, BATCH, "training", jpeg_data_tensor, bottleneck_tensor)
            feed = {bottleneck_input: xs, ground_truth_input: ys}
            losses.append(sess.run([cross_entropy_mean, train_step], feed)[0])
            if i % 50 == 0 or i + 1 == STEPS:
                xs, ys = batch_of(sess, image_lists, BATCH, "validation", jpeg_data_tensor, bottleneck_tensor)
                accuracy = sess.run(evaluation_step, {bottleneck_input: xs, ground_truth_input: ys})
                print("Step %d: Validation accuracy on random sampled = %.1f%%" % (i, accuracy * 100))
        print(" ".join("%.5f" % loss for loss in losses))


if __name__ == "__main__":
    tf.app.run()
