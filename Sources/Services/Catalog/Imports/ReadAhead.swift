import FoundationEssentials
import Runtime
import Synchronization

/// The next rows of an import, read while the database works on those before them. It holds one part, of one window: an import whose next step comes to another process, or after
/// that of another import, reads them again.
final class ReadAhead: Sendable {
    /// How long a step waits for the thread that reads ahead, which gets a processor only when nothing else needs it, before it reads its rows itself. The step holds no lock by then.
    static let patience: Duration = .seconds(2)

    private struct State {
        /// The import whose rows are being read.
        var reading: UUID?
        var kept: (id: UUID, part: ImportPart)?
        private var waiting: [CheckedContinuation<Void, Never>] = []

        mutating func wait(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }

        mutating func takeWaiting() -> [CheckedContinuation<Void, Never>] {
            defer { waiting = [] }
            return waiting
        }
    }

    private let state = Mutex(State())

    /// False while rows are still being read, even for a step that no longer waits for them.
    func begin(_ id: UUID) -> Bool {
        state.withLock { state in
            guard state.reading == nil else { return false }
            state.reading = id
            return true
        }
    }

    /// - Parameter part: Nil if the rows could not be read.
    func end(_ part: ImportPart?) {
        let waiting = state.withLock { state in
            state.kept = state.reading.flatMap { id in part.map { (id, $0) } }
            state.reading = nil
            return state.takeWaiting()
        }
        for continuation in waiting { continuation.resume() }
    }

    /// The rows after the reader's position; nil if they were not read ahead.
    func take(_ id: UUID, behind reader: ImportReader, _ clock: any WallClock) async throws -> ImportPart? {
        if isReading(id) { _ = try await clock.within(Self.patience) { await self.ended(id) } }
        return takeAtOnce(id, behind: reader)
    }

    /// The same for a step that must not wait.
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

    private func isReading(_ id: UUID) -> Bool { state.withLock { $0.reading == id } }

    /// Returns when the rows have been read, or the task is cancelled.
    private func ended(_ id: UUID) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.reading == id, !Task.isCancelled else { return false }
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
