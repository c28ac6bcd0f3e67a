import Dispatch

/// Runs blocking code, such as a wait for a program's first line, on a thread of its own.
///
/// All tests share as many threads as there are cores: one that blocks them stops the clocks of all others, whose deadlines then pass for nothing.
public func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            continuation.resume(with: Swift.Result(catching: body))
        }
    }
}
