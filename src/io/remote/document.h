/* What servers answer in JSON and XML, read without building a tree. */
#ifndef TN_IO_REMOTE_DOCUMENT_H
#define TN_IO_REMOTE_DOCUMENT_H

#include <stddef.h>
#include <tenon/error.h>

/* Is called for each value when its end is reached, those within it first. PATH: the names that lead to it, with "/"
 * between them ("FileStatuses/FileStatus/length": arrays don't count). TEXT: what it says, NUL-terminated and valid
 * during the call; NULL for a JSON object; "null" is none at all. An error ends the reading. */
typedef tn_error *tn_document_visit(void *argument, const char *path, const char *text);

/* INVALID_ARGUMENT for what is not well-formed, is nested deeper than 32 or has a path longer than 1,000 bytes. */
tn_error *tn_json_walk(const char *text, size_t size, tn_document_visit *visit, void *argument) TN_MUST_USE;
/* Elements with their text; attributes, comments and declarations are passed over. */
tn_error *tn_xml_walk(const char *text, size_t size, tn_document_visit *visit, void *argument) TN_MUST_USE;

#endif
