import Messaging
import Operator
import Synchronization

@testable import wharf

/// The services as an operator's command sees them: each request is recorded, and answered by the test.
final class CannedReplies: OperatorRequests {
    struct Sent: Sendable, Equatable {
        let operation: String
        let parameters: [String: String]
        let body: String
    }

    private let record = Mutex<[Sent]>([])
    private let answer: @Sendable (Sent) throws -> (status: Int, body: String)

    init(_ answer: @escaping @Sendable (Sent) throws -> (status: Int, body: String)) {
        self.answer = answer
    }

    var sent: [Sent] { record.withLock { $0 } }

    func send(_ operation: String, _ durability: Durability, _ parameters: [String: String], _ body: [UInt8]) async throws -> Reply {
        let sent = Sent(operation: operation, parameters: parameters, body: String(decoding: body, as: UTF8.self))
        record.withLock { $0.append(sent) }
        let (status, text) = try answer(sent)
        return Reply(status: status, body: Array(text.utf8))
    }

    static func problem(_ slug: String, _ detail: String, status: Int = 409) -> (status: Int, body: String) {
        (status, #"{"type":"https://wharf.dev/problems/\#(slug)","title":"t","status":\#(status),"detail":"\#(detail)"}"#)
    }
}

/// What a command has printed.
final class Printed: Sendable {
    private let parts = Mutex<[String]>([])

    var text: String { parts.withLock { $0.joined() } }
    var count: Int { parts.withLock { $0.count } }
    func write(_ text: String) { parts.withLock { $0.append(text) } }
}
