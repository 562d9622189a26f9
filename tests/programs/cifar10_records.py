# Pictures in records of fixed length, a network with decayed weights, a monitored session with a hook that logs.
import os
import re

import numpy as np
import tensorflow as tf

HEIGHT, WIDTH, DEPTH, LABEL_BYTES, BATCH_SIZE, CLASSES = 16, 16, 3, 1, 8, 4
INITIAL_LEARNING_RATE, LEARNING_RATE_DECAY_FACTOR, MOVING_AVERAGE_DECAY = 0.05, 0.5, 0.9
TOWER_NAME = "tower"
rng = np.random.RandomState(3)
os.makedirs("data")
for number in range(1, 4):
    with open("data/data_batch_%d.bin" % number, "wb") as f:
        for _ in range(40):
            label = rng.randint(CLASSES)
            picture = rng.randint(0, 120, (DEPTH, HEIGHT, WIDTH))
            picture[label % 3, label * 4 : label * 4 + 4] += 100
            f.write(bytes([label]) + picture.astype("uint8").tobytes())


class CIFAR10Record(object):
    pass


def read_cifar10(filename_queue):
    result = CIFAR10Record()
    image_bytes = HEIGHT * WIDTH * DEPTH
    reader = tf.FixedLengthRecordReader(record_bytes=LABEL_BYTES + image_bytes)
    result.key, value = reader.read(filename_queue)
    record_bytes = tf.decode_raw(value, tf.uint8)
    result.label = tf.cast(tf.strided_slice(record_bytes, [0], [LABEL_BYTES]), tf.int32)
    depth_major = tf.reshape(
        tf.strided_slice(record_bytes, [LABEL_BYTES], [LABEL_BYTES + image_bytes]), [DEPTH, HEIGHT, WIDTH]
    )
    result.uint8image = tf.transpose(depth_major, [1, 2, 0])
    return result


def inputs():
    filenames = [os.path.join("data", "data_batch_%d.bin" % i) for i in range(1, 4)]
    for f in filenames:
        if not tf.gfile.Exists(f):
            raise ValueError("Failed to find file: " + f)
    read_input = read_cifar10(tf.train.string_input_producer(filenames, shuffle=False))
    reshaped_image = tf.cast(read_input.uint8image, tf.float32)
    distorted_image = tf.random_crop(reshaped_image, [12, 12, 3], seed=1)
    distorted_image = tf.image.random_flip_left_right(distorted_image, seed=2)
    distorted_image = tf.image.random_brightness(distorted_image, max_delta=63, seed=3)
    distorted_image = tf.image.random_contrast(distorted_image, lower=0.2, upper=1.8, seed=4)
    float_image = tf.image.per_image_standardization(distorted_image)
    float_image.set_shape([12, 12, 3])
    read_input.label.set_shape([1])
    images, label_batch = tf.train.batch([float_image, read_input.label], BATCH_SIZE, num_threads=1, capacity=50)
    tf.summary.image("images", images)
    return images, tf.reshape(label_batch, [BATCH_SIZE])


def _activation_summary(x):
    tensor_name = re.sub("%s_[0-9]*/" % TOWER_NAME, "", x.op.name)
    tf.summary.histogram(tensor_name + "/activations", x)
    tf.summary.scalar(tensor_name + "/sparsity", tf.nn.zero_fraction(x))


def _variable_on_cpu(name, shape, initializer):
    with tf.device("/cpu:0"):
        return tf.get_variable(name, shape, initializer=initializer, dtype=tf.float32)


def _variable_with_weight_decay(name, shape, stddev, wd, seed):
    initializer = tf.truncated_normal_initializer(stddev=stddev, dtype=tf.float32, seed=seed)
    var = _variable_on_cpu(name, shape, initializer)
    if wd is not None:
        tf.add_to_collection("losses", tf.multiply(tf.nn.l2_loss(var), wd, name="weight_loss"))
    return var


def inference(images):
    with tf.variable_scope("conv1") as scope:
        kernel = _variable_with_weight_decay("weights", [5, 5, 3, 8], 5e-2, 0.0, 11)
        conv = tf.nn.conv2d(images, kernel, [1, 1, 1, 1], padding="SAME")
        biases = _variable_on_cpu("biases", [8], tf.constant_initializer(0.0))
        conv1 = tf.nn.relu(tf.nn.bias_add(conv, biases), name=scope.name)
        _activation_summary(conv1)
    pool1 = tf.nn.max_pool(conv1, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME", name="pool1")
    norm1 = tf.nn.lrn(pool1, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name="norm1")
    with tf.variable_scope("local3") as scope:
        reshape = tf.reshape(norm1, [BATCH_SIZE, -1])
        dim = reshape.get_shape()[1].value
        weights = _variable_with_weight_decay("weights", [dim, 24], 0.04, 0.004, 12)
        biases = _variable_on_cpu("biases", [24], tf.constant_initializer(0.1))
        local3 = tf.nn.relu(tf.matmul(reshape, weights) + biases, name=scope.name)
        _activation_summary(local3)
    with tf.variable_scope("softmax_linear") as scope:
        weights = _variable_with_weight_decay("weights", [24, CLASSES], 1 / 24.0, 0.0, 13)
        biases = _variable_on_cpu("biases", [CLASSES], tf.constant_initializer(0.0))
        return tf.add(tf.matmul(local3, weights), biases, name=scope.name)


def total_loss_of(logits, labels):
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.cast(labels, tf.int64), logits=logits, name="cross_entropy_per_example"
    )
    tf.add_to_collection("losses", tf.reduce_mean(cross_entropy, name="cross_entropy"))
    return tf.add_n(tf.get_collection("losses"), name="total_loss")


def train_op_of(total_loss, global_step):
    lr = tf.train.exponential_decay(INITIAL_LEARNING_RATE, global_step, 50, LEARNING_RATE_DECAY_FACTOR, staircase=True)
    tf.summary.scalar("learning_rate", lr)
    loss_averages = tf.train.ExponentialMovingAverage(0.9, name="avg")
    losses = tf.get_collection("losses")
    loss_averages_op = loss_averages.apply(losses + [total_loss])
    for loss in losses + [total_loss]:
        tf.summary.scalar(loss.op.name + " (raw)", loss)
        tf.summary.scalar(loss.op.name, loss_averages.average(loss))
    with tf.control_dependencies([loss_averages_op]):
        opt = tf.train.GradientDescentOptimizer(lr)
        grads = opt.compute_gradients(total_loss)
    apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)
    for grad, var in grads:
        if grad is not None:
            tf.summary.histogram(var.op.name + "/gradients", grad)
    variable_averages = tf.train.ExponentialMovingAverage(MOVING_AVERAGE_DECAY, global_step)
    variables_averages_op = variable_averages.apply(tf.trainable_variables())
    with tf.control_dependencies([apply_gradient_op, variables_averages_op]):
        return tf.no_op(name="train")


def train():
    with tf.Graph().as_default():
        global_step = tf.train.get_or_create_global_step()
        with tf.device("/cpu:0"):
            images, labels = inputs()
        logits = inference(images)
        loss = total_loss_of(logits, labels)
        train_op = train_op_of(loss, global_step)
        top_k_op = tf.nn.in_top_k(logits, labels, 1)
        losses = []

        class _LoggerHook(tf.train.SessionRunHook):
            def begin(self):
                self._step = -1

            def before_run(self, run_context):
                self._step += 1
                return tf.train.SessionRunArgs(loss)

            def after_run(self, run_context, run_values):
                losses.append(run_values.results)
                if self._step % 50 == 0:
                    print("step %d, loss = %.4f" % (self._step, run_values.results))

        with tf.train.MonitoredTrainingSession(
            checkpoint_dir="train",
            hooks=[tf.train.StopAtStepHook(last_step=100), tf.train.NanTensorHook(loss), _LoggerHook()],
            config=tf.ConfigProto(log_device_placement=False),
            save_summaries_steps=20,
        ) as mon_sess:
            while not mon_sess.should_stop():
                _, right = mon_sess.run([train_op, top_k_op])
        print(" ".join("%.4f" % value for value in losses))
        print("right at the end: %d of %d" % (np.sum(right), BATCH_SIZE))


def main(argv=None):
    if tf.gfile.Exists("train"):
        tf.gfile.DeleteRecursively("train")
    tf.gfile.MakeDirs("train")
    train()
    events = [name for name in os.listdir("train") if "tfevents" in name]
    tags = set()
    for event in tf.train.summary_iterator(os.path.join("train", events[0])):
        tags.update(re.sub("_[0-9]+$", "", value.tag) for value in event.summary.value)
    print(len(events), sorted(tags))
    print(os.path.basename(tf.train.latest_checkpoint("train")))


if __name__ == "__main__":
    tf.app.run()
