"""tf.contrib.training: hyperparameters, sampling, buckets, the training loop."""

import hashlib

import numpy as np
import pytest

import tenon as tf

training = tf.contrib.training


def test_parse_values():
    types = {"a": int, "b": float, "c": str, "d": bool, "e.f": int, "list": int, "words": str}
    parse = training.parse_values
    assert parse("a=1, b=2.5,c=text with spaces,d=true", types) == {
        "a": 1,
        "b": 2.5,
        "c": "text with spaces",
        "d": True,
    }
    assert parse("list=[1,2, 3],words=[x y],e.f=4,d=0", types) == {"list": [1, 2, 3], "words": ["x", "y"], "e.f": 4,
                                                                     "d": False}  # fmt: skip
    assert parse("a[1]=5,a[ 3 ]=6", types) == {"a": {1: 5, 3: 6}}
    assert parse("unknown=1,a=2", types, ignore_unknown=True) == {"a": 2}
    assert parse("", types) == {} and parse("c=", types) == {"c": ""}
    for text, told in (
        ("a", "Malformed"), ("a=x", "Could not parse"), ("a=1.5", "Could not parse"), ("d=maybe", "Could not parse"),
        ("a=1,a=2", "Multiple assignments"), ("a[0]=1,a[0]=2", "Multiple assignments"), ("a=1,a[0]=2", "Multiple"),
        ("a[0]=[1]", "list to a list index"), ("z=1", "Unknown"), ("list=[1,x]", "Could not parse"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=told):
            parse(text, types)


def test_hparams():
    hparams = training.HParams(rate=0.1, layers=3, names=["a", "b"], on=True, word="w", none=None)
    assert (hparams.rate, hparams.layers, hparams.names, hparams.on) == (0.1, 3, ["a", "b"], True)
    assert hparams.parse("rate=1,layers=4,names=[c],on=false") is hparams
    assert hparams.values() == {"rate": 1.0, "layers": 4, "names": ["c"], "on": False, "word": "w", "none": None}
    assert isinstance(hparams.rate, float)
    hparams.set_hparam("none", "anything")
    hparams.parse_json('{"layers": 5}').override_from_dict({"word": "v"})
    assert hparams.layers == 5 and hparams.word == "v" and "rate" in hparams and "other" not in hparams
    assert hparams.get("layers") == 5 and hparams.get("other", 7) == 7 and hparams.get("layers", 1) == 5
    assert hparams.to_json(sort_keys=True).startswith('{"layers": 5, "names": ["c"]')
    assert "layers=5" in str(hparams) and repr(hparams).startswith("HParams([('layers', 5)")
    hparams.del_hparam("none")
    hparams.set_model_structure("deep")
    assert hparams.get_model_structure() == "deep" and "none" not in hparams
    again = training.HParams.from_proto(hparams.to_proto())
    assert again.values() == hparams.values()
    for call in (
        lambda: hparams.add_hparam("rate", 1), lambda: hparams.add_hparam("values", 1),
        lambda: hparams.add_hparam("empty", []), lambda: hparams.set_hparam("names", "x"),
        lambda: hparams.set_hparam("layers", [1]), lambda: hparams.set_hparam("layers", 1.5),
        lambda: hparams.set_hparam("layers", True), lambda: hparams.set_hparam("word", 1),
        lambda: hparams.set_hparam("on", 1), lambda: hparams.get("layers", "x"), lambda: hparams.get("layers", [1]),
        lambda: training.HParams(hparams.to_proto(), rate=1),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            call()
    with pytest.raises(KeyError):
        hparams.set_hparam("other", 1)


def test_hparams_in_a_meta_graph():
    with tf.Graph().as_default():
        tf.add_to_collection("hparams", training.HParams(rate=0.5, sizes=[1, 2], word="w"))
        meta = tf.train.export_meta_graph()
    with tf.Graph().as_default():
        tf.train.import_meta_graph(meta)
        [again] = tf.get_collection("hparams")
        assert again.values() == {"rate": 0.5, "sizes": [1, 2], "word": "w"}


def run_batches(session, fetches, count):
    """What FETCHES give COUNT times, with queue runners."""
    session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    with tf.contrib.slim.queues.QueueRunners(session):
        return [session.run(fetches) for _ in range(count)]


@pytest.mark.parametrize("many", [False, True])
def test_rejection_sample(many):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        numbers = tf.train.range_input_producer(4, shuffle=False).dequeue()
        given = (
            [tf.stack([numbers, numbers]), tf.constant([1.0, 2.0])] if many else [numbers, tf.cast(numbers, tf.float32)]
        )
        made = training.rejection_sample(
            given, lambda t: tf.where(t[0] < 2, 0.0, 0.75), 8, enqueue_many=many, runtime_checks=True
        )
        assert [t.shape.as_list() for t in made] == [[8], [8]]
        got = np.concatenate([batch[0] for batch in run_batches(session, made, 6)])
        assert set(got) == {2, 3}


@pytest.mark.parametrize("known", [True, False])
def test_stratified_sample(known):
    """Classes come with the shares that were asked for, whatever theirs were."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(2)
        label = tf.cast(tf.random_uniform([], seed=1) < 0.2, tf.int32)
        data, labels = training.stratified_sample(
            [label * 10], label, [0.5, 0.5], 50, init_probs=[0.8, 0.2] if known else None
        )
        assert data[0].shape.as_list() == [50]
        got = run_batches(session, [data[0], labels], 12)
        assert all((batch[0] == 10 * batch[1]).all() for batch in got)
        share = np.mean([batch[1] for batch in got[2:]])
        assert 0.4 < share < 0.6
        with pytest.raises(ValueError, match="same length"):
            training.stratified_sample([label], label, [0.5, 0.5], 5, init_probs=[0.5, 0.25, 0.25])


def test_resampling():
    with tf.Graph().as_default(), tf.Session() as session:
        rates = tf.constant([0.0, 1.0, 3.0])
        rows, doubled = training.resample_at_rate([tf.constant([0, 1, 2]), tf.constant([[0], [2], [4]])], rates, seed=3)
        counts = np.zeros(3)
        for _ in range(300):
            got, twice = session.run([rows, doubled])
            assert (twice[:, 0] == 2 * got).all() and (np.diff(got) >= 0).all()
            counts += np.bincount(got, minlength=3)
        np.testing.assert_allclose(counts / 300, [0, 1, 3], rtol=0.15, atol=0.01)
    with tf.Graph().as_default(), tf.Session() as session:
        [rows], rates = training.weighted_resample(
            [tf.constant([0, 1])], tf.constant([1.0, 3.0]), 0.5, mean_decay=0.5, seed=5
        )
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        assert next(v.op.name for v in tf.local_variables()).endswith("estimate_mean/estimated_mean")
        made = [session.run([rows, rates]) for _ in range(1020)][20:]
        # Rates are weight * 0.5 / mean weight.
        counts = np.bincount(np.concatenate([rows for rows, _ in made]), minlength=2) / 1000
        np.testing.assert_allclose(counts, [0.25, 0.75], rtol=0.2)
        assert {round(float(r), 3) for _, rates in made for r in rates} <= {0.25, 0.75}


@pytest.mark.parametrize("smaller", [False, True])
def test_bucket(smaller):
    with tf.Graph().as_default(), tf.Session() as session:
        number = tf.train.range_input_producer(21, shuffle=False, num_epochs=1).dequeue()
        which, batch = training.bucket(
            [number, tf.cast(number, tf.float32)], number % 3, 4, 3, allow_smaller_final_batch=smaller
        )
        assert batch[0].shape.as_list() == [None if smaller else 4]
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        seen = []
        with tf.contrib.slim.queues.QueueRunners(session), pytest.raises(tf.errors.OutOfRangeError):
            while True:
                place, (numbers, floats) = session.run([which, batch])
                assert (numbers % 3 == place).all() and (floats == numbers).all() and len(numbers) <= 4
                seen.extend(numbers)
        assert sorted(seen) == (list(range(21)) if smaller else list(range(12)))
        for options, told in (({"batch_size": [1]}, "num_buckets"), ({"bucket_capacities": [1]}, "exactly")):
            with pytest.raises(ValueError, match=told):
                training.bucket([number], number, **{"batch_size": 2, "num_buckets": 2, **options})


def test_bucket_by_sequence_length():
    with tf.Graph().as_default(), tf.Session() as session:
        length = tf.train.range_input_producer(9, shuffle=False).dequeue()
        words = tf.fill([length], length)
        sparse = tf.SparseTensor([[0]], [length], [3])
        lengths, made = training.bucket_by_sequence_length(
            length, {"words": words, "sparse": sparse}, [3, 2, 4], [3, 5], dynamic_pad=True
        )
        seen = set()
        # Each bucket has a thread of its own; a full one (32 elements) holds the others up, so all come in turn.
        for numbers, one in run_batches(session, [lengths, made], 60):
            low, high = (0, 3) if numbers[0] < 3 else (3, 5) if numbers[0] < 5 else (5, 9)
            seen.add(low)
            assert (numbers >= low).all() and (numbers < high).all() and len(numbers) == {0: 3, 3: 2, 5: 4}[low]
            assert one["words"].shape == (len(numbers), numbers.max())
            for row, n in zip(one["words"], numbers):
                assert (row[:n] == n).all() and not row[n:].any()
            assert one["sparse"].values.tolist() == numbers.tolist()
        assert seen == {0, 3, 5}
        for boundaries, error in (([], ValueError), (3, TypeError), ([3, 2], ValueError), ([1.0, 2.0], TypeError)):
            with pytest.raises(error):
                training.bucket_by_sequence_length(length, [words], 2, boundaries)


def test_train(tmp_path):
    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=1.0)
        tf.summary.scalar("w", w)
        op = training.create_train_op(tf.square(w), tf.train.GradientDescentOptimizer(0.25),
                                      transform_grads_fn=training.clip_gradient_norms_fn(1.0))  # fmt: skip
        loss = training.train(op, str(tmp_path), hooks=[tf.train.StopAtStepHook(3)], save_summaries_steps=1)
        # Gradients 2, 1.5, 1 are cut to 1: w is 1, 0.75, 0.5.
        assert np.isclose(loss, 0.25)
        assert tf.train.latest_checkpoint(str(tmp_path)).endswith("-3")
        with pytest.raises(ValueError, match="save_checkpoint_secs"):
            training.train(op, None, save_summaries_steps=None)


def test_strategies():
    with tf.Graph().as_default():
        ops = [tf.get_variable(f"v{i}", [2]).op for i in range(20)]
        strategy = training.RandomStrategy(4, seed=7)
        wanted = [int(hashlib.md5(f"{op.name}_7".encode()).hexdigest(), 16) % 4 for op in ops]
        assert [strategy(op) for op in ops] == wanted and len(set(wanted)) > 1
