import FoundationEssentials
import Logging
import Redis
import Secrets

/// Slows those who guess passwords: so many failures an account and window, counted for all processes together in Redis.
///
/// An attempt counts as a failure from its beginning, until `clear` says otherwise: guesses made at the same time are counted as well. Addresses
/// without an account are counted like others, so that the limit does not tell which have one. Without Redis everybody may try: a shop whose
/// customers cannot sign in because a cache is down would be worse.
struct SignInThrottle: Sendable {
    static let maximumFailures = 10
    static let windowSeconds = 15 * 60

    let store: any KeyValueStore
    let logger: Logger

    /// Counts an attempt for each account. The answer holds, where too many have failed, the seconds until the window ends.
    func admit(_ emailKeys: [String]) async -> [Int?] {
        let everybody = [Int?](repeating: nil, count: emailKeys.count)
        guard case .array(let counted)? = await ask(["EVAL", Self.script, "\(emailKeys.count)"] + emailKeys.map(key) + ["\(Self.windowSeconds)"]),
            counted.count == 2 * emailKeys.count
        else { return everybody }
        return emailKeys.indices.map { index in
            guard case .integer(let count) = counted[2 * index], case .integer(let seconds) = counted[2 * index + 1],
                count > Self.maximumFailures
            else { return nil }
            return max(1, Int(seconds))
        }
    }

    func clear(_ emailKeys: [String]) async {
        guard !emailKeys.isEmpty else { return }
        _ = await ask(["DEL"] + emailKeys.map(key))
    }

    /// Counting and the window's end in one step: a counter that never ends would lock an account for good.
    private static let script = """
        local counted = {}
        for _, key in ipairs(KEYS) do
            local count = redis.call('INCR', key)
            if count == 1 then redis.call('EXPIRE', key, ARGV[1]) end
            counted[#counted + 1] = count
            counted[#counted + 1] = redis.call('TTL', key)
        end
        return counted
        """

    /// Redis gets no addresses. The braces keep all keys in one slot of a cluster.
    private func key(_ emailKey: String) -> String {
        "wharf:{sign-in}:\(SHA256.hex(emailKey))"
    }

    private func ask(_ command: [String]) async -> RedisValue? {
        do {
            return try await store.command(command)
        } catch {
            logger.info("sign-in attempts are not counted", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
