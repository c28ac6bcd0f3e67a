public import Messaging

/// The ingress's interface to the broker: ``RequestClient`` in production.
public protocol Requesting: Sendable {
    /// Returns the reply to `request`, no later than `timeout` from now; throws `RequestClient.Unanswered` when there is none.
    func send(_ request: Request, durability: Durability, timeout: Duration) async throws -> Reply

    /// Returns the second reply that `first` announces, about the work that it accepts; nil when it announces none, or none arrives by the time announced.
    func second(after first: Reply) async -> Reply?

    /// Returns when the broker has taken responsibility for `request`; throws `RequestClient.Unanswered` when it has not.
    func post(_ request: Request, timeout: Duration) async throws

    /// Whether the broker accepts messages at the moment.
    var isReady: Bool { get }

    /// Whether a request could be sent now and its reply received.
    var canSend: Bool { get async }

    /// Requests that wait for a reply at the moment.
    var inFlight: Int { get }
}

extension RequestClient: Requesting {}
