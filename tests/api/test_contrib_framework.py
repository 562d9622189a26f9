"""tf.contrib.framework, tf.contrib.util and the losses that learn distances: against TensorFlow, and NumPy formulas."""

import numpy as np
import pytest

import tenon as tf
from api.both import both
from api.both import tensorflow as real

framework = tf.contrib.framework
losses = tf.contrib.losses.metric_learning


def run(fetches):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches)


def test_names_are_functions():
    """No module hides a function of its name."""
    from tenon.contrib.framework import arg_scopes, variables  # noqa: F401

    assert callable(framework.arg_scope) and callable(framework.add_arg_scope)
    assert framework.nest.flatten([1, [2]]) == [1, 2] and framework.sort is tf.sort


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_convolutional_orthogonal(dims, size):
    def program(tf):
        if hasattr(tf, "contrib"):
            kind = getattr(tf.contrib.framework, f"convolutional_orthogonal_{dims}d")
        else:
            from tensorflow.python.ops import init_ops

            kind = getattr(init_ops, f"convolutional_orthogonal_{dims}d")
        return kind(gain=2.0, seed=5)([size] * dims + [2, 3])

    both(program, rtol=1e-4, atol=1e-5)
    kind = getattr(framework, f"convolutional_orthogonal_{dims}d")
    for shape in ([2] * dims + [3, 2], [2] * (dims - 1) + [2, 3]):
        with pytest.raises(ValueError):
            kind()(shape)


def test_bounded_tensor_spec():
    spec = framework.BoundedTensorSpec([2, 3], tf.float32, 0, [1, 2, 3], name="s")
    assert spec.is_bounded and spec.minimum == 0 and spec.maximum.tolist() == [1, 2, 3]
    assert spec == framework.BoundedTensorSpec([2, 3], tf.float32, 0, [1, 2, 3], name="s")
    assert spec != framework.BoundedTensorSpec([2, 3], tf.float32, 0, 1, name="s")
    assert framework.BoundedTensorSpec.from_spec(tf.TensorSpec([1], tf.int8)).minimum == -128
    for bounds in ((None, 1), (0, None), ([0, 1], 1)):
        with pytest.raises(ValueError):
            framework.BoundedTensorSpec([2, 3], tf.float32, *bounds)


def test_reduce_sum_n_and_squeezing():
    with tf.Graph().as_default():
        total = framework.reduce_sum_n([tf.constant([1.0, 2.0]), tf.constant([[3.0]])])
        pairs = [framework.remove_squeezable_dimensions(tf.zeros(a), tf.zeros(b))
                 for a, b in (([2, 1], [2]), ([2], [2, 1]), ([2, 1], [2, 1]), ([2], [2]))]  # fmt: skip
        assert [[t.shape.as_list() for t in pair] for pair in pairs] == [[[2], [2]]] * 2 + [[[2, 1]] * 2, [[2], [2]]]
        unknown = tf.placeholder(tf.float32)
        loose = framework.remove_squeezable_dimensions(unknown, tf.zeros([2]))
        with tf.Session() as session:
            assert session.run(total) == 6
            assert session.run(loose[0], {unknown: np.zeros((2, 1))}).shape == (2,)
            assert session.run(loose[0], {unknown: np.zeros(2)}).shape == (2,)
    with pytest.raises(ValueError):
        framework.reduce_sum_n([])


def test_with_shape():
    with tf.Graph().as_default(), tf.Session() as session:
        known, unknown = tf.zeros([2, 3]), tf.placeholder(tf.float32)
        assert framework.with_shape([2, 3], known) is known
        with pytest.raises(ValueError, match="Invalid shape"):
            framework.with_shape([2, 2], known)
        with pytest.raises(ValueError, match="Invalid dtype"):
            framework.with_shape(tf.constant([2, 3], tf.int64), known)
        with pytest.raises(ValueError, match="Invalid rank"):
            framework.with_shape([[2, 3]], known)
        assert framework.with_shape([], tf.zeros([1])).shape.as_list() == []
        checked = framework.with_shape([2, 3], unknown)
        assert checked.shape.as_list() == [2, 3]
        assert session.run(checked, {unknown: np.ones((2, 3))}).sum() == 6
        for wrong in ((3, 2), (2, 3, 1)):
            with pytest.raises(tf.errors.InvalidArgumentError, match="Wrong shape"):
                session.run(checked, {unknown: np.ones(wrong)})
        partial = framework.with_shape(tf.constant([-1, 3]), unknown)
        assert session.run(partial, {unknown: np.ones((5, 3))}).shape == (5, 3)
        same = framework.with_same_shape(known, unknown)
        assert same.shape.as_list() == [2, 3]
        other = tf.placeholder(tf.float32)
        loose = framework.with_same_shape(other, unknown)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Wrong shape"):
            session.run(loose, {unknown: np.ones(2), other: np.ones(3)})


def test_scalars():
    with tf.Graph().as_default():
        assert framework.assert_scalar_int(tf.constant(3)).shape.as_list() == []
        with pytest.raises(ValueError, match="Expected integer type"):
            framework.assert_scalar_int(tf.constant(3.0))
        with pytest.raises(ValueError):
            framework.assert_scalar_int(tf.constant([3]))


def test_smart_conditions():
    with tf.Graph().as_default(), tf.Session() as session:
        before = len(tf.get_default_graph().get_operations())
        assert framework.smart_cond(True, lambda: 1, lambda: 2) == 1
        assert framework.smart_cond(0, lambda: 1, lambda: 2) == 2
        assert len(tf.get_default_graph().get_operations()) == before
        assert framework.smart_cond(tf.constant(False), lambda: 1, lambda: 2) == 2
        assert framework.smart_constant_value(tf.placeholder(tf.bool)) is None
        with pytest.raises(TypeError):
            framework.smart_constant_value("yes")
        with pytest.raises(TypeError):
            framework.smart_cond(True, 1, lambda: 2)
        asked = tf.placeholder(tf.bool, [])
        one, two, three = (lambda v=v: tf.constant(v) for v in (1, 2, 3))
        made = framework.smart_case([(False, one), (asked, two), (True, three)])
        assert [session.run(made, {asked: value}) for value in (True, False)] == [2, 3]
        assert session.run(framework.smart_case({True: one}, default=two)) == 1
        assert session.run(framework.smart_case([(False, one)], default=two)) == 2
        both_known = framework.smart_case([(asked, one), (False, two)], default=three, exclusive=True)
        assert session.run(both_known, {asked: False}) == 3


def test_py_func():
    with tf.Graph().as_default():
        made = framework.py_func(
            lambda a, b, scale: {"sum": (a + b) * scale, "more": [a, b]},
            args=(tf.constant(1.0), tf.constant(2.0)), kwargs={"scale": tf.constant(3.0)},
            output_types={"sum": tf.float32, "more": [tf.float32, tf.float32]},
            output_shapes={"sum": [], "more": [[], []]},
        )  # fmt: skip
        assert made["sum"].shape.as_list() == []
        assert run(made) == {"sum": 9.0, "more": [1.0, 2.0]}
        with pytest.raises(TypeError, match="args must be list"):
            framework.py_func(abs, args=1, output_types=tf.float32)


def test_nest():
    nest = framework.nest
    tree = {"a": [1, 2], "b": (3,)}
    assert nest.map_structure_with_tuple_paths(lambda path, x: (len(path), x), tree) == {
        "a": [(2, 1), (2, 2)], "b": ((2, 3),)
    }  # fmt: skip
    assert nest.flatten_with_tuple_paths_up_to({"a": 0, "b": 0}, tree) == [(("a",), [1, 2]), (("b",), (3,))]
    assert nest.flatten_up_to({"b": 0}, tree, check_subtrees_length=False) == [(3,)]
    with pytest.raises(ValueError):
        nest.flatten_up_to({"b": 0}, tree)
    assert list(nest.yield_flat_paths(tree)) == [("a", 0), ("a", 1), ("b", 0)]
    assert nest.is_sequence([1]) and not nest.is_sequence("text")


def test_fuse_op():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        y = tf.identity(tf.nn.relu(tf.add(x, 1.0, name="add"), name="relu"), name="y")
        tf.negative(y, name="after")
        fused = framework.fuse_op(graph.as_graph_def(), ["x"], ["y"], [1], True, "one", "Fused")
        assert [(n.name, n.op, list(n.input)) for n in fused.node] == [
            ("x", "Placeholder", []), ("one", "Fused", ["x"]), ("y", "Identity", ["one"]), ("after", "Neg", ["y"])
        ]  # fmt: skip
        assert list(fused.node[1].attr["_output_types"].list.type) == [1] and fused.node[1].attr["_output_quantized"].b
        product = tf.multiply(graph.get_tensor_by_name("relu:0"), graph.get_tensor_by_name("add:0"), name="product")
        tf.identity(product, name="z")
        with pytest.raises(TypeError, match="Node product uses input add not in input_nodes"):
            framework.fuse_op(graph.as_graph_def(), ["relu"], ["z"], [1], True, "one", "Fused")
        with pytest.raises(AssertionError, match="nothing is not in graph"):
            framework.fuse_op(graph.as_graph_def(), ["nothing"], ["z"], [1], True, "one", "Fused")
        with pytest.raises(TypeError, match="must be a list"):
            framework.fuse_op(graph.as_graph_def(), "x", ["y"], [1], True, "one", "Fused")
        assert framework.get_placeholders(graph) == [x]
        assert framework.get_graph_from_inputs([x]) is graph
        used = tf.contrib.util.ops_used_by_graph_def(graph.as_graph_def())
        assert used == {node.op for node in graph.as_graph_def().node}
        names = [op.name for op in tf.contrib.util.stripped_op_list_for_graph(graph.as_graph_def()).op]
        assert names == sorted(used)


@pytest.fixture
def checkpoint(tmp_path):
    """A matrix of old words, and files of words."""
    old = np.arange(12, dtype="f").reshape(4, 3)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("table", initializer=old)
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
    for name, words in (("old_rows", "a b c d"), ("new_rows", "c x a"), ("old_cols", "p q r"), ("new_cols", "r p z")):
        (tmp_path / name).write_text("".join(word + "\n" for word in words.split()))
    return path, {name: str(tmp_path / name) for name in ("old_rows", "new_rows", "old_cols", "new_cols")}


@pytest.mark.parametrize("columns", [False, True])
def test_remapped_matrix(checkpoint, columns):
    """New words get the initializer's values; TensorFlow's own initializer makes the same."""
    path, files = checkpoint
    options = {"old_row_vocab_file": files["old_rows"], "new_row_vocab_file": files["new_rows"],
               "num_row_oov_buckets": 2, "new_row_vocab_size": 3, "new_col_vocab_size": 3}  # fmt: skip
    if columns:
        options.update(old_col_vocab_file=files["old_cols"], new_col_vocab_file=files["new_cols"],
                       num_col_oov_buckets=1)  # fmt: skip

    def program(tf):

        def start(shape):
            return -tf.ones(shape)

        if hasattr(tf, "contrib"):
            make = tf.contrib.framework.load_and_remap_matrix_initializer
        else:
            from tensorflow.python.training.checkpoint_ops import _load_and_remap_matrix_initializer as make
        return make(path, "table", initializer=start, **options)([5, 4 if columns else 3])

    made = both(program)
    if not columns:
        assert made.tolist() == [[6, 7, 8], [-1] * 3, [0, 1, 2], [-1] * 3, [-1] * 3]


def test_remapped_embeddings(checkpoint):
    path, files = checkpoint
    with tf.Graph().as_default():
        start = tf.zeros_initializer()
        embedding = framework.load_embedding_initializer(path, "table", 3, 3, files["old_rows"], files["new_rows"],
                                                         num_oov_buckets=1, initializer=start)  # fmt: skip
        with tf.variable_scope("parts", partitioner=tf.fixed_size_partitioner(2)):
            parts = tf.get_variable("e", [4, 3], initializer=embedding)
        slot = framework.load_variable_slot_initializer(
            path, "table", None, 3, 3, files["old_rows"], files["new_rows"], initializer=start
        )
        assert run(tf.convert_to_tensor(parts)).tolist() == [[6, 7, 8], [0] * 3, [0, 1, 2], [0] * 3]
        assert run(slot([3, 3])).tolist() == [[6, 7, 8], [0] * 3, [0, 1, 2]]
        for error, call in (
            (TypeError, lambda: framework.load_and_remap_matrix_initializer(path, "table", 3, 3, initializer=1)),
            (ValueError, lambda: framework.load_and_remap_matrix_initializer(path, "table", 3, 3)([3, 3])),
            (ValueError, lambda: embedding([9, 3])), (ValueError, lambda: embedding([4, 2])),
        ):  # fmt: skip
            with pytest.raises(error):
                call()


def test_checkpoint_readers(checkpoint):
    path, _ = checkpoint
    assert framework.list_variables(checkpoint_dir=path) == [("table", [4, 3])]
    assert framework.load_variable(checkpoint_dir=path, name="table:0").shape == (4, 3)
    assert framework.load_checkpoint(filepattern=path).has_tensor("table")
    with tf.Graph().as_default():
        mine = tf.get_variable("mine", [4, 3])
        framework.init_from_checkpoint(checkpoint_dir=path, assignment_map={"table": mine})
        assert run(mine)[3].tolist() == [9, 10, 11]


def test_record_input(tmp_path):
    for name in "ab":
        with tf.python_io.TFRecordWriter(str(tmp_path / f"{name}.rec")) as writer:
            for i in range(3):
                writer.write(f"{name}{i}".encode())
    with tf.Graph().as_default(), tf.Session() as session:
        records = framework.RecordInput(str(tmp_path / "*.rec"), batch_size=3, buffer_size=6, seed=1).get_yield_op()
        seen = {record for _ in range(8) for record in session.run(records)}
        assert seen == {f"{name}{i}".encode() for name in "ab" for i in range(3)}
        lists = framework.RecordInput(str(tmp_path / "*.rec"), batch_size=1, batches=2).get_yield_op()
        assert [len(one) for one in lists] == [1, 1] and lists[0][0].shape.as_list() == []


# ---- metric learning ----

LABELS = np.array([0, 1, 0, 2, 1, 2, 0])
EMBEDDINGS = np.random.RandomState(5).randn(7, 3).astype("f")


def distances(x):
    return np.sqrt(((x[:, None] - x[None]) ** 2).sum(2))


def triplet(labels, x, margin):
    d, total, count = distances(x) ** 2, 0.0, 0
    for a in range(len(x)):
        for p in range(len(x)):
            if a == p or labels[a] != labels[p]:
                continue
            negative = d[a][labels != labels[a]]
            further = negative[negative > d[a, p]]
            total += max(0, margin + d[a, p] - (further.min() if len(further) else negative.max()))
            count += 1
    return total / count


def lifted(labels, x, margin):
    d, total, count = distances(x), 0.0, 0
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            if labels[i] == labels[j]:
                other = labels != labels[i]
                both_sides = np.exp(margin - d[i][other]).sum() + np.exp(margin - d[j][other]).sum()
                total += max(0, np.log(both_sides) + d[i, j]) ** 2
                count += 1
    return total / (2 * count)


def npairs(targets, a, p, reg):
    logits = a @ p.T
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    targets = targets / targets.sum(1, keepdims=True)
    return -(targets * logs).sum(1).mean() + 0.25 * reg * ((a**2).sum(1).mean() + (p**2).sum(1).mean())


@pytest.mark.parametrize("margin", [0.5, 3.0])
def test_losses_of_distances(margin):
    x, labels = EMBEDDINGS, LABELS
    a, p = x, x[::-1] * 0.5
    near = np.array([1, 0, 1, 0, 1, 0, 1])
    with tf.Graph().as_default():
        inputs = tf.constant(x)
        made = {
            "contrastive": losses.contrastive_loss(tf.constant(near), tf.constant(a), tf.constant(p), margin),
            "triplet": losses.triplet_semihard_loss(tf.constant(labels), inputs, margin),
            "lifted": losses.lifted_struct_loss(tf.constant(labels), inputs, margin),
            "npairs": losses.npairs_loss(tf.constant(labels), tf.constant(a), tf.constant(p), 0.1),
        }
        gradients = [tf.gradients(made[name], inputs)[0] for name in ("triplet", "lifted")]
        got, gradients = run([made, gradients])
    gap = np.sqrt(((a - p) ** 2).sum(1))
    assert np.isclose(got["contrastive"], (near * gap**2 + (1 - near) * np.maximum(margin - gap, 0) ** 2).mean())
    assert np.isclose(got["triplet"], triplet(labels, x.astype("d"), margin), rtol=1e-4)
    assert np.isclose(got["lifted"], lifted(labels, x.astype("d"), margin), rtol=1e-4)
    same = (labels[:, None] == labels[None]).astype("d")
    assert np.isclose(got["npairs"], npairs(same, a, p, 0.1), rtol=1e-4)
    step = 1e-4 * np.random.RandomState(6).randn(*x.shape)
    for formula, gradient in zip((triplet, lifted), gradients):
        change = formula(labels, x + step, margin) - formula(labels, x - step, margin)
        assert np.isclose(2 * (gradient * step).sum(), change, rtol=2e-2, atol=1e-7)


def test_npairs_multilabel():
    sets = [[0], [1, 2], [0, 2], [3]]
    a = EMBEDDINGS[:4]
    with tf.Graph().as_default():
        sparse = [tf.SparseTensor([[i] for i in s], [1] * len(s), [4]) for s in sets]
        got = run(losses.npairs_loss_multilabel(sparse, tf.constant(a), tf.constant(a), 0.1))
    shared = np.array([[len(set(s) & set(t)) for t in sets] for s in sets], "d")
    assert np.isclose(got, npairs(shared, a, a, 0.1), rtol=1e-4)
    with pytest.raises(TypeError):
        losses.npairs_loss_multilabel([1], a, a)


def test_cluster_loss():
    """Points in clear groups of their labels have only the loss of the margin's best wrong clustering, which is 0."""
    with tf.Graph().as_default():
        far = np.float32(np.eye(3)[[0, 0, 1, 1, 2, 2]] * 50 + np.random.RandomState(0).rand(6, 3))
        labels = tf.constant([0, 0, 1, 1, 2, 2])
        x = tf.constant(EMBEDDINGS)
        for kind in ("nmi", "ami", "ari", "vmeasure", "const"):
            good = losses.cluster_loss(labels, tf.constant(far), 1.0, margin_type=kind)
            bad = losses.cluster_loss(tf.constant(LABELS), x, 10.0, margin_type=kind)
            gradient = tf.gradients(bad, x)[0]
            values = run([good, bad, gradient])
            # "const" wants the numbers of the clusters to be the labels, too.
            assert np.isclose(values[0], 0, atol=1e-4) or kind == "const"
            assert values[1] > 0 and np.isfinite(values[2]).all() and np.abs(values[2]).sum() > 0
        with pytest.raises(ValueError, match="Unrecognized margin_type"):
            losses.cluster_loss(labels, tf.constant(far), 1.0, margin_type="none")


def test_clustering_scores():
    """Known values: of one clustering with itself, of labels against one cluster, and of a case by hand."""
    from tenon.contrib.losses.clustering import SCORES

    labels = np.array([0, 0, 1, 1])
    for score in SCORES.values():
        assert np.isclose(score(labels, labels), 1)
        assert np.isclose(score(labels, np.zeros(4, int)), 0)
    mixed = np.array([0, 0, 1, 2])
    # Entropies log 2 and 1.5 log 2, information log 2.
    assert np.isclose(SCORES["nmi"](labels, mixed), 0.8)
    # One pair in common of 2 and 1 out of 6: (1 - 1/3) / (1.5 - 1/3).
    assert np.isclose(SCORES["ari"](labels, mixed), (1 - 1 / 3) / (1.5 - 1 / 3))
    assert real() is not None
