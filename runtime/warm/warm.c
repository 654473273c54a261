// The guest that a server runs before its first request: it does a little of what most guests do, so that the code which
// loads, links and serves them has run. It answers with what it was sent.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guest.h"

static void write_text(io_own_output_stream_t stream, const char *text, size_t length) {
  io_stream_error_t error;
  guest_list_u8_t piece = {(uint8_t *)text, length};
  if (!io_method_output_stream_blocking_write_and_flush(io_borrow_output_stream(stream), &piece, &error)) abort();
}

static int by_name(const void *a, const void *b) {
  const http_tuple2_field_name_field_value_t *left = a, *right = b;
  size_t shorter = left->f0.len < right->f0.len ? left->f0.len : right->f0.len;
  return memcmp(left->f0.ptr, right->f0.ptr, shorter);
}

void exports_handler_handle(exports_handler_own_incoming_request_t request, exports_handler_own_response_outparam_t out) {
  http_method_t method;
  guest_string_t path = {0};
  http_borrow_incoming_request_t asked = http_borrow_incoming_request(request);
  http_method_incoming_request_method(asked, &method);
  http_method_incoming_request_path_with_query(asked, &path);
  http_own_fields_t sent = http_method_incoming_request_headers(asked);
  http_list_tuple2_field_name_field_value_t entries;
  http_method_fields_entries(http_borrow_fields(sent), &entries);
  qsort(entries.ptr, entries.len, sizeof *entries.ptr, by_name);
  http_fields_drop_own(sent);

  http_own_incoming_body_t received;
  char body_text[256];
  size_t body_length = 0;
  if (http_method_incoming_request_consume(asked, &received)) {
    io_own_input_stream_t stream;
    guest_list_u8_t chunk;
    io_stream_error_t error;
    http_method_incoming_body_stream(http_borrow_incoming_body(received), &stream);
    while (io_method_input_stream_blocking_read(io_borrow_input_stream(stream), sizeof body_text, &chunk, &error)) {
      size_t room = sizeof body_text - body_length;
      size_t taken = chunk.len < room ? chunk.len : room;
      memcpy(body_text + body_length, chunk.ptr, taken);
      body_length += taken;
      guest_list_u8_free(&chunk);
    }
    io_input_stream_drop_own(stream);
    http_incoming_body_drop_own(received);
  }
  http_incoming_request_drop_own(request);

  http_own_fields_t headers = http_constructor_fields();
  http_field_key_t name = {(uint8_t *)"content-type", 12};
  http_field_value_t value = {(uint8_t *)"text/plain", 10};
  http_list_field_value_t values = {&value, 1};
  http_header_error_t refused;
  http_method_fields_set(http_borrow_fields(headers), &name, &values, &refused);
  name = (http_field_key_t){(uint8_t *)"x-warm", 6};
  http_method_fields_append(http_borrow_fields(headers), &name, &value, &refused);
  http_own_outgoing_response_t response = http_constructor_outgoing_response(headers);
  http_method_outgoing_response_set_status_code(http_borrow_outgoing_response(response), 200);
  http_own_outgoing_body_t body;
  http_method_outgoing_response_body(http_borrow_outgoing_response(response), &body);
  http_result_own_outgoing_response_error_code_t answer = {.is_err = false, .val.ok = response};
  http_static_response_outparam_set(out, &answer);

  http_own_output_stream_t stream;
  http_method_outgoing_body_write(http_borrow_outgoing_body(body), &stream);
  char line[512];
  int length = snprintf(line, sizeof line, "%d %.*s %zu %s\n", method.tag, (int)path.len, path.ptr, entries.len,
                        getenv("WARM") ? getenv("WARM") : "cold");
  write_text(stream, line, length < (int)sizeof line ? (size_t)length : sizeof line - 1);
  write_text(stream, body_text, body_length);
  double took = (double)clock_now() / 1e9 + (double)(wasi_random_random_get_random_u64() % 8);
  fprintf(stderr, "%.3f\n", took);
  io_output_stream_drop_own(stream);
  http_error_code_t error;
  http_static_outgoing_body_finish(body, NULL, &error);
}
