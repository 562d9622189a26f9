"""Chapter: Estimators. Incomes of people from a few columns: a linear model, and a model of one's own, served."""

import os
import tempfile

import numpy as np
import tensorflow as tf

tf.logging.set_verbosity(tf.logging.ERROR)
FOLDER = tempfile.mkdtemp()
JOBS = ["teacher", "farmer", "clerk", "doctor"]


def people(count, seed):
    random = np.random.RandomState(seed)
    ages = random.randint(18, 80, count).astype(np.float32)
    jobs = random.randint(0, len(JOBS), count)
    hours = random.uniform(10, 60, count).astype(np.float32)
    rich = (hours * (1 + jobs) + ages > 150).astype(np.int32)
    return {"age": ages, "job": np.array([JOBS[j].encode() for j in jobs]), "hours": hours}, rich


def columns():
    age = tf.feature_column.numeric_column("age", normalizer_fn=lambda x: (x - 45.0) / 20.0)
    hours = tf.feature_column.numeric_column("hours", normalizer_fn=lambda x: x / 60.0)
    job = tf.feature_column.categorical_column_with_vocabulary_list("job", JOBS)
    ranges = tf.feature_column.bucketized_column(tf.feature_column.numeric_column("age"), [25.0, 40.0, 60.0])
    crossed = tf.feature_column.crossed_column([job, ranges], hash_bucket_size=50)
    return [age, hours], [job, ranges, crossed]


def input_fn(batch_size, epochs):
    features, labels = people(500, seed=1)
    return tf.estimator.inputs.numpy_input_fn(features, labels, batch_size, epochs, shuffle=False)


def eval_input_fn():
    dataset = tf.data.Dataset.from_tensor_slices(people(200, seed=2))
    return dataset.batch(50)


def report(name, found):
    print(name, " ".join("%s=%.4f" % (key, found[key]) for key in ("accuracy", "average_loss", "loss")),
          int(found["global_step"]))  # fmt: skip


def linear():
    dense, sparse = columns()
    model = tf.estimator.LinearClassifier(dense + sparse, os.path.join(FOLDER, "linear"))
    for _ in range(2):
        model.train(input_fn(32, None), steps=50)
        report("linear", model.evaluate(eval_input_fn))
    print(sorted(model.get_variable_names()))
    print(np.round(model.get_variable_value("linear/linear_model/job/weights").ravel(), 4))
    features, _ = people(3, seed=3)
    for one in model.predict(tf.estimator.inputs.numpy_input_fn(features, shuffle=False)):
        print(one["class_ids"], one["classes"][0].decode(), np.round(one["probabilities"], 4))


def my_model(features, labels, mode, params):
    net = tf.feature_column.input_layer(features, params["columns"])
    for units in params["hidden"]:
        start = np.linspace(-0.5, 0.5, int(net.shape[1]) * units).reshape(int(net.shape[1]), units)
        net = tf.layers.dense(net, units, tf.nn.tanh, kernel_initializer=tf.constant_initializer(start))
    logits = tf.layers.dense(net, 1, kernel_initializer=tf.constant_initializer(0.3))
    probability = tf.sigmoid(logits)[:, 0]
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions={"probability": probability})
    labels = tf.cast(labels, tf.float32)
    loss = tf.losses.sigmoid_cross_entropy(labels[:, None], logits)
    if mode == tf.estimator.ModeKeys.EVAL:
        metrics = {
            "accuracy": tf.metrics.accuracy(labels, tf.round(probability)),
            "average_loss": tf.metrics.mean(loss),
        }
        return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops=metrics)
    optimizer = tf.train.AdamOptimizer(params["rate"])
    train = optimizer.minimize(loss, global_step=tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)


def serving():
    fed = {
        "age": tf.placeholder(tf.float32, [None], "age"),
        "job": tf.placeholder(tf.string, [None], "job"),
        "hours": tf.placeholder(tf.float32, [None], "hours"),
    }
    return tf.estimator.export.ServingInputReceiver(fed, fed)


def own():
    dense, sparse = columns()
    wanted = dense + [tf.feature_column.indicator_column(sparse[0])]
    config = tf.estimator.RunConfig(os.path.join(FOLDER, "own"), tf_random_seed=1, save_checkpoints_steps=40)
    model = tf.estimator.Estimator(my_model, config=config, params={"columns": wanted, "hidden": [6, 4], "rate": 0.02})
    train = tf.estimator.TrainSpec(input_fn(50, None), max_steps=120)
    final = tf.estimator.FinalExporter("final", serving)
    evaluation = tf.estimator.EvalSpec(eval_input_fn, steps=None, exporters=final, throttle_secs=0)
    tf.estimator.train_and_evaluate(model, train, evaluation)
    report("own", model.evaluate(eval_input_fn))
    (name,) = os.listdir(os.path.join(FOLDER, "own", "export", "final"))
    folder = os.path.join(FOLDER, "own", "export", "final", name)
    features, _ = people(3, seed=3)
    with tf.Graph().as_default(), tf.Session() as session:
        signature = tf.saved_model.loader.load(session, ["serve"], folder).signature_def["serving_default"]
        fed = {info.name: features[key] for key, info in signature.inputs.items()}
        print("served", np.round(session.run(signature.outputs["probability"].name, fed), 4))


linear()
own()
