# Queues, coordinators and runners.
import threading

import numpy as np
import tensorflow as tf

q = tf.FIFOQueue(2, "int32")
init = q.enqueue_many(([0, 10],))
x = q.dequeue()
q_inc = q.enqueue([x + 1])
with tf.Session() as sess:
    init.run()
    for _ in range(5):
        v, _ = sess.run([x, q_inc])
        print(v)


def loop(coord, worker_id, found):
    while not coord.should_stop():
        if worker_id == 3:
            coord.request_stop()
        else:
            found.append(worker_id)
            coord.wait_for_stop(0.01)


coord, found = tf.train.Coordinator(), []
threads = [threading.Thread(target=loop, args=(coord, i, found)) for i in range(5)]
for t in threads:
    t.start()
coord.join(threads)
print(coord.should_stop(), 3 in found)

queue = tf.FIFOQueue(100, "float")
enqueue_op = queue.enqueue([tf.random_normal([1], seed=3)])
tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue_op] * 1))
out = queue.dequeue()
with tf.Session() as sess:
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess=sess, coord=coord)
    for _ in range(3):
        print("%.5f" % sess.run(out)[0])
    coord.request_stop()
    coord.join(threads)

data = np.arange(20, dtype=np.float32)
example = tf.train.slice_input_producer([data, data * 2], num_epochs=2, shuffle=True, seed=4)
batch = tf.train.shuffle_batch(example, batch_size=5, capacity=30, min_after_dequeue=10, seed=5)
with tf.Session() as sess:
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess=sess, coord=coord)
    total, n = 0.0, 0
    try:
        while not coord.should_stop():
            a, b = sess.run(batch)
            assert np.allclose(b, 2 * a)
            total, n = total + a.sum(), n + 1
    except tf.errors.OutOfRangeError:
        print("batches", n, "sum", total)
    finally:
        coord.request_stop()
        coord.join(threads)
