"""Whole pipelines: built by TensorFlow, drawn from on both sides, element for element."""

from functions.exchange import carry, same, tensorflow

from tenon import _thin as tenon
from tenon._thin import errors


def draw(run, limit, end):
    """The elements until END is raised, at most LIMIT, and how it went on: "end", the error's code, or "more"."""
    elements = []
    for _ in range(limit):
        try:
            elements.append(run())
        except end:
            return elements, "end"
    return elements, "more"


def flatten(element):
    """The tensors of a nested element, in TensorFlow's order."""
    if isinstance(element, dict):
        return [t for key in sorted(element) for t in flatten(element[key])]
    if isinstance(element, (list, tuple)) and not hasattr(element, "dense_shape"):
        return [t for part in element for t in flatten(part)]
    return [element.indices, element.values, element.dense_shape] if hasattr(element, "dense_shape") else [element]


def both(pipeline, limit=200, epochs=1, one_shot=False, seed=None):
    """PIPELINE(tf) gives a dataset. Its elements are the same on both sides, in each of EPOCHS runs of the initializer.
    Returns Tenon's, each a list of arrays."""
    tf = tensorflow()
    graph = tf.Graph()
    with graph.as_default():
        if seed is not None:
            tf.set_random_seed(seed)
        data = tf.data
        dataset = pipeline(tf)
        iterator = (data.make_one_shot_iterator if one_shot else data.make_initializable_iterator)(dataset)
        tensors = flatten(iterator.get_next())
        # Constants of ours only: what tf.data would rewrite at run time stays as it was built.
        start = None if one_shot else iterator.initializer
        with tf.Session(graph=graph) as session:
            want = []
            for _ in range(epochs):
                if start is not None:
                    session.run(start)
                want.append(draw(lambda: session.run(tensors), limit, tf.errors.OutOfRangeError))
    ours = carry(graph)
    fetches = [ours.tensor(t.name) for t in tensors]
    with tenon.Session(ours) as session:
        got = []
        for _ in range(epochs):
            if start is not None:
                session.run(ours.operation(start.name))
            got.append(draw(lambda: session.run(fetches), limit, errors.OutOfRangeError))
    for (a, how_a), (b, how_b) in zip(got, want):
        assert (len(a), how_a) == (len(b), how_b)
        same(a, b)
    return got[0][0] if epochs == 1 else [elements for elements, _ in got]
