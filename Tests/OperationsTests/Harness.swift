import FoundationEssentials
import Glibc
import Logging
import Messaging
import Runtime
import ServiceLifecycle
import Testing

@testable import Operations

/// A clock that stands still.
struct StoppedClock: WallClock {
    func now() -> Date { Date(timeIntervalSince1970: 1_763_695_873.5) }
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

/// The output of `body`.
func written(_ body: (LogOutput) async throws -> Void) async throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "wharf-log-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    try await body(LogOutput(descriptor: file))
    return String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
}

let quiet = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

/// Runs the service for as long as `body` runs, then cancels it.
func running<Result: Sendable>(_ service: any Service, body: () async throws -> Result) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await service.run() }
        defer { group.cancelAll() }
        return try await body()
    }
}
