"""tf.CriticalSection against TensorFlow: what runs in it runs alone."""

import threading

import numpy as np
import pytest

import tenon
from api.both import both


def counting(tf, start=0.0):
    """A variable, and a function that adds one to it and gives what it was."""
    variable = tf.get_variable("v", initializer=start, use_resource=True)

    def count():
        value = variable.read_value()
        with tf.control_dependencies([value]), tf.control_dependencies([variable.assign_add(1.0)]):
            return tf.identity(value)

    return variable, count


def test_one_after_the_other():
    def program(tf):
        variable, count = counting(tf)
        section = tf.CriticalSection(name="section", shared_name="one")
        results = [section.execute(count) for _ in range(20)]
        found = [section.name, len(tf.get_collection("critical_sections")),
                 len(tf.get_collection("critical_section_executions"))]  # fmt: skip
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(5):
                found.append(np.sort(np.array(session.run(results))))
            found.append(session.run(variable))
        return found

    found = both(program)
    assert found[-1] == 100 and list(found[3]) == list(range(20))


def test_steps_of_many_threads():
    tf = tenon
    with tf.Graph().as_default():
        variable, count = counting(tf)
        result = tf.CriticalSection().execute(count)
        seen = []
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            threads = [threading.Thread(target=lambda: seen.extend(session.run(result) for _ in range(25)))
                       for _ in range(4)]  # fmt: skip
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert session.run(variable) == 100
    assert sorted(seen) == list(range(100))


def test_structures_and_failures():
    def program(tf):
        section = tf.CriticalSection()
        outside = section.execute(lambda: tf.constant(3.0))
        nested = section.execute(lambda: {"a": outside + 1, "b": (tf.constant([1, 2]), tf.no_op())})
        fails = section.execute(lambda: tf.check_numerics(tf.log(tf.constant(-1.0)), "bad"))
        with tf.Session() as session:
            found = [session.run(outside), session.run([nested["a"], nested["b"][0]])]
            for _ in range(3):  # a step that fails leaves no lock behind
                with pytest.raises(tf.errors.InvalidArgumentError):
                    session.run(fails)
                found.append(session.run(outside))
        return found

    both(program)


def test_what_is_not_allowed():
    def same_section(tf):
        section = tf.CriticalSection(shared_name="s")
        section.execute(lambda: section.execute(lambda: tf.constant(1)))

    def same_name(tf):
        one, two = tf.CriticalSection(shared_name="s"), tf.CriticalSection(shared_name="s")
        one.execute(lambda: two.execute(lambda: tf.constant(1)))

    def shared(tf):
        _, count = counting(tf)
        tf.CriticalSection().execute(count)
        tf.CriticalSection().execute(count, exclusive_resource_access=False)

    for program in (same_section, same_name, shared, lambda tf: tf.CriticalSection(critical_section_def=1)):
        both.error(program)

    def both_shared(tf):
        _, count = counting(tf)
        return [tf.CriticalSection().execute(count, exclusive_resource_access=False) * 0 for _ in range(2)]

    both(both_shared)
