/* The methods of the service that tests call:
 *   /test.Test/Echo      answers with the request
 *   /test.Test/Size      with the number of bytes, as text
 *   /test.Test/Give      with as many bytes as the text of the request says; byte i is i * 7 + (i >> 8)
 *   /test.Test/Fail      with the error "CODE MESSAGE" of the request
 *   /test.Test/Metadata  with the value of the header that the request names
 *   /test.Test/Deadline  with the milliseconds that are left, -1 without a deadline
 *   /test.Test/Hang      when the caller has gone, with CANCELLED
 *   /test.Test/Hanging   with how many handlers of Hang have begun, as text
 *   /test.Test/Later     with the request, after as many milliseconds as it says
 *   /test.Test/Cancelled with how many handlers of Hang have ended so, as text
 *   others               UNIMPLEMENTED */
#include "cluster/rpc_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void finish_text(tn_incoming *incoming, const char *text) {
  tn_message *reply;
  tn_error *error = tn_message_new(&reply);
  if (!error) error = tn_message_add_copy(reply, text, strlen(text));
  tn_incoming_finish(incoming, error, reply);
}

/* The request as a string; at most SIZE - 1 bytes. */
static const char *text_of(tn_incoming *incoming, char *text, size_t size) {
  tn_wire_in in;
  tn_error *error = tn_message_read(tn_incoming_message(incoming), &in, NULL);
  if (error) abort();
  snprintf(text, size, "%.*s", (int)(in.end - in.at), in.at);
  return text;
}

static void give(tn_incoming *incoming, size_t size) {
  tn_buffer *buffer;
  tn_message *reply = NULL;
  tn_error *error = tn_buffer_new(TN_UINT8, size, &buffer);
  if (!error) {
    for (size_t i = 0; i < size; i++) ((uint8_t *)buffer->data)[i] = (uint8_t)(i * 7 + (i >> 8));
    error = tn_message_new(&reply);
    /* In three parts, so that their borders are passed on the way. */
    if (!error) error = tn_message_add_buffer(reply, buffer, buffer->data, size / 3);
    if (!error) error = tn_message_add_buffer(reply, buffer, (char *)buffer->data + size / 3, size - size / 3);
    tn_buffer_unref(buffer);
  }
  tn_incoming_finish(incoming, error, reply);
}

typedef struct hanging {
  rpc_service *service;
  tn_incoming *incoming;
} hanging;

static void gone(void *argument) {
  hanging *h = argument;
  atomic_fetch_add(&h->service->cancelled, 1);
  tn_incoming_finish(h->incoming, tn_errorf(TN_CANCELLED, "the caller has gone"), NULL);
}

static void hang(rpc_service *service, tn_incoming *incoming) {
  hanging *h = malloc(sizeof *h);
  *h = (hanging){service, incoming};
  if (!tn_incoming_on_cancel(incoming, gone, free, h)) {
    gone(h);
    free(h);
  }
  atomic_fetch_add(&service->hanging, 1);
}

static void echo(void *argument) {
  tn_incoming *incoming = argument;
  tn_incoming_finish(incoming, NULL, tn_message_ref(tn_incoming_message(incoming)));
}

static void later(rpc_service *service, tn_incoming *incoming, int milliseconds) {
  int64_t at = tn_clock_now(service->clock) + (int64_t)milliseconds * 1000000;
  tn_error *error = tn_timer_start(service->clock, at, echo, incoming, NULL);
  if (error) tn_incoming_finish(incoming, error, NULL);
}

static void fail(tn_incoming *incoming) {
  size_t size = tn_message_size(tn_incoming_message(incoming)) + 1;
  char *text = malloc(size);
  text_of(incoming, text, size);
  const char *space = strchr(text, ' ');
  tn_error *error = tn_errorf((tn_code)atoi(text), "%s", space ? space + 1 : "");
  free(text);
  tn_incoming_finish(incoming, error, NULL);
}

static void deadline(rpc_service *service, tn_incoming *incoming) {
  char text[32];
  int64_t at = tn_incoming_deadline(incoming);
  long long left = at ? (at - tn_clock_now(service->clock)) / 1000000 : -1;
  snprintf(text, sizeof text, "%lld", left);
  finish_text(incoming, text);
}

void rpc_service_handle(void *argument, tn_incoming *incoming) {
  rpc_service *service = argument;
  char text[256], number[32];
  const char *slash = strrchr(tn_incoming_method(incoming), '/'), *name = slash ? slash + 1 : "";
  atomic_fetch_add(&service->calls, 1);
  if (!strcmp(name, "Echo")) {
    echo(incoming);
  } else if (!strcmp(name, "Size")) {
    snprintf(number, sizeof number, "%zu", tn_message_size(tn_incoming_message(incoming)));
    finish_text(incoming, number);
  } else if (!strcmp(name, "Cancelled")) {
    snprintf(number, sizeof number, "%d", atomic_load(&service->cancelled));
    finish_text(incoming, number);
  } else if (!strcmp(name, "Hanging")) {
    snprintf(number, sizeof number, "%d", atomic_load(&service->hanging));
    finish_text(incoming, number);
  } else if (!strcmp(name, "Give")) {
    give(incoming, (size_t)atoll(text_of(incoming, text, sizeof text)));
  } else if (!strcmp(name, "Fail")) {
    fail(incoming);
  } else if (!strcmp(name, "Metadata")) {
    const char *value = tn_incoming_metadata(incoming, text_of(incoming, text, sizeof text));
    finish_text(incoming, value ? value : "");
  } else if (!strcmp(name, "Deadline")) {
    deadline(service, incoming);
  } else if (!strcmp(name, "Hang")) {
    hang(service, incoming);
  } else if (!strcmp(name, "Later")) {
    later(service, incoming, atoi(text_of(incoming, text, sizeof text)));
  } else {
    tn_incoming_finish(incoming, tn_errorf(TN_UNIMPLEMENTED, "no method %s", tn_incoming_method(incoming)), NULL);
  }
}
