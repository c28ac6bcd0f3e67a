import AMQP

extension RequestClient {
    /// Why there is no reply.
    public enum Unanswered: Error, Sendable, Equatable {
        /// The broker, the queue or this process accepts no more at the moment; nothing was accepted.
        case refused(String)
        /// No queue is bound to the operation.
        case unroutable
        /// The request may have been accepted, but no reply arrived in time, or none can arrive any more because the reply queue is lost.
        case timedOut
    }

    static func unanswered(_ outcome: PublishOutcome) -> Unanswered? {
        switch outcome {
        case .confirmed: nil
        case .returned: .unroutable
        case .refused: .refused("the queue is full")
        case .failed(let error):
            switch error.code {
            case .connectionLost, .closedByBroker, .deadlineExceeded: .timedOut
            default: .refused(error.message)
            }
        }
    }
}

extension RequestClient.Unanswered: CustomStringConvertible {
    public var description: String {
        switch self {
        case .refused(let reason): "The request was not accepted: \(reason)."
        case .unroutable: "The request was not accepted: no queue is bound to the operation; wharf topology apply binds it."
        case .timedOut: "No reply arrived in time; it is unknown whether the request was carried out."
        }
    }
}
