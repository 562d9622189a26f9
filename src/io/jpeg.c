/* Decoding JPEG through libjpeg. */
#include "io/jpeg.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "io/jpeg_error.h"

/* A file of few bytes may ask for any number of passes over a large image. */
enum { MAX_SCANS = 500, MAX_ROWS = 4 };
static const int64_t max_samples = 1 << 29;

typedef struct reader {
  struct jpeg_decompress_struct jpeg;
  tn_jpeg_errors errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  const tn_jpeg_reading *how;
  int64_t height, width, channels; /* of the result */
  tn_tensor *pixels;
  JSAMPLE *row; /* one line where it cannot be read into its place */
} reader;

static void source_nothing(j_decompress_ptr jpeg) { (void)jpeg; }

static void give_up(j_common_ptr jpeg, const char *why) {
  tn_jpeg_errors *errors = (tn_jpeg_errors *)jpeg->err;
  strcpy(errors->message, why);
  longjmp(errors->escape, 1);
}

static const char end_message[] = "the data end too early";

/* The end of the data: the mark of the end as often as it is asked for, or no more lines. */
static boolean source_end(j_decompress_ptr jpeg) {
  static const JOCTET end[2] = {0xff, JPEG_EOI};
  const reader *r = (const reader *)jpeg;
  if (r->how && r->how->window && !r->how->recover) give_up((j_common_ptr)jpeg, end_message);
  if (!r->how || !r->how->recover) return FALSE;
  jpeg->src->next_input_byte = end;
  jpeg->src->bytes_in_buffer = sizeof end;
  return TRUE;
}

static void source_skip(j_decompress_ptr jpeg, long n) {
  size_t left = jpeg->src->bytes_in_buffer, step = n < 0 ? 0 : (size_t)n < left ? (size_t)n : left;
  jpeg->src->bytes_in_buffer -= step;
  jpeg->src->next_input_byte += step;
}

static void check_scans(j_common_ptr jpeg) {
  if (((j_decompress_ptr)jpeg)->input_scan_number > MAX_SCANS) give_up(jpeg, "too many scans");
}

static tn_error *reader_new(const void *data, size_t size, const tn_jpeg_reading *how, reader **out) {
  reader *r = tn_calloc(1, sizeof *r);
  if (!r) return tn_out_of_memory();
  r->how = how;
  r->source = (struct jpeg_source_mgr){.next_input_byte = data,
                                       .bytes_in_buffer = size,
                                       .init_source = source_nothing,
                                       .fill_input_buffer = source_end,
                                       .skip_input_data = source_skip,
                                       .resync_to_restart = jpeg_resync_to_restart,
                                       .term_source = source_nothing};
  r->progress.progress_monitor = check_scans;
  r->jpeg.err = tn_jpeg_errors_init(&r->errors);
  *out = r;
  return NULL;
}

static void reader_free(reader *r) {
  jpeg_destroy_decompress(&r->jpeg);
  tn_tensor_free(r->pixels);
  tn_free(r->row);
  tn_free(r);
}

static void read_header(reader *r) {
  jpeg_create_decompress(&r->jpeg);
  r->jpeg.src = &r->source;
  r->jpeg.progress = &r->progress;
  size_t limit = tn_memory_limit();
  if (limit < (size_t)1 << 31) r->jpeg.mem->max_memory_to_use = (long)limit;
  if (jpeg_read_header(&r->jpeg, TRUE) == JPEG_SUSPENDED) give_up((j_common_ptr)&r->jpeg, end_message);
}

/* Sets the options, and the size of the whole result. */
static tn_error *set_up(reader *r) {
  struct jpeg_decompress_struct *jpeg = &r->jpeg;
  r->channels = r->how->channels ? r->how->channels : jpeg->num_components < 3 ? jpeg->num_components : 3;
  if (r->channels == 2) return tn_errorf(TN_INVALID_ARGUMENT, "a JPEG image of two components");
  bool cmyk = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
  jpeg->out_color_space = r->channels == 1 ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
  jpeg->do_fancy_upsampling = r->how->smooth;
  jpeg->scale_num = 1;
  jpeg->scale_denom = (unsigned)r->how->ratio;
  jpeg->dct_method = r->how->accurate ? JDCT_ISLOW : JDCT_IFAST;
  jpeg_calc_output_dimensions(jpeg);
  r->height = jpeg->output_height;
  r->width = jpeg->output_width;
  if (r->height * r->width * jpeg->num_components >= max_samples)
    return tn_errorf(TN_INVALID_ARGUMENT, "a JPEG image of %lld x %lld is too large", (long long)r->height,
                     (long long)r->width);
  return NULL;
}

/* Begins at the window; libjpeg starts at a block's edge, so its lines may be longer. */
static tn_error *enter_window(reader *r) {
  const tn_jpeg_window *w = r->how->window;
  if (w->height <= 0 || w->width <= 0 || w->y < 0 || w->x < 0 || w->y > r->height - w->height ||
      w->x > r->width - w->width)
    return tn_errorf(TN_INVALID_ARGUMENT,
                     "Invalid crop window: [y %lld, x %lld, height %lld, width %lld] of an image of %lld x %lld",
                     (long long)w->y, (long long)w->x, (long long)w->height, (long long)w->width, (long long)r->height,
                     (long long)r->width);
  r->height = w->height;
  r->width = w->width;
  JDIMENSION x = (JDIMENSION)w->x, width = (JDIMENSION)w->width;
  jpeg_crop_scanline(&r->jpeg, &x, &width);
  jpeg_skip_scanlines(&r->jpeg, (JDIMENSION)w->y);
  return NULL;
}

/* Inks to light; Adobe stores them inverted. */
static void cmyk_to_rgb(const JSAMPLE *from, bool inverted, int64_t n, JSAMPLE *to) {
  for (int64_t i = 0; i < n; i++, from += 4, to += 3)
    for (int c = 0; c < 3; c++)
      to[c] = (JSAMPLE)(inverted ? from[3] * from[c] / 255 : (255 - from[3]) * (255 - from[c]) / 255);
}

static JDIMENSION read_indirect(reader *r, JSAMPLE *to) {
  bool cmyk = r->jpeg.out_color_space == JCS_CMYK;
  if (!jpeg_read_scanlines(&r->jpeg, &r->row, 1)) return 0;
  const JSAMPLE *from = r->row + (r->jpeg.output_width - r->width) * (cmyk ? 4 : r->channels);
  if (cmyk)
    cmyk_to_rgb(from, r->jpeg.saw_Adobe_marker, r->width, to);
  else
    memcpy(to, from, (size_t)(r->width * r->channels));
  return 1;
}

static JDIMENSION read_direct(reader *r, JSAMPLE *to, int64_t left) {
  JSAMPROW rows[MAX_ROWS];
  JDIMENSION n = 0;
  for (; n < MAX_ROWS && n < left; n++) rows[n] = to + n * r->width * r->channels;
  return jpeg_read_scanlines(&r->jpeg, rows, n);
}

static tn_error *read_rows(reader *r) {
  struct jpeg_decompress_struct *jpeg = &r->jpeg;
  bool direct = jpeg->out_color_space != JCS_CMYK && jpeg->output_width == r->width;
  if (!direct && !(r->row = tn_malloc((size_t)jpeg->output_width * 4))) return tn_out_of_memory();
  for (int64_t y = 0, n; y < r->height; y += n) {
    JSAMPLE *to = (JSAMPLE *)r->pixels->data + y * r->width * r->channels;
    n = direct ? read_direct(r, to, r->height - y) : read_indirect(r, to);
    if (n) continue;
    if ((float)y / (float)r->height < fminf(1, r->how->acceptable)) give_up((j_common_ptr)jpeg, end_message);
    memset(to, 0, (size_t)((r->height - y) * r->width * r->channels)); /* the rest is black */
    return NULL;
  }
  if (r->how->window && jpeg->output_scanline < jpeg->output_height)
    jpeg_skip_scanlines(jpeg, jpeg->output_height - jpeg->output_scanline);
  if (!jpeg_finish_decompress(jpeg)) give_up((j_common_ptr)jpeg, end_message);
  return NULL;
}

static tn_error *decode(reader *r) {
  if (setjmp(r->errors.escape)) return tn_errorf(TN_INVALID_ARGUMENT, "Invalid JPEG data: %s", r->errors.message);
  read_header(r);
  TN_TRY(set_up(r));
  if (!jpeg_start_decompress(&r->jpeg)) give_up((j_common_ptr)&r->jpeg, end_message);
  if (r->how->window) TN_TRY(enter_window(r));
  const tn_shape shape = tn_shape_of(3, (int64_t[3]){r->height, r->width, r->channels});
  tn_tensor pixels;
  TN_TRY(tn_tensor_init(&pixels, TN_UINT8, &shape)); /* not cleared: all of it is read */
  tn_error *error = tn_tensor_box(&pixels, &r->pixels);
  tn_tensor_clear(&pixels);
  return error ? error : read_rows(r);
}

tn_error *tn_jpeg_decode(const void *data, size_t size, const tn_jpeg_reading *how, tn_tensor **out) {
  reader *r;
  TN_TRY(reader_new(data, size, how, &r));
  tn_error *error = decode(r);
  if (!error) {
    *out = r->pixels;
    r->pixels = NULL;
  }
  reader_free(r);
  return error;
}

static tn_error *shape_of(reader *r, int64_t shape[3]) {
  if (setjmp(r->errors.escape)) return tn_errorf(TN_INVALID_ARGUMENT, "Invalid JPEG data: %s", r->errors.message);
  read_header(r);
  jpeg_calc_output_dimensions(&r->jpeg);
  shape[0] = r->jpeg.output_height;
  shape[1] = r->jpeg.output_width;
  shape[2] = r->jpeg.out_color_components;
  return NULL;
}

tn_error *tn_jpeg_shape(const void *data, size_t size, int64_t shape[3]) {
  reader *r;
  int64_t found[3] = {0};
  TN_TRY(reader_new(data, size, NULL, &r));
  tn_error *error = shape_of(r, found);
  if (!error) memcpy(shape, found, sizeof found);
  reader_free(r);
  return error;
}
