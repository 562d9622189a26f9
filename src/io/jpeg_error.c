/* What libjpeg does on errors and warnings. */
#include "io/jpeg_error.h"

static void leave(j_common_ptr jpeg) {
  tn_jpeg_errors *errors = (tn_jpeg_errors *)jpeg->err;
  jpeg->err->format_message(jpeg, errors->message);
  longjmp(errors->escape, 1);
}

static void say_nothing(j_common_ptr jpeg) { (void)jpeg; }

struct jpeg_error_mgr *tn_jpeg_errors_init(tn_jpeg_errors *errors) {
  jpeg_std_error(&errors->base);
  errors->base.error_exit = leave;
  errors->base.output_message = say_nothing;
  return &errors->base;
}
