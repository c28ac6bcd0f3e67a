import Secrets

/// What the ingress makes of a token.
func hash(_ token: String) -> String {
    SHA256.hex(token)
}
