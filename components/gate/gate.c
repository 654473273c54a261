// Middleware in C: it lets requests through to the function behind it that know the token, and refuses the others.
// `sh build.sh` makes gate.wasm of it. To put it in front of a function, write into that function's function.json:
//
//   "middleware": ["gate"]
//
//   curl -H 'authorization: Bearer open-sesame' localhost:8000/…
#include <stdlib.h>
#include <string.h>
#include "gate.h"

// Whether the request says "authorization: Bearer" and the TOKEN of this function's environment.
static bool knows_the_token(http_own_request_t request) {
  const char *token = NULL;
  size_t length = 0;
  gate_list_tuple2_string_string_t variables;
  env_get_environment(&variables);
  for (size_t i = 0; i < variables.len; i++) {
    if (variables.ptr[i].f0.len != 5 || memcmp(variables.ptr[i].f0.ptr, "TOKEN", 5)) continue;
    token = (const char *)variables.ptr[i].f1.ptr;
    length = variables.ptr[i].f1.len;
  }
  http_own_headers_t headers = http_method_request_get_headers(http_borrow_request(request));
  http_field_name_t name = {(uint8_t *)"authorization", 13};
  http_list_field_value_t values;
  http_method_fields_get(http_borrow_fields(headers), &name, &values);
  http_fields_drop_own(headers);
  if (token == NULL || values.len != 1 || values.ptr[0].len != 7 + length) return false;
  // Every byte is looked at, so that how long it takes says nothing about how much was right.
  uint8_t wrong = memcmp(values.ptr[0].ptr, "Bearer ", 7) != 0;
  for (size_t i = 0; i < length; i++) wrong |= values.ptr[0].ptr[7 + i] ^ token[i];
  return !wrong;
}

// What is under way, between one event and the next.
static gate_waitable_set_t set;
static uint32_t subtask;
static handler_result_own_response_error_code_t answer;
static http_future_result_option_own_trailers_error_code_writer_t trailers;
static const http_result_option_own_trailers_error_code_t no_trailers;

static gate_callback_code_t wait_for(uint32_t waitable) {
  gate_waitable_join(waitable, set);
  return GATE_CALLBACK_CODE_WAIT(set);
}

static void give(http_own_response_t response) {
  exports_handler_handle_return((exports_handler_result_own_response_error_code_t){.is_err = false, .val.ok = response});
}

// 401, without a body.
static gate_callback_code_t refuse(void) {
  http_tuple2_own_response_future_result_void_error_code_t made;
  http_static_response_new(http_constructor_fields(), NULL, http_future_result_option_own_trailers_error_code_new(&trailers), &made);
  http_future_result_void_error_code_drop_readable(made.f1);
  http_method_response_set_status_code(http_borrow_response(made.f0), 401);
  give(made.f0);
  uint32_t status = http_future_result_option_own_trailers_error_code_write(trailers, &no_trailers);
  if (status == GATE_WAITABLE_STATUS_BLOCKED) return wait_for(trailers);
  http_future_result_option_own_trailers_error_code_drop_writable(trailers);
  return GATE_CALLBACK_CODE_EXIT;
}

// The answer of the function behind, as it came: its body streams on without us.
static gate_callback_code_t pass_on(void) {
  if (answer.is_err) {
    exports_handler_handle_return(
        (exports_handler_result_own_response_error_code_t){.is_err = true, .val.err = answer.val.err});
  } else {
    give(answer.val.ok);
  }
  return GATE_CALLBACK_CODE_EXIT;
}

gate_callback_code_t exports_handler_handle(exports_handler_own_request_t request) {
  set = gate_waitable_set_new();
  if (!knows_the_token(request)) {
    http_request_drop_own(request);
    return refuse();
  }
  uint32_t status = handler_handle(request, &answer);
  if (GATE_SUBTASK_STATE(status) == GATE_SUBTASK_RETURNED) return pass_on();
  return wait_for(subtask = GATE_SUBTASK_HANDLE(status));
}

gate_callback_code_t exports_handler_handle_callback(gate_event_t *event) {
  if (event->event == GATE_EVENT_CANCEL) {
    gate_task_cancel();
    return GATE_CALLBACK_CODE_EXIT;
  }
  if (event->waitable != subtask) {
    gate_waitable_join(trailers, 0);
    http_future_result_option_own_trailers_error_code_drop_writable(trailers);
    return GATE_CALLBACK_CODE_EXIT;
  }
  if (event->code < GATE_SUBTASK_RETURNED) return GATE_CALLBACK_CODE_WAIT(set);
  gate_waitable_join(subtask, 0);
  gate_subtask_drop(subtask);
  return pass_on();
}
