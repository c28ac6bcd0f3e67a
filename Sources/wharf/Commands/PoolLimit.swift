import ArgumentParser
import Assembly

/// A number of workers, for one pool or for all: `orders=4` or `4`.
struct PoolLimit: ExpressibleByArgument, Sendable {
    /// The accepted numbers of workers of one pool, on one machine or in one swarm.
    static let range = 0...1_000

    let pool: ServiceName?
    let count: Int

    init?(argument: String) {
        let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
        guard let number = parts.last.flatMap({ Int($0) }), Self.range.contains(number), parts.count <= 2 else { return nil }
        if parts.count == 2 {
            guard let name = parts.first.flatMap({ ServiceName(rawValue: String($0)) }) else { return nil }
            pool = name
        } else {
            pool = nil
        }
        count = number
    }

    /// The last limit given for the pool, or else the last one for all pools.
    static func count(_ limits: [PoolLimit], for pool: ServiceName) -> Int? {
        (limits.last { $0.pool == pool } ?? limits.last { $0.pool == nil })?.count
    }
}
