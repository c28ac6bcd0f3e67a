import Synchronization

/// The messages sent through the sandbox, and the faults that it injects. In memory: the newest messages, and no more.
final class MessageBook: Sendable {
    /// Some 10 KB each.
    static let maximum = 5_000

    private let messages = Mutex<[RecordedMessage]>([])
    let faults = Faults()

    var all: [RecordedMessage] { messages.withLock { $0 } }

    func record(_ message: RecordedMessage) {
        messages.withLock { messages in
            messages.append(message)
            if messages.count > Self.maximum { messages.removeFirst(messages.count - Self.maximum) }
        }
    }

    func clear() { messages.withLock { $0 = [] } }
}
