/// When a pool grows and when it shrinks.
package struct ScalingGoals: Sendable {
    /// Seconds that a message may wait in a queue before workers are added.
    package let wait: Double
    /// Messages for each worker before workers are added, however fast these are.
    package let depth: Int
    /// How long the load must have been low enough for one worker less, before one is removed.
    package let calm: Duration
    /// After a change nothing is decided for this long: a worker takes some seconds to start, and statistics follow by some more.
    package let settling: Duration

    /// - Parameters:
    ///   - wait: More than 0.
    ///   - depth: 1 or more.
    package init(wait: Double, depth: Int, calm: Duration, settling: Duration) {
        self.wait = wait
        self.depth = depth
        self.calm = calm
        self.settling = settling
    }

    /// Up to this many messages for each consumer are no backlog: workers take them in one batch, whatever the rate was before.
    static let smallestBacklog = 20
    /// The share of the remaining workers' capacity that the load may take, for one worker to be removed. The distance to a full load is what keeps a steady load
    /// from adding and removing the same worker again and again.
    static let fullest = 0.8
}
