/// Executes Redis commands: the seam between caches, counters and rate limits, and the server.
/// ``RedisClient`` is the real one; tests put a scripted one in its place.
public protocol KeyValueStore: Sendable {
    /// Executes one command, such as `["SET", "key", "value", "EX", "60"]`, and returns its reply.
    ///
    /// A reply that is itself an error is thrown, with code ``RedisError/Code/rejected``; it is never returned.
    func command(_ arguments: [String]) async throws(RedisError) -> RedisValue
}
