"""Names and orders of arguments from before 1.0 work, and say what to use now."""

import numpy as np
import pytest

import tenon
from api.both import both
from tenon.python.deprecated import names
from tenon.python.util import deprecation


@pytest.fixture
def told(monkeypatch):
    """The warnings given."""
    found = []
    monkeypatch.setattr(deprecation, "_told", set())
    monkeypatch.setattr(tenon.logging, "warning", lambda *args: found.append(args[-1]))
    monkeypatch.setattr("tenon.python.platform.tf_logging.warning", lambda *args: found.append(args[-1]))
    return found


def run(*tensors):
    with tenon.Session() as session:
        return session.run(list(tensors))


def test_renamed(told):
    with tenon.Graph().as_default():
        x = tenon.constant([1.0, 4.0])
        values = run(tenon.mul(x, x), tenon.sub(x, 1.0), tenon.neg(x), tenon.inv(x), tenon.pack([x, x]),
                     *tenon.unpack(x), tenon.select([True, False], x, -x),
                     tenon.complex_abs(tenon.constant(3 + 4j)))  # fmt: skip
        expected = [[1, 16], [0, 3], [-1, -4], [1, 0.25], [[1, 4], [1, 4]], 1, 4, [1, -4], 5]
        for value, wanted in zip(values, expected):
            np.testing.assert_allclose(value, wanted)
        run(tenon.initialize_all_variables())
    assert any("tf.mul is deprecated: use tf.multiply" in text for text in told)
    assert any("global_variables_initializer" in text for text in told)
    assert len(told) == len(set(told))


def test_every_old_name_stands_for_something_public():
    from tenon import _namespace

    missing = set()
    for old, now in names.TF_RENAMED.items():
        space, _, last = now.rpartition(".")
        assert old.rpartition(".")[2] in _namespace.NAMES[old.rpartition(".")[0]]
        if last not in _namespace.NAMES.get(space, ()):
            missing.add(space)
    # The transforms have no kernels yet.
    assert missing <= {"", "contrib.legacy_seq2seq", "nn", "summary", "train"}, missing


def test_orders_of_arguments(told):
    with tenon.Graph().as_default():
        x = tenon.constant([[1.0, 2.0], [3.0, 4.0]])
        old = run(tenon.concat(1, [x, x]), *tenon.split(1, 2, x))
        new = run(tenon.concat([x, x], 1), *tenon.split(x, 2, 1))
        for a, b in zip(old, new):
            np.testing.assert_array_equal(a, b)
    assert len(told) == 2


def test_old_summaries():
    with tenon.Graph().as_default():
        tenon.scalar_summary("loss", tenon.constant(0.5))
        tenon.histogram_summary("h", tenon.constant([1.0, 2.0]))
        tenon.image_summary("i", tenon.zeros([1, 4, 4, 3]))
        merged = tenon.merge_all_summaries()
        assert len(tenon.get_collection("summaries")) == 3
        data = run(merged)[0]
        assert b"loss" in data and b"i/image" in data and b"h" in data


def test_batch_matmul():
    x = np.random.RandomState(0).rand(3, 2, 4).astype("f")
    with tenon.Graph().as_default():
        (value,) = run(tenon.batch_matmul(x, x, adj_y=True))
    np.testing.assert_allclose(value, x @ x.transpose(0, 2, 1), rtol=1e-5)


def test_the_new_order_is_tensorflows():
    both(lambda tf: [tf.concat([[[1]], [[2]]], 0), tf.split(tf.constant([1, 2, 3]), [1, 2])])


def test_names_of_cells_and_readers(told, tmp_path):
    with tenon.Graph().as_default(), tenon.Session() as session:
        cell = tenon.nn.rnn_cell.OutputProjectionWrapper(tenon.nn.rnn_cell.GRUCell(3), 5)
        image = tenon.nn.deconv2d(tenon.ones([1, 2, 2, 1]), tenon.ones([2, 2, 4, 1]), [1, 4, 4, 4], [1, 2, 2, 1])
        v = tenon.Variable([1.0, 2.0], name="v")
        session.run(tenon.global_variables_initializer())
        path = tenon.train.Saver([v]).save(session, str(tmp_path / "model"))
        assert cell.output_size == 5 and session.run(image).shape == (1, 4, 4, 4)
        assert tenon.pywrap_tensorflow.NewCheckpointReader(path).get_tensor("v").tolist() == [1.0, 2.0]
    assert any("tf.nn.deconv2d is deprecated: use tf.nn.conv2d_transpose" in text for text in told)
    assert any("contrib.rnn.OutputProjectionWrapper" in text for text in told)
