/* What differs between oneDNN 2 and 3: memory descriptors are values or objects, and convolutions are described in two
 * steps or one. Only kernel/dnn.c includes this. */
#ifndef TN_KERNEL_DNN_VERSION_H
#define TN_KERNEL_DNN_VERSION_H

#include <dnnl.h>

/* A memory descriptor that is owned; tn_md_clear gives it back. A borrowed one is a tn_md_view. */
typedef dnnl_memory_desc_t tn_md;

/* The geometry of a convolution. */
typedef struct tn_md_conv {
  tn_md image, filter, result;
  dnnl_dims_t stride, dilation, before, after;
} tn_md_conv;

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t tn_md_view;

static inline tn_md_view tn_md_of(const tn_md *m) { return *m; }
static inline dnnl_status_t tn_md_tag(tn_md *m, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_create_with_tag(m, n, dims, dnnl_f32, tag);
}
static inline dnnl_status_t tn_md_strides(tn_md *m, int n, const dnnl_dims_t dims, const dnnl_dims_t strides) {
  return dnnl_memory_desc_create_with_strides(m, n, dims, dnnl_f32, strides);
}
static inline dnnl_status_t tn_md_copy(tn_md *m, tn_md_view from) { return dnnl_memory_desc_clone(m, from); }
static inline void tn_md_clear(tn_md *m) {
  if (*m) dnnl_memory_desc_destroy(*m);
  *m = NULL;
}

static inline dnnl_status_t tn_md_forward(const tn_md_conv *c, const_dnnl_primitive_attr_t attr, dnnl_engine_t engine,
                                          dnnl_primitive_desc_t *out) {
  return dnnl_convolution_forward_primitive_desc_create(out, engine, dnnl_forward_training, dnnl_convolution_direct,
                                                        c->image, c->filter, NULL, c->result, c->stride, c->dilation,
                                                        c->before, c->after, attr);
}
static inline dnnl_status_t tn_md_back_input(const tn_md_conv *c, const_dnnl_primitive_attr_t attr,
                                             dnnl_engine_t engine, const_dnnl_primitive_desc_t hint,
                                             dnnl_primitive_desc_t *out) {
  return dnnl_convolution_backward_data_primitive_desc_create(out, engine, dnnl_convolution_direct, c->image, c->filter,
                                                              c->result, c->stride, c->dilation, c->before, c->after,
                                                              hint, attr);
}
static inline dnnl_status_t tn_md_back_filter(const tn_md_conv *c, const_dnnl_primitive_attr_t attr,
                                              dnnl_engine_t engine, const_dnnl_primitive_desc_t hint,
                                              dnnl_primitive_desc_t *out) {
  return dnnl_convolution_backward_weights_primitive_desc_create(out, engine, dnnl_convolution_direct, c->image,
                                                                 c->filter, NULL, c->result, c->stride, c->dilation,
                                                                 c->before, c->after, hint, attr);
}

#else

typedef const dnnl_memory_desc_t *tn_md_view;

static inline tn_md_view tn_md_of(const tn_md *m) { return m; }
static inline dnnl_status_t tn_md_tag(tn_md *m, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_init_by_tag(m, n, dims, dnnl_f32, tag);
}
static inline dnnl_status_t tn_md_strides(tn_md *m, int n, const dnnl_dims_t dims, const dnnl_dims_t strides) {
  return dnnl_memory_desc_init_by_strides(m, n, dims, dnnl_f32, strides);
}
static inline dnnl_status_t tn_md_copy(tn_md *m, tn_md_view from) {
  *m = *from;
  return dnnl_success;
}
static inline void tn_md_clear(tn_md *m) { (void)m; }

static inline dnnl_status_t tn_md_forward(const tn_md_conv *c, const_dnnl_primitive_attr_t attr, dnnl_engine_t engine,
                                          dnnl_primitive_desc_t *out) {
  dnnl_convolution_desc_t d;
  dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_direct,
                                                                    &c->image, &c->filter, NULL, &c->result, c->stride,
                                                                    c->dilation, c->before, c->after);
  return status == dnnl_success ? dnnl_primitive_desc_create(out, &d, attr, engine, NULL) : status;
}
static inline dnnl_status_t tn_md_back_input(const tn_md_conv *c, const_dnnl_primitive_attr_t attr,
                                             dnnl_engine_t engine, const_dnnl_primitive_desc_t hint,
                                             dnnl_primitive_desc_t *out) {
  dnnl_convolution_desc_t d;
  dnnl_status_t status = dnnl_dilated_convolution_backward_data_desc_init(
      &d, dnnl_convolution_direct, &c->image, &c->filter, &c->result, c->stride, c->dilation, c->before, c->after);
  return status == dnnl_success ? dnnl_primitive_desc_create(out, &d, attr, engine, hint) : status;
}
static inline dnnl_status_t tn_md_back_filter(const tn_md_conv *c, const_dnnl_primitive_attr_t attr,
                                              dnnl_engine_t engine, const_dnnl_primitive_desc_t hint,
                                              dnnl_primitive_desc_t *out) {
  dnnl_convolution_desc_t d;
  dnnl_status_t status =
      dnnl_dilated_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, &c->image, &c->filter, NULL,
                                                          &c->result, c->stride, c->dilation, c->before, c->after);
  return status == dnnl_success ? dnnl_primitive_desc_create(out, &d, attr, engine, hint) : status;
}

#endif
#endif
