"""tf.contrib.image: transforms against TensorFlow's op and NumPy's turns, warps against their formulas."""

import numpy as np
import pytest

import tenon as tf
from api.both import tensorflow as real

image = tf.contrib.image
PICTURE = np.arange(5 * 5 * 2).reshape(5, 5, 2).astype("f")
RANDOM = np.random.RandomState(0)


def run(fetches):
    with tf.Session() as session:
        return session.run(fetches)


def test_quarter_turns():
    with tf.Graph().as_default():
        for kind in ("uint8", "int32", "float32", "float64"):
            x = PICTURE.astype(kind)
            got = run([image.rotate(tf.constant(x), turns * np.pi / 2) for turns in range(4)])
            for turns, value in enumerate(got):
                np.testing.assert_array_equal(value, np.rot90(x, turns))
        batch = np.stack([PICTURE, PICTURE[::-1]])
        each = run(image.rotate(tf.constant(batch), [np.pi, 0.0], interpolation="bilinear"))
        np.testing.assert_allclose(each, [np.rot90(PICTURE, 2), PICTURE[::-1]], rtol=1e-4, atol=1e-3)
        assert run(image.rotate(tf.constant(PICTURE[..., 0]), np.pi / 2)).tolist() == np.rot90(PICTURE[..., 0]).tolist()


def test_translate():
    with tf.Graph().as_default():
        right_down = run(image.translate(tf.constant(PICTURE), [1.0, 2.0]))
    wanted = np.zeros_like(PICTURE)
    wanted[2:, 1:] = PICTURE[:-2, :-1]
    np.testing.assert_array_equal(right_down, wanted)


@pytest.mark.parametrize("interpolation", ["NEAREST", "BILINEAR"])
def test_transform_is_tensorflow_s(interpolation):
    x = RANDOM.rand(2, 5, 6, 3).astype("f")
    transforms = np.float32([[1.1, 0.1, -0.5, -0.2, 0.9, 0.3, 0.01, -0.02], [0.5, 0, 1, 0, 0.5, 1, 0, 0]])
    with tf.Graph().as_default():
        ours = run([image.transform(tf.constant(x), transforms, interpolation),
                    image.transform(tf.constant(x), transforms[0], interpolation, output_shape=[3, 7])])  # fmt: skip
    tf1 = real()
    with tf1.Graph().as_default(), tf1.Session() as session:
        theirs = session.run([
            tf1.raw_ops.ImageProjectiveTransformV2(images=x, transforms=transforms, output_shape=[5, 6],
                                                   interpolation=interpolation),
            tf1.raw_ops.ImageProjectiveTransformV2(images=x, transforms=transforms[:1], output_shape=[3, 7],
                                                   interpolation=interpolation),
        ])  # fmt: skip
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_composing():
    with tf.Graph().as_default():
        turn = image.angles_to_projective_transforms(np.pi / 2, 5.0, 5.0)
        move = image.translations_to_projective_transforms([1.0, 0.0])
        both_ways = image.compose_transforms(turn, move)
        x = tf.constant(PICTURE)
        made, steps, matrices = run([
            image.transform(x, both_ways), image.transform(image.transform(x, turn), move),
            image.flat_transforms_to_matrices(both_ways),
        ])  # fmt: skip
        np.testing.assert_array_equal(made, steps)
        assert matrices.shape == (1, 3, 3) and matrices[0, 2, 2] == 1
        flat = run(image.matrices_to_flat_transforms(2 * matrices))
        np.testing.assert_allclose(flat, matrices.reshape(1, 9)[:, :8], rtol=1e-6)
        for call, error in (
            (lambda: image.compose_transforms(), ValueError),
            (lambda: image.rotate(tf.constant(["a"]), 1.0), TypeError),
            (lambda: image.rotate(tf.zeros([2]), 1.0), TypeError), (lambda: image.rotate(x, [[1.0]]), TypeError),
            (lambda: image.transform(x, turn, output_shape=[3]), ValueError),
            (lambda: image.flat_transforms_to_matrices(np.zeros((1, 1, 8), "f")), ValueError),
        ):  # fmt: skip
            with pytest.raises(error):
                call()


def test_dense_warp():
    x = RANDOM.rand(2, 5, 6, 3).astype("f")
    whole = np.zeros((2, 5, 6, 2), "f")
    whole[..., 0] = 1  # every pixel is what was above
    half = np.full((2, 5, 6, 2), 0.0, "f")
    half[..., 1] = 0.5
    with tf.Graph().as_default():
        down, between = run([image.dense_image_warp(x, whole), image.dense_image_warp(x, half)])
    np.testing.assert_allclose(down[:, 1:], x[:, :-1], rtol=1e-5)
    np.testing.assert_allclose(down[:, 0], x[:, 0], rtol=1e-5)
    np.testing.assert_allclose(between[:, :, 1:], (x[:, :, 1:] + x[:, :, :-1]) / 2, rtol=1e-5)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_spline(order):
    """It goes through the points, and keeps planes as they are."""
    points = RANDOM.rand(2, 7, 2).astype("f")
    values = RANDOM.rand(2, 7, 3).astype("f")
    asked = RANDOM.rand(2, 4, 2).astype("f")
    plane = points @ np.float32([[1.0], [-2.0]]) + 0.5
    with tf.Graph().as_default():
        through, flat, rough, smooth = run([
            image.interpolate_spline(points, values, points, order),
            image.interpolate_spline(points, plane, asked, order),
            image.interpolate_spline(points, values, points, order, regularization_weight=0.0),
            image.interpolate_spline(points, values, points, order, regularization_weight=10.0),
        ])  # fmt: skip
    np.testing.assert_allclose(through, values, atol=2e-2)
    np.testing.assert_allclose(flat, asked @ np.float32([[1.0], [-2.0]]) + 0.5, atol=2e-2)
    assert np.abs(smooth - values).max() > np.abs(rough - values).max() + 1e-2


def test_sparse_warp():
    """A shift of all control points shifts the image; boundary points hold the corners."""
    x = RANDOM.rand(1, 8, 8, 1).astype("f")
    source = np.float32([[[2, 2], [2, 5], [5, 2], [5, 5]]])
    with tf.Graph().as_default():
        warped, flow = run(image.sparse_image_warp(tf.constant(x), source, source + np.float32([1, 0])))
        held, held_flow = run(
            image.sparse_image_warp(tf.constant(x), source, source + np.float32([1, 0]), num_boundary_points=1)
        )
    np.testing.assert_allclose(flow, np.broadcast_to(np.float32([1, 0]), (1, 8, 8, 2)), atol=1e-3)
    np.testing.assert_allclose(warped[:, 1:], x[:, :-1], atol=1e-3)
    np.testing.assert_allclose(held_flow[0, [0, 0, 7, 7], [0, 7, 0, 7]], 0, atol=1e-3)
    np.testing.assert_allclose(held_flow[0, 3, 2], [1, 0], atol=1e-3)
    np.testing.assert_allclose(held[0, [0, 0, 7, 7], [0, 7, 0, 7]], x[0, [0, 0, 7, 7], [0, 7, 0, 7]], atol=1e-3)


def test_connected_components():
    picture = np.array([[1, 1, 0, 2], [0, 1, 2, 2], [3, 0, 2, 1]])
    with tf.Graph().as_default():
        one, two = run([image.connected_components(tf.constant(picture)),
                        image.connected_components(tf.constant(np.stack([picture > 0, picture < 0])))])  # fmt: skip
        with pytest.raises(TypeError):
            image.connected_components(tf.zeros([2]))
    assert one.tolist() == [[1, 1, 0, 2], [0, 1, 2, 2], [3, 0, 2, 4]]
    assert two[0].tolist() == [[1, 1, 0, 1], [0, 1, 1, 1], [2, 0, 1, 1]] and not two[1].any()


def test_bipartite_match():
    distances = np.float32([[0.5, 0.1], [0.2, 0.3], [0.9, 0.4]])
    with tf.Graph().as_default():
        every, few, first = run([image.bipartite_match(distances, -1), image.bipartite_match(distances, 1),
                                 image.bipartite_match(distances, -1, top_k=1)])  # fmt: skip
    assert [side.tolist() for side in every] == [[1, 0, -1], [1, 0]]
    assert [side.tolist() for side in few] == [[1, -1, -1], [-1, 0]]
    assert [side.tolist() for side in first] == [[1, -1, -1], [-1, 0]]


def test_gradient_is_seen_through_the_inverse_transform():
    with tf.Graph().as_default():
        x = tf.constant(PICTURE)
        weights = np.random.RandomState(0).rand(*PICTURE.shape).astype("f")
        moved = image.translate(x, [1.0, 2.0])
        got = run(tf.gradients(moved * weights, x)[0])
        expected = np.zeros_like(PICTURE)
        expected[:-2, :-1] = weights[2:, 1:]
        np.testing.assert_array_equal(got, expected)
