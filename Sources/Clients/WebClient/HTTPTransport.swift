/// Sends one HTTP request and returns its response: the seam between the payment gateway's clients and the network.
/// ``WebClient`` is the real one; tests put a scripted one in its place.
public protocol HTTPTransport: Sendable {
    /// Any status, 500 included, is a response and not an error. Throws ``WebClientError`` when there is no response.
    func send(_ request: WebRequest) async throws -> WebResponse
}
