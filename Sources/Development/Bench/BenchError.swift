import Terminal

/// Why `wharf-dev bench` could not go on, or why one of its measurements does not count.
typealias BenchError = CommandError<BenchErrorCode>

enum BenchErrorCode: ErrorCode {
    /// A program or a file that is needed is missing.
    case missing
    /// The shop, or a program, failed to do its part.
    case failed
    /// A measurement took longer than its limit.
    case deadline
    /// The measured work did not complete correctly: orders are missing, say.
    case wrong
    /// The results cannot be written.
    case output

    var exitStatus: Int32 {
        switch self {
        case .missing: 66
        case .output: 73
        case .failed, .deadline, .wrong: 1
        }
    }
}

/// Runs `body` for as long as `limit` and cancels it then.
/// - Throws: ``BenchError`` with code `deadline`, naming `what`; what `body` throws.
func within<Result: Sendable>(
    _ limit: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() ?? nil else {
            throw BenchError(.deadline, "\(what) took longer than \(limit.inSeconds).")
        }
        return result
    }
}
