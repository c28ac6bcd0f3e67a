/// Why something did not work between this process and the broker.
public struct AMQPError: Error, Equatable, Sendable {
    /// What kind of failure it is: stable, for decisions and for metric labels.
    public enum Code: String, Sendable, CaseIterable {
        /// A setting cannot be used: the URL, the CA file.
        case configuration
        /// A message that AMQP or this client's bounds do not allow. It was not sent.
        case invalidMessage
        /// The broker cannot be reached.
        case unreachable
        /// The TLS handshake failed, or the broker's certificate was not accepted.
        case tls
        /// The broker refused the user, the virtual host, or the permission.
        case accessRefused
        /// A queue or exchange does not exist.
        case notFound
        /// The connection was open and has been lost.
        case connectionLost
        /// The broker closed the channel or the connection because it rejected what was asked of it.
        case closedByBroker
        /// There was no connection until the deadline.
        case notConnected
        /// The broker does not accept publications (memory or disk alarm) and did not until the deadline.
        case blocked
        /// The limit on waiting publications had been reached.
        case windowFull
        /// Sent, but the broker did not answer before the deadline: it may or may not have the message.
        case deadlineExceeded
        /// This publisher or consumer has been stopped.
        case stopped
        /// The operating system refused a thread or a descriptor.
        case resources
    }

    public let code: Code
    /// What happened and, where something can be done about it, what.
    public let message: String
    /// True when a later retry can succeed without anyone changing anything.
    public let isTransient: Bool

    public init(_ code: Code, _ message: String, isTransient: Bool) {
        self.code = code
        self.message = message
        self.isTransient = isTransient
    }
}

extension AMQPError: CustomStringConvertible {
    public var description: String { "\(code.rawValue): \(message)" }
}

extension AMQPError {
    static func stopped(_ what: String) -> AMQPError {
        AMQPError(.stopped, "the \(what) has been stopped", isTransient: false)
    }

    static func connectionLost(_ reason: String) -> AMQPError {
        AMQPError(.connectionLost, "the connection to the broker was lost: \(reason)", isTransient: true)
    }

    /// Given up by this side: the broker does not take on this channel what it may take on another.
    static let uselessChannel = AMQPError(.connectionLost, "publications are refused or not confirmed; another channel is tried", isTransient: true)

    /// Whether the broker closed a channel because of what was asked of it on that channel, and would do so again.
    var isRefusal: Bool { !isTransient && [.notFound, .accessRefused, .closedByBroker].contains(code) }

    /// A close that the broker sent, by its AMQP reply code.
    static func closed(code: Int, text: String) -> AMQPError {
        switch code {
        case 320:
            AMQPError(.connectionLost, "the broker closed the connection: \(text)", isTransient: true)
        case 403, 530:
            AMQPError(.accessRefused, "\(text) (\(code)): check the user, its password, its permissions and the virtual host", isTransient: false)
        case 404:
            AMQPError(.notFound, "\(text) (404): apply the topology", isTransient: false)
        case 405, 506, 541:
            AMQPError(.closedByBroker, "\(text) (\(code))", isTransient: true)
        default:
            AMQPError(.closedByBroker, "\(text) (\(code))", isTransient: false)
        }
    }
}
