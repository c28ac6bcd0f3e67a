/// Counts and changes the workers of all pools.
package protocol WorkerPools: Sendable {
    /// Runs until it is cancelled, and returns when all workers that it has started have ended.
    func run() async
    /// The number of workers of a pool, without those that are ending; nil if it is unknown.
    func count(of pool: String) async throws -> Int?
    /// Begins a change and returns; workers start and end in the background.
    func scale(_ pool: String, to count: Int) async throws
}

/// Changes nothing. Used for a dry run alongside workers that another process has started.
package struct UnchangedPools: WorkerPools {
    package init() {}

    package func run() async {}
    package func count(of pool: String) -> Int? { nil }
    package func scale(_ pool: String, to count: Int) {}
}
