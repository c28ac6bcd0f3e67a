import LocalServers

/// A condition that did not come true in time.
public struct NotEventually: Error, CustomStringConvertible {
    public let description: String
}

/// Waits until a condition holds. The only waiting that tests do: a deadline, never a fixed time.
///
/// A condition that throws counts as not yet true, and its last error is reported when time is up:
/// `try await eventually { try await orders.count() == 3 }`.
/// - Throws: ``NotEventually`` when the deadline passed, `CancellationError`.
public func eventually(
    _ what: String = "The condition",
    within limit: Duration = .seconds(60),
    isolation: isolated (any Actor)? = #isolation,
    fileID: String = #fileID,
    line: Int = #line,
    _ condition: () async throws -> Bool
) async throws {
    var lastError: (any Error)?
    let holds = try await poll(every: .milliseconds(5), within: limit, isolation: isolation) {
        do {
            lastError = nil
            return try await condition()
        } catch let error as CancellationError {
            throw error
        } catch {
            lastError = error
            return false
        }
    }
    if holds { return }
    let cause = lastError.map { "; the last error was: \($0)" } ?? ""
    throw NotEventually(description: "\(what) did not hold within \(limit) (\(fileID):\(line))\(cause)")
}
