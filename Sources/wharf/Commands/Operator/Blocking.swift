import Dispatch

/// Runs what waits for a person, or for a program of a person, on a thread of its own, so that connections are served meanwhile.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "person").async { continuation.resume(with: Swift.Result { try body() }) }
    }
}
