#!/bin/sh
# Creates Consul's policies and tokens, with the ids that docker/secrets has generated: `roles` may register themselves, and `gateway` may read the registrations.
set -eu
policy() { consul acl policy read -name "$1" >/dev/null 2>&1 || consul acl policy create -name "$1" -rules "$2" >/dev/null; }
# NAME FILE. `consul acl token create` takes the secret id only as an argument, which any process list shows; curl reads it from standard input and sends it to the API.
token() {
  consul acl token read -self -token-file "$2" >/dev/null 2>&1 && return
  printf 'header = "X-Consul-Token: %s"\ndata = "{\\"SecretID\\": \\"%s\\", \\"Description\\": \\"%s\\", \\"Policies\\": [{\\"Name\\": \\"%s\\"}]}"\n' \
    "$(cat "$CONSUL_HTTP_TOKEN_FILE")" "$(cat "$2")" "$1" "$1" |
    curl --silent --show-error --fail --output /dev/null --request PUT --config - "$CONSUL_HTTP_ADDR/v1/acl/token"
}

policy roles 'service_prefix "wharf-" { policy = "write" } node_prefix "" { policy = "read" }'
policy gateway 'service_prefix "wharf-" { policy = "read" } node_prefix "" { policy = "read" }'
token roles /run/secrets/consul-token
token gateway /run/secrets/consul-gateway-token
