/// The workers of all pools, as something that can be counted and changed.
package protocol WorkerPools: Sendable {
    /// Runs until it is cancelled, and returns when all that it has started has ended.
    func run() async
    /// How many workers a pool has, without those that are ending; nil where this cannot know.
    func count(of pool: String) async throws -> Int?
    /// Returns when the change has begun: workers start and end in the background.
    func scale(_ pool: String, to count: Int) async throws
}

/// Changes nothing, for a dry run beside workers that something else has started.
package struct UnchangedPools: WorkerPools {
    package init() {}

    package func run() async {}
    package func count(of pool: String) -> Int? { nil }
    package func scale(_ pool: String, to count: Int) {}
}
