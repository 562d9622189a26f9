/* The public C API of Tenon. Include this one. */
#ifndef TENON_TENON_H
#define TENON_TENON_H

#include <tenon/checkpoint.h>
#include <tenon/data.h>
#include <tenon/dataset.h>
#include <tenon/error.h>
#include <tenon/events.h>
#include <tenon/file.h>
#include <tenon/graph.h>
#include <tenon/hdf5.h>
#include <tenon/host.h>
#include <tenon/model.h>
#include <tenon/nn.h>
#include <tenon/saved_model.h>
#include <tenon/server.h>
#include <tenon/session.h>
#include <tenon/tensor.h>
#include <tenon/tfrecord.h>
#include <tenon/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, "0.1.0" say. */
TN_API const char *tn_version(void);

#ifdef __cplusplus
}
#endif
#endif
