// A function in C: it answers with the path that was asked for. `sh build.sh` makes hello.wasm of it.
//
//   curl localhost:8000/c-hello/any/path
#include <string.h>
#include "c_hello.h"

static void write_text(io_own_output_stream_t stream, const char *text, size_t length) {
  io_stream_error_t error;
  // One call takes at most 4,096 bytes.
  for (size_t from = 0; from < length; from += 4096) {
    c_hello_list_u8_t piece = {(uint8_t *)text + from, length - from < 4096 ? length - from : 4096};
    if (!io_method_output_stream_blocking_write_and_flush(io_borrow_output_stream(stream), &piece, &error)) return;
  }
}

void exports_handler_handle(http_own_incoming_request_t request, http_own_response_outparam_t out) {
  c_hello_string_t path = {0};
  http_method_incoming_request_path_with_query(http_borrow_incoming_request(request), &path);
  http_incoming_request_drop_own(request);

  // Setting the response sends its head; the body follows, piece by piece, as it is written.
  http_own_outgoing_response_t response = http_constructor_outgoing_response(http_constructor_fields());
  http_own_outgoing_body_t body;
  http_method_outgoing_response_body(http_borrow_outgoing_response(response), &body);
  http_result_own_outgoing_response_error_code_t answer = {.is_err = false, .val.ok = response};
  http_static_response_outparam_set(out, &answer);

  http_own_output_stream_t stream;
  http_method_outgoing_body_write(http_borrow_outgoing_body(body), &stream);
  write_text(stream, "Hello from C, at ", 17);
  write_text(stream, (const char *)path.ptr, path.len);
  write_text(stream, "\n", 1);
  io_output_stream_drop_own(stream);

  http_error_code_t error;
  http_static_outgoing_body_finish(body, NULL, &error);
}
