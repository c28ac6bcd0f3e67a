import FoundationEssentials
import IOThreads

/// Dedicated threads for password hashing, which blocks a thread for about 400 ms. Swift's shared threads stay free for other work, and so
/// does one processor in a flood of sign-ins (``BackgroundThreads``).
///
/// At most `count` passwords are hashed at once, and in a flood never on all processors. Further ones wait: at most as many as the messages that a worker holds from one queue.
/// Sign-ups and sign-ins have separate threads, so that neither waits for the other.
public struct PasswordThreads: Sendable {
    /// Two hash some five passwords a second; those of sign-ups and those of sign-ins together take 512 MiB at most.
    public static let standardCount = 2

    private let threads: BackgroundThreads

    init(count: Int = standardCount, processors: Int = ProcessInfo.processInfo.activeProcessorCount) {
        threads = BackgroundThreads(named: "passwords", most: count, mostInCrowd: processors - 1)
    }

    /// Runs `work` for each input and returns the results in the same order.
    func map<Input: Sendable, Result: Sendable>(
        _ inputs: [Input], _ work: @escaping @Sendable (Input) -> Result
    ) async -> [Result] {
        await withTaskGroup(of: (Int, Result).self) { group in
            for (index, input) in inputs.enumerated() {
                group.addTask { [threads] in (index, await threads.run { work(input) }) }
            }
            var results = [Result?](repeating: nil, count: inputs.count)
            for await (index, result) in group { results[index] = result }
            return results.compactMap(\.self)
        }
    }
}
