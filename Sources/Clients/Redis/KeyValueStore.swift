/// Carries out Redis commands: the seam between those who cache, count and limit, and the server.
/// ``RedisClient`` is the real one; tests put a scripted one in its place.
public protocol KeyValueStore: Sendable {
    /// Carries out one command, such as `["SET", "key", "value", "EX", "60"]`, and answers with its reply.
    ///
    /// A reply that is an error as a whole is thrown, with code ``RedisError/Code/rejected``; never is it returned.
    func command(_ arguments: [String]) async throws(RedisError) -> RedisValue
}
