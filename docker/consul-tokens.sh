#!/bin/sh
# Creates Consul's policies and tokens, with the ids that docker/secrets has generated: `roles` may register themselves, and `gateway` may read the registrations.
set -eu
policy() { consul acl policy read -name "$1" >/dev/null 2>&1 || consul acl policy create -name "$1" -rules "$2" >/dev/null; }
# NAME FILE
token() { consul acl token read -self -token-file "$2" >/dev/null 2>&1 || consul acl token create -description "$1" -policy-name "$1" -secret "$(cat "$2")" >/dev/null; }

policy roles 'service_prefix "wharf-" { policy = "write" } node_prefix "" { policy = "read" }'
policy gateway 'service_prefix "wharf-" { policy = "read" } node_prefix "" { policy = "read" }'
token roles /run/secrets/consul-token
token gateway /run/secrets/consul-gateway-token
