import AMQP
import Contracts
import JSON
import Logging
import Secrets

/// Keys of log metadata. Those that follow a message are the same in all services, so that one search shows an order's way through them.
enum LogKey {
    static let operation = "operation"
    static let message = "message"
    static let traceparent = "traceparent"
    static let requestID = "request.id"
    static let order = "order"
    static let orderNumber = "order.number"
    static let orderEvent = "order.event"
    static let queue = "queue"
    static let outcome = "outcome"
    /// Milliseconds.
    static let duration = "duration_ms"
    static let cause = "cause"
    static let detail = "detail"
    static let attempt = "attempt"
}

extension BatchProcessor.Settlement {
    /// The metadata of every log line of this handling.
    var logMetadata: Logger.Metadata {
        let properties = delivery.properties
        var metadata: Logger.Metadata = [
            LogKey.operation: "\(request?.operation ?? "-")", LogKey.message: "\(properties.messageID ?? "-")",
        ]
        if let request {
            if let trace = request.traceparent { metadata[LogKey.traceparent] = "\(trace)" }
            if let id = request.requestID { metadata[LogKey.requestID] = "\(id)" }
        }
        if let subject { metadata.merge(subject.logMetadata) { $1 } }
        return metadata
    }

    /// The message's subject; for a request from a client, that of the first message that it led to.
    var subject: Subject? {
        if let subject = request?.subject ?? Subject(delivery.properties.headers) { return subject }
        guard case .handled(let outgoing, _, _) = result else { return nil }
        return outgoing.messages.lazy.compactMap(\.subject).first.map { Subject(order: $0.order, number: $0.number) }
    }

    /// The result: the outgoing messages, each with what it reports, the handler's note, and the status of the answer.
    var outcome: String {
        guard case .handled(let outgoing, _, let note) = result else { return "" }
        let sent = outgoing.messages.filter { !$0.isAnswer }.map { message in
            message.subject?.event.map { "\(message.key) \($0)" } ?? message.key
        }
        let status = request?.requester == nil ? nil : outgoing.reply.map { "status \($0.status)" }
        let parts = [note].compactMap(\.self) + sent + [status].compactMap(\.self)
        return parts.isEmpty ? "done" : parts.joined(separator: ", ")
    }

    /// The detail of a 5xx answer to the requester of a handled message, empty if the answer has none; nil for any other answer.
    var trouble: String? {
        guard case .handled(let outgoing, _, _) = result, request?.requester != nil, let reply = outgoing.reply, reply.status >= 500 else { return nil }
        return (try? JSON.decode(Problem.self, from: reply.body))?.detail ?? ""
    }
}

extension Subject {
    package var logMetadata: Logger.Metadata {
        var metadata: Logger.Metadata = [LogKey.order: "\(order.lowerCaseText)"]
        if let number { metadata[LogKey.orderNumber] = "\(number)" }
        if let event { metadata[LogKey.orderEvent] = "\(event)" }
        return metadata
    }
}

extension BatchProcessor {
    /// The metadata for a message that failed.
    func metadata(of settlement: Settlement, _ failure: Failure) -> Logger.Metadata {
        var metadata = settlement.logMetadata
        metadata[LogKey.cause] = "\(failure.cause)"
        metadata[LogKey.detail] = "\(failure.detail)"
        metadata[LogKey.queue] = "\(queue)"
        metadata[LogKey.attempt] = "\(settlement.attempt + 1)"
        return metadata
    }

    /// Logs one line for each handled command: at warning if its requester receives a 5xx answer, at info if it is about an order, otherwise at debug. It is called after the
    /// outputs were sent, so that the next service does not wait for the line. That service logs its own line after a transaction of its own, so the lines of an order
    /// normally appear in the order of events.
    /// - Parameter milliseconds: the time that the batch took.
    func logHandled(_ settlements: [Settlement], milliseconds: Int) {
        guard logger.logLevel <= .warning else { return }
        for settlement in settlements {
            guard case .handled = settlement.result, let request = settlement.request, operations[request.operation]?.isQuery == false else { continue }
            let trouble = settlement.trouble
            let level: Logger.Level = trouble != nil ? .warning : settlement.subject != nil ? .info : .debug
            guard logger.logLevel <= level else { continue }
            var metadata = settlement.logMetadata
            metadata[LogKey.outcome] = "\(settlement.outcome)"
            if let trouble { metadata[LogKey.detail] = "\(trouble)" }
            metadata[LogKey.duration] = "\(milliseconds)"
            logger.log(level: level, "handled", metadata: metadata)
        }
    }
}
