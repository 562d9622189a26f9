def test_start(cluster, operator):
    assert len(cluster.ready_nodes()) == 3
