/* Decoding GIF: records of blocks, LZW codes of growing width, frames over frames. */
#include "io/gif.h"

#include <string.h>

#include "base/alloc.h"

enum { MAX_CODES = 4096, MAX_BITS = 12, NO_CODE = MAX_CODES };

typedef struct frame {
  int64_t left, top, width, height;
  int transparent; /* the colour that leaves the pixel as it is; -1: none */
  const unsigned char *map;
  int colours;
  unsigned char *indices; /* [height, width] */
} frame;

typedef struct gif {
  const unsigned char *at, *end;
  const unsigned char *map; /* for frames without their own; NULL: none */
  int colours;
  int transparent; /* of the next frame */
  bool seen_control;
  frame *frames;
  int64_t n, capacity;
} gif;

static tn_error *broken(const char *what) { return tn_errorf(TN_INVALID_ARGUMENT, "Invalid GIF data: %s", what); }
static tn_error *too_short(void) { return broken("the data end too early"); }

static int word(const unsigned char *p) { return p[0] | p[1] << 8; }

/* N bytes of the data, or NULL. */
static const unsigned char *take(gif *g, int64_t n) {
  if (g->end - g->at < n) return NULL;
  const unsigned char *bytes = g->at;
  g->at += n;
  return bytes;
}

/* The next block of at most 255 bytes; *N is 0 for the one that ends a row of blocks. */
static const unsigned char *take_block(gif *g, int *n) {
  const unsigned char *size = take(g, 1);
  if (!size) return NULL;
  *n = *size;
  return take(g, *n);
}

static tn_error *take_map(gif *g, int packed, const unsigned char **map, int *colours) {
  *colours = 2 << (packed & 7);
  *map = take(g, 3 * *colours);
  return *map ? NULL : too_short();
}

/* --- LZW --- */

typedef struct bits {
  gif *g;
  const unsigned char *block;
  int left; /* bytes of the block */
  uint32_t buffer;
  int n; /* bits in the buffer */
} bits;

/* The next code of WIDTH bits; -1 at the end of the blocks. */
static int next_code(bits *b, int width) {
  while (b->n < width) {
    while (b->left == 0) {
      b->block = take_block(b->g, &b->left);
      if (!b->block || b->left == 0) return -1;
    }
    b->buffer |= (uint32_t)*b->block++ << b->n;
    b->left--;
    b->n += 8;
  }
  int code = (int)(b->buffer & ((1u << width) - 1));
  b->buffer >>= width;
  b->n -= width;
  return code;
}

typedef struct lzw {
  int first;      /* the code that clears the table; the next one ends the picture */
  int next, last; /* the next free code; the code before this one */
  int width, start_width;
  uint16_t prefix[MAX_CODES], length[MAX_CODES];
  unsigned char suffix[MAX_CODES], head[MAX_CODES]; /* last and first pixel of a code's string */
} lzw;

static void lzw_clear(lzw *z) {
  z->next = z->first + 2;
  z->width = z->start_width;
  z->last = NO_CODE;
}

static void lzw_init(lzw *z, int size) {
  z->first = 1 << size;
  z->start_width = size + 1;
  for (int i = 0; i < z->first; i++) {
    z->prefix[i] = NO_CODE;
    z->length[i] = 1;
    z->suffix[i] = z->head[i] = (unsigned char)i;
  }
  lzw_clear(z);
}

static void lzw_add(lzw *z, int head) {
  if (z->last == NO_CODE || z->next == MAX_CODES) return;
  z->prefix[z->next] = (uint16_t)z->last;
  z->length[z->next] = (uint16_t)(z->length[z->last] + 1);
  z->suffix[z->next] = (unsigned char)head;
  z->head[z->next] = z->head[z->last];
  if (++z->next == 1 << z->width && z->width < MAX_BITS) z->width++;
}

/* Writes the string of CODE to pixels [AT, N); what does not fit is dropped. */
static int64_t lzw_write(const lzw *z, int code, unsigned char *pixels, int64_t at, int64_t n) {
  int64_t end = at + z->length[code];
  for (int64_t i = end - 1; i >= at; i--, code = z->prefix[code])
    if (i < n) pixels[i] = z->suffix[code];
  return end < n ? end : n;
}

static tn_error *lzw_decode(gif *g, unsigned char *pixels, int64_t n) {
  const unsigned char *size = take(g, 1);
  if (!size) return too_short();
  if (*size > 8) return broken("a pixel of more than 8 bits");
  lzw *z = tn_malloc(sizeof *z);
  if (!z) return tn_out_of_memory();
  lzw_init(z, *size);
  bits b = {.g = g};
  tn_error *error = NULL;
  for (int64_t at = 0; at < n && !error;) {
    int code = next_code(&b, z->width);
    if (code < 0 || code == z->first + 1) {
      error = too_short();
    } else if (code == z->first) {
      lzw_clear(z);
    } else if (code < z->next) {
      lzw_add(z, z->head[code]);
      at = lzw_write(z, code, pixels, at, n);
      z->last = code;
    } else if (code == z->next && z->last != NO_CODE && z->next < MAX_CODES) {
      lzw_add(z, z->head[z->last]);
      at = lzw_write(z, code, pixels, at, n);
      z->last = code;
    } else {
      error = broken("a code that stands for nothing");
    }
  }
  tn_free(z);
  int left = 1;
  while (!error && left)
    if (!take_block(g, &left)) error = too_short();
  return error;
}

/* --- records --- */

/* Lines come in four passes: every eighth, those between them, and so on. */
static tn_error *interleave(frame *f) {
  static const int start[4] = {0, 4, 2, 1}, step[4] = {8, 8, 4, 2};
  size_t size = (size_t)(f->width * f->height);
  void *lines;
  TN_TRY(tn_alloc_aligned(size, &lines));
  const unsigned char *from = f->indices;
  for (int pass = 0; pass < 4; pass++)
    for (int64_t y = start[pass]; y < f->height; y += step[pass], from += f->width)
      memcpy((unsigned char *)lines + y * f->width, from, (size_t)f->width);
  tn_free_aligned(f->indices, size);
  f->indices = lines;
  return NULL;
}

static tn_error *read_pixels(gif *g, frame *f, bool interlaced) {
  void *indices;
  int64_t n = f->width * f->height;
  /* A code takes three bits or more and stands for a table's length of pixels at most. */
  if (n <= 0) return broken("a frame without pixels");
  if (n / MAX_CODES > (g->end - g->at) * 8 / 3 + 1) return too_short();
  TN_TRY(tn_alloc_aligned((size_t)n, &indices));
  f->indices = indices;
  TN_TRY(lzw_decode(g, f->indices, n));
  return interlaced ? interleave(f) : NULL;
}

static void frame_clear(frame *f) {
  if (f->indices) tn_free_aligned(f->indices, (size_t)(f->width * f->height));
  f->indices = NULL;
}

static tn_error *read_frame(gif *g) {
  const unsigned char *p = take(g, 9);
  if (!p) return too_short();
  frame f = {.left = word(p),
             .top = word(p + 2),
             .width = word(p + 4),
             .height = word(p + 6),
             .transparent = g->transparent,
             .map = g->map,
             .colours = g->colours};
  if (p[8] & 0x80) TN_TRY(take_map(g, p[8], &f.map, &f.colours));
  tn_error *error = read_pixels(g, &f, p[8] & 0x40);
  if (!error && g->n == g->capacity) {
    int64_t capacity = g->capacity * 2 + 4;
    frame *frames = tn_realloc(g->frames, (size_t)capacity * sizeof *frames);
    if (frames) {
      g->frames = frames;
      g->capacity = capacity;
    } else {
      error = tn_out_of_memory();
    }
  }
  if (error)
    frame_clear(&f);
  else
    g->frames[g->n++] = f;
  g->transparent = -1;
  g->seen_control = false;
  return error;
}

/* Of the extensions only the transparent colour of the next frame matters. */
static tn_error *read_extension(gif *g) {
  const unsigned char *label = take(g, 1), *block;
  if (!label) return too_short();
  bool control = *label == 0xf9 && !g->seen_control;
  for (int n = 1; n;) {
    if (!(block = take_block(g, &n))) return too_short();
    if (!control) continue;
    if (n == 4 && block[0] & 1) g->transparent = block[3];
    g->seen_control = true;
    control = false;
  }
  return NULL;
}

static tn_error *read_records(gif *g) {
  const unsigned char *p = take(g, 13);
  if (!p) return too_short();
  if (memcmp(p, "GIF", 3) != 0) return broken("it does not begin with GIF");
  if (p[10] & 0x80) TN_TRY(take_map(g, p[10], &g->map, &g->colours));
  while ((p = take(g, 1))) {
    switch (*p) {
    case ',': TN_TRY(read_frame(g)); break;
    case '!': TN_TRY(read_extension(g)); break;
    case ';': return NULL;
    default: return broken("an unknown kind of record");
    }
  }
  return too_short();
}

/* --- frames to colours --- */

static tn_error *draw(const frame *f, int64_t height, int64_t width, unsigned char *to) {
  int64_t bottom = f->top + f->height < height ? f->top + f->height : height;
  int64_t right = f->left + f->width < width ? f->left + f->width : width;
  if (!f->map) return broken("a frame without colours");
  for (int64_t y = f->top; y < bottom; y++) {
    const unsigned char *row = f->indices + (y - f->top) * f->width;
    for (int64_t x = f->left; x < right; x++) {
      int index = row[x - f->left];
      if (index == f->transparent) continue;
      if (index >= f->colours) return broken("a pixel whose colour is not in the map");
      memcpy(to + 3 * (y * width + x), f->map + 3 * index, 3);
    }
  }
  return NULL;
}

static tn_error *draw_all(const gif *g, bool animation, tn_tensor **out) {
  int64_t dims[4] = {animation ? g->n : 1, 0, 0, 3};
  for (int64_t i = 0; i < g->n; i++) {
    if (dims[1] < g->frames[i].height) dims[1] = g->frames[i].height;
    if (dims[2] < g->frames[i].width) dims[2] = g->frames[i].width;
  }
  tn_tensor *pixels;
  TN_TRY(tn_tensor_new(TN_UINT8, 4, dims, &pixels));
  tn_error *error = NULL;
  int64_t size = dims[1] * dims[2] * 3;
  for (int64_t i = 0; i < dims[0] && !error; i++) {
    unsigned char *to = (unsigned char *)pixels->data + i * size;
    if (i > 0) memcpy(to, to - size, (size_t)size);
    error = draw(&g->frames[i], dims[1], dims[2], to);
  }
  if (error)
    tn_tensor_free(pixels);
  else
    *out = pixels;
  return error;
}

tn_error *tn_gif_decode(const void *data, size_t size, bool animation, tn_tensor **out) {
  gif g = {.at = data, .end = (const unsigned char *)data + size, .transparent = -1};
  tn_error *error = read_records(&g);
  if (g.n > 0) {
    tn_error_free(error);
    error = draw_all(&g, animation, out);
  } else if (!error) {
    error = broken("no picture is in it");
  }
  for (int64_t i = 0; i < g.n; i++) frame_clear(&g.frames[i]);
  tn_free(g.frames);
  return error;
}
