"""packages: mesh-tensorflow==0.1.4 gin-config six future"""

import mesh_tensorflow as mtf
import tensorflow as tf

graph = mtf.Graph()
mesh = mtf.Mesh(graph, "mesh")
batch, inner, outer = mtf.Dimension("batch", 8), mtf.Dimension("inner", 4), mtf.Dimension("outer", 6)
x = mtf.import_tf_tensor(mesh, tf.ones([8, 4]), mtf.Shape([batch, inner]))
w = mtf.get_variable(mesh, "w", [inner, outer])
loss = mtf.reduce_mean(mtf.square(mtf.einsum([x, w], output_shape=mtf.Shape([batch, outer]))))
update = mtf.assign(w, w - mtf.gradients([loss], [w])[0] * 0.5)
layout = mtf.placement_mesh_impl.PlacementMeshImpl(shape=[("all", 2)], layout="batch:all", devices=["", ""])
lowering = mtf.Lowering(graph, {mesh: layout})
step, value = lowering.lowered_operation(update), lowering.export_to_tf_tensor(loss)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(lowering.copy_masters_to_slices())
    before = session.run(value)
    session.run(step)
    assert session.run(value) < before
