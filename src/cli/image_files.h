/* Which files of this machine go into an image. */
#ifndef TN_CLI_IMAGE_FILES_H
#define TN_CLI_IMAGE_FILES_H

#include "cli/image_layer.h"

#define CLI_IMAGE_PACKAGES "/opt/tenon/python" /* where Python's packages lie in the image */
#define CLI_IMAGE_PROGRAMS "/programs"

/* The `tenon` command with all that it needs: libraries, accounts, certificates. */
tn_error *cli_image_runtime(cli_layer *layer) TN_MUST_USE;
/* The interpreter PYTHON with its library, NumPy, Tenon and the PACKAGES (names with commas between; NULL: none), with
 * bytecode, which is made in the folder SCRATCH. */
tn_error *cli_image_python(cli_layer *layer, const char *python, const char *packages, const char *scratch) TN_MUST_USE;
/* PATH, a file or a whole folder, under CLI_IMAGE_PROGRAMS. */
tn_error *cli_image_program(cli_layer *layer, const char *path) TN_MUST_USE;

#endif
