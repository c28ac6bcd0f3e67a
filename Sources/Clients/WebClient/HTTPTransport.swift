/// Sends one HTTP request and brings back its response: the seam between those who talk to a payment gateway and the network.
/// ``WebClient`` is the real one; tests put a scripted one in its place.
public protocol HTTPTransport: Sendable {
    /// Any status, 500 included, is a response and not an error. Throws ``WebClientError`` when there is no response.
    func send(_ request: WebRequest) async throws -> WebResponse
}
