/* Errors of libjpeg: it leaves by a long jump, with its message kept. */
#ifndef TN_IO_JPEG_ERROR_H
#define TN_IO_JPEG_ERROR_H

#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

/* The library's error record comes first, so that its pointer is ours. */
typedef struct tn_jpeg_errors {
  struct jpeg_error_mgr base;
  jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
} tn_jpeg_errors;

/* Sets ERRORS up; warnings are counted, not printed. */
struct jpeg_error_mgr *tn_jpeg_errors_init(tn_jpeg_errors *errors);

#endif
