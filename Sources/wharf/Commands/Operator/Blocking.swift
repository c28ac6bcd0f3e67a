import Dispatch

/// Runs code that waits for user input, or for a program such as an editor, on its own thread, so that connections are served meanwhile.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "person").async { continuation.resume(with: Swift.Result { try body() }) }
    }
}
