import FoundationEssentials
import Runtime
import Synchronization

/// The next rows of an import, read while the database works on the preceding ones. It holds one part, from one window. If the import's next step runs in another process, or after
/// a step of another import, that step reads the rows again.
final class ReadAhead: Sendable {
    /// How long a step waits for the thread that reads ahead before it reads its rows itself: that thread has low priority. The step holds no
    /// lock on products or stock while it waits.
    static let patience: Duration = .seconds(2)

    private struct State {
        /// The import whose rows are being read, and the position in its file.
        var reading: (id: UUID, position: Int)?
        var kept: (id: UUID, part: ImportPart)?
        private var waiting: [CheckedContinuation<Void, Never>] = []

        /// A step that read its rows itself may have left an older reading behind, which is of no use to the next step.
        func isReading(_ id: UUID, _ position: Int) -> Bool { reading.map { $0 == (id, position) } ?? false }

        mutating func wait(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }

        mutating func takeWaiting() -> [CheckedContinuation<Void, Never>] {
            defer { waiting = [] }
            return waiting
        }
    }

    private let state = Mutex(State())

    /// Returns false while rows are still being read, even if the step no longer waits for them.
    func begin(_ id: UUID, behind reader: ImportReader) -> Bool {
        state.withLock { state in
            guard state.reading == nil else { return false }
            state.reading = (id, reader.position)
            return true
        }
    }

    /// - Parameter part: Nil if the rows could not be read.
    func end(_ part: ImportPart?) {
        let (waiting, old) = state.withLock { state in
            let old = state.kept
            state.kept = state.reading.flatMap { reading in part.map { (reading.id, $0) } }
            state.reading = nil
            return (state.takeWaiting(), old)
        }
        // Outside the lock, because it frees thousands of objects on a thread that may have to wait for a processor.
        _ = consume old
        for continuation in waiting { continuation.resume() }
    }

    /// The rows after the reader's position; nil if they were not read ahead.
    func take(_ id: UUID, behind reader: ImportReader, _ clock: any WallClock) async throws -> ImportPart? {
        let position = reader.position
        if isReading(id, position) { _ = try await clock.within(Self.patience) { await self.ended(id, position) } }
        return takeAtOnce(id, behind: reader)
    }

    /// Like `take`, but does not wait.
    func takeAtOnce(_ id: UUID, behind reader: ImportReader) -> ImportPart? {
        let found = state.withLock { state in
            guard state.kept?.id == id else { return ImportPart?.none }
            return state.kept.take()?.part
        }
        // The preceding rows may have changed how amounts are interpreted.
        var reader = reader
        reader.amounts = found?.before.amounts
        guard let found, found.before == reader else { return nil }
        return found
    }

    private func isReading(_ id: UUID, _ position: Int) -> Bool { state.withLock { $0.isReading(id, position) } }

    /// Returns when the rows have been read, or the task is cancelled.
    private func ended(_ id: UUID, _ position: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.isReading(id, position), !Task.isCancelled else { return false }
                    state.wait(continuation)
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            for continuation in state.withLock({ $0.takeWaiting() }) { continuation.resume() }
        }
    }
}
