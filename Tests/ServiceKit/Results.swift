import Synchronization

@testable import Messaging

/// The outcomes of messages that were sent at the same time.
final class Results: Sendable {
    private let results = Mutex<[BatchHandler.Result]>([])

    func add(_ result: BatchHandler.Result) {
        results.withLock { $0.append(result) }
    }

    var all: [BatchHandler.Result] { results.withLock { $0 } }
}
