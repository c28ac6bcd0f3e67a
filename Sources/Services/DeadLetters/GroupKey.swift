import FoundationEssentials
import Secrets

/// Identifies the letters of a group: one operation of one service, one cause, and the same error text apart from the parts that differ from message to
/// message.
struct GroupKey: Sendable, Hashable {
    /// The version of the analysis rules: 0 for letters that are still to be analysed.
    static let rules: Int16 = 1

    let service: String
    let operation: String?
    let cause: String
    /// Normalised.
    let text: String

    init(queue: String, operation: String?, cause: String, detail: String) {
        service = Self.service(of: queue)
        self.operation = operation
        self.cause = cause
        text = ErrorText.normalised(detail)
    }

    /// Equal keys have equal ids.
    var id: UUID {
        // None of the parts contains U+0000, and an operation has a name.
        UUID.v5(namespace: Self.namespace, name: [service, operation ?? "", cause, text].joined(separator: "\u{0}"))
    }

    /// The service whose queue it is; empty when the queue is unknown.
    static func service(of queue: String) -> String {
        String(queue.prefix { $0 != "." })
    }

    private static let namespace = UUID(uuid: (0x52, 0x1c, 0x9e, 0x04, 0x77, 0x2b, 0x4f, 0x8d, 0x93, 0x0e, 0x6a, 0xd1, 0x5f, 0x38, 0xc2, 0x4b))
}
