/// The conditions under which a pool grows or shrinks.
package struct ScalingGoals: Sendable {
    /// Seconds that a message may wait in a queue before workers are added.
    package let wait: Double
    /// Messages per worker above which workers are added, even if the messages are handled quickly.
    package let depth: Int
    /// The time for which the load must have been low enough for one worker fewer before one is removed.
    package let calm: Duration
    /// The time after a change during which no other change is made: a worker takes a few seconds to start, and the statistics lag by a few more.
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

    /// Up to this many messages per consumer do not count as a backlog, because workers take them in one batch, whatever the earlier rate.
    static let smallestBacklog = 20
    /// The maximum share of the remaining workers' capacity that the load may take when one worker is removed. The margin keeps a steady load
    /// from adding and removing the same worker repeatedly.
    static let fullest = 0.8
}
