/* Errors: a function that can fail returns a tn_error pointer; NULL is success. Codes are TensorFlow's (and gRPC's). */
#ifndef TENON_ERROR_H
#define TENON_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports; everything else is hidden. */
#define TN_API __attribute__((visibility("default")))
/* The compiler checks the arguments, from number FIRST on, of the printf format that is argument TEXT. */
#define TN_PRINTF(text, first) __attribute__((format(printf, text, first)))
/* An error that nobody looks at is a compile-time warning. */
#define TN_MUST_USE __attribute__((warn_unused_result))

/* The canonical codes, with the numbers of TensorFlow's error_codes.proto. */
typedef enum tn_code {
  TN_OK = 0,
  TN_CANCELLED = 1,
  TN_UNKNOWN = 2,
  TN_INVALID_ARGUMENT = 3,
  TN_DEADLINE_EXCEEDED = 4,
  TN_NOT_FOUND = 5,
  TN_ALREADY_EXISTS = 6,
  TN_PERMISSION_DENIED = 7,
  TN_RESOURCE_EXHAUSTED = 8,
  TN_FAILED_PRECONDITION = 9,
  TN_ABORTED = 10,
  TN_OUT_OF_RANGE = 11,
  TN_UNIMPLEMENTED = 12,
  TN_INTERNAL = 13,
  TN_UNAVAILABLE = 14,
  TN_DATA_LOSS = 15,
  TN_UNAUTHENTICATED = 16
} tn_code;

/* What went wrong: a code, a message, and the chain of places it passed. Owned by whoever holds it; free with
 * tn_error_free. */
typedef struct tn_error tn_error;

/* Makes an error. Never returns NULL: when memory is out it returns a static RESOURCE_EXHAUSTED error. */
TN_API tn_error *tn_errorf(tn_code code, const char *format, ...) TN_PRINTF(2, 3) TN_MUST_USE
    __attribute__((returns_nonnull));

/* Puts "TEXT: " before the message of ERROR and returns it; passes NULL through. */
TN_API tn_error *tn_error_context(tn_error *error, const char *format, ...) TN_PRINTF(2, 3) TN_MUST_USE;

/* Notes that ERROR passed FILE:LINE (TN_TRY does this) and returns it. */
TN_API tn_error *tn_error_passed(tn_error *error, const char *file, int line) TN_MUST_USE;

/* Frees ERROR; NULL is allowed. */
TN_API void tn_error_free(tn_error *error);

/* An independent copy of ERROR; NULL for NULL. */
TN_API tn_error *tn_error_copy(const tn_error *error) TN_MUST_USE;

/* The code of ERROR; TN_OK for NULL. */
TN_API tn_code tn_error_code(const tn_error *error);

/* The message, valid as long as ERROR; "" for NULL. */
TN_API const char *tn_error_message(const tn_error *error);

/* The places that ERROR passed, innermost first, as "file:line\n" lines; valid as long as ERROR. */
TN_API const char *tn_error_trace(const tn_error *error);

/* The canonical name of CODE, "INVALID_ARGUMENT" say; "UNKNOWN" for a number that is none. */
TN_API const char *tn_code_name(tn_code code);

/* Returns the error of CALL from the enclosing function, if there is one. */
#define TN_TRY(call)                                                                                                   \
  do {                                                                                                                 \
    tn_error *tn_try_error_ = (call);                                                                                  \
    if (tn_try_error_) return tn_error_passed(tn_try_error_, __FILE__, __LINE__);                                      \
  } while (0)

/* Stores the error of CALL in the variable ERROR and jumps to LABEL, if there is one: for functions with one exit. */
#define TN_TRY_GOTO(error, label, call)                                                                                \
  do {                                                                                                                 \
    (error) = (call);                                                                                                  \
    if (error) {                                                                                                       \
      (error) = tn_error_passed((error), __FILE__, __LINE__);                                                          \
      goto label;                                                                                                      \
    }                                                                                                                  \
  } while (0)

#ifdef __cplusplus
}
#endif
#endif
