/// Waits until a condition holds, asking again after short pauses, until a deadline.
///
/// For conditions of other processes, which cannot notify this one; everything that can be awaited is awaited.
/// - Returns: false when the deadline passed first.
/// - Throws: what the condition throws, and `CancellationError`.
package func poll(
    every pause: Duration = .milliseconds(20),
    within limit: Duration,
    isolation: isolated (any Actor)? = #isolation,
    until condition: () async throws -> Bool
) async throws -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while true {
        if try await condition() { return true }
        if clock.now >= deadline { return false }
        try await clock.sleep(until: min(clock.now + pause, deadline))
    }
}
