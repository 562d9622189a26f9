/* TFRecord files from the inside: records in a file that somebody else opened. */
#ifndef TN_IO_TFRECORD_H
#define TN_IO_TFRECORD_H

#include <tenon/file.h>
#include <tenon/tfrecord.h>

/* Writes plain records to FILE and takes it over, also after an error. */
tn_error *tn_record_writer_on(tn_file_writer *file, tn_record_writer **out) TN_MUST_USE;
/* The file's name; lives as long as the writer. */
const char *tn_record_writer_path(const tn_record_writer *writer);

#endif
