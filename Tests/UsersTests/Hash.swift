import Secrets

/// The ingress's hash of a token.
func hash(_ token: String) -> String {
    SHA256.hex(token)
}
