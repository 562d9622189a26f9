/* The names of the methods, as they go over the wire. */
#ifndef TN_CLUSTER_METHODS_H
#define TN_CLUSTER_METHODS_H

#define TN_MASTER_SERVICE "/tensorflow.MasterService/"
#define TN_WORKER_SERVICE "/tensorflow.WorkerService/"
/* What Tenon's workers say to each other. */
#define TN_TENON_SERVICE "/tenon.WorkerService/"

/* What the description of a device says where its task is Tenon's. */
#define TN_TENON_DEVICE "Tenon"

#define TN_RECV_TENSORS TN_TENON_SERVICE "RecvTensors"

#endif
