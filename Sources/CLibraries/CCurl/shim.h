#pragma once

#include <curl/curl.h>

// `curl_easy_setopt` and its relatives are variadic, which Swift does not import: one function for each type of argument.
// The parentheses around the names bypass the type-checking macros of the same names, which need a constant option.

static inline CURLcode wharf_curl_set_long(CURL *transfer, CURLoption option, long value) {
    return (curl_easy_setopt)(transfer, option, value);
}

static inline CURLcode wharf_curl_set_offset(CURL *transfer, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(transfer, option, value);
}

static inline CURLcode wharf_curl_set_string(CURL *transfer, CURLoption option, const char *value) {
    return (curl_easy_setopt)(transfer, option, value);
}

static inline CURLcode wharf_curl_set_pointer(CURL *transfer, CURLoption option, void *value) {
    return (curl_easy_setopt)(transfer, option, value);
}

static inline CURLcode wharf_curl_set_list(CURL *transfer, CURLoption option, struct curl_slist *value) {
    return (curl_easy_setopt)(transfer, option, value);
}

/// Receives the body (`CURLOPT_WRITEFUNCTION`) or one header line (`CURLOPT_HEADERFUNCTION`) in `size * count` bytes, or
/// fills that many (`CURLOPT_READFUNCTION`).
typedef size_t (*wharf_curl_data)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode wharf_curl_set_data(CURL *transfer, CURLoption option, wharf_curl_data function) {
    return (curl_easy_setopt)(transfer, option, function);
}

static inline CURLcode wharf_curl_set_prerequest(CURL *transfer, curl_prereq_callback function) {
    return (curl_easy_setopt)(transfer, CURLOPT_PREREQFUNCTION, function);
}

static inline CURLcode wharf_curl_get_long(CURL *transfer, CURLINFO info, long *value) {
    return (curl_easy_getinfo)(transfer, info, value);
}

static inline CURLcode wharf_curl_get_pointer(CURL *transfer, CURLINFO info, void **value) {
    return (curl_easy_getinfo)(transfer, info, value);
}

/// The text belongs to the transfer, and is valid until its next use.
static inline CURLcode wharf_curl_get_text(CURL *transfer, CURLINFO info, char **value) {
    return (curl_easy_getinfo)(transfer, info, value);
}

static inline CURLMcode wharf_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return (curl_multi_setopt)(multi, option, value);
}

/// The result that a finished transfer's message carries in a union.
static inline CURLcode wharf_curl_message_result(const CURLMsg *message) {
    return message->data.result;
}

// Casts that the headers make with macros.
static const unsigned long wharf_curl_global_all = CURL_GLOBAL_ALL;
static const long wharf_curl_tls_1_2 = CURL_SSLVERSION_TLSv1_2;
static const long wharf_curl_http_1_1 = CURL_HTTP_VERSION_1_1;
static const long wharf_curl_starttls_if_offered = CURLUSESSL_TRY;
static const long wharf_curl_starttls_required = CURLUSESSL_ALL;
