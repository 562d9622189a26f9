/* The decoders: DecodeJpeg, DecodePng, DecodeGif, DecodeBmp, DecodeImage, DecodeAndCropJpeg. Each looks at what the
 * bytes are; some take other formats than their own, as in TensorFlow. */
#include <string.h>

#include "io/bmp.h"
#include "io/gif.h"
#include "io/jpeg.h"
#include "io/png.h"
#include "kernel/copy.h"
#include "ops/image/image.h"

typedef enum format { UNKNOWN, JPEG, PNG, GIF, BMP } format;
typedef enum decoder {
  DECODE_JPEG,
  DECODE_CROP,
  DECODE_WINDOW,
  DECODE_PNG,
  DECODE_GIF,
  DECODE_BMP,
  DECODE_ANY
} decoder;

static const struct {
  format format;
  const char *name;
  size_t size;
  const char *bytes;
} magic[] = {{JPEG, "JPEG", 3, "\xff\xd8\xff"},
             {PNG, "PNG", 8, "\x89PNG\r\n\x1a\n"},
             {GIF, "GIF", 4, "GIF8"},
             {BMP, "BMP", 2, "BM"}};
enum { N_FORMATS = sizeof magic / sizeof *magic };

static format format_of(tn_string s, const char **name) {
  for (int i = 0; i < N_FORMATS; i++) {
    if (s.size < magic[i].size || memcmp(s.data, magic[i].bytes, magic[i].size) != 0) continue;
    *name = magic[i].name;
    return magic[i].format;
  }
  return UNKNOWN;
}

typedef struct decoding {
  decoder op;
  int channels;
  tn_dtype dtype;
  bool animation;
  tn_jpeg_reading jpeg;
} decoding;

/* --- set-up --- */

static tn_error *jpeg_options(const tn_node *node, tn_jpeg_reading *jpeg) {
  int64_t ratio = tn_node_get_int(node, "ratio");
  if (ratio != 1 && ratio != 2 && ratio != 4 && ratio != 8)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "ratio must be 1, 2, 4, or 8, got %lld", (long long)ratio);
  jpeg->ratio = (int)ratio;
  jpeg->smooth = tn_node_get_bool(node, "fancy_upscaling");
  jpeg->recover = tn_node_get_bool(node, "try_recover_truncated");
  jpeg->acceptable = tn_node_get_float(node, "acceptable_fraction");
  jpeg->accurate = tn_node_string_is(node, "dct_method", "INTEGER_ACCURATE");
  if (!jpeg->accurate && !tn_node_string_is(node, "dct_method", "INTEGER_FAST") &&
      tn_node_get_string(node, "dct_method").size)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT,
                          "dct_method must be one of {'', 'INTEGER_FAST', 'INTEGER_ACCURATE'}");
  return NULL;
}

static tn_error *check_channels(const tn_node *node, int *channels) {
  int64_t n = tn_node_get_int(node, "channels");
  if (n != 0 && n != 1 && n != 3 && n != 4)
    return tn_node_errorf(node, TN_INVALID_ARGUMENT, "`channels` must be 0, 1, 3 or 4 but got %lld", (long long)n);
  *channels = (int)n;
  return NULL;
}

static tn_error *prepare(tn_prepare *p, decoder op) {
  decoding *d;
  TN_TRY(tn_prepare_state(p, sizeof *d, &d));
  *d = (decoding){.op = op,
                  .channels = 3,
                  .dtype = TN_UINT8,
                  .animation = true,
                  .jpeg = {.ratio = 1, .smooth = true, .acceptable = 1}};
  if (op <= DECODE_WINDOW) TN_TRY(jpeg_options(p->node, &d->jpeg));
  if (op == DECODE_PNG || op == DECODE_ANY) d->dtype = tn_node_get_type(p->node, "dtype");
  if (op == DECODE_ANY) d->animation = tn_node_get_bool(p->node, "expand_animations");
  if (op != DECODE_GIF) TN_TRY(check_channels(p->node, &d->channels));
  if (p->inputs[0].shape.rank != 0)
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "`contents` must be scalar but got shape %s",
                             TN_SHAPE_STR(&p->inputs[0].shape));
  if (op == DECODE_CROP && (p->inputs[1].shape.rank != 1 || p->inputs[1].shape.dims[0] != 4))
    return tn_prepare_errorf(p, TN_INVALID_ARGUMENT, "crop_window must have four elements, but its shape is %s",
                             TN_SHAPE_STR(&p->inputs[1].shape));
  tn_prepare_dynamic(p, 0);
  return NULL;
}

/* --- windows: what Slice would take of the whole image --- */

/* Neighbours that the pixels at a window's edge are interpolated with. */
enum { MARGIN = 2 };

/* Columns [X, X + WIDTH) of IMAGE. */
static tn_error *cut_columns(tn_tensor **image, int64_t x, int64_t width) {
  const tn_tensor *from = *image;
  int64_t channels = from->shape.dims[2], row = from->shape.dims[1] * channels;
  tn_tensor *to;
  TN_TRY(tn_tensor_new(TN_UINT8, 3, (int64_t[3]){from->shape.dims[0], width, channels}, &to));
  for (int64_t y = 0; y < from->shape.dims[0]; y++) {
    memcpy(TN_DATA(uint8_t, to) + y * width * channels, TN_DATA(uint8_t, from) + y * row + x * channels,
           (size_t)(width * channels));
  }
  tn_tensor_free(*image);
  *image = to;
  return NULL;
}

/* Decodes only the window of a JPEG. *OUT stays NULL where that is not the way. */
static tn_error *decode_window(const tn_run *r, const decoding *d, tn_string s, tn_tensor **out) {
  const tn_tensor *begin = r->inputs[1], *size = r->inputs[2];
  if (begin->shape.rank != 1 || begin->shape.dims[0] != 3 || !tn_shape_equal(&begin->shape, &size->shape)) return NULL;
  int64_t whole[3], at[3], n[3];
  TN_TRY(tn_jpeg_shape(s.data, s.size, whole));
  if (d->channels) whole[2] = d->channels;
  for (int i = 0; i < 3; i++) {
    at[i] = tn_index_at(begin, i);
    n[i] = tn_index_at(size, i);
    if (n[i] == -1) n[i] = whole[i] - at[i];
    if (at[i] < 0 || n[i] <= 0 || at[i] > whole[i] - n[i]) return NULL;
  }
  if (at[2] != 0 || n[2] != whole[2] || n[0] * n[1] > whole[0] * whole[1] / 4 * 3) return NULL;
  int64_t left = at[1] > MARGIN ? at[1] - MARGIN : 0;
  int64_t right = at[1] + n[1] + MARGIN < whole[1] ? at[1] + n[1] + MARGIN : whole[1];
  tn_jpeg_window window = {at[0], left, n[0], right - left};
  tn_jpeg_reading how = d->jpeg;
  how.channels = d->channels;
  how.window = &window;
  TN_TRY(tn_jpeg_decode(s.data, s.size, &how, out));
  return right - left == n[1] ? NULL : cut_columns(out, at[1] - left, n[1]);
}

/* The window of a whole image, as Slice takes it. */
static tn_error *slice(const tn_run *r, tn_tensor **image) {
  const tn_tensor *from = *image, *begin = r->inputs[1], *size = r->inputs[2];
  int rank = from->shape.rank;
  int64_t n[TN_MAX_RANK], strides[TN_MAX_RANK], to[TN_MAX_RANK], offset = 0;
  if (begin->shape.rank != 1 || begin->shape.dims[0] != rank || size->shape.rank != 1 || size->shape.dims[0] != rank)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "begin and size must have %d elements, but their shapes are %s and %s",
                         rank, TN_SHAPE_STR(&begin->shape), TN_SHAPE_STR(&size->shape));
  tn_copy_strides(rank, from->shape.dims, strides);
  for (int i = 0; i < rank; i++) {
    int64_t at = tn_index_at(begin, i), all = from->shape.dims[i];
    n[i] = tn_index_at(size, i) == -1 ? all - at : tn_index_at(size, i);
    if (at < 0 || at > all || n[i] < 0 || n[i] > all - at)
      return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                           "Expected begin[%d] in [0, %lld] and size[%d] in [0, %lld], but got %lld, %lld", i,
                           (long long)all, i, (long long)(all - at), (long long)at, (long long)n[i]);
    offset += at * strides[i];
  }
  tn_tensor *part;
  TN_TRY(tn_tensor_new(from->dtype, rank, n, &part));
  tn_copy copy;
  tn_copy_strides(rank, n, to);
  tn_copy_init(&copy, from->dtype, rank, n, to, strides);
  tn_error *error = tn_copy_run(&copy, part->data, TN_DATA(uint8_t, from) + offset);
  tn_tensor_free(*image);
  *image = part;
  return error;
}

/* --- running --- */

/* What OP does not take. */
static tn_error *check_format(const tn_run *r, decoder op, format f, const char *name) {
  if (f == UNKNOWN)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Unknown image file format. One of JPEG, PNG, GIF, BMP required.");
  if (op == DECODE_CROP && f != JPEG)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "DecodeAndCropJpeg operation can run on JPEG only, but detected %s.",
                         name);
  if (op != DECODE_ANY && (op == DECODE_BMP) != (f == BMP))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Trying to decode %s format using a wrong op. Use `decode_image` or the op of that format.",
                         name);
  return NULL;
}

static tn_error *check_format_channels(const tn_run *r, const decoding *d, format f, const char *name) {
  int c = d->channels;
  if ((f == JPEG && c == 4) || (f == GIF && c != 0 && c != 3) || (f == BMP && c == 1))
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "%s does not support %d channels", name, c);
  return NULL;
}

static tn_error *decode(const tn_run *r, const decoding *d, format f, tn_tensor **out) {
  tn_string s = *TN_DATA(tn_string, r->inputs[0]);
  if (f == PNG) return tn_png_decode(s.data, s.size, d->channels, d->dtype == TN_UINT8 ? TN_UINT8 : TN_UINT16, out);
  if (f == GIF) return tn_gif_decode(s.data, s.size, d->animation, out);
  if (f == BMP) return tn_bmp_decode(s.data, s.size, d->channels, out);
  tn_jpeg_reading how = d->jpeg;
  how.channels = d->channels;
  tn_jpeg_window window;
  if (d->op == DECODE_CROP) {
    const int32_t *w = TN_DATA(int32_t, r->inputs[1]);
    window = (tn_jpeg_window){w[0], w[1], w[2], w[3]};
    how.window = &window;
  }
  return tn_jpeg_decode(s.data, s.size, &how, out);
}

/* Frames are a dimension where the op says so; one frame may do without. */
static tn_error *final_shape(const tn_run *r, const decoding *d, format f, tn_tensor **image) {
  tn_shape s = (*image)->shape;
  bool frames = d->op == DECODE_GIF || (d->op == DECODE_ANY && d->animation && f == GIF);
  if (frames == (s.rank == 4)) return NULL;
  if (s.rank == 4 && s.dims[0] != 1)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT,
                         "Got %lld frames, but animated gifs can only be decoded by tf.io.decode_gif or "
                         "tf.io.decode_image",
                         (long long)s.dims[0]);
  tn_tensor *other;
  if (s.rank == 4)
    TN_TRY(tn_tensor_reshape(*image, 3, s.dims + 1, &other));
  else
    TN_TRY(tn_tensor_reshape(*image, 4, (int64_t[4]){1, s.dims[0], s.dims[1], s.dims[2]}, &other));
  tn_tensor_free(*image);
  *image = other;
  return NULL;
}

static tn_error *convert(tn_dtype dtype, tn_tensor **image) {
  const tn_tensor *from = *image;
  tn_tensor *to;
  if (from->dtype == dtype) return NULL;
  TN_TRY(tn_tensor_new(dtype, from->shape.rank, from->shape.dims, &to));
  const int64_t n = tn_elements(from);
  if (dtype == TN_UINT16)
    for (int64_t i = 0; i < n; i++) TN_DATA(uint16_t, to)[i] = (uint16_t)(TN_DATA(uint8_t, from)[i] * 256);
  else if (from->dtype == TN_UINT8)
    for (int64_t i = 0; i < n; i++) TN_DATA(float, to)[i] = (float)TN_DATA(uint8_t, from)[i] * (float)(1. / 255);
  else
    for (int64_t i = 0; i < n; i++) TN_DATA(float, to)[i] = (float)TN_DATA(uint16_t, from)[i] * (float)(1. / 65535);
  tn_tensor_free(*image);
  *image = to;
  return NULL;
}

static tn_error *run(tn_run *r) {
  const decoding *d = r->state;
  tn_string s = *TN_DATA(tn_string, r->inputs[0]);
  const char *name = "";
  if (!s.size) return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Input is empty.");
  if (s.size > INT32_MAX)
    return tn_run_errorf(r, TN_INVALID_ARGUMENT, "Input contents are too large for int: %zu", s.size);
  format f = format_of(s, &name);
  TN_TRY(check_format(r, d->op, f, name));
  TN_TRY(check_format_channels(r, d, f, name));
  tn_tensor *image = NULL;
  tn_error *error = d->op == DECODE_WINDOW && f == JPEG ? decode_window(r, d, s, &image) : NULL;
  bool done = image != NULL;
  if (!error && !done) error = decode(r, d, f, &image);
  if (error) return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
  error = final_shape(r, d, f, &image);
  if (!error) error = convert(d->dtype, &image);
  if (!error && d->op == DECODE_WINDOW && !done) error = slice(r, &image);
  if (!error) tn_run_set(r, 0, image);
  tn_tensor_free(image);
  return error;
}

/* The shape of the image that DecodeJpeg makes: from the header of a JPEG, else from the image. */
static tn_error *run_shape(tn_run *r) {
  const decoding *d = r->state;
  tn_string s = *TN_DATA(tn_string, r->inputs[0]);
  const char *name = "";
  int64_t dims[TN_MAX_RANK], rank = 3;
  if (format_of(s, &name) == JPEG && s.size <= INT32_MAX) {
    tn_error *error = tn_jpeg_shape(s.data, s.size, dims);
    if (error) return tn_error_context(error, "%s '%s'", r->node->op->name, r->node->name);
    if (d->channels) dims[2] = d->channels;
  } else {
    tn_tensor decoded = {.dtype = TN_UINT8}, *out = &decoded;
    tn_run whole = *r;
    whole.outputs = &out;
    TN_TRY(run(&whole));
    rank = decoded.shape.rank;
    memcpy(dims, decoded.shape.dims, sizeof dims);
    tn_tensor_clear(&decoded);
  }
  tn_shape shape = tn_shape_of(1, &rank);
  TN_TRY(tn_run_allocate(r, 0, &shape));
  for (int i = 0; i < rank; i++) {
    if (r->outputs[0]->dtype == TN_INT32)
      TN_DATA(int32_t, r->outputs[0])[i] = (int32_t)dims[i];
    else
      TN_DATA(int64_t, r->outputs[0])[i] = dims[i];
  }
  return NULL;
}

/* --- shapes --- */

static tn_error *known_channels(tn_shape_ctx *c, int64_t *channels) {
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &scalar));
  int64_t n = tn_node_get_int(c->node, "channels");
  if (n < 0)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "channels must be non-negative, got %lld", (long long)n);
  *channels = n ? n : -1;
  return NULL;
}

static tn_error *image_shape(tn_shape_ctx *c) {
  int64_t channels = -1;
  TN_TRY(known_channels(c, &channels));
  c->out[0] = tn_shape_of(3, (int64_t[3]){-1, -1, channels});
  return NULL;
}

static tn_error *gif_shape(tn_shape_ctx *c) {
  tn_shape scalar;
  TN_TRY(tn_shape_with_rank(c, 0, 0, &scalar));
  c->out[0] = tn_shape_of(4, (int64_t[4]){-1, -1, -1, 3});
  return NULL;
}

static tn_error *any_shape(tn_shape_ctx *c) {
  TN_TRY(image_shape(c));
  if (tn_node_get_bool(c->node, "expand_animations")) c->out[0] = tn_shape_unknown();
  return NULL;
}

static tn_error *crop_shape(tn_shape_ctx *c) {
  tn_shape window;
  int n;
  int64_t values[TN_MAX_RANK];
  TN_TRY(image_shape(c));
  TN_TRY(tn_shape_with_rank(c, 1, 1, &window));
  if (window.rank == 1 && window.dims[0] >= 0 && window.dims[0] != 4)
    return tn_node_errorf(c->node, TN_INVALID_ARGUMENT, "Dimension must be 4 but is %lld", (long long)window.dims[0]);
  TN_TRY(tn_shape_vector_value(c, 1, &n, values));
  if (n != 4) return NULL;
  c->out[0].dims[0] = values[2];
  c->out[0].dims[1] = values[3];
  return NULL;
}

#define DECODER(NAME, OP)                                                                                              \
  static tn_error *prepare_##NAME(tn_prepare *p) { return prepare(p, OP); }                                            \
  static const tn_kernel_def kernels_##NAME[] = {{.name = "reference", .prepare = prepare_##NAME, .run = run}, {0}};

DECODER(jpeg, DECODE_JPEG)
DECODER(window, DECODE_WINDOW)
DECODER(crop, DECODE_CROP)
DECODER(png, DECODE_PNG)
DECODER(gif, DECODE_GIF)
DECODER(bmp, DECODE_BMP)
DECODER(any, DECODE_ANY)

#define JPEG_ATTRS                                                                                                     \
  "channels: int = 0; ratio: int = 1; fancy_upscaling: bool = true; try_recover_truncated: bool = false; "             \
  "acceptable_fraction: float = 1.0; dct_method: string = ''"
#define FLAGS TN_OP_DYNAMIC_SHAPE | TN_OP_GRADIENT_UNREGISTERED

TN_OP(DecodeJpeg, .inputs = "contents: string", .outputs = "image: uint8", .attrs = JPEG_ATTRS,
      .doc = "The pixels [height, width, channels] of a JPEG image (or PNG, or GIF of one frame).", .flags = FLAGS,
      .shape = image_shape, .kernels = kernels_jpeg);

TN_OP(DecodeAndCropJpeg, .inputs = "contents: string, crop_window: int32", .outputs = "image: uint8",
      .attrs = JPEG_ATTRS, .doc = "The pixels of a window [y, x, height, width] of a JPEG image.", .flags = FLAGS,
      .shape = crop_shape, .kernels = kernels_crop);

/* Of functions that use only a part of an image: see graph/function_windows.c. */
TN_OP(_ImageWindow, .inputs = "contents: string, begin: Index, size: Index", .outputs = "image: uint8",
      .attrs = JPEG_ATTRS "; Index: indextype", .doc = "The Slice [begin, begin + size) of DecodeJpeg's image.",
      .flags = FLAGS, .shape = image_shape, .kernels = kernels_window);

static const tn_kernel_def kernels_shape[] = {{.name = "reference", .prepare = prepare_jpeg, .run = run_shape}, {0}};

TN_OP(_ImageShape, .inputs = "contents: string", .outputs = "shape: out_type",
      .attrs = JPEG_ATTRS "; out_type: indextype", .doc = "The shape of DecodeJpeg's image.", .flags = FLAGS,
      .shape = tn_shape_unknown_out, .kernels = kernels_shape);

TN_OP(DecodePng, .inputs = "contents: string", .outputs = "image: dtype",
      .attrs = "channels: int = 0; dtype: {uint8, uint16} = DT_UINT8",
      .doc = "The pixels [height, width, channels] of a PNG image (or JPEG, or GIF of one frame).", .flags = FLAGS,
      .shape = image_shape, .kernels = kernels_png);

TN_OP(DecodeGif, .inputs = "contents: string", .outputs = "image: uint8", .attrs = "",
      .doc = "The frames [frames, height, width, 3] of a GIF image.", .flags = FLAGS, .shape = gif_shape,
      .kernels = kernels_gif);

TN_OP(DecodeBmp, .inputs = "contents: string", .outputs = "image: uint8", .attrs = "channels: int = 0",
      .doc = "The pixels [height, width, channels] of an uncompressed BMP image.", .flags = FLAGS, .shape = image_shape,
      .kernels = kernels_bmp);

TN_OP(DecodeImage, .inputs = "contents: string", .outputs = "image: dtype",
      .attrs = "channels: int = 0; dtype: {uint8, uint16, float} = DT_UINT8; expand_animations: bool = true",
      .doc = "The pixels of a JPEG, PNG, GIF or BMP image.", .flags = FLAGS, .shape = any_shape,
      .kernels = kernels_any);
