/* EncodeJpeg, EncodeJpegVariableQuality, EncodePng, and the shape of a JPEG. */
#include "base/alloc.h"
#include "io/jpeg.h"
#include "io/png.h"
#include "ops/image/image.h"

/* Makes *TARGET the text in SOURCE, and empties that. */
static tn_error *take(tn_string *target, tn_str *source) {
  tn_error *error = source->failed ? tn_out_of_memory() : tn_string_set(target, source->data, source->size);
  tn_str_clear(source);
  return error;
}

/* --- JPEG --- */

static tn_error *check_image(tn_prepare *p, int64_t channels) {
  const tn_shape *s = &p->inputs[0].shape;
  if (s->rank != 3)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "image must be 3-dimensional, but is %s", TN_SHAPE_STR(s));
  if (tn_shape_elements(s) >= INT32_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "Cannot encode images with >= max int32 elements");
  if (channels ? s->dims[2] != channels : s->dims[2] != 1 && s->dims[2] != 3)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "image must have %s channels, got %s",
                             channels == 1 ? "1"
                             : channels    ? "3"
                                           : "1 or 3",
                             TN_SHAPE_STR(s));
  tn_shape scalar = tn_shape_scalar();
  return tn_prepare_output(p, 0, &scalar);
}

static tn_error *check_quality(const tn_node *node, int64_t quality) {
  if (quality >= 0 && quality <= 100) return NULL;
  return tn_node_errorf(node, TN_INVALID_ARGUMENT, "quality must be in [0,100], got %lld", (long long)quality);
}

static tn_error *encode(tn_run *r, const tn_jpeg_writing *how) {
  tn_str text = {0};
  tn_error *error = tn_jpeg_encode(r->inputs[0]->data, r->inputs[0]->shape.dims, how, &text);
  if (!error) return take(TN_DATA(tn_string, r->outputs[0]), &text);
  tn_str_clear(&text);
  return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
}

static tn_error *jpeg_prepare(tn_prepare *p) {
  TN_TRY(check_quality(p->node, tn_node_get_int(p->node, "quality")));
  return check_image(p, tn_node_string_is(p->node, "format", "grayscale") ? 1
                        : tn_node_string_is(p->node, "format", "rgb")     ? 3
                                                                          : 0);
}

static tn_error *jpeg_run(tn_run *r) {
  const tn_node *node = r->node;
  return encode(r, &(tn_jpeg_writing){.quality = (int)tn_node_get_int(node, "quality"),
                                      .progressive = tn_node_get_bool(node, "progressive"),
                                      .small = tn_node_get_bool(node, "optimize_size"),
                                      .full_colour = !tn_node_get_bool(node, "chroma_downsampling"),
                                      .density_unit = tn_node_string_is(node, "density_unit", "in") ? 1 : 2,
                                      .x_density = (int)tn_node_get_int(node, "x_density"),
                                      .y_density = (int)tn_node_get_int(node, "y_density"),
                                      .xmp = tn_node_get_string(node, "xmp_metadata")});
}

static tn_error *variable_prepare(tn_prepare *p) {
  if (p->inputs[1].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "quality must be scalar, but is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  return check_image(p, 0);
}

static tn_error *variable_run(tn_run *r) {
  int quality = *TN_DATA(int32_t, r->inputs[1]);
  TN_TRY(check_quality(r->node, quality));
  return encode(r, &(tn_jpeg_writing){.quality = quality, .density_unit = 1, .x_density = 300, .y_density = 300});
}

static tn_error *jpeg_shape(tn_shape_ctx *c) {
  tn_shape image;
  TN_TRY(tn_shape_with_rank(c, 0, 3, &image));
  c->out[0] = tn_shape_scalar();
  return NULL;
}

static tn_error *variable_shape(tn_shape_ctx *c) {
  tn_shape quality;
  TN_TRY(jpeg_shape(c));
  return tn_shape_with_rank(c, 1, 0, &quality);
}

static const tn_kernel_def jpeg_kernels[] = {{.name = "reference", .prepare = jpeg_prepare, .run = jpeg_run}, {0}};
static const tn_kernel_def variable_kernels[] = {
    {.name = "reference", .prepare = variable_prepare, .run = variable_run}, {0}};

TN_OP(EncodeJpeg, .inputs = "image: uint8", .outputs = "contents: string",
      .attrs = "format: {'', 'grayscale', 'rgb'} = ''; quality: int = 95; progressive: bool = false; "
               "optimize_size: bool = false; chroma_downsampling: bool = true; density_unit: {'in', 'cm'} = 'in'; "
               "x_density: int = 300; y_density: int = 300; xmp_metadata: string = ''",
      .doc = "The image [height, width, 1 or 3] as JPEG.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = jpeg_shape,
      .kernels = jpeg_kernels);

TN_OP(EncodeJpegVariableQuality, .inputs = "images: uint8, quality: int32", .outputs = "contents: string", .attrs = "",
      .doc = "The image [height, width, 1 or 3] as JPEG of a quality from 0 to 100.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = variable_shape, .kernels = variable_kernels);

/* --- PNG: images in any number of leading dimensions --- */

static tn_error *png_prepare(tn_prepare *p) {
  const tn_shape *s = &p->inputs[0].shape;
  int64_t compression = tn_node_get_int(p->node, "compression");
  if (compression < -1 || compression > 9)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "compression should be in [-1,9], got %lld",
                             (long long)compression);
  if (s->rank < 3)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "images must be at least rank 3, but are %s", TN_SHAPE_STR(s));
  int64_t channels = s->dims[s->rank - 1];
  if (tn_shape_elements(s) >= INT32_MAX)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "image cannot have >= int32 max elements");
  if (channels < 1 || channels > 4)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "image must have 1, 2, 3, or 4 channels, got %lld",
                             (long long)channels);
  tn_shape out = tn_shape_of(s->rank - 3, s->dims);
  return tn_prepare_output(p, 0, &out);
}

static tn_error *png_run(tn_run *r) {
  const tn_tensor *images = r->inputs[0];
  const int64_t *dims = images->shape.dims + images->shape.rank - 3;
  const size_t size = (size_t)(dims[0] * dims[1] * dims[2]) * tn_dtype_size(images->dtype);
  for (int64_t i = 0; i < tn_elements(r->outputs[0]); i++) {
    tn_str text = {0};
    tn_error *error = tn_png_encode((const char *)images->data + (size_t)i * size, images->dtype, dims,
                                    (int)tn_node_get_int(r->node, "compression"), &text);
    if (error) {
      tn_str_clear(&text);
      return tn_error_context(error, "EncodePng '%s'", r->node->name);
    }
    TN_TRY(take(TN_DATA(tn_string, r->outputs[0]) + i, &text));
  }
  return NULL;
}

static tn_error *png_shape(tn_shape_ctx *c) {
  tn_shape s;
  TN_TRY(tn_shape_at_least_rank(c, 0, 3, &s));
  if (s.rank >= 3) c->out[0] = tn_shape_of(s.rank - 3, s.dims);
  return NULL;
}

static const tn_kernel_def png_kernels[] = {{.name = "reference", .prepare = png_prepare, .run = png_run}, {0}};

TN_OP(EncodePng, .inputs = "image: T", .outputs = "contents: string",
      .attrs = "compression: int = -1; T: {uint8, uint16} = DT_UINT8",
      .doc = "Images [..., height, width, 1 to 4] as PNG.", .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = png_shape,
      .kernels = png_kernels);

/* --- the header alone --- */

static tn_error *header_prepare(tn_prepare *p) {
  if (p->inputs[0].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "contents must be scalar, but is %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  tn_shape out = tn_shape_of(1, (int64_t[1]){3});
  return tn_prepare_output(p, 0, &out);
}

static tn_error *header_run(tn_run *r) {
  int64_t shape[3];
  tn_string s = *TN_DATA(tn_string, r->inputs[0]);
  tn_error *error = tn_jpeg_shape(s.data, s.size, shape);
  if (error) return tn_error_context(error, "ExtractJpegShape '%s'", r->node->name);
  for (int i = 0; i < 3; i++) {
    if (r->outputs[0]->dtype == TN_INT32)
      TN_DATA(int32_t, r->outputs[0])[i] = (int32_t)shape[i];
    else
      TN_DATA(int64_t, r->outputs[0])[i] = shape[i];
  }
  return NULL;
}

static tn_error *header_shape(tn_shape_ctx *c) {
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &scalar));
  c->out[0] = tn_shape_of(1, (int64_t[1]){3});
  return NULL;
}

static const tn_kernel_def header_kernels[] = {{.name = "reference", .prepare = header_prepare, .run = header_run},
                                               {0}};

TN_OP(ExtractJpegShape, .inputs = "contents: string", .outputs = "image_shape: output_type",
      .attrs = "output_type: indextype = DT_INT32", .doc = "The height, width and channels of a JPEG image.",
      .flags = TN_OP_GRADIENT_UNREGISTERED, .shape = header_shape, .kernels = header_kernels);
