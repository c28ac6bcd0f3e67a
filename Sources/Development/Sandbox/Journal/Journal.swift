import NIOCore
import ServiceLifecycle
import Synchronization
import _NIOFileSystem

/// The append-only file that outlives the process.
///
/// An entry is with the operating system before ``append(_:)`` returns, so `kill -9` loses nothing that was answered; a
/// power cut may. Entries that gather while a write runs go out together in the next one. The file is never compacted.
final class Journal: Service {
    /// The journal takes no more entries: it was closed, or a write failed.
    struct Closed: Error {}

    private struct State {
        var lines: [UInt8] = []
        var waiting: [CheckedContinuation<Void, any Error>] = []
        var isClosing = false
        var isClosed = false
    }

    private let path: FilePath
    private let state = Mutex(State())
    private let wakeup = Wakeup()
    /// Where the last whole entry of the file ends.
    private let end = Mutex<Int64>(0)

    init(path: String) {
        self.path = FilePath(path)
    }

    /// Passes every entry of the file to `restore`, in its order. A last line without its end, which a killed process may
    /// leave, was never acknowledged and is left out; the next write overwrites it.
    ///
    /// To be called once, before ``run()``. Throws ``SandboxError/Code/journalUnreadable``.
    func load(_ restore: (JournalEntry) -> Void) async throws { try await load(JournalEntry.self, restore) }

    func load<Entry: Decodable>(_ entries: Entry.Type, _ restore: (Entry) -> Void) async throws {
        do {
            let end = try await JournalReader.readEntries(at: path, restore)
            self.end.withLock { $0 = end }
        } catch let error as FileSystemError where error.code == .notFound {
            return
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(code: .journalUnreadable, message: "The ledger file \(path) cannot be read: \(error)")
        }
    }

    /// Returns once the entry is written. Throws ``Closed`` when it never will be.
    func append(_ entry: JournalEntry) async throws { try await append(line: entry.line) }

    /// - Parameter line: The entry, including its line break.
    func append(line: [UInt8]) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let isAccepted = state.withLock { state in
                guard !state.isClosed else { return false }
                state.lines += line
                state.waiting.append(continuation)
                return true
            }
            guard isAccepted else { return continuation.resume(throwing: Closed()) }
            wakeup.signal()
        }
    }

    /// Writes until shutdown, then writes the rest.
    func run() async throws {
        defer { close() }
        try await withGracefulShutdownHandler {
            do {
                try await FileSystem.shared.withFileHandle(forWritingAt: path, options: .modifyFile(createIfNecessary: true)) { file in
                    let end = end.withLock { $0 }
                    try await file.resize(to: .bytes(end))
                    try await write(to: file, from: end)
                }
            } catch let error as FileSystemError {
                throw SandboxError(code: .journalUnwritable, message: "The ledger file \(path) cannot be written: \(error)")
            }
        } onGracefulShutdown: {
            self.state.withLock { $0.isClosing = true }
            self.wakeup.signal()
        }
    }

    private func write(to file: WriteFileHandle, from end: Int64) async throws {
        var end = end
        while !Task.isCancelled {
            let (lines, waiting, isClosing) = takeGathered()
            if lines.isEmpty {
                if isClosing { return }
                await wakeup.wait()
                continue
            }
            do {
                end += try await file.write(contentsOf: lines, toAbsoluteOffset: end)
            } catch {
                for continuation in waiting { continuation.resume(throwing: Closed()) }
                throw error
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    private func takeGathered() -> (lines: [UInt8], waiting: [CheckedContinuation<Void, any Error>], isClosing: Bool) {
        state.withLock { state in
            let gathered = (state.lines, state.waiting, state.isClosing)
            state.lines = []
            state.waiting = []
            return gathered
        }
    }

    private func close() {
        let abandoned = state.withLock { state in
            state.isClosed = true
            let waiting = state.waiting
            state.waiting = []
            return waiting
        }
        for continuation in abandoned { continuation.resume(throwing: Closed()) }
    }
}
